//! What was decided at a time, or in a span, on a page.

use std::collections::BTreeMap;

use provisioner_engine::observation::Observation;
use provisioner_scenarios::explain::turns::{AtTime, InSpan, LastWord, Turn};
use provisioner_scenarios::explain::{Moment, What};

use super::{LINES_MAX, because, count, run_of};
use crate::decisions::orders;
use crate::facts::{RECONFIGURED, fact, of_launch};
use crate::page::{Page, Section};
use crate::show_time;
use crate::text::grouped;

/// What was decided at a time, and why.
#[must_use]
pub fn at_time(answer: &AtTime) -> Page {
    let AtTime { asked, turn, next, silent, walk } = answer;
    let mut page = Page::default();
    let (nth, all, at) = (grouped(turn.nth), grouped(walk.decisions), turn.decision.at);
    let nearest = match at == *asked {
        true => String::new(),
        false => format!(", the nearest to {}", show_time(*asked)),
    };
    let mut head = Section::new(format!("Decision {nth} of {all}, at {}{nearest}", show_time(at)));
    head.say(run_of(&walk.header).to_string());
    head.say(format!("journal line {}", turn.line));
    page.add(head);
    let mut told = Section::new(match turn.since {
        Some(since) => format!("Told since the decision before, of {}", show_time(since)),
        None => "Told before it".to_owned(),
    });
    told.list(facts(&turn.facts), LINES_MAX * 2);
    if told.is_empty() {
        told.say("nothing");
    }
    page.add(told);
    decide(&mut page, turn);
    if !silent.is_empty() {
        let mut section = Section::new("Nothing had changed about these since");
        for LastWord { at, reasons, config, .. } in silent.iter().take(LINES_MAX) {
            because(config, reasons).iter().for_each(|reason| section.tell(*at, reason));
        }
        page.add(section);
    }
    if let Some(next) = next {
        let mut section = Section::new("The next decision");
        section.tell(*next, "follows");
        page.add(section);
    }
    page
}

/// What was decided in a span.
#[must_use]
pub fn in_span(answer: &InSpan) -> Page {
    let InSpan { from, to, worker_type, turns, more, quiet, walk } = answer;
    let mut page = Page::default();
    let whose = worker_type.as_ref().map_or_else(String::new, |name| format!(" about {name}"));
    let (from, to) = (show_time(*from), show_time(*to));
    let mut head = Section::new(format!("Decisions{whose} from {from} to {to}"));
    head.say(run_of(&walk.header).to_string());
    let telling = turns.len() as u64 + more;
    head.say(format!(
        "{} more than to look, or say why not; {} had nothing to do{whose}",
        count(telling, "decision orders", "decisions order"),
        grouped(*quiet)
    ));
    if *more > 0 {
        let last = turns.last().map(|turn| show_time(turn.decision.at)).unwrap_or_default();
        head.say(format!(
            "the first {} are shown; the others begin with `--from {last}`",
            turns.len()
        ));
    }
    page.add(head);
    for turn in turns {
        let at = show_time(turn.decision.at);
        let mut section = Section::new(format!("{at}  (decision {})", grouped(turn.nth)));
        section.list(orders(&turn.config, &turn.decision.actions), LINES_MAX);
        section.list(because(&turn.config, &turn.decision.reasons), LINES_MAX);
        page.add(section);
    }
    page
}

/// The orders of a decision, and its reasons.
fn decide(page: &mut Page, turn: &Turn) {
    let mut ordered = Section::new("Ordered");
    ordered.list(orders(&turn.config, &turn.decision.actions), LINES_MAX * 2);
    if ordered.is_empty() {
        ordered.say("nothing");
    }
    page.add(ordered);
    let mut why = Section::new("Why");
    why.list(because(&turn.config, &turn.decision.reasons), LINES_MAX * 2);
    if why.is_empty() {
        why.say("nothing had changed about any worker type, so nothing was to be decided");
    }
    page.add(why);
}

/// Facts in words: what is about no launch first, then launches by what happened to them, and how many
/// more there are of routine.
pub(crate) fn facts(moments: &[Moment]) -> Vec<String> {
    let (mut told, routine) = news(moments);
    if routine > 0 {
        told.push(format!(
            "{} of routine: what was read as a whole, strays that ended",
            count(routine, "fact", "facts")
        ));
    }
    told
}

/// The same without routine, and how much of that there is.
pub(crate) fn news(moments: &[Moment]) -> (Vec<String>, u64) {
    let (mut told, mut happened) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    let mut routine = 0_u64;
    for Moment { what, config, .. } in moments {
        let observation = match what {
            What::Fact(observation) => observation,
            What::Configured => {
                told.push(RECONFIGURED.to_owned());
                continue;
            }
            What::Order(_) | What::Because(_) => continue,
        };
        match (observation, observation.launch()) {
            (
                Observation::QueuesRead { .. }
                | Observation::PricesRead { .. }
                | Observation::InstancesListed { .. }
                | Observation::StrayEnded { .. },
                _,
            ) => routine += 1,
            (_, None) => told.push(fact(config, observation)),
            (
                Observation::InstancePending { .. }
                | Observation::InstanceFound { .. }
                | Observation::WorkerChecked { .. },
                Some(launch),
            ) => {
                let kind = <&str>::from(observation).replace('-', " ");
                happened.entry(kind).or_default().push(launch.to_string());
            }
            (_, Some(launch)) => {
                happened.entry(of_launch(observation)).or_default().push(launch.to_string());
            }
        }
    }
    told.extend(happened.into_iter().map(|(what, launches)| {
        let named = launches.iter().take(LAUNCHES_NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if launches.len() > LAUNCHES_NAMED { ", …" } else { "" };
        match launches.len() {
            1 => format!("{what}: {named}"),
            n => format!("{n} × {what}: {named}{more}"),
        }
    }));
    (told, routine)
}

/// Of many launches so many are named.
const LAUNCHES_NAMED: usize = 8;
