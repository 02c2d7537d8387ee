//! Two decision logs side by side: where they part, what was known before, and what it came to.
//!
//! Records are compared turn by turn, a turn being a decision and the facts since the one before,
//! with the names of worker types, pools and regions in place of their numbers. Reasons do not
//! matter for whether decisions are equal, as in a replay. Of two logs that are equal for a while
//! and then end differently, the first turn that only one has is where they part.
//!
//! Where decisions are the cause, all facts before the first that differs are equal: the modelled
//! world draws its chances by purpose and entity. Where a fact differs first, the worlds differ:
//! another scenario, seed or simulator.
//!
//! Not here: words, and what both came to ([`crate::explain::summary`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use provisioner_engine::decision::{Action, Decision};
use provisioner_engine::ids::{PoolId, RegionId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::worker_type::EngineConfig;
use serde_json::Value;

use crate::explain::{Moment, What};
use crate::journal::{Header, Journal, JournalError, Turned};

/// Where two journals part.
#[derive(Clone, Debug)]
pub struct Diff {
    /// What both were written from.
    pub headers: [Header; 2],
    /// Settings of the engine that differ, the first of them.
    pub settings: Vec<Setting>,
    /// How many more differ.
    pub more_settings: usize,
    /// Decisions that are equal, from the first on.
    pub equal_decisions: u64,
    /// Facts before these decisions, in the first journal.
    pub equal_facts: u64,
    /// The first fact that differs, if one does before or with the first decision that does.
    pub fact: Option<[Option<Moment>; 2]>,
    /// The first decision that differs, if one does.
    pub parting: Option<Parting>,
}

/// A setting of the engine, as JSON, in both journals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Where it is: `worker_types.proj/builds.scaling`.
    pub path: String,
    /// What it is; `None` if it is not there.
    pub values: [Option<String>; 2],
}

/// The first decision that differs.
#[derive(Clone, Debug)]
pub struct Parting {
    /// Which decision it is, counted from one.
    pub nth: u64,
    /// Facts since the decision before, of each journal.
    pub facts: [Vec<Moment>; 2],
    /// The decision of each, with its line; `None` if the journal ends before.
    pub sides: [Option<Side>; 2],
}

/// One journal's decision where they part.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its line.
    pub line: u64,
    /// What was decided.
    pub decision: Decision,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// No more settings are kept than these.
pub const SETTINGS_KEPT: usize = 12;

