//! JSON Schemas are valid, accept what is shipped, and refuse nothing that is read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Validator, draft202012, meta};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::load_text;
use provisioner_scenarios::schema::{FileKind, schema_of};
use serde_json::json;
use toml::{Table, Value};

const SCENARIOS: &str = env!("CARGO_MANIFEST_DIR");

fn validator(kind: FileKind) -> Validator {
    draft202012::new(&schema_of(kind)).unwrap()
}

/// As a schema sees it: dates are strings.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Datetime(time) => json!(time.to_string()),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Table(table) => {
            table.iter().map(|(key, value)| (key.clone(), json(value))).collect()
        }
        plain => serde_json::to_value(plain).unwrap(),
    }
}

fn table(text: &str) -> Value {
    Value::Table(text.parse::<Table>().unwrap())
}

/// Every file that people may take for a model, and what it is.
fn shipped() -> Vec<(PathBuf, FileKind)> {
    let folders = ["", "library", "incidents", "storms", "suites", "experiments"];
    let files = folders.iter().flat_map(|folder| {
        fs::read_dir(Path::new(SCENARIOS).join(folder)).unwrap().map(|file| file.unwrap().path())
    });
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| path.file_name().is_some_and(|name| name != "Cargo.toml"))
        .collect();
    files.sort();
    let kind = |path: &PathBuf| match table(&fs::read_to_string(path).unwrap()).get("seeds") {
        Some(_) => FileKind::Experiment,
        None => FileKind::Scenario,
    };
    files.into_iter().map(|path| (path.clone(), kind(&path))).collect()
}

/// Whether the text is read as a file of that name.
fn is_read(path: &Path, text: &str, kind: FileKind) -> bool {
    match kind {
        FileKind::Experiment => Experiment::load_text(path, text).is_ok(),
        _ => load_text(path, text).is_ok(),
    }
}

#[test]
fn the_schemas_are_valid_themselves() {
    for kind in [FileKind::Scenario, FileKind::Experiment, FileKind::WorkerType] {
        let schema = schema_of(kind);
        assert!(meta::validate(&schema).is_ok(), "{kind:?}: {:?}", meta::validate(&schema).err());
    }
}

