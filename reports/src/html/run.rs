//! The report on one scenario.

mod cost;
mod drawn;
mod market;
mod queue;
mod waits;

use provisioner_engine::units::{Time, Usd};
use provisioner_scenarios::results::Results;
use provisioner_scenarios::timeline::Timeline;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;

pub(crate) use self::cost::splits;
use super::axis::{Axis, number};
use super::markup::Body;
use crate::checks::{Checked, Verdict};
use crate::summary::{cost_per_task, dollar_decimals, left_out, share, tables, total_dollars};
use crate::sweep::{COLUMNS, few_seeds};
use crate::table::Table;
use crate::text::{count, day_and_time, decimal, decimals_for, grouped, in_words, to_the_minute};
use crate::{Run, warnings};

/// Everything that the page tells.
pub struct Report<'a> {
    /// What names the run that is drawn.
    pub run: &'a Run,
    /// What the scenario is about, in its author's words.
    pub description: &'a str,
    /// What the run was made of.
    pub config: &'a SimConfig,
    /// What it came to.
    pub outcome: &'a Outcome,
    /// What it was over time.
    pub timeline: &'a Timeline,
    /// The same scenario with several seeds, the run's among them.
    pub seeds: &'a Results,
    /// What the scenario says must hold.
    pub checked: &'a [Checked<'a>],
    /// What is worth knowing about the inputs.
    pub remarks: &'a [String],
    /// What was typed to get the page, and to get its run again.
    pub commands: &'a [String],
}

/// The page.
#[must_use]
pub fn page(report: &Report<'_>) -> String {
    let mut body = Body::default();
    let (outcome, timeline) = (report.outcome, report.timeline);
    let tables = tables(outcome);
    let named = |title: &str| tables.iter().find(|table| table.title == title);
    cost::section(&mut body, outcome, timeline, named("Cost"));
    queue::section(&mut body, report.config, outcome, timeline, named("Tasks"));
    waits::section(&mut body, report.config, outcome, timeline, named("Wait"));
    let bought = [named("Launches"), named("Instances")];
    market::section(&mut body, report.config, outcome, timeline, bought.into_iter().flatten());
    reasons(&mut body, timeline);
    checks(&mut body, report.checked);
    chance(&mut body, report);
    again(&mut body, report);
    body.page(&report.run.scenario, report.description, &lede(report), &headline(outcome))
}

/// What it came to, in a paragraph.
pub(crate) fn lede(report: &Report<'_>) -> Vec<String> {
    let Outcome { total, started, finished, .. } = report.outcome;
    let [done, submitted] = [total.tasks.done, total.tasks.submitted];
    let tasks = match done {
        _ if done == submitted && done > 1 => format!("all {} tasks", grouped(done)),
        _ => format!("{} of {}", grouped(done), count(submitted, "task")),
    };
    let mut says = vec![format!(
        "From {} to {} UTC ({}), {tasks} were done for ${}{}.",
        day_and_time(*started),
        day_and_time(*finished),
        in_words(finished.since(*started)),
        total_dollars(total),
        cost_per_task(total).map_or_else(String::new, |each| format!(
            ", ${} each",
            decimal(each, decimals_for(each))
        )),
    )];
    if let Some(bound) = total.bound.filter(|bound| *bound > Usd::ZERO) {
        says.push(format!(
            "Nobody could have done it for less than ${} ({}) without longer waits.",
            decimal(bound.as_f64(), dollar_decimals(bound)),
            percent(bound, total.cost.total() + total.waived),
        ));
    }
    says.push(format!("{}.", waits::says(report.outcome)));
    vec![says.join(" ")]
}

fn headline(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let total = &outcome.total;
    let mut facts = vec![("cost", format!("${}", total_dollars(total)))];
    if let Some(each) = cost_per_task(total) {
        facts.push(("cost of a task", format!("${}", decimal(each, decimals_for(each)))));
    }
    if let Some(bound) = total.bound.filter(|bound| *bound > Usd::ZERO) {
        let shown = decimal(bound.as_f64(), dollar_decimals(bound));
        facts.push(("least anybody could pay", format!("${shown}")));
    }
    if total.wait.count > 0 {
        facts.push(("95 % waited at most", in_words(total.wait.p95)));
    }
    facts.push(("tasks done", grouped(total.tasks.done)));
    let [taken, started] = [total.launches.interrupted, total.launches.started].map(grouped);
    facts.push(("instances taken back", format!("{taken} of {started}")));
    facts
}

/// The run's time as an axis.
fn time_axis(timeline: &Timeline, ticks: i64) -> Axis {
    Axis::time(timeline.start, timeline.at(timeline.steps().max(1)), ticks)
}

/// Where the values of steps are drawn: in their middles, or from end to end where they are few enough
/// to be seen.
fn places(timeline: &Timeline, of: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
    let steps = 0..timeline.steps();
    let ms = |time: Time| number(time.ms());
    if steps.len() > STAIRS_MAX {
        return steps.map(|step| (ms(timeline.middle(step)), of(step))).collect();
    }
    let stair = |step: usize| {
        let value = of(step);
        [(ms(timeline.at(step)), value), (ms(timeline.at(step + 1)), value)]
    };
    steps.flat_map(stair).collect()
}

const STAIRS_MAX: usize = 150;

/// Some two dozen spans of steps that the whole run is cut into, for tables.
fn spans(timeline: &Timeline) -> Vec<std::ops::Range<usize>> {
    let steps = timeline.steps();
    let length = steps.div_ceil(SPANS).max(1);
    (0..steps).step_by(length).map(|from| from..(from + length).min(steps)).collect()
}

