//! Why tasks of a worker type waited: the wait around a time, from the first task that waited until
//! none did, as the queue's counts tell it.
//!
//! What stood in the way is read from the reasons; what kept it up otherwise is that the capacity
//! was on its way. Times are those of counts and decisions, so they are as coarse as iterations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provisioner_engine::Alternative;
use provisioner_engine::decision::{Action, Decision, Market, Reason};
use provisioner_engine::ids::{LaunchId, PoolId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{Observation, Refusal};
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::EngineConfig;

use super::turns::LastWord;
use super::{
    Open, Owners, Scene, Unanswered, Walk, Witness, check_within, find, no_worker_type,
    reasons_about, walk,
};

/// Why tasks of a worker type waited at a time.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Whose.
    pub worker_type: String,
    /// When it was asked for.
    pub asked: Time,
    /// What was known then.
    pub known: Known,
    /// The wait at that time; `None` if no task waited.
    pub wait: Option<Wait>,
    /// The last wait that ended before, and the first that began after, if none was then.
    pub others: [Option<Wait>; 2],
    /// How long it was for what cause.
    pub causes: BTreeMap<Cause, Duration>,
    /// What stood in the way during the wait, in the order in which it first did.
    pub hindrances: Vec<Hindrance>,
    /// Launch calls for the worker type during the wait, or of which workers came during it.
    pub calls: Vec<Bought>,
    /// How the journal was read.
    pub walk: Walk,
}

/// What was known at a time.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Tasks waiting and held by workers, and when that was counted.
    pub counts: Option<(Time, u32, u32)>,
    /// What was last said.
    pub word: Option<LastWord>,
    /// Its candidates as they were; empty if that is not known.
    pub alternatives: Vec<Alternative>,
    /// What the candidates' ids mean.
    pub config: Option<Arc<EngineConfig>>,
}

/// A time during which tasks waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When the first one was counted.
    pub from: Time,
    /// When none was any more; `None` if the journal ends before.
    pub until: Option<Time>,
    /// The most that waited at once, and when that was first counted.
    pub peak: (u32, Time),
    /// How long tasks waited in it, all added up, in milliseconds.
    pub task_ms: i128,
}

/// Why capacity was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nothing was decided about it yet.
    Undecided,
    /// The counts were old or not known.
    Unknown,
    /// Something stood in the way of what was wanted.
    HeldBack,
    /// It was ordered, or was starting.
    OnTheWay,
    /// There was as much capacity as the worker type may have.
    AtMost,
    /// The scaling policy wanted no more than there was.
    NotWanted,
}

/// A reason that was said again and again.
#[derive(Clone, Debug)]
pub struct Hindrance {
    /// When it was said first, and last.
    pub span: (Time, Time),
    /// In how many decisions.
    pub times: u32,
    /// How it was said last.
    pub reason: Reason,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// A launch call, and what came of it.
#[derive(Clone, Debug)]
pub struct Bought {
    /// When it was ordered.
    pub at: Time,
    /// Its first launch.
    pub first: LaunchId,
    /// How many.
    pub count: u32,
    /// From which pool.
    pub pool: PoolId,
    /// In which market.
    pub market: Market,
    /// Workers that registered until the wait was over, and when the first one did.
    pub working: (u32, Option<Time>),
    /// Launches that were refused, by why.
    pub refused: BTreeMap<Refusal, u32>,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// Why tasks of that worker type waited at that time.
///
/// # Errors
///
/// The journal cannot be read, or does not hold that time or worker type.
pub fn waiting(open: impl Open, worker_type: &str, asked: Time) -> Result<Waiting, Unanswered> {
    let mut observer = Observer {
        name: worker_type,
        asked,
        is_known: false,
        known: None,
        queue: Queue::default(),
        counts: None,
        word: None,
        last: None,
        found: None,
        next: None,
        cause: (Cause::Undecided, Time::EPOCH),
        causes: BTreeMap::new(),
        hindrances: BTreeMap::new(),
        owners: Owners::default(),
        calls: BTreeMap::new(),
        working: BTreeSet::new(),
        is_over: false,
    };
    let walk = walk(open()?, &mut observer)?;
    if !observer.is_known {
        return Err(no_worker_type(worker_type, &walk.header.engine));
    }
    check_within(asked, &walk)?;
    let Observer { known, last, found, next, causes, hindrances, calls, .. } = observer;
    let is_found = found.is_some();
    let mut hindrances: Vec<Hindrance> = hindrances.into_values().filter(|_| is_found).collect();
    hindrances.sort_by_key(|hindrance| hindrance.span.0);
    let is_of_it = |call: &Bought| {
        found.as_ref().is_some_and(|wait| {
            call.at >= wait.from || call.working.1.is_some_and(|at| at >= wait.from)
        })
    };
    let calls = calls.into_values().filter(is_of_it).collect();
    Ok(Waiting {
        worker_type: worker_type.to_owned(),
        asked,
        known: known.unwrap_or_default(),
        others: if is_found { [None, None] } else { [last, next] },
        wait: found,
        causes: if is_found { causes } else { BTreeMap::new() },
        hindrances,
        calls,
        walk,
    })
}

/// The waits of a queue, from its counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    wait: Option<Wait>,
    /// How many wait, and since when that is known.
    pending: (u32, Option<Time>),
}

impl Queue {
    /// Takes in a count; gives the wait that it ends.
    pub(super) fn count(&mut self, at: Time, pending: u32) -> Option<Wait> {
        self.pass(at);
        self.pending = (pending, Some(at));
        if pending == 0 {
            return self.wait.take().map(|wait| Wait { until: Some(at), ..wait });
        }
        let fresh = || Wait { from: at, until: None, peak: (pending, at), task_ms: 0 };
        let wait = self.wait.get_or_insert_with(fresh);
        if wait.peak.0 < pending {
            wait.peak = (pending, at);
        }
        None
    }

