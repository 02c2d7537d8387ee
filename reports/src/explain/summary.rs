//! What is in a journal, on a page, and what to ask next.

use provisioner_engine::observation::EndCause;
use provisioner_scenarios::explain::summary::{Said, Summary, Tally};
use provisioner_scenarios::explain::waiting::Wait;

use super::{LINES_MAX, count, run_of, task_time};
use crate::facts::why_not;
use crate::page::{Page, Section};
use crate::show_time;
use crate::table::Table;
use crate::text::{decimal, grouped};

/// What is in the journal that is called `journal` on the command line.
#[must_use]
pub fn summary(answer: &Summary, journal: &str) -> Page {
    let Summary { worker_types, orders, walk, .. } = answer;
    let mut page = Page::default();
    let mut head = Section::new(run_of(&walk.header).to_string());
    if let Some((first, last)) = walk.span {
        head.say(format!(
            "from {} to {}: {}, {}",
            show_time(first),
            show_time(last),
            count(walk.facts, "fact", "facts"),
            count(walk.decisions, "decision", "decisions"),
        ));
    } else {
        head.say("there is nothing in it");
    }
    let orders: Vec<String> =
        orders.iter().map(|(order, n)| format!("{} {order}", grouped(*n))).collect();
    if !orders.is_empty() {
        head.say(format!("orders: {}", orders.join(", ")));
    }
    page.add(head);
    let total = answer.total();
    let mut shown: Vec<(&str, &Tally)> =
        worker_types.iter().map(|(name, tally)| (name.as_str(), tally)).collect();
    shown.sort_by_key(|(name, tally)| (std::cmp::Reverse(tally.cost), *name));
    let more = shown.len().saturating_sub(WORKER_TYPES_SHOWN);
    shown.truncate(WORKER_TYPES_SHOWN);
    if shown.len() > 1 {
        shown.push(("total", &total));
    }
    let mut by_worker_type = Section::new("By worker type");
    if more > 0 {
        by_worker_type.say(format!("and {more} more that cost less"));
    }
    page.add(by_worker_type.set(table(&shown)));
    let mut refused = Section::new("What EC2 did not give");
    for (why, n) in &total.refused {
        refused.say(format!("{} × {}", grouped(*n), why_not(*why)));
    }
    let calls = [(total.throttled, "was throttled"), (total.unanswered, "got no answer")];
    for (n, what) in calls.into_iter().filter(|(n, _)| *n > 0) {
        refused.say(format!("{} × a launch call {what}", grouped(n)));
    }
    if !refused.is_empty() {
        page.add(refused);
    }
    page.add(reasons(answer));
    page.add(next(answer, journal));
    page
}

const WORKER_TYPES_SHOWN: usize = 12;

fn table(shown: &[(&str, &Tally)]) -> Table<'static> {
    let row = |(name, tally): &(&str, &Tally)| {
        let refused: u64 = tally.refused.values().sum();
        let taken = tally.ended.get(&EndCause::Interruption).copied().unwrap_or(0);
        let most = tally.worst.as_ref().map_or(0, |wait| wait.peak.0);
        let cells = vec![
            grouped(tally.launches),
            grouped(refused),
            grouped(tally.working),
            grouped(taken),
            decimal(tally.instance_time.as_hours_f64(), 1),
            format!("≈ {}", decimal(tally.cost.as_f64(), 2)),
            decimal(task_time(tally.waited_ms).as_hours_f64(), 1),
            grouped(u64::from(most)),
        ];
        ((*name).to_owned(), cells)
    };
    let columns = vec![
        ("launches", ""),
        ("refused", ""),
        ("working", ""),
        ("taken back", ""),
        ("alive", "h"),
        ("cost", "$"),
        ("waiting", "task h"),
        ("worst", "tasks"),
    ];
    let rows: Vec<_> = shown.iter().map(row).collect();
    Table { title: "", columns, sums: shown.len() > 1, rows }
}

/// Reasons by how often they were given.
fn reasons(answer: &Summary) -> Section {
    let mut section = Section::new("Reasons, by how often they were given");
    for (name, Said { times, first, example, config }) in answer.reasons.ranked() {
        section.say(format!(
            "{} × {name}, first at {}: {}",
            grouped(*times),
            show_time(*first),
            example.describe(config)
        ));
    }
    if section.is_empty() {
        section.say("none were given, nor are there any to be had");
    }
    section
}

/// What to ask next.
fn next(answer: &Summary, journal: &str) -> Section {
    let mut section = Section::new("What to ask next");
    let [refused, taken] = answer.telling;
    let launched = answer.worker_types.values().any(|tally| tally.launches > 0);
    let mut ask = |what: &str, options: String| {
        section.say(format!("{what}: provisioner explain {journal} {options}"));
    };
    let mut worst: Vec<(&String, &Wait)> = answer
        .worker_types
        .iter()
        .filter_map(|(name, tally)| Some((name, tally.worst.as_ref()?)))
        .collect();
    worst.sort_by_key(|(name, wait)| (std::cmp::Reverse(wait.task_ms), *name));
    for (name, wait) in worst.into_iter().take(LINES_MAX / 4) {
        let at = show_time(wait.peak.1);
        ask(&format!("why tasks of {name} waited most"), format!("--worker-type {name} --at {at}"));
    }
    if launched {
        let id = refused.or(taken).map_or(1, |launch| launch.0);
        let why = match (refused, taken) {
            (Some(_), _) => "the first launch that was refused",
            (None, Some(_)) => "the first instance that was taken back",
            (None, None) => "the first launch",
        };
        ask(why, format!("--launch {id}"));
    }
    if let (Some(_), Some(taken)) = (refused, taken) {
        ask("the first instance that was taken back", format!("--launch {}", taken.0));
    }
    let hindrance = answer
        .reasons
        .all()
        .map(|(_, said)| said)
        .filter(|said| provisioner_scenarios::explain::waiting::hinders(&said.example));
    if let Some(said) = hindrance.min_by_key(|said| said.first) {
        let at = show_time(said.first);
        ask("the first time that something stood in the way", format!("--at {at}"));
    }
    if section.is_empty() {
        section.say("nothing was launched and nobody waited");
    }
    section
}
