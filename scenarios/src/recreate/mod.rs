//! A scenario of what a journal saw, so that *what if* can be asked of last week's production; and
//! how near its simulation comes to what was.
//!
//! [`Recreated::read`] reads the chapters of a daemon (or any journal); [`Recreated::files`] are a
//! folder that `simulate` runs; [`Recreated::predict`] runs it and reads the journal of each run by
//! the same rules ([`Figures`]), so that both sides of the comparison err alike. Its tasks are those
//! that were reconstructed.
//!
//! | from the journal | in the scenario |
//! |---|---|
//! | the engine's configuration at the end | `[engine]`, worker types, pools; [`differences`] says what it cannot say |
//! | counts of queues | `tasks.csv` ([`tasks`] says how, and what is lost by it) |
//! | prices of pools | `prices.tsv`, `on-demand.csv` |
//! | order, `pending`, `running`, registered | `cloud.answer`, `cloud.pending_to_running`, `workers.boot`: measured quantiles, between which all values are equally likely |
//! | refusals for want of machines | `[faults.dry-N]`: a pool gave no spot machine from its first refusal until halfway from the last one to when it gave again |
//! | interruptions | `cloud.interruption_hazard`: so many an hour of a spot instance, of all pools together; scenarios have no hazard by pool |
//!
//! A run begins without machines. Those that were there when the span began are not in it: their
//! launches are, as the run has to make them. Durations are counted on a machine of utility 1 by
//! the mean utility of the machines that were there.
//!
//! Not here: words and tables (the `reports` crate), files' names on disk (who calls).

pub mod figures;
mod market;
pub mod seen;
mod settings;
pub mod tasks;
mod text;

use std::collections::BTreeMap;

use provisioner_engine::Engine;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Refusal;
use provisioner_engine::random::Seed;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::{EngineConfig, Floor};
use provisioner_sim::Hooks;
use provisioner_sim::billing::BillingRule;
use provisioner_sim::config::SimConfig;

use self::figures::{Billing, Delays, Figures};
pub use self::market::PoolFigures;
use self::seen::{Life, Reader, Seen};
use self::tasks::Reconstructed;
use crate::Scenario;
use crate::diff::{Setting, settings_that_differ};
use crate::journal::{Journal, JournalError, Turned};

/// The scenario's file.
pub const SCENARIO: &str = "scenario.toml";
const TASKS: &str = "tasks.csv";
const PRICES: &str = "prices.tsv";
const ON_DEMAND: &str = "on-demand.csv";
const OFFERINGS: &str = "offerings.csv";

/// 2017-11-28: since then shortage interrupts, not price, and seconds are billed.
const CAPACITY_SINCE: Time = Time::from_ms(1_511_827_200_000);

/// The regime of a time, and its billing.
fn era(at: Time) -> (&'static str, Billing) {
    match at >= CAPACITY_SINCE {
        true => {
            let on_demand = BillingRule::ON_DEMAND_PER_SECOND;
            ("capacity", Billing { spot: BillingRule::SPOT_CAPACITY, on_demand })
        }
        false => {
            let on_demand = BillingRule::ON_DEMAND_HOURLY;
            ("outbid", Billing { spot: BillingRule::SPOT_OUTBID, on_demand })
        }
    }
}

/// What a journal saw, and what follows from it.
#[derive(Clone, Debug)]
pub struct Recreated {
    /// The provisioner's name, or the scenario's that was simulated.
    pub name: String,
    /// Chapters that were read.
    pub chapters: u64,
    /// From when to when nothing is known, between chapters.
    pub gaps: Vec<(Time, Time)>,
    /// The last chapter has no end.
    pub is_growing: bool,
    /// All that was seen.
    pub seen: Seen,
    /// Launches that were live when the span began.
    pub inherited: u64,
    /// Tasks by worker type.
    pub tasks: BTreeMap<String, Reconstructed>,
    /// The mean utility of the machines of a worker type.
    pub utilities: BTreeMap<String, f64>,
    /// By name.
    pub pools: BTreeMap<String, PoolFigures>,
    /// What it came to.
    pub actual: Figures,
    /// How long launches took.
    pub delays: Delays,
    /// Refused launches by reason.
    pub refusals: BTreeMap<&'static str, u64>,
}

