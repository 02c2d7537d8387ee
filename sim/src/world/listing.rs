//! `DescribeInstances`: page after page, each from a replica that may be behind.
//!
//! A state change is visible after its own lag. A page shows what was visible when it was served,
//! or, from a replica that is behind, some time before; so an instance may be on two pages, or on
//! none, and an older state may follow a newer one. A listing of which a page fails is thrown
//! away. The caller leaves out what is not its own and gives the rest to the engine's inventory.

use std::collections::BTreeMap;
use std::ops::Bound;

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::inventory::{Inventory, Row, State};
use provisioner_engine::observation::{Call, EndCause, Observation};
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Time};
use rand::RngExt;

use super::event::{Event, GENERATIONS, Handle};
use super::instances::{Instance, Stage};
use super::{Truth, World, process};
use crate::config::listing::ListingModel;
use crate::config::{FaultKind, SimConfig};
use crate::dist::DurationDist;
use crate::ec2::instance_state::InstanceState;

/// Ended instances are kept for so long after they are not listed any more: replicas are seldom
/// further behind.
const KEPT: Duration = Duration::HOUR;

/// From here on are the instances of others in the account.
const OTHERS: u64 = 1 << 62;

/// What EC2 would list, and what was made of it.
pub(super) struct Listings {
    /// Whether anybody lists.
    is_on: bool,
    visibility: Seed,
    labels: Seed,
    pages: Seed,
    events: Stream,
    regions: Vec<Region>,
    inventory: Inventory,
}

#[derive(Debug, Default)]
struct Region {
    instances: BTreeMap<InstanceId, Record>,
    /// How many listings were started, and pages asked for.
    started: u32,
    pages: u64,
    under_way: Option<Listing>,
}

/// A listing under way.
#[derive(Debug)]
struct Listing {
    as_of: Time,
    /// The last instance on the pages so far.
    after: Option<InstanceId>,
    rows: Vec<Row>,
}

/// An instance as EC2 keeps it for listing.
#[derive(Clone, Copy, Debug)]
struct Record {
    launch: LaunchId,
    labelled: bool,
    worker_type: WorkerTypeId,
    pool: PoolId,
    market: Market,
    launched: Time,
    /// From when each state is visible: pending, running, stopping, terminated.
    visible: [Time; 4],
    cause: EndCause,
}

impl Record {
    /// What a reader of that time sees.
    fn state(&self, at: Time, terminated_visible: Duration) -> Option<State> {
        let [.., terminated] = self.visible;
        if terminated.saturating_add(terminated_visible) <= at {
            return None;
        }
        let furthest = self.visible.iter().rposition(|since| *since <= at)?;
        Some(match furthest {
            0 => State::Pending,
            1 => State::Running,
            2 => State::Stopping(self.cause),
            _ => State::Terminated(self.cause),
        })
    }
}

impl Listings {
    pub(super) fn new(config: &SimConfig) -> Self {
        let regions = config.engine.catalog.regions_len();
        Self {
            is_on: config.engine.guards.listing.is_some(),
            visibility: config.seed.purpose("visibility"),
            labels: config.seed.purpose("label"),
            pages: config.seed.purpose("page"),
            events: config.seed.purpose("event").stream(),
            regions: (0..regions).map(|_| Region::default()).collect(),
            inventory: Inventory::new(),
        }
    }

    /// Whoever lists has died: what was listed is forgotten.
    pub(super) fn lose(&mut self) {
        self.inventory = Inventory::new();
        self.regions.iter_mut().for_each(|region| region.under_way = None);
    }
}

