//! The life of one launch: for what it was ordered, against what, and all that became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use provisioner_engine::Alternative;
use provisioner_engine::decision::{Action, Decision, Market, Reason};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;

use super::{Moment, Open, Scene, Unanswered, Walk, What, Witness, reasons_about, walk};

/// Whose life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A launch, whether it got an instance or not.
    Launch(LaunchId),
    /// An instance, whether it belongs to a launch or not.
    Instance(InstanceId),
}

/// All that a journal says of one launch or instance.
#[derive(Clone, Debug)]
pub struct Life {
    /// The launch; `None` for a stray instance.
    pub launch: Option<LaunchId>,
    /// The first instance that was told for it.
    pub instance: Option<InstanceId>,
    /// How it was ordered; `None` for what was found in a listing.
    pub ordered: Option<Ordered>,
    /// What was told, ordered and said about it since, in order.
    pub moments: Vec<Moment>,
    /// How the journal was read.
    pub walk: Walk,
}

/// The order of a launch, and what stood behind it.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The line of the decision.
    pub line: u64,
    /// When it was decided.
    pub at: Time,
    /// For whom.
    pub worker_type: WorkerTypeId,
    /// From which pool.
    pub pool: PoolId,
    /// In which market, at what price.
    pub market: Market,
    /// The first launch of the call.
    pub first: LaunchId,
    /// How many the call asked for.
    pub count: u32,
    /// The last counts of the queue.
    pub counted: Option<Moment>,
    /// Since when tasks of the worker type waited.
    pub waiting_since: Option<Time>,
    /// What the decision said about the worker type.
    pub reasons: Vec<Reason>,
    /// The worker type's candidates just before; empty if they are not known any more.
    pub alternatives: Vec<Alternative>,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// The life of one launch or instance.
///
/// # Errors
///
/// The journal cannot be read, or does not know it.
pub fn life(open: impl Open, subject: Subject) -> Result<Life, Unanswered> {
    let subject = match subject {
        Subject::Launch(_) => subject,
        Subject::Instance(instance) => {
            let mut owner = Owner { instance, launch: None };
            walk(open()?, &mut owner)?;
            owner.launch.map_or(subject, Subject::Launch)
        }
    };
    let mut biographer = Biographer::of(subject);
    let walk = walk(open()?, &mut biographer)?;
    let Biographer { launch, instance, ordered, moments, seen, .. } = biographer;
    if ordered.is_none() && moments.is_empty() {
        let (what, kind, numbers) = match subject {
            Subject::Launch(id) => (format!("launch {id}"), "launches", seen.launches),
            Subject::Instance(id) => (id.to_string(), "instances", seen.instances),
        };
        let hint = match numbers {
            Some((first, last)) => format!("its {kind} go from {first} to {last}"),
            None => format!("it has no {kind}"),
        };
        return Err(Unanswered::Absent { what: format!("the journal has no {what}"), hint });
    }
    Ok(Life { launch, instance, ordered, moments, walk })
}

/// Finds the launch of an instance.
struct Owner {
    instance: InstanceId,
    launch: Option<LaunchId>,
}

impl Witness for Owner {
    fn see(&mut self, _scene: &Scene<'_>, record: &Record) {
        if let Record::Observed { observation, .. } = record
            && observation.instance() == Some(self.instance)
        {
            self.launch = self.launch.or(observation.launch());
        }
    }
}

/// The smallest and the largest number of each kind.
#[derive(Default)]
struct Seen {
    launches: Option<(u64, u64)>,
    instances: Option<(u64, u64)>,
}

fn widen(range: &mut Option<(u64, u64)>, first: u64, last: u64) {
    let (low, high) = range.unwrap_or((first, last));
    *range = Some((low.min(first), high.max(last)));
}

struct Biographer {
    launch: Option<LaunchId>,
    instance: Option<InstanceId>,
    /// Candidates just before a decision that orders it.
    alternatives: Vec<Alternative>,
    /// The last counts of each worker type, and since when tasks wait.
    counts: BTreeMap<WorkerTypeId, (Moment, Option<Time>)>,
    ordered: Option<Ordered>,
    moments: Vec<Moment>,
    seen: Seen,
}