#[test]
fn every_shipped_file_is_valid() {
    let (scenario, experiment) = (validator(FileKind::Scenario), validator(FileKind::Experiment));
    let files = shipped();
    for (path, kind) in &files {
        let schema = if *kind == FileKind::Experiment { &experiment } else { &scenario };
        let file = json(&table(&fs::read_to_string(path).unwrap()));
        let errors: Vec<String> = schema
            .iter_errors(&file)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
    let experiments = files.iter().filter(|(_, kind)| *kind == FileKind::Experiment).count();
    assert!(
        files.len() > 60 && experiments >= 4,
        "{} files, {experiments} experiments",
        files.len()
    );
}

const SCENARIO: &str = r#"
seed = 7
time = { start = "2021-03-01", length = "6 h" }
market = { zones = ["us-east-1a"], on_demand = { "c5.large" = "$0.085/h" } }
faults.dry = { from = "1 h", what = "all-dry" }

[worker_types."ci/tests"]
capacity_max = 40
idle_timeout = "10 min"
instance_types."c5.large" = { capacity = 1, utility = 1.1 }
tasks = { poisson = { tasks_per_hour = 60, durations = { exponential = { mean = "5 min" } } } }
"#;

const EXPERIMENT: &str = r#"
base = "quickstart.toml"
seeds = 2
[axes.idle]
key = "worker_type_defaults.idle_timeout"
values = ["5 min", "10 min"]
[axes.policy.variants]
ours = { worker_type_defaults = { scaling = "target" } }
[tolerances]
total.cost_usd.total = "2 %"
[tune]
limits = { "wait_s.p95" = "15 min" }
"#;

/// What is written instead of what, in which of the two.
#[rustfmt::skip]
const BAD: [(&str, &str, &str); 30] = [
    // unknown keys
    (SCENARIO, "seed = 7", "sed = 7"),
    (SCENARIO, "start = ", "strat = "),
    (SCENARIO, "capacity = 1", "capacity = 1, colour = 2"),
    (SCENARIO, "mean = ", "media = "),
    (EXPERIMENT, "seeds = 2", "seeds = 2\nseed = 1"),
    (EXPERIMENT, "scaling = ", "scalling = "),
    // wrong types
    (SCENARIO, "seed = 7", "seed = \"7\""),
    (SCENARIO, "seed = 7", "seed = 7.5"),
    (SCENARIO, "[\"us-east-1a\"]", "\"us-east-1a\""),
    (SCENARIO, "capacity_max = 40", "capacity_max = true"),
    (SCENARIO, "{ capacity = 1, utility = 1.1 }", "1"),
    (EXPERIMENT, "[\"5 min\", \"10 min\"]", "\"5 min\""),
    // wrong units
    (SCENARIO, "\"6 h\"", "6"),
    (SCENARIO, "\"10 min\"", "\"10 m\""),
    (SCENARIO, "\"5 min\"", "\"5 min 1 h\""),
    (SCENARIO, "\"$0.085/h\"", "\"$0.085\""),
    (SCENARIO, "\"2021-03-01\"", "\"yesterday\""),
    (EXPERIMENT, "\"2 %\"", "\"2 percent\""),
    (EXPERIMENT, "\"15 min\"", "\"15 minutes\""),
    // wrong choices
    (SCENARIO, "\"all-dry\"", "\"all-wet\""),
    (SCENARIO, "exponential", "normal"),
    (EXPERIMENT, "\"target\"", "\"goal\""),
    // out of range
    (SCENARIO, "seed = 7", "seed = -7"),
    (SCENARIO, "capacity_max = 40", "capacity_max = 0"),
    (SCENARIO, "utility = 1.1", "utility = -1.1"),
    (SCENARIO, "\"1 h\"", "\"-1 h\""),
    (EXPERIMENT, "seeds = 2", "seeds = 0"),
    // missing
    (SCENARIO, "start = \"2021-03-01\", ", ""),
    (SCENARIO, "capacity_max = 40", ""),
    (EXPERIMENT, "seeds = 2", ""),
];

#[test]
fn what_is_bad_is_refused_by_the_schema_and_by_the_reader() {
    for (text, good, bad) in BAD {
        let kind = if text == SCENARIO { FileKind::Scenario } else { FileKind::Experiment };
        let (path, schema) = (Path::new(SCENARIOS).join("it.toml"), validator(kind));
        assert!(text.contains(good), "{good}");
        assert!(schema.is_valid(&json(&table(text))) && is_read(&path, text, kind), "{text}");
        let text = text.replacen(good, bad, 1);
        assert!(!schema.is_valid(&json(&table(&text))), "{bad} instead of {good}: the schema");
        assert!(!is_read(&path, &text, kind), "{bad} instead of {good}: the reader");
    }
}

/// What no schema can say, as its module tells.
#[test]
fn what_is_left_to_the_reader_is_refused_by_it_alone() {
    let (path, schema) = (Path::new(SCENARIOS).join("it.toml"), validator(FileKind::Scenario));
    for (good, bad) in [
        ("length = \"6 h\"", "length = \"1 s\""),
        ("length = \"6 h\"", "length = \"0.5 ms\""),
        ("length = \"6 h\"", "end = \"2021-02-01\""),
        ("\"2021-03-01\"", "\"2021-03-32\""),
        ("capacity_max = 40", "capacity_max = 40\ncapacity_min = 50"),
        ("\"all-dry\"", "{ broken-image = { worker_types = [\"ci/nobody\"] } }"),
        ("on_demand = ", "on_demand_files = [\"nowhere.tsv\"], on_demand = "),
    ] {
        assert!(SCENARIO.contains(good), "{good}");
        let text = SCENARIO.replacen(good, bad, 1);
        assert!(schema.is_valid(&json(&table(&text))), "{bad}");
        assert!(!is_read(&path, &text, FileKind::Scenario), "{bad}");
    }
}

#[test]
fn what_may_stand_elsewhere_is_not_missed() {
    let schema = validator(FileKind::Scenario);
    let is_valid = |text: &str| schema.is_valid(&json(&table(text)));
    let without = SCENARIO.replace("capacity_max = 40\n", "");
    assert!(!is_valid(&without));
    assert!(is_valid(&format!("{without}[worker_type_defaults]\ncapacity_max = 9\n")));
    assert!(!is_valid(&format!("{without}[worker_type_defaults]\ncapacity_min = 9\n")));
    assert!(is_valid(&format!("base = \"other.toml\"{without}")));
    let alone = validator(FileKind::WorkerType);
    let worker_type = table(SCENARIO)["worker_types"]["ci/tests"].clone();
    assert!(alone.is_valid(&json(&worker_type)) && !alone.is_valid(&json(&table("tasks = 1"))));
}

#[test]
fn quantities_match_however_they_are_written() {
    let schema = validator(FileKind::Scenario);
    let (path, kind) = (Path::new(SCENARIOS).join("it.toml"), FileKind::Scenario);
    let as_written = |good: &str, other: &str| {
        let text = SCENARIO.replacen(good, other, 1);
        assert!(is_read(&path, &text, kind) && schema.is_valid(&json(&table(&text))), "{other}");
    };
    for length in ["1.5 h", "1h30min", " 1 d 2 h 3 min 4 s 5 ms ", "6\u{a0}h", "0090 s"] {
        as_written("\"6 h\"", &format!("\"{length}\""));
    }
    for price in ["$1/h", "$0.5 /h", " $0.000001/h "] {
        as_written("\"$0.085/h\"", &format!("\"{price}\""));
    }
    for time in [
        "2021-03-01",
        "\"2021-03-01 02:00:00.250+02:00\"",
        "2021-03-01T00:00:00Z",
        "\"2021-03-01T00Z\"",
        "\"20210301T000000Z\"",
        "\"+002021-03-01T00:00:00Z\"",
        "\"2021-03-01t00:00z\"",
        "\"2021-03-01T00:00+00:00[UTC]\"",
    ] {
        as_written("\"2021-03-01\"", time);
    }
    for utility in ["1", "\"1.5\"", "0.000001"] {
        as_written("utility = 1.1", &format!("utility = {utility}"));
    }
    for time in ["08:30", "8:30", "23:59"] {
        let floor =
            format!("capacity_max = 40\nfloors.day = {{ capacity_min = 1, from = \"{time}\" }}");
        as_written("capacity_max = 40", &floor);
    }
}

/// Files that need no recordings, so that reading them is fast.
fn models() -> Vec<(PathBuf, String, FileKind)> {
    let files = shipped().into_iter().map(|(path, kind)| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text, kind)
    });
    files.filter(|(_, text, _)| !text.contains("traces/")).collect()
}

