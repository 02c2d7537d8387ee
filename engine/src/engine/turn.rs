//! Working a decision out: giving up, wanting, launching.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::demand::Counts;
use super::zombies::Duty;
use super::{Engine, ORDERED_AGAIN_AFTER, Signs, State};
use crate::decision::{Action, Decision, Reason};
use crate::gates::{Event, Fleet, Site};
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::{Launch, Stage};
use crate::placement::{Offer, Pick, Placement, Plan, Room};
use crate::scaling::{Need, Scaling};
use crate::units::{Duration, Time};
use crate::worker_type::{Candidate, Limits, WorkerType};

/// What a worker type wants to launch.
pub(super) struct Order {
    worker_type: WorkerTypeId,
    /// From where the next instance comes.
    pick: Pick,
    /// What is picked after that, the next one last: mostly nothing, and then it takes no memory.
    later: Vec<Pick>,
}

impl Engine {
    /// Cancels requests and ends instances that are past their time, and looks at workers that may
    /// be.
    pub(super) fn give_up_overdue(&mut self, decision: &mut Decision) {
        for (look, id) in self.looks.take_due(self.now) {
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
            let again = self.now + ORDERED_AGAIN_AFTER;
            match self.duty(id, &launch).1 {
                Duty::Check => {
                    decision.actions.push(Action::CheckWorker { launch: id });
                    self.put_off(id, again.min(self.deadline(id, &launch).0));
                }
                Duty::GiveUp(reason) => {
                    let last = matches!(reason, Reason::LifetimeReached { .. });
                    let is_careful = self.config.guards.zombies.is_some()
                        || self.config.guards.listing.is_some();
                    let unless_claimed = is_careful && !last;
                    decision.actions.push(match launch.accepted {
                        Some(_) => Action::Terminate { launch: id, unless_claimed },
                        None => Action::Cancel { launch: id },
                    });
                    self.because(decision, reason);
                    self.put_off(id, again);
                }
            }
        }
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
        let supply = self.ledger.supply(worker_type);
        let config = &self.config.worker_types[worker_type.index()];
        let WorkerType { capacity_max, scaling, .. } = *config;
        let capacity_min = config.capacity_min_at(self.now);
        let need = Need { pending, claimed, supply, capacity_min, capacity_max };
        let change = scaling.change(&need);
        let surplus_since = &mut self.states[worker_type.index()].surplus_since;
        *surplus_since = if change < 0 { surplus_since.or(Some(self.now)) } else { None };
        if self.explains {
            let keep = scaling.keep(&need);
            let scaled = Reason::Scaled { worker_type, pending, claimed, supply, change, keep };
            decision.reasons.push(scaled);
        }
        let wanted = u32::try_from(change).ok().filter(|wanted| *wanted > 0)?;
        let Plan { mut picks, short, favourite } = self.plan(worker_type, wanted, supply.live());
        self.like(worker_type, favourite);
        picks.reverse();
        if let Some(reason) = short {
            self.because(decision, reason);
            self.changed.mark(worker_type); // prices and windows move on without a fact about it
        }
        let pick = picks.pop()?;
        let later = if picks.is_empty() { Vec::new() } else { picks };
        Some(Order { worker_type, pick, later })
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

    fn plan(&mut self, id: WorkerTypeId, wanted: u32, live: u32) -> Plan {
        let worker_type = &self.config.worker_types[id.index()];
        let State { errors, random, favourite, .. } = &mut self.states[id.index()];
        errors.forget_old(self.now);
        let offer = Offer {
            now: self.now,
            id,
            worker_type,
            catalog: &self.config.catalog,
            prices: &self.prices,
            history: &self.history,
            errors,
            by_candidate: self.ledger.by_candidate(id),
            favourite: *favourite,
            max_price_cap: self.config.limits.max_price_cap,
        };
        let market = worker_type.placement.market();
        let mut room = Room::new(wanted, live, worker_type);
        if !self.gates.are_off() {
            let candidates = 0..u32::try_from(worker_type.candidates.len()).unwrap_or(u32::MAX);
            let site =
                |candidate| Site::new(&self.config.catalog, id, worker_type, candidate, market);
            let sites: Vec<Site> = candidates.map(site).collect();
            let fleet = Fleet {
                now: self.now,
                candidates: &worker_type.candidates,
                prices: &self.prices,
                by_candidate: offer.by_candidate,
                units: live.saturating_add(wanted),
            };
            room = room.behind(self.gates.openings(self.now, &sites, &fleet));
        }
        worker_type.placement.plan(&offer, room, random)
    }

    /// One call of each worker type in turn, so that one type's volume never starves another.
    /// Whoever the limit cuts off is first in line the next time; and where a gate cut someone off
    /// because of calls before, the line begins with the next one then.
    pub(super) fn launch_in_turn(&mut self, mut line: VecDeque<Order>, decision: &mut Decision) {
        let Limits { launches_per_decision_max: limit, launches_per_call_max, .. } =
            self.config.limits;
        let told = decision.reasons.len();
        line.rotate_left(line.partition_point(|order| order.worker_type < self.first_in_line));
        let first = line.front().map_or(self.first_in_line, |order| order.worker_type);
        let mut left = limit;
        while left > 0 {
            let Some(mut order) = line.pop_front() else { return };
            let (mut call, more) = order.next_call(launches_per_call_max.min(left));
            if let Some(reason) = self.narrow(order.worker_type, &mut call) {
                self.because(decision, reason);
                self.changed.mark(order.worker_type);
                let worker_types = self.config.worker_types.len();
                self.first_in_line = WorkerTypeId::new((first.index() + 1) % worker_types);
            }
            left -= call.count;
            if call.count > 0 {
                let launch = self.buy(order.worker_type, &call, decision);
                self.tell_chosen(order.worker_type, &call, launch, told, decision);
            }
            if more {
                line.push_back(order);
            }
        }
        if let Some(next) = line.front() {
            self.first_in_line = next.worker_type;
        }
        for Order { worker_type, pick, later } in line {
            let left = later.iter().fold(pick.count, |left, pick| left + pick.count);
            self.because(decision, Reason::LaunchLimitReached { worker_type, left, limit });
            self.changed.mark(worker_type);
        }
    }

    /// Leaves of a call what the gates have left open, with why that is less.
    fn narrow(&self, worker_type: WorkerTypeId, pick: &mut Pick) -> Option<Reason> {
        if self.gates.are_off() {
            return None;
        }
        let opening =
            self.gates.open(self.now, &self.site(worker_type, pick.candidate, pick.market));
        let reason = opening.limit.filter(|_| opening.count < pick.count);
        pick.count = pick.count.min(opening.count);
        reason
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
            stage: Stage::Requested,
            instance: None,
            call,
            requested: self.now,
            accepted: None,
            deadline: Time::MAX,
            look: Time::MAX,
            signs: Signs::default(),
        };
        for _ in 0..count {
            let id = self.ledger.open(launch);
            self.put_off(id, self.now.saturating_add(request_timeout));
            self.note(&launch, Event::Ordered);
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
    /// The next call, of that many instances at most; and whether there is another.
    fn next_call(&mut self, count_max: u32) -> (Pick, bool) {
        let call = Pick { count: self.pick.count.min(count_max), ..self.pick };
        self.pick.count -= call.count;
        if self.pick.count == 0 {
            let Some(next) = self.later.pop() else { return (call, false) };
            self.pick = next;
        }
        (call, true)
    }
}
