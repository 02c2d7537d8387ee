//! Drafts: a commented scenario from a few wishes, to be changed by hand.
//!
//! [`Wishes`] are what somebody said, in words; [`Draft::of`] says everything that is wrong with
//! them at once, or what the scenario is; [`Draft::text`] writes it so that it teaches. Recorded
//! files are looked at, so that names and times of the scenario are theirs. [`ask`] asks for
//! wishes, one after the other.
//!
//! Not here: terminals; what keys mean (see [`scenario`](crate::scenario)).

mod kinds;
mod market;
mod questions;
mod tasks;
mod text;

use std::path::Path;

use provisioner_engine::units::{Duration, Time};

pub use self::kinds::INSTANCE_TYPES;
use self::market::Market;
pub use self::questions::{Answer, Dialog, ask};
use self::tasks::Queue;
use crate::file::quantity;

/// What somebody wants of a scenario, as it was said. What is left out is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// A preset of generated tasks, or a file of recorded ones.
    pub tasks: Option<String>,
    /// What that file is, if it does not tell.
    pub format: Option<String>,
    /// The rate of generated tasks.
    pub tasks_per_hour: Option<String>,
    /// What interrupts spot machines: `capacity` or `outbid`.
    pub regime: Option<String>,
    /// Generated prices, `modern` or `bid-era`, or a file of recorded ones.
    pub prices: Option<String>,
    /// Zones, or regions for three zones of each.
    pub zones: Vec<String>,
    /// Instance types; one that is not known with its price: `c7g.xlarge=$0.145/h`.
    pub instance_types: Vec<String>,
    /// Most tasks at once.
    pub capacity_max: Option<String>,
    /// How long to look for a spot machine.
    pub on_demand_after: Option<String>,
    /// How long 95 of 100 tasks may wait at most.
    pub wait_p95: Option<String>,
    /// For how long tasks are submitted.
    pub length: Option<String>,
}

/// A wish that cannot be fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// What a scenario is to be.
#[derive(Clone, Debug)]
pub struct Draft {
    queues: Vec<Queue>,
    queues_left_out: usize,
    market: Market,
    start: Time,
    length: Duration,
    /// If somebody said so.
    capacity_max: Option<u32>,
    on_demand_after: Option<Duration>,
    wait_p95: Option<Duration>,
}

/// How long tasks are generated if nobody says.
const LENGTH_DEFAULT: Duration = Duration::from_hours(48);
const CAPACITY_MAX_DEFAULT: u32 = 100;

impl Draft {
    /// What these wishes come to. Files are named as from here.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn of(wishes: &Wishes) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let tasks = tasks::of(wishes, &mut wrong);
        let market = Market::of(wishes, &mut wrong);
        let (on_demand_after, wait_p95, length) = (
            some_time("how long to look for a spot machine", &wishes.on_demand_after, &mut wrong),
            some_time("the limit on waits", &wishes.wait_p95, &mut wrong),
            some_time("the length", &wishes.length, &mut wrong),
        );
        let capacity_max = wishes.capacity_max.as_deref().and_then(|text| {
            let number = text.trim().parse().ok().filter(|number| (1..=1_000_000).contains(number));
            if number.is_none() {
                let what = format!("`{text}` is no capacity");
                wrong.push(Wrong::new(what, "give a whole number of tasks, for example 100"));
            }
            number
        });
        let (Some(tasks), Some(market), true) = (tasks, market, wrong.is_empty()) else {
            return Err(wrong);
        };
        let start = market.start(tasks.span);
        let usual = tasks.span.map_or(LENGTH_DEFAULT, |span| span.1.since(span.0));
        let priced = market.span.map_or(Duration::MAX, |span| span.1.since(start));
        let length = length.unwrap_or(usual).min(priced);
        if length < Duration::MINUTE {
            let hint = "name prices of some hours, as an hour is needed to know all of them";
            return Err(vec![Wrong::new("prices were recorded for no time", hint)]);
        }
        let (mut queues, queues_left_out) = (tasks.queues, tasks.left_out);
        if let Some(span) = tasks.span {
            queues.iter_mut().for_each(|queue| queue.replay(span.0, start));
        }
        Ok(Self {
            queues,
            queues_left_out,
            market,
            start,
            length,
            capacity_max,
            on_demand_after,
            wait_p95,
        })
    }

    /// The scenario file, for a reader who finds it at `path`.
    #[must_use]
    pub fn text(&self, path: &Path) -> String {
        text::write(self, path)
    }
}

impl Wrong {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

fn some_time(of: &str, text: &Option<String>, wrong: &mut Vec<Wrong>) -> Option<Duration> {
    let text = text.as_deref()?;
    let least = Duration::MINUTE;
    match quantity::duration(text) {
        Ok(duration) if duration >= least => return Some(duration),
        Ok(_) => {
            let what = format!("{of}, `{text}`, is too short");
            wrong.push(Wrong::new(what, "give at least 1 min"));
        }
        Err(_) => {
            let what = format!("{of}, `{text}`, is no duration");
            wrong.push(Wrong::new(what, "give one with its unit, for example \"10 min\""));
        }
    }
    None
}
