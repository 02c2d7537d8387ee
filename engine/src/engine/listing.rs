//! Whose each instance is, and what it means that one is not listed.
//!
//! Our instances in each region are listed again and again. What a listing shows is there; what it
//! lacks may be there all the same, so absence counts only if it lasts, in complete and recent
//! listings that began after the launch was accepted, and for a worker only if the queue knows of
//! no task on it either. An instance without a launch is taken over if its labels say for whom it
//! runs, and ended otherwise, after some patience: labels lag too.
//!
//! Not here: what is news in a listing ([`inventory`](crate::inventory)).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use super::ends::{EndOrder, ORDERED_AGAIN_AFTER};
use super::{Engine, Signs};
use crate::decision::{Action, Decision, Market, Reason};
use crate::gates::Event;
use crate::guards::{self, Guards, ListingRule, StrayRule};
use crate::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use crate::launch_map::LaunchMap;
use crate::ledger::{Launch, NO_CANDIDATE, Stage};
use crate::observation::{Call, EndCause};
use crate::remap::Remap;
use crate::units::{Duration, Time};
use crate::worker_type::EngineConfig;

/// A late fact about an ended instance does not bring it back for this long: EC2 shows terminated
/// instances for about an hour.
const ENDED_REMEMBERED: Duration = Duration::HOUR;

/// An instance that is absent is given up after so many questions about its worker, or orders to
/// end it, of which nothing was heard.
const ASKS_BEFORE_GONE: u32 = 3;

/// Labels are numbers that we wrote; one beyond this was written by somebody else.
const LABEL_MAX: u64 = u64::MAX >> 1;

/// What is known from listings. Empty while they are off.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Listings {
    regions: Vec<Region>,
    /// By instance, whose numbers are as close together as those of launches.
    owners: LaunchMap<LaunchId>,
    absent: BTreeMap<LaunchId, Absence>,
    /// Launches whose instance was seen to end, and when.
    ended: BTreeMap<LaunchId, Time>,
    strays: BTreeMap<InstanceId, Stray>,
    /// Workers of which it is not known whether they registered.
    to_check: Vec<LaunchId>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Region {
    /// It has or had pools of a worker type.
    matters: bool,
    ordered: Option<Time>,
    /// When the last complete listing began.
    as_of: Option<Time>,
}

/// A launch with an instance that listings lack.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Absence {
    /// It was listed before.
    listed: bool,
    /// Since it was first missed, or accepted.
    since: Time,
    /// The last listing that missed it, and how many did.
    missed: Option<Time>,
    listings: u32,
    /// When its end was last ordered, or the queue asked about its worker, and how often it was.
    asked: Option<Time>,
    asks: u32,
}

/// An instance of ours that belongs to no launch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Stray {
    found: Found,
    since: Time,
    /// It was listed since the last restart: what ended meanwhile was seen by nobody.
    is_there: bool,
    ordered: Option<Time>,
}

/// An instance as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) instance: InstanceId,
    pub(super) launch: Option<LaunchId>,
    pub(super) worker_type: Option<WorkerTypeId>,
    pub(super) pool: Option<PoolId>,
    pub(super) market: Market,
    pub(super) launched: Time,
}

impl Listings {
    /// Nothing is known yet of what that configuration asks to list.
    pub(super) fn new(config: &EngineConfig) -> Self {
        let mut listings = Self::default();
        listings.cover(config);
        listings
    }

    /// Lists the regions of that configuration too.
    fn cover(&mut self, config: &EngineConfig) {
        if config.guards.listing.is_none() {
            return;
        }
        self.regions.resize(config.catalog.regions_len(), Region::default());
        for candidate in config.worker_types.iter().flat_map(|known| &known.candidates) {
            self.regions[config.catalog.region_of(candidate.pool).index()].matters = true;
        }
    }

    /// Goes over to another configuration.
    pub(super) fn configure(&mut self, config: &EngineConfig, remap: &Remap) {
        let regions = mem::take(&mut self.regions);
        if config.guards.listing.is_some() {
            self.regions.resize(config.catalog.regions_len(), Region::default());
            for (region, old) in remap.regions.iter().zip(regions) {
                self.regions[region.index()] = old;
            }
        }
        self.cover(config);
        for Stray { found, .. } in self.strays.values_mut() {
            found.worker_type = found.worker_type.and_then(|old| remap.worker_type(old));
            found.pool = found.pool.map(|old| remap.pools[old.index()]);
        }
    }

