//! Working a decision out: giving up, wanting, launching.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::demand::Counts;
use super::ends::{EndOrder, ORDERED_AGAIN_AFTER};
use super::shortage::is_shortage;
use super::zombies::Duty;
use super::{Engine, Signs, State};
use crate::decision::{Action, Decision, Market, Reason};
use crate::gates::{Event, Opening};
use crate::guards::Removed;
use crate::ids::{LaunchId, RegionId, WorkerTypeId};
use crate::ledger::{Launch, Stage, Supply};
use crate::observation::Call;
use crate::placement::{Pick, Picks, Placement, Plan, Room};
use crate::scaling::{Enough, Need, Scaling};
use crate::units::{Duration, Time};
use crate::worker_type::{Candidate, Limits, PlacementPolicy, ScalingPolicy, WorkerType};

/// What a worker type wants to launch.
#[derive(Clone, Debug)]
pub(super) struct Order {
    worker_type: WorkerTypeId,
    /// From where the next instance comes.
    pick: Pick,
    /// What is picked after that, the next one last.
    later: Vec<Pick>,
}

impl Engine {
    /// Cancels requests and ends instances that are past their time, and looks at workers that may
    /// be.
    pub(super) fn give_up_overdue(&mut self, decision: &mut Decision) {
        let mut due = self.looks.take_due(self.now);
        if !self.ends.is_empty() {
            due.sort_by_cached_key(|(_, id)| self.ends.times(*id));
        }
        for &(look, id) in &due {
            let Some(&launch) = self.ledger.get(id).filter(|it| it.look == look) else {
                continue;
            };
            // It was put off. Looking again at twice its age, most that end meanwhile are
            // forgotten soon.
            if launch.deadline > self.now {
                let age = self.now.since(launch.requested);
                let next = launch.deadline.min(self.now + age.max(Duration::MINUTE));
                self.ledger.set_look(id, next);
                self.looks.enter(next, id);
                continue;
            }
            self.ledger.set_look(id, Time::MAX);
            match self.duty(id, &launch) {
                Duty::Wait(due) => self.put_off(id, due),
                Duty::Check => {
                    decision.actions.push(Action::CheckWorker { launch: id });
                    let again = self.now + ORDERED_AGAIN_AFTER;
                    self.put_off(id, again.min(self.deadline(&launch)));
                }
                Duty::GiveUp(reason) => {
                    let last = matches!(reason, Reason::LifetimeReached { .. });
                    let unless_claimed = self.config.guards.recheck && !last;
                    let order = self.order_end(id, &launch, unless_claimed, decision);
                    if matches!(order, EndOrder::Given) {
                        self.because(decision, reason);
                    }
                    self.put_off(id, order.look_again(self.now));
                }
            }
        }
        self.looks.give_back(due);
    }

    /// What a worker type with these counts wants to launch.
    pub(super) fn order(
        &mut self,
        worker_type: WorkerTypeId,
        counts: Counts,
        decision: &mut Decision,
    ) -> Option<Order> {
        if self.is_stuck(worker_type) {
            return None;
        }
        let Counts { pending, claimed, .. } = counts;
        let live = self.ledger.supply(worker_type).live();
        let supply = self.suspect(worker_type, counts);
        let config = &self.config.worker_types[worker_type.index()];
        let WorkerType { capacity_max, scaling, .. } = *config;
        let capacity_min = config.capacity_min_at(self.now);
        let need = Need { pending, claimed, supply, capacity_min, capacity_max };
        let change = scaling.change(&need);
        if matches!(scaling, ScalingPolicy::Target { .. }) {
            self.keep_surplus(worker_type, -change);
        }
        if self.explains {
            let keep = scaling.keep(&need);
            let scaled = Reason::Scaled { worker_type, pending, claimed, supply, change, keep };
            decision.reasons.push(scaled);
            let silent = live - supply.live();
            if silent > 0 {
                decision.reasons.push(Reason::Silent { worker_type, silent });
            }
        }
        let stopgap = supply.requested + self.ledger.on_demand(worker_type);
        if change + i64::from(stopgap) <= 0 {
            self.shortages.end(worker_type);
        }
        let Some(wanted) = u32::try_from(change).ok().filter(|wanted| *wanted > 0) else {
            self.demands.set_enough(worker_type, self.enough(worker_type, &supply, capacity_min));
            return None;
        };
        let picks = self.choose(worker_type, wanted, live, decision);
        let (pick, mut later) = picks.split()?;
        later.reverse();
        Some(Order { worker_type, pick, later })
    }

