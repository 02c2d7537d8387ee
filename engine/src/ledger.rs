//! Every launch from its decision to its end, and capacity by stage.
//!
//! A launch is remembered from the moment it is decided until it is seen and ended, or was
//! refused. Its capacity stands in exactly one stage at a time.

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::decision::Market;
use crate::engine::Signs;
use crate::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use crate::launch_map::LaunchMap;
use crate::remap::Remap;
use crate::spend::{Ends, Spend};
use crate::units::{Time, UsdPerHour};
use crate::worker_type::SpendLimits;

/// What the engine knows of one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// For whom.
    pub worker_type: WorkerTypeId,
    /// Which of its candidates, or [`NO_CANDIDATE`].
    pub candidate: u32,
    /// From which pool.
    pub pool: PoolId,
    /// Tasks it can run at once.
    pub capacity: u32,
    /// In which market, at what price.
    pub market: Market,
    /// The most that may be paid for it: its max price, or the on-demand price of when it was
    /// decided, or the engine's cap where that is not known.
    pub price_max: UsdPerHour,
    /// Where it is.
    pub stage: Stage,
    /// Its instance, once it is known.
    pub instance: Option<InstanceId>,
    /// The first launch of the call that asked for it.
    pub call: LaunchId,
    /// How many launches that call asked for.
    pub call_count: u32,
    /// When it was decided.
    pub requested: Time,
    /// When EC2 took it, if it did.
    pub accepted: Option<Time>,
    /// When it is looked at or given up, unless it moves on before.
    pub deadline: Time,
    /// When the engine next looks at its deadline: never later than that.
    pub(crate) look: Time,
    /// What is known of its worker.
    pub(crate) signs: Signs,
}

/// Stands for the candidate of a launch whose pool its worker type does not use any more.
pub const NO_CANDIDATE: u32 = u32::MAX;

/// Where a launch is. A later stage is greater; a launch never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Decided; EC2 has not given an instance.
    Requested,
    /// EC2's state `pending`.
    Pending,
    /// EC2's state `running`; the worker has not registered.
    Running,
    /// The worker can claim tasks.
    Working,
    /// It takes no more tasks: interrupted, ended by us, or shutting down.
    Stopping,
}

const STAGES: usize = 5;

/// Capacity of a worker type by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supply {
    /// Decided; EC2 has not given an instance.
    pub requested: u32,
    /// The same, in instances.
    pub requests: u32,
    /// EC2's state `pending`.
    pub pending: u32,
    /// EC2's state `running`, not registered.
    pub running: u32,
    /// Registered.
    pub working: u32,
    /// On its way out.
    pub stopping: u32,
}

impl Supply {
    /// Capacity that can work or will: what `capacity_max` limits. Read from a file it may be
    /// anything, so that sums saturate.
    #[must_use]
    pub const fn live(&self) -> u32 {
        self.unregistered().saturating_add(self.working)
    }

    /// Whether there is nothing at any stage.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live() == 0 && self.stopping == 0
    }

    /// Capacity whose worker has not registered: worker-manager's `requested`.
    #[must_use]
    pub const fn unregistered(&self) -> u32 {
        self.requested.saturating_add(self.pending).saturating_add(self.running)
    }
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requested, requests: _, pending, running, working, stopping } = *self;
        let stages = [
            (requested, "requested"),
            (pending, "pending"),
            (running, "running"),
            (working, "working"),
            (stopping, "stopping"),
        ];
        let mut separator = "capacity ";
        for (capacity, stage) in stages.into_iter().filter(|(capacity, _)| *capacity > 0) {
            write!(f, "{separator}{capacity} {stage}")?;
            separator = " + ";
        }
        if self.is_empty() { f.write_str("no capacity") } else { Ok(()) }
    }
}

/// All launches that have not ended, and what they add up to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ledger {
    launches: LaunchMap<Launch>,
    next: LaunchId,
    by_worker_type: Vec<Account>,
    /// Live capacity by candidate, of one worker type after the other.
    by_candidate: Vec<u32>,
    spend: Spend,
}

/// What a worker type's launches add up to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    capacity: [u32; STAGES],
    requests: u32,
    /// Live capacity that was bought on demand and given.
    on_demand: u32,
    /// Where its candidates stand in `by_candidate`.
    candidates: Range<u32>,
}