    /// The instance of a launch is known; says whether a listing showed it already, as nobody's.
    pub(super) fn own(&mut self, instance: InstanceId, launch: LaunchId) -> bool {
        match self.owners.get_mut(LaunchId(instance.0)) {
            Some(owner) => *owner = launch,
            None => self.owners.insert(LaunchId(instance.0), launch),
        }
        self.strays.remove(&instance).is_some_and(|stray| stray.is_there)
    }

    /// EC2 took a launch: from now on it may be listed.
    pub(super) fn accept(&mut self, launch: LaunchId, since: Time) {
        let unlisted =
            Absence { listed: false, since, missed: None, listings: 0, asked: None, asks: 0 };
        self.absent.insert(launch, unlisted);
    }

    /// A listing shows the instance of a launch.
    pub(super) fn see(&mut self, launch: LaunchId) {
        self.absent.remove(&launch);
    }

    /// A launch is over.
    pub(super) fn close(&mut self, id: LaunchId, launch: &Launch, ended: Option<Time>) {
        if let Some(instance) = launch.instance {
            self.owners.remove(LaunchId(instance.0));
        }
        self.absent.remove(&id);
        if let Some(now) = ended {
            self.ended.insert(id, now);
        }
    }

    /// A region was listed.
    pub(super) fn listed(&mut self, region: RegionId, as_of: Time, now: Time) {
        if let Some(region) = self.regions.get_mut(region.index()) {
            region.as_of = region.as_of.max(Some(as_of));
        }
        self.ended.retain(|_, at| now.since(*at) <= ENDED_REMEMBERED);
    }

    /// What was ordered may not have been done, and what came of it was not heard: all is asked
    /// and ordered anew. Of these launches the workers may have registered unheard. Whoever lists
    /// begins anew as well, and will not miss what ended meanwhile: each instance is to be listed
    /// once more.
    pub(super) fn restart(&mut self, now: Time, unregistered: Vec<LaunchId>) {
        let was_listed = |id: &LaunchId| self.absent.get(id).is_none_or(|absence| absence.listed);
        if !self.regions.is_empty() {
            let owners = self.owners.iter().map(|(_, launch)| *launch);
            let listed: Vec<LaunchId> = owners.filter(was_listed).collect();
            listed.into_iter().for_each(|launch| self.accept(launch, now));
        }
        self.regions.iter_mut().for_each(|region| region.ordered = None);
        self.absent.values_mut().for_each(|absence| absence.asked = None);
        for stray in self.strays.values_mut() {
            (stray.is_there, stray.ordered) = (false, None);
        }
        self.to_check = unregistered;
    }

    /// The queue knows that a worker was alive then: no listing is better evidence.
    pub(super) fn see_alive(&mut self, launch: LaunchId, at: Time) {
        if let Some(absence) = self.absent.get_mut(&launch) {
            *absence = Absence {
                since: absence.since.max(at),
                listings: 0,
                asked: None,
                asks: 0,
                ..*absence
            };
        }
    }

    /// A stray ended.
    pub(super) fn stray_ended(&mut self, instance: InstanceId) {
        self.strays.remove(&instance);
    }
}

impl Engine {
    /// The launch that an instance with that label belongs to, if there is one.
    #[must_use]
    pub fn owner(&self, instance: InstanceId, label: Option<LaunchId>) -> Option<LaunchId> {
        let labelled = || {
            let launch = self.ledger.get(label?)?;
            launch.instance.is_none_or(|known| known == instance).then_some(label?)
        };
        self.listings.owners.get(LaunchId(instance.0)).copied().or_else(labelled)
    }

    /// A listing shows an instance.
    pub(super) fn find(&mut self, found: Found) {
        let Guards { listing, strays, .. } = self.config.guards;
        let Found { instance, .. } = found;
        if let Some(launch) = self.owner(instance, found.launch) {
            self.give(launch, instance);
            self.listings.see(launch);
        } else if listing.is_some() && strays.is_some() {
            let since = self.listings.strays.get(&instance).map_or(self.now, |known| known.since);
            self.listings
                .strays
                .insert(instance, Stray { found, since, is_there: true, ordered: None });
            let has_ended = |launch| self.listings.ended.contains_key(&launch);
            if !found.launch.is_some_and(has_ended)
                && let Some(adopted) = self.adopt(&found)
            {
                self.say(adopted);
            }
        }
    }