/// Where two journals part.
///
/// # Errors
///
/// One of them cannot be read, up to its end.
pub fn diff(a: Journal, b: Journal) -> Result<Diff, JournalError> {
    let headers = [a.header().clone(), b.header().clone()];
    let (settings, more_settings) = settings_that_differ([&headers[0].engine, &headers[1].engine]);
    let (equal_decisions, equal_facts) = (0, 0);
    let mut diff = Diff {
        headers,
        settings,
        more_settings,
        equal_decisions,
        equal_facts,
        fact: None,
        parting: None,
    };
    let mut logs = [Log::of(a), Log::of(b)];
    while diff.parting.is_none() {
        let [a, b] = &mut logs;
        let turns = [a.turn()?, b.turn()?];
        if diff.fact.is_none() {
            diff.fact = first_fact(&turns, &mut diff.equal_facts);
        }
        let [(facts_a, side_a), (facts_b, side_b)] = turns;
        let is_equal = match (&side_a, &side_b) {
            (None, None) => break,
            (Some(a), Some(b)) => decides_as(a, b),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if is_equal {
            diff.equal_decisions += 1;
        } else {
            let nth = diff.equal_decisions + 1;
            let (facts, sides) = ([facts_a, facts_b], [side_a, side_b]);
            diff.parting = Some(Parting { nth, facts, sides });
        }
    }
    // A journal that is damaged further on is none.
    logs.into_iter().try_for_each(Log::finish)?;
    Ok(diff)
}

/// Reads turns.
struct Log {
    journal: Journal,
    config: Arc<EngineConfig>,
}

impl Log {
    fn of(journal: Journal) -> Self {
        let config = Arc::new(journal.header().engine.clone());
        Self { journal, config }
    }

    /// The next turn: its facts, and its decision if the journal does not end before.
    fn turn(&mut self) -> Result<(Vec<Moment>, Option<Side>), JournalError> {
        let mut facts = Vec::new();
        while let Some(record) = self.journal.next() {
            let (record, line) = (record?, self.journal.line());
            for Turned { gap, engine, .. } in self.journal.turned() {
                if gap.is_some() {
                    self.config = Arc::new(engine.config().clone());
                }
            }
            match record {
                Record::Observed { at, observation } => {
                    let (what, config) = (What::Fact(observation), Arc::clone(&self.config));
                    facts.push(Moment { line, at, what, config });
                }
                Record::Configured { at, config } => {
                    let config = Arc::new(*config);
                    // One without worker types is refused, or ends what there is: names stay.
                    if !config.worker_types.is_empty() {
                        self.config = Arc::clone(&config);
                    }
                    facts.push(Moment { line, at, what: What::Configured, config });
                }
                Record::Decided(decision) => {
                    let config = Arc::clone(&self.config);
                    return Ok((facts, Some(Side { line, decision, config })));
                }
            }
        }
        Ok((facts, None))
    }

    fn finish(mut self) -> Result<(), JournalError> {
        self.journal.try_for_each(|record| record.map(drop))
    }
}

type Turn = (Vec<Moment>, Option<Side>);

/// The first fact of a turn that differs; counts those that are equal before.
fn first_fact([a, b]: &[Turn; 2], equal: &mut u64) -> Option<[Option<Moment>; 2]> {
    let same = a.0.iter().zip(&b.0).take_while(|(a, b)| tells_as(a, b)).count();
    *equal += same as u64;
    let both = [a.0.get(same), b.0.get(same)];
    both.iter().any(Option::is_some).then(|| both.map(|moment| moment.cloned()))
}

/// Whether both tell the same at the same time.
fn tells_as(a: &Moment, b: &Moment) -> bool {
    let names = Names { to: &a.config, from: &b.config };
    let is_same = match (a.what, b.what) {
        (What::Fact(first), What::Fact(second)) => names.fact(second) == Some(first),
        (What::Configured, What::Configured) => a.config == b.config,
        _ => false,
    };
    a.at == b.at && is_same
}

/// Whether both order the same at the same time, and want to be called again at the same time.
fn decides_as(a: &Side, b: &Side) -> bool {
    let names = Names { to: &a.config, from: &b.config };
    let (first, second) = (&a.decision, &b.decision);
    (first.at, first.wake_at, first.actions.len())
        == (second.at, second.wake_at, second.actions.len())
        && first.actions.iter().zip(&second.actions).all(|(a, b)| names.action(*b) == Some(*a))
}

/// Puts the numbers of one configuration in place of those of another, by name.
struct Names<'a> {
    to: &'a EngineConfig,
    from: &'a EngineConfig,
}