const SPANS: usize = 24;

fn reasons(body: &mut Body, timeline: &Timeline) {
    let ranked = timeline.reasons.ranked();
    if ranked.is_empty() {
        return;
    }
    let times = ranked.iter().map(|(_, said)| said.times).sum();
    let first = ranked.first().map_or("", |(name, _)| *name);
    let says = format!(
        "The engine gave {} reasons, of {} kinds; the most frequent is “{first}”",
        grouped(times),
        ranked.len()
    );
    body.section("reasons", "Reasons", &says);
    body.paragraph(
        "Every order, and every order that was not given, has a reason. Here is how often each kind \
         was given, and how it was put the first time.",
    );
    let row = |(name, said): &(&'static str, &provisioner_scenarios::explain::summary::Said)| {
        let words = said.example.describe(&said.config).to_string();
        ((*name).to_owned(), vec![grouped(said.times), to_the_minute(said.first), words])
    };
    let table = Table {
        title: "",
        columns: vec![("times", ""), ("first", "UTC"), ("the first in words", "")],
        rows: ranked.iter().map(row).collect(),
        sums: false,
    };
    body.prose("Reasons by how often they were given", "reason", &table);
}

fn checks(body: &mut Body, checked: &[Checked<'_>]) {
    if checked.is_empty() {
        return;
    }
    let failed = checked.iter().filter(|it| it.verdict == Verdict::Failed).count();
    let says = match failed {
        0 => "All that the scenario says must hold does".to_owned(),
        failed => format!("{failed} of {} checks fail", checked.len()),
    };
    body.section("checks", "Checks", &says);
    let row = |it: &Checked<'_>| {
        let verdict = match it.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::SaysNothing => "says nothing here",
        };
        let because = it.check.because.clone();
        let cells = vec![it.shown_value(), it.shown_bounds(), verdict.to_owned(), because];
        (format!("{} ({})", it.check.name, it.check.measure), cells)
    };
    let table = Table {
        title: "",
        columns: vec![("value", ""), ("must be", ""), ("verdict", ""), ("because", "")],
        rows: checked.iter().map(row).collect(),
        sums: false,
    };
    body.prose("Checks", "check", &table);
}

/// What other seeds come to.
fn chance(body: &mut Body, report: &Report<'_>) {
    let Results { manifest, outcomes } = report.seeds;
    if outcomes.len() < 2 {
        return;
    }
    let seeds = outcomes.len();
    body.section("chance", "Chance", &format!("How much is chance: the same with {seeds} seeds"));
    body.list(&few_seeds(report.seeds).into_iter().collect::<Vec<_>>());
    body.paragraph(&format!(
        "Seeds change what nobody chooses: generated tasks and prices, boot times, interruptions. The \
         pictures above are of seed {}; all seeds are {}.",
        report.run.seed,
        manifest.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    ));
    body.table(&format!("{seeds} seeds"), "measure", &chance_table(report));
}

/// The main measures of all seeds.
pub(crate) fn chance_table(report: &Report<'_>) -> Table<'static> {
    let outcomes = &report.seeds.outcomes;
    let row = |column: &crate::sweep::Column| {
        let (name, unit, small, measure) = column;
        let values: Vec<f64> = outcomes.values().map(measure).collect();
        let figure = crate::sweep::Figure::of(&values);
        let decimals = if figure.mean >= crate::sweep::LARGE { 0 } else { *small };
        let show = |value: f64| decimal(value, decimals);
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(*it), b.max(*it)));
        let mean = format!("{} ± {}", show(figure.mean), show(figure.spread));
        let cells =
            [(*unit).to_owned(), show(measure(report.outcome)), mean, show(least), show(most)];
        ((*name).to_owned(), cells.into())
    };
    Table {
        title: "",
        columns: ["unit", "this run", "mean ± standard deviation", "lowest", "highest"]
            .map(|header| (header, ""))
            .into(),
        rows: COLUMNS.iter().map(row).collect(),
        sums: false,
    }
}

/// What is worth knowing about the figures.
pub(crate) fn remarks(report: &Report<'_>) -> Vec<String> {
    let mut remarks = warnings::warnings(report.config, report.outcome);
    remarks.extend(report.remarks.iter().cloned());
    let left_out = left_out(report.outcome);
    if left_out > 0 {
        remarks.push(format!("{left_out} cheaper worker types are in the totals only"));
    }
    remarks
}

/// How to get all this again, and what to mind about it.
fn again(body: &mut Body, report: &Report<'_>) {
    let Report { run, outcome, .. } = report;
    let remarks = remarks(report);
    if !remarks.is_empty() {
        body.section("mind", "What to mind", "What to mind about these figures");
        body.list(&remarks);
    }
    body.section("again", "To get it again", "Equal names give equal figures");
    body.commands(report.commands);
    let seeds: Vec<String> = report.seeds.manifest.seeds.iter().map(u64::to_string).collect();
    body.facts(
        "facts",
        &[
            ("scenario", run.scenario.clone()),
            ("scenario hash", run.scenario_hash.clone()),
            ("seeds", seeds.join(", ")),
            ("commit", run.commit.clone()),
            ("events", grouped(outcome.events)),
            ("decisions", outcome.decision_digest.clone()),
        ],
    );
}

/// A part of money in percent, with its unit.
fn percent(part: Usd, whole: Usd) -> String {
    format!("{} %", share(part, whole))
}
