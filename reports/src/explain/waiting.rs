//! Why tasks waited, on a page.

use provisioner_engine::decision::Market;
use provisioner_engine::orders::price;
use provisioner_engine::units::Duration;
use provisioner_scenarios::explain::waiting::{Bought, Cause, Hindrance, Known, Wait, Waiting};

use super::{LINES_MAX, alternatives, because, count, run_of, task_time};
use crate::facts::why_not;
use crate::page::{Page, Section};
use crate::show_time;
use crate::text::{grouped, in_words};

/// Why tasks of a worker type waited at a time.
#[must_use]
pub fn waiting(answer: &Waiting) -> Page {
    let Waiting { worker_type, asked, known, wait, others, causes, hindrances, calls, walk } =
        answer;
    let mut page = Page::default();
    let at = show_time(*asked);
    let mut head = Section::new(match wait {
        Some(_) => format!("Why tasks of {worker_type} waited at {at}"),
        None => format!("No task of {worker_type} waited at {at}"),
    });
    head.say(run_of(&walk.header).to_string());
    match wait {
        Some(wait) => head.say(told(wait)),
        None => {
            let [last, next] = others;
            let when = [("the last wait before", last), ("the next one", next)];
            for (which, wait) in when {
                if let Some(wait) = wait {
                    head.say(format!("{which}: {}", told(wait)));
                }
            }
        }
    }
    page.add(head);
    page.add(then(&at, known));
    if wait.is_some() {
        page.add(while_waiting(causes));
        let is_full = causes.contains_key(&Cause::AtMost);
        page.add(in_the_way(hindrances, calls, is_full));
        page.add(bought(calls));
    }
    if let Some(config) = &known.config
        && let Some(id) = config.worker_types.iter().position(|it| it.name == *worker_type)
    {
        let id = provisioner_engine::ids::WorkerTypeId::new(id);
        let title = format!("Where it could be bought at {at}");
        if let Some(table) = alternatives(&title, config, id, &known.alternatives, None) {
            page.add(table);
        }
    }
    page
}

fn told(wait: &Wait) -> String {
    let Wait { from, until, peak, task_ms } = wait;
    let until = until.map_or_else(|| "the journal's end".to_owned(), show_time);
    format!(
        "tasks waited from {} to {until}, at most {} (at {}); all their waits together {}",
        show_time(*from),
        grouped(u64::from(peak.0)),
        show_time(peak.1),
        in_words(task_time(*task_ms)),
    )
}

fn then(at: &str, known: &Known) -> Section {
    let mut section = Section::new(format!("What was known at {at}"));
    match known.counts {
        Some((at, pending, claimed)) => {
            section.tell(at, format!("the queue counted {pending} pending, {claimed} claimed"));
        }
        None => section.say("the queue had not told its counts yet"),
    }
    match &known.word {
        Some(word) => because(&word.config, &word.reasons)
            .iter()
            .for_each(|reason| section.tell(word.at, reason)),
        None => section.say("nothing had been decided about it yet"),
    }
    section
}

/// How long it was for what cause, the longest first.
fn while_waiting(causes: &std::collections::BTreeMap<Cause, Duration>) -> Section {
    let mut section = Section::new("While tasks waited");
    let mut causes: Vec<(Cause, Duration)> =
        causes.iter().map(|(cause, time)| (*cause, *time)).collect();
    causes.sort_by_key(|(cause, time)| (std::cmp::Reverse(*time), *cause));
    for (cause, time) in causes.into_iter().filter(|(_, time)| *time > Duration::ZERO) {
        let words = match cause {
            Cause::Undecided => "no decision had been taken about them yet",
            Cause::Unknown => "the queue's counts were old or not known",
            Cause::HeldBack => "something stood in the way of capacity that was wanted",
            Cause::OnTheWay => "capacity was ordered and on its way: requested, starting, booting",
            Cause::AtMost => "there was as much capacity as it may have (`capacity_max`)",
            Cause::NotWanted => "no more capacity was wanted than there was",
        };
        section.say(format!("for {} {words}", in_words(time)));
    }
    if section.is_empty() {
        section.say("no time passed");
    }
    section
}

fn in_the_way(hindrances: &[Hindrance], calls: &[Bought], is_full: bool) -> Section {
    let mut section = Section::new("What stood in the way");
    for Hindrance { span: (first, last), times, reason, config } in
        hindrances.iter().take(LINES_MAX * 2)
    {
        let reason = reason.describe(config);
        match times {
            1 => section.tell(*first, reason.to_string()),
            _ => section
                .tell(*first, format!("{reason} (said {times} times until {})", show_time(*last))),
        }
    }
    if section.is_empty() {
        let is_refused = calls.iter().any(|call| !call.refused.is_empty());
        section.say(match (is_full, is_refused) {
            (false, false) => "nothing",
            (true, false) => "nothing but `capacity_max`",
            (false, true) => "nothing but what EC2 refused, below",
            (true, true) => "nothing but `capacity_max`, and what EC2 refused, below",
        });
    }
    section
}

/// What was bought, and what came of it.
fn bought(calls: &[Bought]) -> Section {
    let mut section = Section::new("What was bought for it");
    for Bought { at, first, count: n, pool, market, working, refused, config } in
        calls.iter().take(LINES_MAX * 2)
    {
        let pool = config.catalog.pool_name(*pool);
        let market = match market {
            Market::OnDemand => ", on demand".to_owned(),
            Market::Spot { .. } => format!(", {}", price(*market)),
        };
        let mut came: Vec<String> =
            refused.iter().map(|(why, n)| format!("{n} refused, as {}", why_not(*why))).collect();
        if let (workers, Some(first)) = working {
            let workers = count(u64::from(*workers), "worker", "workers");
            let after = in_words(first.since(*at));
            came.push(format!("{workers} in time, the first after {after}"));
        }
        if came.is_empty() {
            came.push("none worked in time".to_owned());
        }
        section.tell(*at, format!("{n} × {pool} from {first}{market}: {}", came.join("; ")));
    }
    match calls.len().saturating_sub(LINES_MAX * 2) {
        0 => {}
        more => section.say(format!("and {more} more calls")),
    }
    if section.is_empty() {
        section.say("nothing");
    }
    section
}