impl Names<'_> {
    fn worker_type(&self, id: WorkerTypeId) -> Option<WorkerTypeId> {
        let name = self.from.worker_type_name(id);
        let same = |id: usize| self.to.worker_types.get(id).filter(|known| known.name == name);
        match same(id.index()) {
            Some(_) => Some(id),
            None => (0..self.to.worker_types.len())
                .find(|other| same(*other).is_some())
                .map(WorkerTypeId::new),
        }
    }

    fn pool(&self, id: PoolId) -> Option<PoolId> {
        let key = self.from.catalog.pool_key(id);
        let same = |pool: &PoolId| self.to.catalog.pool_key(*pool) == key;
        let pools = self.to.catalog.pools().len();
        let at_once = Some(id).filter(|id| id.index() < pools).filter(same);
        at_once.or_else(|| (0..pools).map(PoolId::new).find(same))
    }

    fn region(&self, id: RegionId) -> Option<RegionId> {
        let name = self.from.catalog.region_name(id);
        let same = |region: &RegionId| self.to.catalog.region_name(*region) == name;
        let regions = self.to.catalog.regions_len();
        let at_once = Some(id).filter(|id| id.index() < regions).filter(same);
        at_once.or_else(|| (0..regions).map(RegionId::new).find(same))
    }

    fn fact(&self, fact: Observation) -> Option<Observation> {
        Some(match fact {
            Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
                let worker_type = self.worker_type(worker_type)?;
                Observation::DemandCounted { worker_type, pending, claimed, as_of }
            }
            Observation::DemandUnknown { worker_type } => {
                Observation::DemandUnknown { worker_type: self.worker_type(worker_type)? }
            }
            Observation::PriceChanged { pool, price, since } => {
                Observation::PriceChanged { pool: self.pool(pool)?, price, since }
            }
            Observation::CallThrottled { region, call, launch } => {
                Observation::CallThrottled { region: self.region(region)?, call, launch }
            }
            Observation::InstanceFound {
                instance,
                launch,
                worker_type,
                pool,
                market,
                launched,
            } => {
                let worker_type = match worker_type {
                    Some(id) => Some(self.worker_type(id)?),
                    None => None,
                };
                let pool = match pool {
                    Some(id) => Some(self.pool(id)?),
                    None => None,
                };
                Observation::InstanceFound { instance, launch, worker_type, pool, market, launched }
            }
            Observation::InstancesListed { region, as_of } => {
                Observation::InstancesListed { region: self.region(region)?, as_of }
            }
            other => other,
        })
    }

    fn action(&self, action: Action) -> Option<Action> {
        Some(match action {
            Action::Launch { launch, count, worker_type, pool, market } => {
                let (worker_type, pool) = (self.worker_type(worker_type)?, self.pool(pool)?);
                Action::Launch { launch, count, worker_type, pool, market }
            }
            Action::ListInstances { region } => {
                Action::ListInstances { region: self.region(region)? }
            }
            other => other,
        })
    }
}

/// The first settings that differ, and how many more do.
pub(crate) fn settings_that_differ(engines: [&EngineConfig; 2]) -> (Vec<Setting>, usize) {
    let mut settings = Vec::new();
    compare(&mut settings, String::new(), engines.map(settings_of).each_ref());
    let more = settings.len().saturating_sub(SETTINGS_KEPT);
    settings.truncate(SETTINGS_KEPT);
    (settings, more)
}

/// What an engine was built from, as JSON: worker types by name, without the tables of the catalog.
fn settings_of(engine: &EngineConfig) -> Value {
    let mut settings = serde_json::to_value(engine).unwrap_or_default();
    let Some(table) = settings.as_object_mut() else { return settings };
    table.remove("catalog");
    let worker_types = engine.worker_types.iter().map(|known| {
        let mut value = serde_json::to_value(known).unwrap_or_default();
        let candidates = known.candidates.iter().map(|candidate| {
            let mut value = serde_json::to_value(candidate).unwrap_or_default();
            value.as_object_mut().map(|value| value.remove("pool"));
            (engine.catalog.pool_name(candidate.pool), value)
        });
        let candidates: Value = candidates.collect::<serde_json::Map<_, _>>().into();
        if let Some(table) = value.as_object_mut() {
            table.insert("candidates".to_owned(), candidates);
        }
        (known.name.clone(), value)
    });
    let worker_types: Value = worker_types.collect::<serde_json::Map<_, _>>().into();
    table.insert("worker_types".to_owned(), worker_types);
    settings
}

/// Adds what differs between two values.
fn compare(settings: &mut Vec<Setting>, path: String, [a, b]: [&Value; 2]) {
    if a == b {
        return;
    }
    let (Value::Object(first), Value::Object(second)) = (a, b) else {
        let values = [a, b].map(|value| (!value.is_null()).then(|| value.to_string()));
        settings.push(Setting { path, values });
        return;
    };
    let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    for key in keys {
        let dot = if path.is_empty() { "" } else { "." };
        let values = [first, second].map(|table| table.get(key).unwrap_or(&Value::Null));
        compare(settings, format!("{path}{dot}{key}"), values);
    }
}