    /// A complete listing lacks the instance of a launch.
    pub(super) fn miss(&mut self, id: LaunchId, as_of: Time) {
        let Some(rule) = self.config.guards.listing else { return };
        let accepted = self.ledger.get(id).and_then(|launch| launch.accepted);
        let is_evidence = self.now.since(as_of) <= rule.stale_after;
        if !is_evidence || accepted.is_none_or(|accepted| as_of < accepted) {
            return;
        }
        let known = self.listings.absent.get(&id).copied().filter(|absence| absence.listed);
        let first =
            Absence { listed: true, since: as_of, missed: None, listings: 0, asked: None, asks: 0 };
        let Absence { missed, listings, .. } = known.unwrap_or(first);
        if missed < Some(as_of) {
            let absence =
                Absence { missed: Some(as_of), listings: listings + 1, ..known.unwrap_or(first) };
            self.listings.absent.insert(id, absence);
        }
    }

    /// Orders listings where they are due, and settles what they left open.
    pub(super) fn look_around(&mut self, decision: &mut Decision) {
        let Guards { listing: Some(rule), strays, .. } = self.config.guards else { return };
        for index in 0..self.listings.regions.len() {
            let (id, region) = (RegionId::new(index), &mut self.listings.regions[index]);
            let is_due = region.ordered.is_none_or(|last| self.now.since(last) >= rule.interval);
            if !region.matters || !is_due {
                continue;
            }
            if self.budget.spend(self.now, id, Call::List) {
                region.ordered = Some(self.now);
                decision.actions.push(Action::ListInstances { region: id });
            } else {
                self.tell_spent(None, id, Call::List, 1, decision);
            }
        }
        self.give_up_absent(rule, decision);
        if let Some(rule) = strays {
            self.settle_strays(rule, decision);
        }
        let to_check = mem::take(&mut self.listings.to_check);
        let to_check = to_check.into_iter().filter(|launch| self.ledger.get(*launch).is_some());
        decision.actions.extend(to_check.map(|launch| Action::CheckWorker { launch }));
    }

    /// Gives up launches that have been absent for too long.
    fn give_up_absent(&mut self, rule: ListingRule, decision: &mut Decision) {
        let oldest = self.now - rule.unlisted_after.min(rule.gone_after);
        let absent = self.listings.absent.iter().filter(|(_, absence)| absence.since <= oldest);
        let overdue: Vec<(LaunchId, Absence)> = absent
            .map(|(id, absence)| (*id, *absence))
            .filter(|it| self.is_gone(it, rule))
            .collect();
        for (id, absence) in overdue {
            let Some(launch) = self.ledger.get(id).copied() else { continue };
            let is_working = launch.stage == Stage::Working;
            let is_doubted = rule.absence == guards::Absence::Doubted;
            let asks = is_doubted && (is_working || !absence.listed);
            match absence.asked {
                Some(asked) if self.now.since(asked) < ORDERED_AGAIN_AFTER => {}
                // One call may be lost on its way.
                _ if asks && absence.asks < ASKS_BEFORE_GONE => {
                    let asked = if absence.listed {
                        decision.actions.push(Action::CheckWorker { launch: id });
                        self.now
                    } else {
                        match self.order_end(id, &launch, true, decision) {
                            EndOrder::Given => self.now,
                            EndOrder::Stands(since) if absence.asked < Some(since) => since,
                            EndOrder::Stands(_) | EndOrder::Unpaid(_) => continue,
                        }
                    };
                    let (asked, asks) = (Some(asked), absence.asks + 1);
                    self.listings.absent.insert(id, Absence { asked, asks, ..absence });
                }
                None | Some(_) => {
                    if is_working && !is_doubted {
                        let unless_claimed = false;
                        decision.actions.push(Action::Terminate { launch: id, unless_claimed });
                    }
                    self.because(decision, Reason::Gone { launch: id, since: absence.since });
                    self.end(id, EndCause::Vanished);
                }
            }
        }
    }

    /// Whether recent listings say so clearly that a launch has no instance any more.
    fn is_gone(&self, (id, absence): &(LaunchId, Absence), rule: ListingRule) -> bool {
        let Some(launch) = self.ledger.get(*id) else { return false };
        let region = self.config.catalog.region_of(launch.pool);
        let Some(as_of) = self.listings.regions[region.index()].as_of else { return false };
        let is_evidence = self.now.since(as_of) <= rule.stale_after;
        let Absence { listed, since, listings, .. } = *absence;
        is_evidence
            && match listed {
                true => {
                    as_of.since(since) >= rule.gone_after && listings > rule.gone_after_listings
                }
                false => as_of > since && as_of.since(since) >= rule.unlisted_after,
            }
    }