    /// Takes in how much capacity is more than wanted; since when it is and the least of it are what
    /// `target` goes by.
    fn keep_surplus(&mut self, worker_type: WorkerTypeId, excess: i64) {
        let surplus = &mut self.states[worker_type.index()].surplus;
        *surplus = u32::try_from(excess).ok().filter(|excess| *excess > 0).map(|excess| {
            let (since, least) = surplus.unwrap_or((self.now, excess));
            (since, least.min(excess))
        });
    }

    /// For which counts a look would do nothing, now that one found nothing to do: with this supply,
    /// and without anything that time or waiting tasks may change.
    fn enough(
        &self,
        worker_type: WorkerTypeId,
        supply: &Supply,
        capacity_min: u32,
    ) -> Option<Enough> {
        let may_change = self.config.guards.removed == Removed::Killed
            || self.shortages.is_in_one(worker_type)
            || self.suspects.knows(worker_type);
        let scaling = &self.config.worker_types[worker_type.index()].scaling;
        let enough = scaling.enough(supply, capacity_min).filter(|_| !may_change)?;
        Some(if self.is_suspicious() { enough.for_none_pending() } else { enough })
    }

    /// What gives so many units: by its policy, and on demand when its patience is at an end.
    fn choose(
        &mut self,
        id: WorkerTypeId,
        wanted: u32,
        live: u32,
        decision: &mut Decision,
    ) -> Picks {
        let policy = self.config.worker_types[id.index()].placement;
        let plan = self.plan_calm(id, policy, self.spot_share(id, wanted), live, decision);
        self.like(id, plan.favourite);
        self.tell_short(id, plan.short, decision);
        let mut picks = plan.picks;
        if plan.short.is_some_and(|reason| is_shortage(&reason)) {
            self.fall_short(id);
        }
        let Some(since) = self.on_demand_since(id) else { return picks };
        let bought = self.units(id, &picks);
        if bought < wanted {
            self.because(decision, Reason::OnDemandAllowed { worker_type: id, since });
            let (policy, rest) = (PlacementPolicy::OnDemand, wanted - bought);
            let rest = self.plan(id, policy, rest, live + bought, |_, _| {});
            self.tell_short(id, rest.short, decision);
            if !rest.picks.is_empty() {
                self.shortages.fall_back(id);
            }
            picks.append(rest.picks);
        }
        picks
    }

    /// Says why not everything wanted is planned. It is looked at again: prices and windows move
    /// on without a fact about it.
    fn tell_short(&mut self, id: WorkerTypeId, short: Option<Reason>, decision: &mut Decision) {
        if let Some(reason) = short {
            self.because(decision, reason);
            self.changed.mark(id);
        }
    }

    /// Remembers which candidate is liked best, and since when.
    fn like(&mut self, worker_type: WorkerTypeId, favourite: Option<u32>) {
        let held = &mut self.states[worker_type.index()].favourite;
        if let Some(liked) = favourite
            && held.is_none_or(|(before, _)| before != liked)
        {
            *held = Some((liked, self.now));
        }
    }

    /// Plans without the pools that EC2 recommends to leave, and with them for what the others do
    /// not give.
    fn plan_calm(
        &mut self,
        id: WorkerTypeId,
        policy: PlacementPolicy,
        wanted: u32,
        live: u32,
        decision: &mut Decision,
    ) -> Plan {
        let may_warn = self.gates.may_warn() && policy.market() != Market::OnDemand;
        let warnings = if may_warn { self.warnings(id, policy) } else { BTreeMap::new() };
        if warnings.is_empty() {
            return self.plan(id, policy, wanted, live, |_, _| {});
        }
        warnings.values().for_each(|warning| self.because(decision, *warning));
        let without = |candidate: u32, opening: &mut Opening| {
            if let Some(warning) = warnings.get(&candidate) {
                *opening = Opening::of(0, *warning);
            }
        };
        let mut plan = self.plan(id, policy, wanted, live, without);
        // Who is liked best is not to change because of this.
        plan.favourite = None;
        let Some(short) = plan.short else { return plan };
        let within = |candidate: u32, opening: &mut Opening| {
            if !warnings.contains_key(&candidate) {
                *opening = Opening::of(0, opening.limit.unwrap_or(short));
            }
        };
        let bought = self.units(id, &plan.picks);
        let rest = self.plan(id, policy, wanted.saturating_sub(bought), live + bought, within);
        plan.picks.append(rest.picks);
        Plan { short: rest.short, ..plan }
    }