impl Recreated {
    /// Reads a journal, or what lies between two times of it.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn read(
        mut journal: Journal,
        from: Option<Time>,
        until: Option<Time>,
    ) -> Result<Self, JournalError> {
        let name = journal.header().scenario.clone();
        let mut reader = Reader::new(&journal.engine(), from);
        let (mut chapters, mut gaps) = (1, Vec::new());
        while let Some(record) = journal.next() {
            let record = record?;
            for Turned { gap, engine, .. } in journal.turned() {
                chapters += 1;
                if let Some(gap) = gap {
                    gaps.push(gap);
                    reader.know(&engine);
                }
            }
            if until.is_some_and(|until| record.at() > until) {
                break;
            }
            reader.read(&record);
        }
        let seen = reader.finish(None);
        gaps.retain(|(begin, end)| *end > seen.from && *begin < seen.until);
        Ok(Self::of(seen, name, (chapters, gaps, journal.is_growing())))
    }

    fn of(seen: Seen, name: String, book: (u64, Vec<(Time, Time)>, bool)) -> Self {
        let span = (seen.from, seen.until);
        let (from, until) = span;
        let tasks = seen
            .queues
            .iter()
            .map(|(name, queue)| (name.clone(), Reconstructed::of(&queue.within(from, until))));
        let tasks = tasks.collect();
        let within = |at: Time| from <= at && at <= until;
        let mut refusals: BTreeMap<&'static str, u64> = BTreeMap::new();
        let refused = seen.launches.values().filter_map(|life| life.refused);
        for (_, refusal) in refused.filter(|(at, _)| within(*at)) {
            let name: &'static str = <&Refusal as Into<&'static str>>::into(&refusal);
            *refusals.entry(name).or_default() += 1;
        }
        let is_inherited = |life: &&Life| {
            life.stay(from, until).is_some_and(|(at, _)| at == from)
                && life.ordered.is_none_or(|at| !within(at))
        };
        let inherited = seen.launches.values().filter(is_inherited).count() as u64;
        let (chapters, gaps, is_growing) = book;
        Self {
            name,
            chapters,
            gaps,
            is_growing,
            inherited,
            tasks,
            utilities: utilities(&seen),
            pools: market::pools(&seen, span),
            actual: Figures::of(&seen, span, era(from).1),
            delays: Delays::of(&seen, span),
            refusals,
            seen,
        }
    }

    /// From when to when records count.
    #[must_use]
    pub fn span(&self) -> (Time, Time) {
        (self.seen.from, self.seen.until)
    }

    /// Launches that were ordered in it.
    fn launches(&self) -> impl Iterator<Item = (&LaunchId, &Life)> {
        let (from, until) = self.span();
        let within = move |at: Time| from <= at && at <= until;
        self.seen.launches.iter().filter(move |(_, life)| life.ordered.is_some_and(within))
    }

    /// Interruptions an hour of a spot instance; prices interrupt in the bid era.
    #[must_use]
    pub fn hazard(&self) -> Option<f64> {
        if era(self.seen.from).0 == "outbid" {
            return None;
        }
        market::hazard(&self.pools)
    }

    /// The scenario and the tables that it names: names and contents.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let mut files = vec![
            (SCENARIO, text::scenario(self)),
            (TASKS, text::task_table(self)),
            (OFFERINGS, text::offerings(&self.seen)),
        ];
        let tables = [(PRICES, text::price_table(self)), (ON_DEMAND, text::on_demand(&self.seen))];
        files.extend(tables.into_iter().filter(|(_, table)| table.lines().count() > 1));
        files
    }

    /// What a run of the scenario comes to in the same time, by the same rules.
    #[must_use]
    pub fn predict(&self, scenario: &Scenario, seed: Seed) -> Figures {
        simulated(scenario, &scenario.config(seed), self.span())
    }

    /// What is to be known about it: errors that are carried along, and what is not known.
    #[must_use]
    pub fn unknowns(&self) -> Vec<String> {
        let mut told = Vec::new();
        let (mut intervals, mut tasks, mut lost, mut at_first) = (Vec::new(), 0, 0, 0);
        let (mut running, mut waiting) = (0_u64, 0_u64);
        for queue in self.tasks.values() {
            intervals.extend(queue.interval);
            tasks += queue.tasks.len() as u64;
            lost += queue.lost;
            at_first += queue.at_first;
            let left = queue.tasks.iter().filter(|task| task.ended.is_none());
            for task in left {
                *(if task.started.is_some() { &mut running } else { &mut waiting }) += 1;
            }
        }
        intervals.sort_unstable();
        if let Some(interval) = figures::quantile(&intervals, 500) {
            told.push(format!(
                "tasks: at least {tasks}, for queues were read every {interval}, and one that came and \
                 one that ended between two readings cancel out; their times are right to such \
                 an interval"
            ));
        }
        if at_first > 0 {
            told.push(format!("tasks that were there before, since when is not known: {at_first}"));
        }
        if running + waiting > 0 {
            told.push(format!(
                "tasks that still ran at the end: {running}, taken to end then; that still waited: \
                 {waiting}, taken to run as long as others did"
            ));
        }
        if lost > 0 {
            told.push(format!("tasks that waited again, as they had lost their worker: {lost}"));
        }
        if self.inherited > 0 {
            told.push(format!(
                "instances that ran before: {}; a simulation begins without, and launches them",
                self.inherited
            ));
        }
        if self.seen.configured > 0 {
            told.push(format!(
                "changes of the configuration: {}; the scenario has the last one",
                self.seen.configured
            ));
        }
        let left = self
            .tasks
            .keys()
            .filter(|name| self.seen.config.worker_types.iter().all(|known| known.name != **name));
        for name in left {
            told.push(format!("{name} left the configuration: its tasks are not in the scenario"));
        }
        if self.actual.unpriced > 0 {
            let number = self.actual.unpriced;
            told.push(format!(
                "instances whose price is not known: {number}; they cost nothing here"
            ));
        }
        for (name, values) in [("answers", &self.delays.answer), ("starts", &self.delays.start)] {
            if values.is_empty() {
                told.push(format!("no launch tells how long EC2's {name} take: defaults hold"));
            }
        }
        if self.delays.boot.is_empty() {
            told.push("no worker registered: boots take what is the default".to_owned());
        }
        told.push(
            "not known at all: deadlines and priorities of tasks, which of several idle workers \
             claims first (it can double the launches), quotas, and what pools would have given \
             that were not asked"
                .to_owned(),
        );
        told
    }
}