    /// The wait that has not ended, as of then.
    pub(super) fn under_way(&mut self, at: Time) -> Option<&Wait> {
        self.pass(at);
        self.wait.as_ref()
    }

    fn pass(&mut self, at: Time) {
        let (pending, since) = &mut self.pending;
        if let (Some(wait), Some(since)) = (&mut self.wait, since.as_mut()) {
            wait.task_ms += i128::from(at.since(*since).ms()) * i128::from(*pending);
            *since = at;
        }
    }
}

struct Observer<'a> {
    name: &'a str,
    asked: Time,
    is_known: bool,
    known: Option<Known>,
    queue: Queue,
    counts: Option<(Time, u32, u32)>,
    word: Option<LastWord>,
    last: Option<Wait>,
    found: Option<Wait>,
    next: Option<Wait>,
    cause: (Cause, Time),
    causes: BTreeMap<Cause, Duration>,
    hindrances: BTreeMap<(&'static str, Option<PoolId>), Hindrance>,
    owners: Owners,
    calls: BTreeMap<LaunchId, Bought>,
    /// Launches whose worker registered.
    working: BTreeSet<LaunchId>,
    /// The wait in question has ended, or there was none: nothing more is of interest.
    is_over: bool,
}

impl Observer<'_> {
    /// The time that was asked for is over: keeps what was known then.
    fn take_stock(&mut self, scene: &Scene<'_>) {
        let id = find(scene.config, self.name);
        let alternatives = match (scene.engine, id) {
            (Some(engine), Some(id)) => {
                let wanted = self.counts.map_or(0, |(_, pending, _)| pending);
                engine.alternatives(self.asked, id, wanted)
            }
            _ => Vec::new(),
        };
        self.known = Some(Known {
            counts: self.counts,
            word: self.word.clone(),
            alternatives,
            config: Some(Arc::clone(scene.config)),
        });
        self.is_over = self.queue.wait.is_none();
    }

    fn count(&mut self, at: Time, pending: u32, claimed: u32) {
        let began = self.queue.wait.is_none() && pending > 0;
        self.counts = Some((at, pending, claimed));
        if began && !self.is_over {
            self.cause = (Cause::Undecided, at);
            self.causes.clear();
            self.hindrances.clear();
        }
        if !began {
            self.pass(at);
        }
        if let Some(wait) = self.queue.count(at, pending) {
            match &self.known {
                None if at <= self.asked => self.last = Some(wait),
                Some(_) if self.is_over => self.next = self.next.take().or(Some(wait)),
                _ => {
                    self.found = Some(wait);
                    self.is_over = true;
                }
            }
        }
    }

    /// Adds the time since the last look to its cause.
    fn pass(&mut self, at: Time) {
        let (cause, since) = self.cause;
        if self.queue.wait.is_some() && !self.is_over {
            *self.causes.entry(cause).or_default() += at.since(since);
        }
        self.cause = (cause, at);
    }