    /// Candidates whose pool is to be left out while others are open, and why.
    fn warnings(&self, id: WorkerTypeId, policy: PlacementPolicy) -> BTreeMap<u32, Reason> {
        let WorkerType { candidates, .. } = &self.config.worker_types[id.index()];
        let market = policy.market();
        let warning = |candidate: u32| {
            let warning = self.gates.warning(self.now, &self.site(id, candidate, market));
            Some((candidate, warning?))
        };
        let candidates = 0..u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        candidates.filter_map(warning).collect()
    }

    fn units(&self, id: WorkerTypeId, picks: &Picks) -> u32 {
        let candidates = &self.config.worker_types[id.index()].candidates;
        picks.iter().map(|pick| pick.count * candidates[pick.candidate as usize].capacity).sum()
    }

    /// What the policy chooses where the gates are open, and further as `narrow` says.
    fn plan(
        &mut self,
        id: WorkerTypeId,
        policy: PlacementPolicy,
        wanted: u32,
        live: u32,
        narrow: impl Fn(u32, &mut Opening),
    ) -> Plan {
        let State { errors, random, .. } = &mut self.states[id.index()];
        errors.forget_old(self.now);
        let mut random = random.clone();
        let offer = self.offer(self.now, id);
        let mut room = Room::new(wanted, live, offer.worker_type);
        let units = live.saturating_add(wanted);
        if let Some(mut openings) = self.openings(&offer, &room, &policy, units) {
            (0..).zip(&mut openings).for_each(|(candidate, opening)| narrow(candidate, opening));
            room = room.behind(openings);
        }
        let plan = policy.plan(&offer, room, &mut random);
        self.states[id.index()].random = random;
        plan
    }

    /// One call of each worker type in turn, so that one type's volume never starves another.
    /// Whoever a limit or the allowance of calls cuts off is first in line the next time; and where
    /// a gate cut someone off because of calls before, the line begins with the next one then.
    pub(super) fn launch_in_turn(&mut self, line: &mut VecDeque<Order>, decision: &mut Decision) {
        let Limits { launches_per_decision_max: limit, launches_per_call_max, .. } =
            self.config.limits;
        let told = decision.reasons.len();
        line.rotate_left(line.partition_point(|order| order.worker_type < self.first_in_line));
        let first = line.front().map_or(self.first_in_line, |order| order.worker_type);
        let (mut left, mut cut_off) = (limit, None);
        while left > 0
            && let Some(mut order) = line.pop_front()
        {
            let worker_type = order.worker_type;
            let wanted = order.pick.count.min(launches_per_call_max).min(left);
            let (most, reason) = self.left_open(worker_type, &order.pick, wanted);
            if let Some(reason) = reason {
                order.pick.count = most;
                self.because(decision, reason);
                self.changed.mark(worker_type);
                let worker_types = self.config.worker_types.len();
                self.first_in_line = WorkerTypeId::new((first.index() + 1) % worker_types);
            }
            let affordable = self.affordable(worker_type, &order.pick, most, decision);
            let most = affordable.unwrap_or_else(|reason| {
                self.because(decision, reason);
                self.changed.mark(worker_type);
                0
            });
            if most == 0 {
                if let Some(order) = order.next() {
                    line.push_back(order);
                }
                continue;
            }
            let region = self.region_of(worker_type, &order.pick);
            let rest = match self.budget.launch(self.now, region, 1, most) {
                0 => {
                    self.tell_spent(Some(worker_type), region, Call::Launch, 1, decision);
                    self.changed.mark(worker_type);
                    cut_off = cut_off.or(Some(worker_type));
                    order.without(|pick| self.region_of(worker_type, pick) == region)
                }
                taken => {
                    left -= taken;
                    let (call, rest) = order.take(taken);
                    let launch = self.buy(worker_type, &call, decision);
                    self.tell_chosen(worker_type, &call, launch, told, decision);
                    rest
                }
            };
            if let Some(rest) = rest {
                line.push_back(rest);
            }
        }
        if let Some(next) = cut_off.or_else(|| Some(line.front()?.worker_type)) {
            self.first_in_line = next;
        }
        for Order { worker_type, pick, later } in line.drain(..) {
            let left = later.iter().fold(pick.count, |left, pick| left + pick.count);
            self.because(decision, Reason::LaunchLimitReached { worker_type, left, limit });
            self.changed.mark(worker_type);
        }
    }