impl Ledger {
    /// An empty ledger for worker types with that many candidates each, under these ceilings.
    pub(crate) fn new(candidates: impl Iterator<Item = usize>, spend: Spend) -> Self {
        let (by_worker_type, by_candidate) = accounts(candidates);
        Self { launches: LaunchMap::new(), next: LaunchId(1), by_worker_type, by_candidate, spend }
    }

    /// Goes over to other worker types, with that many candidates each.
    pub(crate) fn configure(&mut self, candidates: impl Iterator<Item = usize>, remap: &Remap) {
        (self.by_worker_type, self.by_candidate) = accounts(candidates);
        let mut launches = mem::take(&mut self.launches);
        for launch in launches.values_mut() {
            let Launch { worker_type, candidate, pool, .. } = *launch;
            launch.candidate = remap.candidate(worker_type, candidate).unwrap_or(NO_CANDIDATE);
            launch.worker_type =
                remap.worker_type(worker_type).expect("it has launches, so it is kept");
            launch.pool = remap.pools[pool.index()];
            self.credit(launch);
        }
        self.launches = launches;
    }

    /// Goes over to other ceilings, and counts under them what there is.
    pub(crate) fn configure_spend(
        &mut self,
        now: Time,
        ends: Ends,
        overall: SpendLimits,
        worker_types: impl Iterator<Item = SpendLimits>,
        remap: &Remap,
    ) {
        self.spend.configure(now, ends, overall, worker_types, remap);
        for (_, launch) in self.launches.iter() {
            self.spend.commit(now, launch.worker_type, launch.price_max);
        }
    }

    /// The name that the next launch will get.
    pub(crate) const fn next_id(&self) -> LaunchId {
        self.next
    }

    /// Remembers a launch before any call is made, and names it.
    pub(crate) fn open(&mut self, launch: Launch) -> LaunchId {
        assert!(launch.stage == Stage::Requested, "a launch starts as a request");
        let id = self.next;
        self.next = id.next();
        self.credit(&launch);
        self.spend.commit(launch.requested, launch.worker_type, launch.price_max);
        self.launches.insert(id, launch);
        id
    }

    /// Takes over a launch under the name it has; later ones get later names.
    pub(crate) fn adopt(&mut self, id: LaunchId, launch: Launch) {
        self.next = self.next.max(id.next());
        self.credit(&launch);
        let since = launch.accepted.unwrap_or(launch.requested);
        self.spend.commit(since, launch.worker_type, launch.price_max);
        self.launches.insert(id, launch);
    }

    /// Moves a launch on; gives the stage it left, or `None` if it is not known or is as far
    /// already.
    pub(crate) fn advance(&mut self, id: LaunchId, stage: Stage, now: Time) -> Option<Stage> {
        let launch = self.launches.get_mut(id)?;
        if launch.stage >= stage {
            return None;
        }
        let left = mem::replace(&mut launch.stage, stage);
        launch.accepted = launch.accepted.or(Some(now));
        if stage == Stage::Working {
            launch.signs.register(now);
        }
        let Launch { worker_type, candidate, capacity, market, .. } = *launch;
        let account = &mut self.by_worker_type[worker_type.index()];
        account.capacity[left as usize] -= capacity;
        account.capacity[stage as usize] += capacity;
        account.requests -= u32::from(left == Stage::Requested);
        if market == Market::OnDemand {
            match (left == Stage::Requested, stage == Stage::Stopping) {
                (true, false) => account.on_demand += capacity,
                (false, true) => account.on_demand -= capacity,
                (true, true) | (false, false) => {}
            }
        }
        if stage == Stage::Stopping && candidate != NO_CANDIDATE {
            let place = account.candidates.start + candidate;
            self.by_candidate[place as usize] -= capacity;
        }
        Some(left)
    }

    /// Notes which instance a launch got; the first holds. Says whether that is news.
    pub(crate) fn set_instance(&mut self, id: LaunchId, instance: InstanceId) -> bool {
        let Some(launch) = self.launches.get_mut(id) else { return false };
        let is_news = launch.instance.is_none();
        launch.instance = launch.instance.or(Some(instance));
        is_news
    }

    /// What is known of a launch's worker.
    pub(crate) fn signs(&mut self, id: LaunchId) -> Option<&mut Signs> {
        Some(&mut self.launches.get_mut(id)?.signs)
    }

