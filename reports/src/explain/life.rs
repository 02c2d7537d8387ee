//! The life of a launch, on a page.

use provisioner_engine::decision::{Action, Reason};
use provisioner_engine::observation::Observation;
use provisioner_engine::orders::price;
use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_scenarios::explain::life::{Life, Ordered};
use provisioner_scenarios::explain::{Moment, What};

use super::{alternatives, because, run_of};
use crate::decisions::orders;
use crate::facts::{RECONFIGURED, fact, of_launch};
use crate::page::{Page, Section};
use crate::text::in_words;

/// Why a launch was ordered, and what became of it.
#[must_use]
pub fn life(life: &Life) -> Page {
    let mut page = Page::default();
    let mut head = Section::new(title(life));
    head.say(run_of(&life.walk.header).to_string());
    page.add(head);
    if let Some(ordered) = &life.ordered {
        page.add(why(ordered));
        let Ordered { ref config, worker_type, pool, ref alternatives, .. } = *ordered;
        let title = "What it was chosen from, just before";
        if let Some(table) =
            self::alternatives(title, config, worker_type, alternatives, Some(pool))
        {
            page.add(table);
        }
    }
    let mut became = Section::new("What became of it");
    tell(&mut became, &life.moments);
    if became.is_empty() {
        became.say("the journal says nothing more about it");
    }
    page.add(became);
    if let Some(altogether) = altogether(life) {
        page.add(altogether);
    }
    page
}

fn title(life: &Life) -> String {
    match (&life.ordered, life.launch, life.instance) {
        (Some(ordered), Some(launch), instance) => {
            let name = ordered.config.worker_type_name(ordered.worker_type);
            let pool = ordered.config.catalog.pool_name(ordered.pool);
            let instance = instance.map_or_else(String::new, |id| format!(" ({id})"));
            format!("{launch}{instance}: {pool} for {name}, {}", price(ordered.market))
        }
        (_, Some(launch), _) => {
            format!("{launch}: not ordered in this journal, taken over from before")
        }
        (_, None, Some(instance)) => format!("{instance}: of no known launch, a stray"),
        (_, None, None) => "of no known launch".to_owned(),
    }
}

/// The chain from the count to the order.
fn why(ordered: &Ordered) -> Section {
    let Ordered { line, at, ref config, first, count, pool, market, .. } = *ordered;
    let mut section = Section::new(format!("Why it was ordered (journal line {line})"));
    if let Some(Moment { at, what: What::Fact(counted), config, .. }) = &ordered.counted {
        let since = match ordered.waiting_since {
            Some(since) if since < *at => format!(", and tasks wait since {since}"),
            _ => String::new(),
        };
        section.tell(*at, format!("{}{since}", fact(config, counted)));
    }
    let is_own = |reason: &&Reason| !matches!(reason, Reason::PoolChosen { first: other, .. } if *other > first);
    let reasons: Vec<Reason> = ordered.reasons.iter().filter(is_own).copied().collect();
    because(config, &reasons).iter().for_each(|reason| section.tell(at, reason));
    let action =
        Action::Launch { launch: first, count, worker_type: ordered.worker_type, pool, market };
    orders(config, &[action]).iter().for_each(|order| section.tell(at, format!("so {order}")));
    section
}

/// All moments in order, what is told again left out; checks of the worker together.
fn tell(section: &mut Section, moments: &[Moment]) {
    let mut checks: Option<(Time, Time, u32, Option<String>)> = None;
    let mut told: Vec<String> = Vec::new();
    for moment in moments {
        let Moment { at, what, config, .. } = moment;
        let answer = match what {
            What::Order(Action::CheckWorker { .. }) => Some(None),
            What::Fact(checked @ Observation::WorkerChecked { .. }) => {
                Some(Some(of_launch(checked)))
            }
            _ => None,
        };
        if let Some(answer) = answer {
            let group = checks.get_or_insert((*at, *at, 0, None));
            group.1 = *at;
            group.2 += u32::from(answer.is_none());
            group.3 = answer.or(group.3.take());
            continue;
        }
        tell_checks(section, checks.take());
        let says = match what {
            // Facts come doubled, late, and again from listings.
            What::Fact(Observation::StrayEnded { .. }) if !told.is_empty() => continue,
            What::Fact(fact) if told.contains(&of_launch(fact)) => continue,
            What::Fact(fact) => {
                told.push(of_launch(fact));
                of_launch(fact)
            }
            What::Configured => RECONFIGURED.to_owned(),
            What::Because(reason) => format!("because {}", reason.describe(config)),
            What::Order(action) => match orders(config, &[*action]).pop() {
                Some(order) => format!("we ordered: {order}"),
                None => continue,
            },
        };
        section.tell(*at, says);
    }
    tell_checks(section, checks);
}

fn tell_checks(section: &mut Section, checks: Option<(Time, Time, u32, Option<String>)>) {
    let Some((first, last, times, answer)) = checks else { return };
    let answer = answer.unwrap_or_else(|| "no answer yet".to_owned());
    match times {
        0 | 1 => section.tell(first, format!("we asked the queue about its worker: {answer}")),
        _ => section.tell(
            first,
            format!("we asked the queue about its worker {times} times until {last}: {answer}"),
        ),
    }
}

/// The life in one line.
fn altogether(life: &Life) -> Option<Section> {
    let facts = || {
        life.moments.iter().filter_map(|moment| match moment.what {
            What::Fact(fact) => Some((moment.at, fact)),
            What::Configured | What::Order(_) | What::Because(_) => None,
        })
    };
    let first = |of: fn(&Observation) -> bool| facts().find(|(_, fact)| of(fact)).map(|(at, _)| at);
    let given = first(|fact| {
        matches!(
            fact,
            Observation::InstancePending { .. }
                | Observation::InstanceRunning { .. }
                | Observation::InstanceFound { .. }
        )
    })?;
    let works = first(|fact| matches!(fact, Observation::WorkerRegistered { .. }));
    let ended = first(|fact| {
        matches!(fact, Observation::InstanceEnded { .. } | Observation::StrayEnded { .. })
    });
    let end = ended.or(life.walk.span.map(|(_, last)| last))?;
    let mut section = Section::new("Altogether");
    if let (Some(ordered), Some(works)) = (&life.ordered, works) {
        let start = in_words(works.since(ordered.at));
        section.say(format!("it could work {start} after it was ordered"));
    }
    let stay = end.since(given);
    let verb = if ended.is_some() { "lived for" } else { "has lived for" };
    let chosen_by = life.ordered.as_ref().and_then(price_of);
    section.say(match chosen_by {
        Some(price) => format!(
            "the instance {verb} {}: {} at the price it was chosen by, {price} (the journal holds no bills)",
            in_words(stay),
            price.charge_for(stay).round_up(),
        ),
        None => format!("the instance {verb} {}", in_words(stay)),
    });
    Some(section)
}

/// The price that a launch was chosen by.
fn price_of(ordered: &Ordered) -> Option<UsdPerHour> {
    let Ordered { pool: ours, market: our_market, .. } = *ordered;
    ordered.reasons.iter().find_map(|reason| match *reason {
        Reason::PoolChosen { pool, market, price, .. } if (pool, market) == (ours, our_market) => {
            price
        }
        _ => None,
    })
}