impl Biographer {
    fn of(subject: Subject) -> Self {
        let (launch, instance) = match subject {
            Subject::Launch(launch) => (Some(launch), None),
            Subject::Instance(instance) => (None, Some(instance)),
        };
        Self {
            launch,
            instance,
            alternatives: Vec::new(),
            counts: BTreeMap::new(),
            ordered: None,
            moments: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn orders(&self, action: &Action) -> bool {
        self.launch.is_some_and(|launch| action.launches(launch))
    }

    fn hear(&mut self, scene: &Scene<'_>, at: Time, observation: Observation) {
        if let Observation::DemandCounted { worker_type, pending, .. } = observation {
            let before = self.counts.get(&worker_type).and_then(|(_, since)| *since);
            let since = (pending > 0).then(|| before.unwrap_or(at));
            let moment = scene.moment(at, What::Fact(observation));
            self.counts.insert(worker_type, (moment, since));
        }
        if let Some(InstanceId(instance)) = observation.instance() {
            widen(&mut self.seen.instances, instance, instance);
        }
        if self.is_ours(&observation) {
            self.instance = self.instance.or(observation.instance());
            self.moments.push(scene.moment(at, What::Fact(observation)));
        }
    }

    fn is_ours(&self, observation: &Observation) -> bool {
        let about_call = matches!(
            observation,
            Observation::CallUnanswered { .. } | Observation::CallThrottled { .. }
        );
        let call = self.ordered.as_ref().map(|ordered| ordered.first);
        match (self.launch, observation.launch()) {
            (Some(_), Some(first)) if about_call && call == Some(first) => true,
            (Some(ours), Some(launch)) => ours == launch,
            _ => self.instance.is_some() && observation.instance() == self.instance,
        }
    }

    fn follow(&mut self, scene: &Scene<'_>, decision: &Decision) {
        let at = decision.at;
        for action in &decision.actions {
            if let Action::Launch { launch: LaunchId(first), count, .. } = *action {
                let last = first.saturating_add(u64::from(count.saturating_sub(1)));
                widen(&mut self.seen.launches, first, last);
            }
            let Action::Launch { launch: first, count, worker_type, pool, market } = *action else {
                let ended = matches!(*action, Action::EndStray { instance, .. }
                    if self.instance == Some(instance));
                if ended || (self.launch.is_some() && action.launch() == self.launch) {
                    self.moments.push(scene.moment(at, What::Order(*action)));
                }
                continue;
            };
            if !self.orders(action) {
                continue;
            }
            if self.ordered.is_some() {
                self.moments.push(scene.moment(at, What::Order(*action)));
                continue;
            }
            let counts = self.counts.get(&worker_type);
            self.ordered = Some(Ordered {
                line: scene.line,
                at,
                worker_type,
                pool,
                market,
                first,
                count,
                counted: counts.map(|(moment, _)| moment.clone()),
                waiting_since: counts.and_then(|(_, since)| *since),
                reasons: reasons_about(decision, worker_type).copied().collect(),
                alternatives: std::mem::take(&mut self.alternatives),
                config: Arc::clone(scene.config),
            });
        }
        let call = self.ordered.as_ref().map(|ordered| ordered.first);
        for reason in &decision.reasons {
            let about = |launch| launch == reason.launch();
            let is_stray = matches!(*reason, Reason::StrayFound { instance, .. }
                if self.instance == Some(instance));
            let is_call = matches!(reason, Reason::CallRepeated { .. }) && about(call);
            if is_stray || is_call || (self.launch.is_some() && about(self.launch)) {
                self.moments.push(scene.moment(at, What::Because(*reason)));
            }
        }
    }
}

impl Witness for Biographer {
    fn before(&mut self, scene: &Scene<'_>, record: &Record) {
        if let Record::Decided(decision) = record
            && self.ordered.is_none()
            && let Some(engine) = scene.engine
            && let Some(&Action::Launch { worker_type, .. }) =
                decision.actions.iter().find(|action| self.orders(action))
        {
            let units = |reason: &Reason| match *reason {
                Reason::Scaled { change, .. } => u32::try_from(change).ok(),
                _ => None,
            };
            let wanted = reasons_about(decision, worker_type).find_map(units).unwrap_or(0);
            self.alternatives = engine.alternatives(decision.at, worker_type, wanted);
        }
    }

    fn see(&mut self, scene: &Scene<'_>, record: &Record) {
        match record {
            Record::Observed { at, observation } => self.hear(scene, *at, *observation),
            Record::Configured { .. } => self.counts.clear(),
            Record::Decided(decision) => self.follow(scene, decision),
        }
    }
}