/// What the scenario's engine goes by otherwise than the journal's in that time.
#[must_use]
pub fn differences(recreated: &Recreated, scenario: &Scenario) -> (Vec<Setting>, usize) {
    let (from, until) = recreated.span();
    let in_span = |config: &EngineConfig| {
        let mut config = EngineConfig { seed: Seed(0), ..config.clone() };
        for known in &mut config.worker_types {
            known.floors = floors_in(&known.floors, (from, until));
        }
        config
    };
    let ours = scenario.config(scenario.seed()).engine;
    settings_that_differ([&in_span(&recreated.seen.config), &in_span(&ours)])
}

/// The floors of a span; the one that holds when it begins stands at its beginning.
fn floors_in(floors: &[Floor], (from, until): (Time, Time)) -> Vec<Floor> {
    let first = floors.partition_point(|floor| floor.from <= from).saturating_sub(1);
    let later = floors[first.min(floors.len())..].iter().filter(|floor| floor.from <= until);
    let clipped = later.map(|floor| Floor { from: floor.from.max(from), ..*floor });
    clipped.skip_while(|floor| floor.capacity_min == 0).collect()
}

/// What a run comes to in a span, read from its journal.
fn simulated(scenario: &Scenario, config: &SimConfig, (from, until): (Time, Time)) -> Figures {
    let mut reader = Some(Reader::new(&Engine::new(config.engine.clone()), Some(from)));
    let mut journal = |record: Record| {
        if record.at() <= until
            && let Some(reader) = &mut reader
        {
            reader.read(&record);
        }
    };
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let outcome = provisioner_sim::run(config, &mut *scenario.tasks(config.seed), hooks);
    let Some(reader) = reader.take() else { return Figures::default() };
    let figures = Figures::of(&reader.finish(Some(until)), (from, until), era(from).1);
    // The tasks that were put in: counts would lose some of them once more.
    let tasks = outcome.total.tasks;
    Figures { arrivals: tasks.submitted, done: tasks.done, ..figures }
}

/// By worker type: the mean utility of its machines over their time, or of its candidates.
fn utilities(seen: &Seen) -> BTreeMap<String, f64> {
    let catalog = &seen.config.catalog;
    let mut utilities = BTreeMap::new();
    for known in &seen.config.worker_types {
        let by_pool: BTreeMap<String, f64> = known
            .candidates
            .iter()
            .map(|candidate| (catalog.pool_name(candidate.pool), candidate.utility.as_f64()))
            .collect();
        let (mut sum, mut weight) = (0.0, 0.0);
        for life in seen.launches.values().filter(|life| life.worker_type == known.name) {
            let stay = life.stay(seen.from, seen.until);
            if let (Some(utility), Some((begin, end))) = (by_pool.get(&life.pool), stay) {
                let time = end.since(begin).as_secs_f64();
                (sum, weight) = (sum + utility * time, weight + time);
            }
        }
        if weight > 0.0 {
            utilities.insert(known.name.clone(), sum / weight);
        }
    }
    utilities
}