    fn follow(&mut self, scene: &Scene<'_>, decision: &Decision) {
        let Some(id) = find(scene.config, self.name) else { return };
        let (at, config) = (decision.at, scene.config);
        for action in &decision.actions {
            if let Action::Launch { launch, count, worker_type, pool, market } = *action
                && worker_type == id
                && !self.is_over
            {
                self.calls.entry(launch).or_insert_with(|| Bought {
                    at,
                    first: launch,
                    count,
                    pool,
                    market,
                    working: (0, None),
                    refused: BTreeMap::new(),
                    config: Arc::clone(config),
                });
            }
        }
        let reasons: Vec<Reason> = reasons_about(decision, id).copied().collect();
        if reasons.is_empty() {
            return;
        }
        self.pass(at);
        self.cause.0 = cause(&reasons, config.worker_types[id.index()].capacity_max);
        for &reason in reasons.iter().filter(|reason| hinders(reason)) {
            if self.queue.wait.is_none() || self.is_over {
                continue;
            }
            let fresh =
                || Hindrance { span: (at, at), times: 0, reason, config: Arc::clone(config) };
            let key = (<&'static str>::from(reason), reason.pool());
            let said = self.hindrances.entry(key).or_insert_with(fresh);
            (said.span.1, said.reason, said.config) = (at, reason, Arc::clone(config));
            said.times += 1;
        }
        let worker_type = self.name.to_owned();
        self.word = Some(LastWord { worker_type, at, reasons, config: Arc::clone(config) });
    }

    fn hear(&mut self, scene: &Scene<'_>, at: Time, observation: Observation) {
        if let Observation::DemandCounted { worker_type, pending, claimed, .. } = observation
            && find(scene.config, self.name) == Some(worker_type)
        {
            self.count(at, pending, claimed);
            return;
        }
        let Some(launch) = observation.launch().filter(|_| !self.is_over) else { return };
        let call = self.owners.call_of(launch).and_then(|(first, _)| self.calls.get_mut(&first));
        match (call, observation) {
            (Some(call), Observation::WorkerRegistered { .. }) if self.working.insert(launch) => {
                call.working = (call.working.0 + 1, call.working.1.or(Some(at)));
            }
            (Some(call), Observation::LaunchRefused { refusal, .. }) => {
                *call.refused.entry(refusal).or_default() += 1;
            }
            _ => {}
        }
    }
}

impl Witness for Observer<'_> {
    fn begin(&mut self, scene: &Scene<'_>) {
        self.owners.begin(scene);
    }

    fn before(&mut self, scene: &Scene<'_>, record: &Record) {
        self.is_known = self.is_known || find(scene.config, self.name).is_some();
        if record.at() > self.asked && self.known.is_none() {
            self.take_stock(scene);
        }
    }

    fn see(&mut self, scene: &Scene<'_>, record: &Record) {
        self.owners.note(scene, record);
        match record {
            Record::Observed { at, observation } => self.hear(scene, *at, *observation),
            Record::Configured { .. } => {}
            Record::Decided(decision) => self.follow(scene, decision),
        }
    }

    fn end(&mut self, scene: &Scene<'_>) {
        if self.known.is_none() {
            self.take_stock(scene);
        }
        if !self.is_over {
            self.found = self.queue.wait.clone();
        }
    }
}

/// Whether a reason keeps capacity from being bought.
#[must_use]
pub fn hinders(reason: &Reason) -> bool {
    reason.worker_type().is_some()
        && !matches!(
            reason,
            Reason::Scaled { .. }
                | Reason::PoolChosen { .. }
                | Reason::PoolWarned { .. }
                | Reason::OnDemandAllowed { .. }
                | Reason::Silent { .. }
        )
}

/// What a decision's reasons say about why tasks wait.
fn cause(reasons: &[Reason], capacity_max: u32) -> Cause {
    let frozen = |reason: &Reason| {
        matches!(reason, Reason::DemandStale { .. } | Reason::DemandMissing { .. })
    };
    let is_coming = |reason: &Reason| match reason {
        Reason::PoolChosen { .. } => true,
        Reason::Scaled { supply, .. } => supply.unregistered() > 0,
        _ => false,
    };
    let is_full = |reason: &Reason| {
        matches!(reason, Reason::CapacityMaxReached { .. })
            || matches!(reason, Reason::Scaled { supply, .. } if supply.live() >= capacity_max)
    };
    match reasons {
        _ if reasons.iter().any(frozen) => Cause::Unknown,
        _ if reasons.iter().any(is_full) && !reasons.iter().any(is_coming) => Cause::AtMost,
        _ if reasons.iter().any(hinders) => Cause::HeldBack,
        _ if reasons.iter().any(is_coming) => Cause::OnTheWay,
        _ => Cause::NotWanted,
    }
}