    /// Takes over or ends strays that have been known for long enough.
    fn settle_strays(&mut self, rule: StrayRule, decision: &mut Decision) {
        let strays: Vec<Stray> = self.listings.strays.values().copied().collect();
        for stray in strays {
            let Stray { found, since, is_there, ordered } = stray;
            let again = ordered.map_or(since + rule.patience, |last| last + ORDERED_AGAIN_AFTER);
            if !is_there || self.now < again {
                continue;
            }
            if let Some(adopted) = self.adopt(&found) {
                self.because(decision, adopted);
                continue;
            }
            if self.may_be_ours(&found) {
                continue;
            }
            let instance = found.instance;
            let region = found.pool.map(|pool| self.config.catalog.region_of(pool));
            if let Some(region) = region
                && !self.budget.spend(self.now, region, Call::Terminate)
            {
                self.tell_spent(None, region, Call::Terminate, 1, decision);
                continue;
            }
            let unless_claimed = self.may_work(&found);
            decision.actions.push(Action::EndStray { instance, unless_claimed });
            self.because(decision, Reason::StrayFound { instance, since });
            let stray = Stray { ordered: Some(self.now), ..stray };
            self.listings.strays.insert(instance, stray);
        }
    }

    /// Whether the queue is to be asked before an instance is ended that belongs to no launch: it
    /// can be, as its label says which, and the instance has not lived its longest.
    fn may_work(&self, found: &Found) -> bool {
        let lifetime_max = |id: WorkerTypeId| self.config.worker_types[id.index()].lifetime_max;
        let dies = found.worker_type.map(|id| found.launched.saturating_add(lifetime_max(id)));
        self.config.guards.recheck && dies.is_some_and(|dies| self.now < dies)
    }

    /// Whether an instance without a label may be that of a launch that runs and whose instance is
    /// not known: its answer was lost. That launch, and with it the instance, is settled by itself.
    fn may_be_ours(&self, found: &Found) -> bool {
        let on_demand = |market| market == Market::OnDemand;
        let is_like_it = |launch: &Launch| {
            launch.instance.is_none()
                && launch.accepted.is_some()
                && launch.requested <= found.launched
                && found.pool.is_none_or(|pool| pool == launch.pool)
                && on_demand(found.market) == on_demand(launch.market)
        };
        found.launch.is_none() && self.ledger.iter().any(|(_, launch)| is_like_it(launch))
    }

    /// Takes an instance over under its label, if it says for whom it runs; says so.
    fn adopt(&mut self, found: &Found) -> Option<Reason> {
        let Found { instance, market, launched, .. } = *found;
        let adopts = self.config.guards.strays.is_some_and(|rule| rule.adopt);
        let (true, Some(id), Some(worker_type), Some(pool)) =
            (adopts, found.launch, found.worker_type, found.pool)
        else {
            return None;
        };
        if id.0 > LABEL_MAX || self.ledger.get(id).is_some() {
            return None;
        }
        let known = &self.config.worker_types[worker_type.index()];
        let (candidate, capacity) = known
            .candidate_of(pool)
            .map_or((NO_CANDIDATE, 1), |(candidate, offer)| (candidate, offer.capacity));
        let patience = self.boot_max(worker_type).unwrap_or(known.lifetime_max);
        let launch = Launch {
            worker_type,
            candidate,
            pool,
            capacity,
            market,
            price_max: self.price_max(pool, market),
            stage: Stage::Pending,
            instance: Some(instance),
            call: id,
            call_count: 1,
            requested: launched,
            accepted: Some(launched.min(self.now)),
            deadline: Time::MAX,
            look: Time::MAX,
            signs: Signs::default(),
        };
        self.ledger.adopt(id, launch);
        // Its worker may have registered long ago, and told somebody else.
        let due = self.deadline(&launch);
        self.put_off(id, due.max(self.now.saturating_add(patience)));
        self.note_of(&launch, Event::Ordered);
        self.note_of(&launch, Event::Accepted);
        self.listings.own(instance, id);
        self.listings.to_check.push(id);
        self.changed.mark(worker_type);
        Some(Reason::Adopted { launch: id, instance })
    }
}