/// The paths of all that is in a value: keys and positions.
fn nodes(value: &Value, at: &[String], all: &mut Vec<Vec<String>>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(nth, item)| (nth.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let path = [at, &[key]].concat();
        all.push(path.clone());
        nodes(value, &path, all);
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Drop,
    Rename(&'static str),
    Replace(Value),
    /// By a value from elsewhere in the file.
    Copy(Index),
    /// Something beside it.
    Add(&'static str, Value),
}

fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "x",
        "5 m",
        "5 min",
        "-5 min",
        "0 s",
        "$1",
        "$1/h",
        "-$1",
        "40 %",
        "1.5",
        "1e3",
        "any",
        "target",
        "full",
        "2021-03-02",
        "08:30",
        "UTC",
        "a.b",
        "not measurably worse",
        "2 % unless by chance",
        "us-east-1a",
    ];
    let table = |text: &str| Value::Table(text.parse::<Table>().unwrap());
    prop_oneof![
        select(texts.map(Value::from).to_vec()),
        select([0, 1, -1, 7, 1_000_000_007].map(Value::Integer).to_vec()),
        select([0.0, 0.5, -0.5, 1e300].map(Value::Float).to_vec()),
        any::<bool>().prop_map(Value::Boolean),
        select(
            ["[]", "[1]", "[\"x\"]", "[[]]", "[{}]"]
                .map(|list| { format!("it = {list}").parse::<Table>().unwrap()["it"].clone() })
                .to_vec()
        ),
        select(["", "x = 1", "off = {}", "exponential = { mean = \"1 h\" }"].map(table).to_vec()),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let name = || select(vec!["x", "base", "seed", "capacity_max", "on", "a b", "spread"]);
    prop_oneof![
        Just(Edit::Drop),
        name().prop_map(Edit::Rename),
        value().prop_map(Edit::Replace),
        any::<Index>().prop_map(Edit::Copy),
        (name(), value()).prop_map(|(name, value)| Edit::Add(name, value)),
    ]
}

fn at<'v>(mut value: &'v mut Value, path: &[String]) -> &'v mut Value {
    for key in path {
        value = match value {
            Value::Table(table) => table.get_mut(key).unwrap(),
            Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
            plain => unreachable!("{plain} holds nothing"),
        };
    }
    value
}

fn edited(file: &mut Value, place: Index, edit: Edit) {
    let mut all = Vec::new();
    nodes(file, &[], &mut all);
    let path = place.get(&all).clone();
    let (key, parent) = path.split_last().unwrap();
    match (edit, at(file, parent)) {
        (Edit::Copy(from), _) => {
            let from: &Vec<String> = from.get(&all);
            let copy = at(file, from).clone();
            *at(file, &path) = copy;
        }
        (Edit::Replace(value), _) => *at(file, &path) = value,
        (Edit::Drop, Value::Table(table)) => drop(table.remove(key)),
        (Edit::Drop | Edit::Rename(_), Value::Array(items)) => {
            items.remove(key.parse::<usize>().unwrap());
        }
        (Edit::Rename(name), Value::Table(table)) => {
            let value = table.remove(key).unwrap();
            table.insert(name.to_owned(), value);
        }
        (Edit::Add(name, value), Value::Table(table)) => drop(table.insert(name.to_owned(), value)),
        (Edit::Add(_, value), Value::Array(items)) => items.push(value),
        (_, plain) => unreachable!("{plain} holds nothing"),
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let (models, scenario, experiment) =
        (models(), validator(FileKind::Scenario), validator(FileKind::Experiment));
    assert!(models.len() > 30);
    let mut runner = TestRunner::new(Config::with_cases(2_000));
    let edits = prop::collection::vec((any::<Index>(), edit()), 1..3);
    let refused = Cell::new(0);
    runner
        .run(&(any::<Index>(), edits), |(model, edits)| {
            let (path, text, kind) = model.get(&models);
            let mut file = table(text);
            edits.into_iter().for_each(|(place, edit)| edited(&mut file, place, edit));
            let schema = if *kind == FileKind::Experiment { &experiment } else { &scenario };
            if !schema.is_valid(&json(&file)) {
                refused.set(refused.get() + 1);
                let text = toml::to_string(&file).unwrap();
                prop_assert!(!is_read(path, &text, *kind), "{}:\n{text}", path.display());
            }
            Ok(())
        })
        .unwrap();
    assert!(refused.get() > 500, "the schema refused {} only", refused.get());
}
