//! Words and figures that every form of the report shares.

use provisioner_scenarios::suite::Tolerance;

use super::judge::{Cause, Judged, Report, Row, Verdict};
use crate::diff::Brief;
use crate::measure::Unit;
use crate::text::{count, decimal};
use provisioner_scenarios::paired::Interval;

/// `example: 3 scenarios × 6 seeds, commit …, against the baseline of commit …`.
pub(super) fn title(report: &Report) -> String {
    let Report { suite, seeds, commit, scenarios } = report;
    format!(
        "{suite}: {} × {}, commit {commit}, against the baseline of commit {}",
        count(scenarios.len() as u64, "scenario"),
        count(*seeds as u64, "seed"),
        report.baseline_commits()
    )
}

/// What came out, in a sentence.
pub(super) fn conclusion(report: &Report) -> String {
    let all = report.scenarios.len();
    let worse: Vec<&str> =
        report.scenarios.iter().filter(|it| it.is_worse()).map(|it| it.name.as_str()).collect();
    let same = report.scenarios.iter().filter(|it| it.is_same()).count();
    match (worse.len(), same) {
        (0, same) if same == all => {
            format!(
                "Everything is as accepted: {} decide and come to the same.",
                count(all as u64, "scenario")
            )
        }
        (0, _) => format!("Nothing got worse; {} of {all} changed.", all - same),
        (n, _) => format!("{n} of {all} got worse: {}.", worse.join(", ")),
    }
}

/// What is to be known of a scenario besides its measures.
pub(super) fn notes(judged: &Judged) -> Vec<String> {
    let mut notes = Vec::new();
    let (seeds, is_same) = (&judged.decided_otherwise, judged.is_same());
    if judged.is_another() {
        let [before, now] = [&judged.before[0], &judged.now[0]];
        let but = if is_same { "; decisions and measures are as they were" } else { "" };
        notes.push(format!("the scenario's text or input changed, hash {before} → {now}{but}"));
    }
    if judged.broke_exactness() {
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let seeds = seeds.join(", ");
        notes.push(format!(
            "WORSE: decisions must be exactly as they were, and are not with seed {seeds}"
        ));
    }
    if !is_same && seeds.is_empty() {
        notes.push(
            "decisions are as they were: the modelled world or its measures changed".to_owned(),
        );
    }
    let unknown = judged.judged().filter(|row| row.verdict == Verdict::Unknown);
    notes.extend(unknown.map(|row| {
        format!(
            "{} has no number in the baseline, or none now: accept to have it judged",
            row.measure
        )
    }));
    if judged.judged().all(|row| row.verdict == Verdict::Same) && !seeds.is_empty() {
        notes.push(format!(
            "decisions changed with {}, and nothing that is judged did",
            count(seeds.len() as u64, "seed")
        ));
    }
    notes
}

/// The first decision that changed, in lines of a word and what it is about.
pub(super) fn cause(judged: &Judged) -> Vec<(String, String)> {
    let line = |word: &str, says: &str| (word.to_owned(), says.to_owned());
    let Cause { seed, brief, .. } = match &judged.cause {
        Some(Ok(cause)) => cause,
        Some(Err(why)) => return vec![line(NOT_KNOWN, why)],
        None if judged.decided_otherwise.is_empty() => return Vec::new(),
        None => return vec![line(NOT_KNOWN, NO_JOURNAL)],
    };
    let Brief { settings, fact, decision, told, sides: [was, now] } = brief;
    let [theirs, ours] = [&judged.before[1], &judged.now[1]];
    let setting = match settings.as_slice() {
        [] if theirs == ours => None,
        [] => Some(line(OTHER_PROGRAM, &format!("commit {theirs} → {ours}"))),
        [only] => Some(line(SETTING, only)),
        [first, more @ ..] => Some(line(SETTING, &format!("{first}, and {} more", more.len()))),
    };
    let fact = fact.iter().flat_map(|[was, now]| {
        [line("first fact that differs, was", was), line("first fact that differs, now", now)]
    });
    let which = format!("first decision that changed, seed {seed}");
    let told = told.iter().map(|told| line("told just before", told));
    let sides = [line("was", was), line("now", now)];
    setting
        .into_iter()
        .chain(fact)
        .chain([line(&which, decision)])
        .chain(told)
        .chain(sides)
        .collect()
}

const OTHER_PROGRAM: &str = "settings are equal, the program changed";
const NO_JOURNAL: &str = "the baseline keeps no journal of these seeds (`journals`)";
const NOT_KNOWN: &str = "which decision changed first is not known";

/// Units are the engine's.
const SETTING: &str = "setting (ms, µ$, millionths)";

/// Headers of what [`cells`] gives.
pub(super) const HEADERS: [&str; 5] = ["was", "now", "difference", "may be worse by", ""];

/// A row's means, their difference, its tolerance and its verdict.
pub(super) fn cells(row: &Row) -> [String; 5] {
    let unit = Unit::of(&row.measure);
    let mean =
        |side: usize| row.means.map_or_else(|| "-".to_owned(), |means| unit.show(means[side]));
    let tolerance = row.tolerance.filter(|it| *it != Tolerance::Any);
    let tolerance = tolerance.map_or_else(String::new, |it| match it {
        Tolerance::UnlessByChance(_) | Tolerance::UpTo(_) => it.to_string(),
        Tolerance::Any => String::new(),
    });
    [mean(0), mean(1), difference(row), tolerance, word(row).to_owned()]
}

/// `+4.0 % ± 0.3 %` of what it was, or in the measure's unit where that was nothing.
pub(super) fn difference(row: &Row) -> String {
    let (Some(Interval { middle, half }), Some([was, _])) = (row.difference, row.means) else {
        return "-".to_owned();
    };
    let unit = Unit::of(&row.measure);
    // What is less than a twentieth of a percent is no share that can be read.
    let share = middle.abs() / was.abs();
    let show = |number: f64| match was.abs() {
        was if was > 0.0 && (share == 0.0 || share > 0.000_5) => {
            format!("{} %", decimal(number / was * 100.0, 1))
        }
        _ => unit.show_short(number),
    };
    let sign = if middle < 0.0 { "-" } else { "+" };
    let spread = if half.is_finite() { format!(" ± {}", show(half)) } else { String::new() };
    format!("{sign}{}{spread}", show(middle.abs()))
}

/// A row's verdict in few words.
fn word(row: &Row) -> &'static str {
    match row.verdict {
        Verdict::Same => "same",
        Verdict::Better => "better",
        Verdict::Chance => "may be chance",
        Verdict::Allowed => "allowed",
        Verdict::Worse if row.is_measurable() || row.is_of_one_seed() => "WORSE",
        Verdict::Worse => "WORSE, may be chance",
        Verdict::Unknown => "no number",
        Verdict::Unjudged => "",
    }
}

/// A row as a sentence, without its measure and verdict.
pub(super) fn sentence(row: &Row) -> String {
    let [was, now, difference, tolerance, _] = cells(row);
    format!("{was} → {now}, {difference}; may be worse by: {tolerance}")
}