impl World<'_> {
    /// An instance is in another state: from some time on that can be listed.
    pub(super) fn enlist(&mut self, slot: u32, state: InstanceState, cause: Option<EndCause>) {
        if !self.listings.is_on {
            return;
        }
        let instance = &self.instances[slot];
        let Instance { launch, worker_type, pool, market, identity, .. } = *instance;
        let id = instance.id();
        let step = match state {
            InstanceState::Pending => 0,
            InstanceState::Running => 1,
            InstanceState::ShuttingDown => 2,
            InstanceState::Terminated => 3,
        };
        let model = &self.config.cloud.listing;
        let lag = match &model.visibility_lag {
            DurationDist::Constant(lag) => *lag,
            varying => {
                let seed = self.listings.visibility.entity(identity).entity(step);
                varying.sample(&mut seed.stream())
            }
        };
        let region = self.config.engine.catalog.region_of(pool);
        let instances = &mut self.listings.regions[region.index()].instances;
        let record = instances.entry(id).or_insert_with(|| {
            let missing = model.label_missing;
            let labels = self.listings.labels.entity(identity);
            let labelled = missing <= 0.0 || !labels.stream().random_bool(missing);
            let (launched, visible) = (self.now, [Time::MAX; 4]);
            let cause = EndCause::Vanished;
            Record { launch, labelled, worker_type, pool, market, launched, visible, cause }
        });
        record.visible[usize::try_from(step).unwrap_or(0)] = self.now.saturating_add(lag);
        record.cause = cause.unwrap_or(record.cause);
    }

    /// A listing of a region is asked for; one that is under way is given up for it.
    pub(super) fn list(&mut self, region: RegionId) {
        let frozen = self.is(|fault| matches!(fault, FaultKind::ListingFrozen));
        let state = &mut self.listings.regions[region.index()];
        state.started = (state.started + 1) % GENERATIONS;
        if !frozen {
            let kept = self.config.cloud.listing.terminated_visible + KEPT;
            let now = self.now;
            state.instances.retain(|_, record| record.visible[3].saturating_add(kept) > now);
        }
        let rows = Vec::with_capacity(state.instances.len());
        state.under_way = Some(Listing { as_of: self.now, after: None, rows });
        self.ask_for_page(region);
    }

    fn ask_for_page(&mut self, region: RegionId) {
        self.calls.list += 1;
        let Region { started, pages, .. } = &mut self.listings.regions[region.index()];
        *pages += 1;
        let page = self.listings.pages.purpose("answer").entity(*pages);
        let slot = u32::try_from(region.index()).expect("there are few regions");
        let handle = Handle { slot, generation: *started };
        match &self.config.cloud.listing.page_answer {
            DurationDist::Constant(Duration::ZERO) => self.page(handle),
            answer => {
                let seed = page.entity(u64::from(slot));
                let at = self.now.saturating_add(answer.sample(&mut seed.stream()));
                self.agenda.enter(at, Event::Page(handle).pack());
            }
        }
    }

    /// A page of a listing is answered.
    pub(super) fn page(&mut self, handle: Handle) {
        let region = RegionId::new(handle.slot as usize);
        let state = &self.listings.regions[region.index()];
        if state.started != handle.generation || state.under_way.is_none() {
            return;
        }
        let config = self.config;
        let model = &config.cloud.listing;
        let seed = self.listings.pages.entity(u64::from(handle.slot)).entity(state.pages);
        let chance = |what: &str, p: f64| p > 0.0 && seed.purpose(what).stream().random_bool(p);
        let is_down = self.is(|fault| matches!(fault, FaultKind::ListingDown));
        let fails = chance("failed", model.page_failed);
        let is_throttled = !self.admits(region, Call::List, 1);
        if is_throttled {
            let (call, launch) = (Call::List, None);
            self.tell(Observation::CallThrottled { region, call, launch });
        }
        if is_down || fails || is_throttled {
            self.listings.regions[region.index()].under_way = None;
            return;
        }
        let mut seen_at = self.now;
        if chance("stale", model.stale_read) {
            seen_at = seen_at - model.staleness.sample(&mut seed.purpose("behind").stream());
        }
        let frozen = self.config.faults.iter().filter(|fault| {
            fault.what == FaultKind::ListingFrozen
                && fault.from <= self.now
                && self.now < fault.until
        });
        seen_at = frozen.map(|fault| fault.from).fold(seen_at, Time::min);
        if self.serve_page(region, seen_at) {
            self.ask_for_page(region);
        } else {
            self.finish_listing(region);
        }
    }

    /// Adds what the page shows to the listing; says whether there are more.
    fn serve_page(&mut self, region: RegionId, seen_at: Time) -> bool {
        let model = &self.config.cloud.listing;
        let Region { instances, under_way, .. } = &mut self.listings.regions[region.index()];
        let Some(listing) = under_way else { return false };
        let after = listing.after;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ours = instances.range((from, Bound::Unbounded)).filter_map(|(id, record)| {
            Some((*id, Some((record, record.state(seen_at, model.terminated_visible)?))))
        });
        let others = (OTHERS..OTHERS + u64::from(model.others)).map(InstanceId);
        let others = others.filter(|id| after < Some(*id));
        let mut page = ours.chain(others.map(|id| (id, None)));
        let size = model.page_size.max(1) as usize;
        let ids = &self.engine_ids;
        for (instance, ours) in page.by_ref().take(size) {
            listing.after = Some(instance);
            // The caller knows its own by a tag of its name; others' instances end here.
            if let Some((record, state)) = ours {
                let Record { launch, labelled, worker_type, pool, market, launched, .. } = *record;
                listing.rows.push(Row {
                    instance,
                    launch: labelled.then_some(launch),
                    worker_type: ids.served(worker_type).filter(|_| labelled),
                    pool: Some(pool),
                    market,
                    state,
                    launched,
                });
            }
        }
        page.next().is_some()
    }

    /// All pages are there: what is news is told.
    fn finish_listing(&mut self, region: RegionId) {
        let Some(listing) = self.listings.regions[region.index()].under_way.take() else { return };
        let Listing { as_of, rows, after: _ } = listing;
        for found in self.listings.inventory.found(region, &rows) {
            self.observe(found);
        }
        let engine = &self.engine;
        let owner = |instance, label| engine.owner(instance, label);
        for change in self.listings.inventory.changed(region, as_of, &rows, owner) {
            self.observe(change);
        }
    }

    /// An instance of ours that belongs to no launch is to be ended.
    pub(super) fn end_stray(&mut self, instance: InstanceId, unless_claimed: bool) {
        if unless_claimed && self.may_hold_a_task(LaunchId(instance.0)) {
            return;
        }
        self.calls.terminate += 1;
        if instance.0 >= OTHERS {
            self.ownership.others_touched += 1;
        } else if let Some(slot) = self.launches.get(LaunchId(instance.0)).copied()
            && let Stage::Pending | Stage::Running | Stage::Working = self.instances[slot].stage
        {
            self.ownership.strays_ended += 1;
            self.note_ended(slot);
            self.stop(slot, EndCause::Provisioner);
        }
    }

    /// Whether each fact about an instance or a price reaches the engine once, and at once.
    pub(super) fn tells_at_once(config: &SimConfig) -> bool {
        let ListingModel { events, event_lost, event_duplicated, .. } = config.cloud.listing;
        let at_once = config.observation_lag == DurationDist::Constant(Duration::ZERO);
        at_once && events && event_lost <= 0.0 && event_duplicated <= 0.0
    }

    /// How often a fact reaches the engine: those about states are pushed, if at all.
    pub(super) fn copies(&mut self, observation: &Observation) -> u32 {
        let pushed = matches!(
            observation,
            Observation::InstanceRunning { .. }
                | Observation::InterruptionNoticed { .. }
                | Observation::RebalanceRecommended { .. }
                | Observation::InstanceStopping { .. }
                | Observation::InstanceEnded { .. }
        );
        let model = &self.config.cloud.listing;
        let mut chance = |p: f64| p > 0.0 && self.listings.events.random_bool(p);
        match pushed {
            true if !model.events || chance(model.event_lost) => 0,
            true if chance(model.event_duplicated) => 2,
            _ => 1,
        }
    }

    /// The engine is told that some of its instances ended, which is not so.
    pub(super) fn tell_false_ends(&mut self, share: f64, nth: u32) {
        let seed = self.config.seed.purpose("told-ended").entity(u64::from(nth));
        for slot in self.instances.slots() {
            let Instance { launch, stage, identity, .. } = self.instances[slot];
            let runs = matches!(stage, Stage::Running | Stage::Working);
            if runs && seed.entity(identity).stream().random_bool(share) {
                self.instances[slot].lied_about = true;
                self.testify(|_| Truth::EndLied { launch });
                self.observe(Observation::InstanceEnded { launch, cause: EndCause::Worker });
            }
        }
    }

    /// Notes which instances run without being known to the engine.
    pub(super) fn count_orphans(&mut self) {
        if !self.ownership_may_fail {
            return;
        }
        let before = std::mem::take(&mut self.orphans);
        for slot in self.instances.slots() {
            let instance = &self.instances[slot];
            if !matches!(instance.stage, Stage::Pending | Stage::Running | Stage::Working) {
                continue;
            }
            let id = instance.id();
            let owner = self.engine.launch(instance.launch);
            if owner.is_some_and(|launch| launch.instance.is_none_or(|known| known == id)) {
                continue;
            }
            let (since, last) = before.get(&id).copied().unwrap_or((self.now, self.now));
            self.ownership.orphan_time += self.now - last;
            self.ownership.orphan_longest = self.ownership.orphan_longest.max(self.now - since);
            self.orphans.insert(id, (since, self.now));
        }
        self.ownership.orphans_left = self.orphans.len() as u64;
    }
}

