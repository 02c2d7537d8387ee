//! Where two journals part, on a page, and what it came to.

use provisioner_engine::decision::{Action, Reason};
use provisioner_scenarios::diff::{Diff, Parting, Setting, Side};
use provisioner_scenarios::explain::summary::{Summary, Tally};
use provisioner_scenarios::explain::{Moment, What};
use provisioner_sim::outcome::{Measures, Outcome};

use crate::decisions::orders;
use crate::explain::{run_of, turns};
use crate::facts::{RECONFIGURED, fact};
use crate::page::{Page, Section};
use crate::show_time;
use crate::table::Table;
use crate::text::{decimal, grouped, shortened};

/// What both came to in the end.
pub struct Ends<'a> {
    /// As far as the journals tell.
    pub told: [&'a Summary; 2],
    /// As they were simulated again, if they were.
    pub simulated: Option<[&'a Outcome; 2]>,
}

/// Where two journals part, called by these names; what it came to if they do.
#[must_use]
pub fn diff(diff: &Diff, names: [&str; 2], ends: Option<&Ends<'_>>) -> Page {
    let mut page = Page::default();
    let decisions = grouped(diff.equal_decisions);
    let mut head = Section::new(match &diff.parting {
        None => format!("Both decide the same, in all {decisions} decisions"),
        Some(parting) => format!("Decision {} differs{}", grouped(parting.nth), when(parting)),
    });
    for ((label, name), header) in ["A", "B"].iter().zip(names).zip(&diff.headers) {
        head.say(format!("{label}  {name}: {}", run_of(header)));
    }
    page.add(head);
    page.add(settings(diff));
    page.add(before(diff));
    if let Some(parting) = &diff.parting {
        part(&mut page, parting, names);
    }
    if let Some(ends) = ends {
        page.add(told(ends.told));
        if let Some(outcomes) = ends.simulated {
            page.add(simulated(outcomes));
        }
    }
    page
}

/// Where two journals part, in a few lines.
pub struct Brief {
    /// What differs in what they were built from.
    pub settings: Vec<String>,
    /// The first fact that differs before the decisions do, on both sides.
    pub fact: Option<[String; 2]>,
    /// Which decision differs first.
    pub decision: String,
    /// What was told just before it, if both were told the same.
    pub told: Option<String>,
    /// Its first order that the other side has not, with its reason, on both sides.
    pub sides: [String; 2],
}

/// Where two journals part, in a few lines, if they do.
#[must_use]
pub fn in_brief(diff: &Diff) -> Option<Brief> {
    let parting = diff.parting.as_ref()?;
    let sides = parting.sides.each_ref().map(Option::as_ref);
    let orders = sides.map(|side| {
        side.map_or_else(Vec::new, |side| orders(&side.config, &side.decision.actions))
    });
    let own = |side: usize| orders[side].iter().find(|order| !orders[1 - side].contains(order));
    let brief = |side: usize| {
        let Some(Side { decision, .. }) = sides[side] else { return "no such decision".to_owned() };
        let order = own(side).cloned().unwrap_or_else(|| {
            let more = if orders[side].is_empty() { "nothing" } else { "nothing more" };
            format!("{more}, to be called again at {}", show_time(decision.wake_at))
        });
        why(sides, side).map_or_else(|| order.clone(), |why| format!("{order}, because {why}"))
    };
    let fact = diff.fact.as_ref().map(|sides| {
        sides.each_ref().map(|moment| match moment {
            Some(moment) => format!("{} {}", show_time(moment.at), told_in(moment)),
            None => "nothing more was told".to_owned(),
        })
    });
    let decision = format!("decision {}{}", grouped(parting.nth), when(parting));
    let [told, others] = parting.facts.each_ref().map(|facts| turns::news(facts).0);
    let told = Some(told).filter(|told| !told.is_empty() && *told == others).map(|told| {
        // Prices come first, what happened to launches last.
        let last = told.len().saturating_sub(NEWS_MAX);
        let more = if last > 0 { format!("{last} facts, then ") } else { String::new() };
        more + &told[last..].join("; ")
    });
    Some(Brief { settings: changed(diff), fact, decision, told, sides: [brief(0), brief(1)] })
}

/// So many of the facts just before are told in brief.
const NEWS_MAX: usize = 4;

/// The first reason of a side that the other has not, and that is about the first order that differs.
fn why(sides: [Option<&Side>; 2], side: usize) -> Option<String> {
    let actions = sides.map(|side| side.map_or(&[][..], |side| &side.decision.actions));
    let own = |side: usize| actions[side].iter().find(|it| !actions[1 - side].contains(it));
    let order = own(side).or_else(|| own(1 - side));
    let is_about = |reason: &Reason| match order {
        Some(Action::Launch { worker_type, .. }) => reason.worker_type() == Some(*worker_type),
        Some(order) => reason.launch() == order.launch(),
        None => true,
    };
    let theirs = sides[1 - side].map_or_else(Vec::new, because);
    let reasons = because(sides[side]?).into_iter().zip(&sides[side]?.decision.reasons);
    let mut own = reasons.filter(|(words, _)| !theirs.contains(words));
    own.find(|(_, reason)| is_about(reason)).map(|(words, _)| words)
}

fn when(parting: &Parting) -> String {
    let mut times: Vec<_> = parting.sides.iter().flatten().map(|side| side.decision.at).collect();
    times.dedup();
    match times[..] {
        [at] if parting.sides.iter().all(Option::is_some) => format!(", at {}", show_time(at)),
        [at] => format!(": only one journal has it, at {}", show_time(at)),
        [a, b] => format!(", at {} and at {}", show_time(a), show_time(b)),
        _ => String::new(),
    }
}

/// What the engines were built from.
fn settings(diff: &Diff) -> Section {
    let mut section = Section::new("What differs in what they were built from");
    changed(diff).iter().for_each(|setting| section.say(setting));
    if diff.more_settings > 0 {
        section.say(format!("and {} more", grouped(diff.more_settings as u64)));
    }
    let [a, b] = &diff.headers;
    if a.commit != b.commit {
        section.say(format!("commit: {} → {}", a.commit, b.commit));
    }
    if section.is_empty() {
        section.say("nothing: the engines were built from the same, by programs of one commit");
    }
    section
}

fn changed(diff: &Diff) -> Vec<String> {
    let line = |Setting { path, values }: &Setting| {
        let [a, b] = values
            .each_ref()
            .map(|value| shortened(value.as_deref().unwrap_or("(absent)"), SETTING_CHARS_MAX));
        format!("{path}: {a} → {b}")
    };
    diff.settings.iter().map(line).collect()
}

/// What is equal before, and the first fact that is not.
fn before(diff: &Diff) -> Section {
    let mut section = Section::new("Before");
    let (decisions, facts) = (grouped(diff.equal_decisions), grouped(diff.equal_facts));
    section.say(format!("{decisions} decisions are equal"));
    match (&diff.fact, &diff.parting) {
        (None, _) => section.say(format!("all {facts} facts told until then are equal")),
        (Some(sides), _) => {
            section.say(format!("{facts} facts are equal, then the first that is not:"));
            for (label, moment) in ["A", "B"].iter().zip(sides) {
                match moment {
                    Some(moment) => {
                        let words = told_in(moment);
                        section.tell(moment.at, format!("{label} (line {}): {words}", moment.line));
                    }
                    None => section.say(format!("{label}: nothing more was told")),
                }
            }
            section.say("so the worlds differ before the decisions do, not only the policies");
        }
    }
    section
}

fn told_in(moment: &Moment) -> String {
    match &moment.what {
        What::Fact(told) => fact(&moment.config, told),
        _ => RECONFIGURED.to_owned(),
    }
}

fn part(page: &mut Page, parting: &Parting, names: [&str; 2]) {
    let [a, b] = [&parting.facts[0], &parting.facts[1]].map(|facts| turns::facts(facts));
    let mut tell = |title: &str, facts: Vec<String>| {
        let mut section = Section::new(title);
        section.list(facts, LINES_MAX);
        if section.is_empty() {
            section.say("nothing");
        }
        page.add(section);
    };
    if a == b {
        tell("Told just before, to both", a);
    } else {
        tell("Told just before, to A", a);
        tell("Told just before, to B", b);
    }
    let actions = parting.sides.each_ref().map(|side| {
        side.as_ref().map_or_else(Vec::new, |side| orders(&side.config, &side.decision.actions))
    });
    let equal = actions[0].iter().zip(&actions[1]).take_while(|(a, b)| a == b).count();
    let reasons = parting.sides.each_ref().map(|side| side.as_ref().map_or_else(Vec::new, because));
    let shared = |reason: &String| reasons.iter().all(|reasons| reasons.contains(reason));
    for (index, (label, name)) in ["A", "B"].into_iter().zip(names).enumerate() {
        let Some(Side { line, decision, .. }) = &parting.sides[index] else {
            let mut section = Section::new(format!("{label} has no such decision"));
            section.say(format!("{name} ends before"));
            page.add(section);
            continue;
        };
        let mut section = Section::new(format!("{label} decided ({name}:{line})"));
        if equal > 0 {
            section.say(format!("{equal} orders as in the other, then"));
        }
        section.list(actions[index][equal..].iter().cloned(), LINES_MAX);
        if actions[index].len() == equal {
            let wake = show_time(decision.wake_at);
            section.say(format!("nothing more, and to be called again at {wake}"));
        }
        let own = reasons[index].iter().filter(|reason| !shared(reason));
        section.list(own.map(|reason| format!("because {reason}")), LINES_MAX);
        page.add(section);
    }
    let shared: Vec<&String> = reasons[0].iter().filter(|reason| shared(reason)).collect();
    if !shared.is_empty() {
        let mut section = Section::new("Both gave these reasons");
        section.list(shared.into_iter().map(|reason| format!("because {reason}")), LINES_MAX);
        page.add(section);
    }
}

fn because(Side { decision, config, .. }: &Side) -> Vec<String> {
    decision.reasons.iter().map(|reason| reason.describe(config).to_string()).collect()
}

/// A section lists no more lines than these.
const LINES_MAX: usize = 24;
/// A setting is shown as far as this.
const SETTING_CHARS_MAX: usize = 60;

/// What both came to, as far as journals tell.
fn told(summaries: [&Summary; 2]) -> Section {
    let mut section = Section::new("What it came to, as far as the journals tell");
    section.say("cost is instance time at the price of when it was given; waiting is as counted");
    let totals = summaries.map(Summary::total);
    let mut rows = Vec::new();
    let mut measure = |name: &str, decimals, value: fn(&Tally) -> f64| {
        rows.push(row(name, decimals, [value(&totals[0]), value(&totals[1])]));
    };
    #[expect(clippy::cast_precision_loss, reason = "figures with a few digits")]
    {
        measure("cost, $ (estimated)", 2, |it| it.cost.as_f64());
        measure("tasks waiting, task h", 1, |it| it.waited_ms as f64 / 3_600_000.0);
        measure("instances alive, h", 1, |it| it.instance_time.as_hours_f64());
        measure("launches", 0, |it| it.launches as f64);
        measure("refused", 0, |it| it.refused.values().sum::<u64>() as f64);
        measure("workers", 0, |it| it.working as f64);
    }
    let names = summaries[0].worker_types.iter();
    for (name, a) in names {
        let b = summaries[1].worker_types.get(name).cloned().unwrap_or_default();
        rows.push(row(&format!("{name}, $"), 2, [a.cost.as_f64(), b.cost.as_f64()]));
    }
    section.set(side_by_side(rows))
}

/// What both came to when they were simulated again.
fn simulated([a, b]: [&Outcome; 2]) -> Section {
    let mut section = Section::new("What it came to, simulated again");
    section.say("both runs decided as their journals say, so these are their outcomes");
    let mut rows = Vec::new();
    let mut measure = |name: &str, decimals, value: fn(&Measures) -> f64| {
        rows.push(row(name, decimals, [value(&a.total), value(&b.total)]));
    };
    #[expect(clippy::cast_precision_loss, reason = "figures with a few digits")]
    {
        measure("cost, $", 2, |it| it.cost.total().as_f64());
        measure("mean wait, s", 1, |it| it.wait.mean_ms / 1_000.0);
        measure("wait p95, s", 1, |it| it.wait.p95.as_secs_f64());
        measure("wait p99, s", 1, |it| it.wait.p99.as_secs_f64());
        measure("tasks done", 0, |it| it.tasks.done as f64);
        measure("tasks run again", 0, |it| it.tasks.rerun as f64);
        measure("launches", 0, |it| it.launches.ordered as f64);
        measure("interrupted", 0, |it| it.launches.interrupted as f64);
    }
    for (a, b) in a.worker_types.iter().zip(&b.worker_types).filter(|(a, b)| a.name == b.name) {
        let costs = [a, b].map(|it| it.cost.total().as_f64());
        rows.push(row(&format!("{}, $", a.name), 2, costs));
        let waits = [a, b].map(|it| it.wait.mean_ms / 1_000.0);
        rows.push(row(&format!("{}, mean wait, s", a.name), 1, waits));
    }
    section.set(side_by_side(rows))
}

fn side_by_side(rows: Vec<(String, Vec<String>)>) -> Table<'static> {
    let columns = vec![("A", ""), ("B", ""), ("B − A", ""), ("B ÷ A", "")];
    Table { title: "", columns, rows, sums: false }
}

fn row(name: &str, decimals: usize, [a, b]: [f64; 2]) -> (String, Vec<String>) {
    let by = b - a;
    let sign = match by {
        by if by > 0.0 => "+",
        by if by < 0.0 => "−",
        _ => "",
    };
    let by = format!("{sign}{}", decimal(by.abs(), decimals));
    let ratio = if a > 0.0 { decimal(b / a, 3) } else { "–".to_owned() };
    (name.to_owned(), vec![decimal(a, decimals), decimal(b, decimals), by, ratio])
}