    fn region_of(&self, worker_type: WorkerTypeId, pick: &Pick) -> RegionId {
        let worker_type = &self.config.worker_types[worker_type.index()];
        self.config.catalog.region_of(worker_type.candidates[pick.candidate as usize].pool)
    }

    /// The allowance does not pay for such a call now: says so and when it does, and asks to be
    /// woken then.
    pub(super) fn tell_spent(
        &mut self,
        worker_type: Option<WorkerTypeId>,
        region: RegionId,
        call: Call,
        count: u32,
        decision: &mut Decision,
    ) -> Time {
        let until = self.budget.next(self.now, region, call, count);
        decision.wake_at = decision.wake_at.min(until);
        let spent = Reason::ApiBudgetSpent { worker_type, region, call, until };
        if decision.reasons.last() != Some(&spent) {
            self.because(decision, spent);
        }
        until
    }

    /// How many of the instances wanted of a pick the gates have left open, and why that is less.
    fn left_open(
        &self,
        worker_type: WorkerTypeId,
        pick: &Pick,
        wanted: u32,
    ) -> (u32, Option<Reason>) {
        if self.gates.are_off() {
            return (wanted, None);
        }
        let opening =
            self.gates.open(self.now, &self.site(worker_type, pick.candidate, pick.market));
        let reason = opening.limit.filter(|_| opening.count < wanted);
        (wanted.min(opening.count), reason)
    }

    /// Remembers the launches of one call and orders it.
    fn buy(&mut self, worker_type: WorkerTypeId, pick: &Pick, decision: &mut Decision) -> LaunchId {
        let Pick { candidate, market, count, .. } = *pick;
        let WorkerType { ref candidates, request_timeout, .. } =
            self.config.worker_types[worker_type.index()];
        let Candidate { pool, capacity, .. } = candidates[candidate as usize];
        let call = self.ledger.next_id();
        let launch = Launch {
            worker_type,
            candidate,
            pool,
            capacity,
            market,
            price_max: self.price_max(pool, market),
            stage: Stage::Requested,
            instance: None,
            call,
            call_count: count,
            requested: self.now,
            accepted: None,
            deadline: Time::MAX,
            look: Time::MAX,
            signs: Signs::default(),
        };
        for _ in 0..count {
            let id = self.ledger.open(launch);
            self.put_off(id, self.now.saturating_add(request_timeout));
            self.note_of(&launch, Event::Ordered);
        }
        self.changed.mark(worker_type); // its supply did
        decision.actions.push(Action::Launch { launch: call, count, worker_type, pool, market });
        call
    }

    /// Adds the launches to the reason that names its pool, among those from `told` on.
    fn tell_chosen(
        &self,
        worker_type: WorkerTypeId,
        pick: &Pick,
        first: LaunchId,
        told: usize,
        decision: &mut Decision,
    ) {
        if !self.explains {
            return;
        }
        let Pick { candidate, market, price, of, count: more } = *pick;
        let pool =
            self.config.worker_types[worker_type.index()].candidates[candidate as usize].pool;
        let same = decision.reasons[told..].iter_mut().rev().find_map(|reason| {
            let Reason::PoolChosen { worker_type: w, pool: p, market: m, of: o, count, .. } =
                reason
            else {
                return None;
            };
            ((*w, *p, *m, *o) == (worker_type, pool, market, of)).then_some(count)
        });
        match same {
            Some(count) => *count += more,
            None => decision.reasons.push(Reason::PoolChosen {
                worker_type,
                pool,
                market,
                price,
                of,
                first,
                count: more,
            }),
        }
    }
}

impl Order {
    /// Takes that many instances of the next pick out, for one call.
    fn take(mut self, count: u32) -> (Pick, Option<Self>) {
        let call = Pick { count, ..self.pick };
        self.pick.count -= count;
        (call, if self.pick.count > 0 { Some(self) } else { self.next() })
    }

    /// Without the next pick and those later ones.
    fn without(mut self, left_out: impl Fn(&Pick) -> bool) -> Option<Self> {
        self.later.retain(|pick| !left_out(pick));
        self.next()
    }

    fn next(mut self) -> Option<Self> {
        self.pick = self.later.pop()?;
        Some(self)
    }
}