    /// Sets when a launch is looked at or given up, and if that is before the next look at it, the
    /// look too. Says whether it did.
    pub(crate) fn set_deadline(&mut self, id: LaunchId, deadline: Time) -> bool {
        let Some(launch) = self.launches.get_mut(id) else { return false };
        launch.deadline = deadline;
        let sooner = deadline < launch.look;
        launch.look = launch.look.min(deadline);
        sooner
    }

    /// Sets when a launch is next looked at.
    pub(crate) fn set_look(&mut self, id: LaunchId, look: Time) {
        if let Some(launch) = self.launches.get_mut(id) {
            launch.look = look;
        }
    }

    /// Forgets a launch that has ended or never was; `None` if it is not known.
    #[inline]
    pub(crate) fn close(&mut self, id: LaunchId, now: Time) -> Option<Launch> {
        let launch = self.launches.remove(id)?;
        self.debit(&launch);
        self.spend.release(now, launch.worker_type, launch.price_max);
        Some(launch)
    }

    /// What is known of a launch.
    pub(crate) fn get(&self, id: LaunchId) -> Option<&Launch> {
        self.launches.get(id)
    }

    /// All launches that have not ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (LaunchId, &Launch)> {
        self.launches.iter()
    }

    /// Capacity of a worker type by stage.
    pub(crate) fn supply(&self, worker_type: WorkerTypeId) -> Supply {
        let Account { capacity, requests, .. } = &self.by_worker_type[worker_type.index()];
        let [requested, pending, running, working, stopping] = *capacity;
        Supply { requested, requests: *requests, pending, running, working, stopping }
    }

    /// Live capacity of a worker type from each of its candidates.
    pub(crate) fn by_candidate(&self, worker_type: WorkerTypeId) -> &[u32] {
        let Range { start, end } = self.by_worker_type[worker_type.index()].candidates;
        &self.by_candidate[start as usize..end as usize]
    }

    /// Live capacity of a worker type that was bought on demand and given.
    pub(crate) fn on_demand(&self, worker_type: WorkerTypeId) -> u32 {
        self.by_worker_type[worker_type.index()].on_demand
    }

    /// What live launches cost.
    pub(crate) const fn spend(&self) -> &Spend {
        &self.spend
    }

    fn credit(&mut self, launch: &Launch) {
        let account = &mut self.by_worker_type[launch.worker_type.index()];
        account.capacity[launch.stage as usize] += launch.capacity;
        account.requests += u32::from(launch.stage == Stage::Requested);
        if launch.stage < Stage::Stopping {
            account.on_demand += on_demand(launch);
        }
        if let Some(live) = self.live(launch) {
            *live += launch.capacity;
        }
    }

    fn debit(&mut self, launch: &Launch) {
        let account = &mut self.by_worker_type[launch.worker_type.index()];
        account.capacity[launch.stage as usize] -= launch.capacity;
        account.requests -= u32::from(launch.stage == Stage::Requested);
        if launch.stage < Stage::Stopping {
            account.on_demand -= on_demand(launch);
        }
        if let Some(live) = self.live(launch) {
            *live -= launch.capacity;
        }
    }

    /// Where a launch counts as live, if it does.
    fn live(&mut self, launch: &Launch) -> Option<&mut u32> {
        let counts = launch.stage < Stage::Stopping && launch.candidate != NO_CANDIDATE;
        let Range { start, .. } = self.by_worker_type[launch.worker_type.index()].candidates;
        counts.then(|| &mut self.by_candidate[(start + launch.candidate) as usize])
    }
}

/// Accounts of worker types with that many candidates each, and room for these.
fn accounts(candidates: impl Iterator<Item = usize>) -> (Vec<Account>, Vec<u32>) {
    let mut end = 0;
    let account = |n| {
        let start = end;
        end += u32::try_from(n).expect("fewer than four billion candidates");
        Account { capacity: [0; STAGES], requests: 0, on_demand: 0, candidates: start..end }
    };
    let accounts = candidates.map(account).collect();
    (accounts, alloc::vec![0; end as usize])
}

/// Capacity that was bought on demand and given.
const fn on_demand(launch: &Launch) -> u32 {
    match (launch.stage, launch.market) {
        (Stage::Requested, _) | (_, Market::Spot { .. }) => 0,
        (_, Market::OnDemand) => launch.capacity,
    }
}