/// Whether the engine can ever be wrong about what runs.
pub(super) fn ownership_may_fail(config: &SimConfig) -> bool {
    let model = &config.cloud.listing;
    let may_miss = !model.events || model.event_lost > 0.0 || model.stale_read > 0.0;
    let may_err = !config.cloud.api.is_plain() || process::may_die(config);
    let may_lag = model.visibility_lag != DurationDist::Constant(Duration::ZERO);
    may_miss || may_lag || may_err || !config.faults.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_the_furthest_state_that_is_visible_and_an_end_for_a_while() {
        let secs = |secs| Time::EPOCH + Duration::from_secs(secs);
        let record = Record {
            launch: LaunchId(1),
            labelled: true,
            worker_type: WorkerTypeId::new(0),
            pool: PoolId::new(0),
            market: Market::OnDemand,
            launched: secs(0),
            // `running` became visible before `pending`.
            visible: [secs(9), secs(5), secs(20), secs(30)],
            cause: EndCause::Worker,
        };
        let state = |at| record.state(secs(at), Duration::MINUTE);
        assert_eq!(state(4), None);
        assert_eq!(state(5), Some(State::Running));
        assert_eq!(state(10), Some(State::Running));
        assert_eq!(state(25), Some(State::Stopping(EndCause::Worker)));
        assert_eq!(state(89), Some(State::Terminated(EndCause::Worker)));
        assert_eq!(state(90), None);
    }
}
