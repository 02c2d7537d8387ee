//! Every parameter of the modelled world does what its name says.
//!
//! `parameters.txt` has a row for each key: two values, and which measure rises or falls from the
//! first to the second (or stays, where
//! that is the point). A key without a row fails, and so does a row without a key. The keys are
//! those that `provisioner parameters` lists; a row with a named form of a value (`"queue-down"`)
//! is that form's row, too.
//!
//! Measures are the numbers of `--json`. Besides, `facts.NAME.count` is how many facts of a kind the
//! engine was told, `facts.NAME.mean_s` when on average, counted from the start, and
//! `facts.NAME.moments` at how many different times.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::cast_precision_loss, reason = "a direction is all that is asked for")]

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use provisioner_engine::journal::Record;
use provisioner_reports::checks::bind;
use provisioner_scenarios::{Scenario, load, parameters};
use provisioner_sim::{Hooks, run};

const ROWS: &str = include_str!("parameters.txt");

/// Whose keys need a row.
const MODELS: [&str; 6] = [
    "cloud.",
    "queue.",
    "faults.",
    "worker_types.<name>.workers.",
    "engine_process.",
    "market.feed.",
];

/// A key and what changes with it.
struct Row<'a> {
    key: &'a str,
    values: [&'a str; 2],
    measure: &'a str,
    how: Ordering,
    /// The scenario it is about, and what that says besides.
    base: &'a str,
    with: Vec<&'a str>,
}

/// The bases by name, and the rows.
fn read() -> (BTreeMap<&'static str, String>, Vec<Row<'static>>) {
    let (mut bases, mut rows) = (BTreeMap::<_, String>::new(), Vec::<Row<'_>>::new());
    let mut base = "";
    for line in ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("base ") {
            base = name;
        } else if let Some(text) = line.strip_prefix("| ") {
            *bases.entry(base).or_default() += &format!("{text}\n");
        } else if let Some(with) = line.strip_prefix("    ") {
            rows.last_mut().unwrap().with.push(with);
        } else {
            let columns: Vec<_> =
                line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
            let &[key, values, effect] = &columns[..] else { panic!("three columns: {line}") };
            let (before, after) = values.split_once(" → ").unwrap();
            let (measure, how) = effect.rsplit_once(' ').unwrap();
            let how = match how {
                "falls" => Ordering::Less,
                "stays" => Ordering::Equal,
                "rises" => Ordering::Greater,
                _ => panic!("it rises, falls or stays: {line}"),
            };
            rows.push(Row { key, values: [before, after], measure, how, base, with: Vec::new() });
        }
    }
    (bases, rows)
}

impl Row<'_> {
    /// The scenario with one of its values; `-` leaves the key out.
    fn text(&self, value: &str) -> String {
        let in_file = |line: &str| {
            let line = line
                .strip_prefix("w.")
                .map_or(line.to_owned(), |rest| format!("worker_types.<name>.{rest}"));
            line.replace("worker_types.<name>", "worker_types.\"w/w\"").replace("<name>", "it")
        };
        let mut text = format!("base = \"{}\"\n", self.base);
        if value != "-" {
            text += &format!("{} = {value}\n", in_file(self.key));
        }
        self.with.iter().for_each(|line| text += &format!("{}\n", in_file(line)));
        if !self.measure.starts_with("facts.") {
            let measure = self.measure;
            text += &format!(
                "[checks.it]\nbecause = \"it is measured\"\nmeasure = '{measure}'\nat_least = 0\n"
            );
        }
        text
    }

    /// What is measured with one of its values.
    fn measured(&self, folder: &Path, value: &str) -> Result<f64, String> {
        let path = folder.join("row.toml");
        fs::write(&path, self.text(value)).unwrap();
        let scenario = load(&path).map_err(|issues| issues.to_string())?.scenario;
        match self.measure.strip_prefix("facts.") {
            Some(facts) => {
                let (name, what) = facts.split_once('.').unwrap();
                Ok(told(&scenario, name, what))
            }
            None => checked(&scenario),
        }
    }

    /// The keys that it is about.
    fn keys(&self) -> impl Iterator<Item = String> {
        let forms = self.values.into_iter().filter(|value| value.starts_with('"'));
        let forms = forms.map(|value| format!("{}.{}", self.key, value.trim_matches('"')));
        std::iter::once(self.key.to_owned()).chain(forms.collect::<Vec<_>>())
    }
}

fn checked(scenario: &Scenario) -> Result<f64, String> {
    let config = scenario.config(scenario.seed());
    let checks = bind(scenario, &config).map_err(|issues| issues.to_string())?;
    let outcome = run(&config, &mut *scenario.tasks(scenario.seed()), Hooks::default());
    Ok(checks.judge(&outcome)[0].value.unwrap_or(f64::NAN))
}

fn told(scenario: &Scenario, name: &str, what: &str) -> f64 {
    let config = scenario.config(scenario.seed());
    let mut times = Vec::new();
    let mut journal = |record| {
        if let Record::Observed { at, observation } = record
            && format!("{observation:?}").split([' ', '{']).next() == Some(name)
        {
            times.push((at - config.start).as_secs_f64());
        }
    };
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let _ = run(&config, &mut *scenario.tasks(scenario.seed()), hooks);
    let count = times.len() as f64;
    match what {
        "count" => count,
        "mean_s" => times.iter().sum::<f64>() / count,
        "moments" => {
            times.dedup();
            times.len() as f64
        }
        _ => panic!("nothing is called {what}"),
    }
}

#[test]
fn every_key_has_a_row_and_every_row_a_key() {
    let documented: Vec<String> = parameters().into_iter().map(|key| key.path).collect();
    let (_, rows) = read();
    let shown: BTreeSet<String> = rows.iter().flat_map(Row::keys).collect();
    let is_in = |outer: &str, path: &String| {
        path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    let ours = documented.iter().filter(|path| MODELS.iter().any(|model| path.starts_with(model)));
    let leaves = ours.filter(|path| !documented.iter().any(|other| is_in(path, other)));
    let missing: Vec<_> = leaves.filter(|path| !shown.contains(*path)).collect();
    let unknown: Vec<_> = rows
        .iter()
        .map(|row| row.key)
        .filter(|key| !documented.iter().any(|path| path == key))
        .collect();
    assert!(missing.is_empty(), "no row shows the effect of {missing:#?}");
    assert!(unknown.is_empty(), "there is no key {unknown:#?}");
}

#[test]
fn every_key_has_the_effect_that_its_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let (bases, rows) = read();
    for (name, text) in bases {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut wrong = String::new();
    for row in rows {
        let Row { key, values: [from, to], measure, how, .. } = row;
        let measured = |value| row.measured(folder.path(), value);
        let line = match measured(from).and_then(|before| Ok((before, measured(to)?))) {
            Ok((before, after)) if after.partial_cmp(&before) == Some(how) => continue,
            Ok((before, after)) => format!("{measure} is {before}, then {after}"),
            Err(issues) => issues,
        };
        wrong += &format!("{key}  {from} → {to}: {line}\n");
    }
    assert!(wrong.is_empty(), "not as said:\n{wrong}");
}
