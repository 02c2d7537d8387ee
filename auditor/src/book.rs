//! What the provisioner ought to know: its launches, by what it ordered and was told.
//!
//! A fact about a launch that is over or was never ordered means nothing here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Call, Decided, EndedBy, Instance, Launch, Market, Micros, Ms, Order, Pool, Rules, Told,
    WorkerType,
};

/// All launches that are not over, and instances that are nobody's.
#[derive(Debug, Default)]
pub(crate) struct Book {
    live: BTreeMap<Launch, Known>,
    by_type: BTreeMap<WorkerType, BTreeSet<Launch>>,
    calls: BTreeMap<Launch, Made>,
    /// The newest launch ever ordered.
    newest: Launch,
    /// Instances that were found.
    found: BTreeMap<Instance, Found>,
    /// Those of them that were ended as strays.
    strays: BTreeSet<Instance>,
    /// Launches given up in this decision.
    leaving: BTreeSet<Launch>,
    /// Told since the last decision of launches that were found and are not known: those that are
    /// adopted then are said to be in the next decision only.
    early: Vec<(Ms, Launch, Told)>,
}

/// A launch that is not over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Its call.
    pub(crate) token: Launch,
    pub(crate) worker_type: WorkerType,
    pub(crate) pool: Pool,
    pub(crate) market: Market,
    pub(crate) capacity: u32,
    pub(crate) image: Option<u32>,
    /// The most that it may cost an hour.
    pub(crate) price_most: Micros,
    pub(crate) ordered: Ms,
    /// When its instance was first told of.
    pub(crate) given: Option<Ms>,
    pub(crate) instance: Option<Instance>,
    pub(crate) registered: bool,
    /// Its end was announced.
    pub(crate) noticed: bool,
    pub(crate) stopping: bool,
    /// Since when it is not known what became of its call.
    pub(crate) doubted: Option<Ms>,
    /// When its call was last made.
    pub(crate) called: Ms,
    /// When its end was last ordered.
    pub(crate) end_ordered: Option<Ms>,
    /// How much that said.
    pub(crate) end_force: Force,
    /// That order was throttled, or the process died after it: it may not have been carried out.
    pub(crate) end_lost: bool,
}

/// How much an order to end says: each of these more than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Force {
    /// Withdraw the request.
    Request,
    /// End the instance, unless its worker holds a task.
    Idle,
    /// End the instance, whatever it does.
    Firm,
}

impl Force {
    pub(crate) const fn of(order: &Order) -> Self {
        match order {
            Order::Terminate { unless_claimed: true, .. } => Self::Idle,
            Order::Terminate { unless_claimed: false, .. } => Self::Firm,
            _ => Self::Request,
        }
    }
}

impl Known {
    /// Whether it is capacity: not about to end.
    pub(crate) const fn counts(&self) -> bool {
        !self.noticed && !self.stopping
    }
}

/// An instance that a listing showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// When that was first so.
    pub(crate) since: Ms,
    pub(crate) pool: Option<Pool>,
    worker_type: Option<WorkerType>,
    market: Market,
}

/// A launch call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) count: u32,
    pub(crate) worker_type: WorkerType,
    pub(crate) pool: Pool,
    pub(crate) market: Market,
}

impl Book {
    /// A launch that is not over.
    pub(crate) fn launch(&self, launch: Launch) -> Option<&Known> {
        self.live.get(&launch)
    }

    /// All launches that are not over.
    pub(crate) fn launches(&self) -> impl Iterator<Item = (Launch, &Known)> {
        self.live.iter().map(|(launch, known)| (*launch, known))
    }

    /// Those of a worker type.
    pub(crate) fn of_type(&self, worker_type: WorkerType) -> impl Iterator<Item = &Known> {
        self.by_type.get(&worker_type).into_iter().flatten().filter_map(|it| self.live.get(it))
    }

    /// Those of a call.
    pub(crate) fn of_call(&self, first: Launch, count: u32) -> impl Iterator<Item = &Known> {
        self.live.range(first..first.saturating_add(u64::from(count))).map(|(_, known)| known)
    }

    /// Capacity of a worker type that is not about to end.
    pub(crate) fn capacity(&self, worker_type: WorkerType) -> u64 {
        let counted = self.of_type(worker_type).filter(|known| known.counts());
        counted.map(|known| u64::from(known.capacity)).sum()
    }

    /// A call some of whose launches are not over.
    pub(crate) fn call(&self, first: Launch) -> Option<&Made> {
        self.calls.get(&first)
    }

    /// Whether an order may be about it: it is not over, or is given up in this very decision.
    pub(crate) fn may_be_ended(&self, launch: Launch) -> bool {
        self.live.contains_key(&launch) || self.leaving.contains(&launch)
    }

    /// Whether that instance was ended as a stray.
    pub(crate) fn was_stray(&self, instance: Instance) -> bool {
        self.strays.contains(&instance)
    }

    /// Whether no label says for whom that instance runs.
    pub(crate) fn is_unnamed(&self, instance: Instance) -> bool {
        self.found.get(&instance).is_some_and(|found| found.worker_type.is_none())
    }

    /// Whether no launch has had this id or a later one.
    pub(crate) const fn is_new(&self, launch: Launch) -> bool {
        launch > self.newest
    }

    /// An instance that was found and is nobody's.
    pub(crate) fn stray(&self, instance: Instance) -> Option<&Found> {
        let owned = self.live.values().any(|known| known.instance == Some(instance));
        self.found.get(&instance).filter(|_| !owned)
    }

    /// A fact is taken in.
    pub(crate) fn told(&mut self, at: Ms, told: &Told) {
        self.keep_early(at, told);
        match *told {
            Told::Given { launch, instance } => self.given(at, launch, Some(instance)),
            Told::Running { launch } | Told::Noticed { launch } => {
                self.given(at, launch, None);
                if let Some(known) = self.live.get_mut(&launch) {
                    known.noticed |= matches!(told, Told::Noticed { .. });
                }
            }
            Told::Registered { launch }
            | Told::Idled { launch }
            | Told::Checked { launch, ever: true, .. } => self.registered(at, launch),
            Told::Refused { launch, .. } => {
                if self.live.get(&launch).is_some_and(|known| known.given.is_none()) {
                    self.over(launch);
                }
            }
            Told::Unanswered { launch }
            | Told::Throttled { call: Call::Launch, launch: Some(launch), .. } => {
                let Some(Made { count, .. }) = self.calls.get(&launch).copied() else { return };
                self.of_call_mut(launch, count).for_each(|known| known.doubt(at));
            }
            Told::Throttled {
                call: Call::Cancel | Call::Terminate, launch: Some(launch), ..
            } => {
                if let Some(known) = self.live.get_mut(&launch) {
                    known.end_lost = true;
                }
            }
            Told::Restarted => self.live.values_mut().for_each(|known| {
                known.doubt(at);
                known.end_lost = true;
            }),
            Told::Stopping { launch, by: _ } => {
                self.given(at, launch, None);
                if let Some(known) = self.live.get_mut(&launch) {
                    known.stopping = true;
                }
            }
            Told::Ended { launch, by } => {
                // Whatever was given and is gone needs no owner any more.
                let instance = self.live.get(&launch).and_then(|known| known.instance);
                if by != EndedBy::Vanished
                    && let Some(instance) = instance
                {
                    self.found.remove(&instance);
                }
                self.over(launch);
            }
            Told::Found { instance, launch, pool, worker_type, market } => {
                let known = self.found.get(&instance).map(|known| known.since);
                let since = known.unwrap_or(at);
                self.found.insert(instance, Found { since, pool, worker_type, market });
                let unseen = |known: &Known| known.instance.is_none_or(|it| it == instance);
                if let Some(launch) = launch
                    && self.live.get(&launch).is_some_and(unseen)
                {
                    self.given(at, launch, Some(instance));
                }
            }
            Told::StrayEnded { instance } => {
                self.found.remove(&instance);
                self.strays.remove(&instance);
            }
            Told::Configured(_)
            | Told::Demand { .. }
            | Told::DemandUnknown { .. }
            | Told::QueuesRead { .. }
            | Told::Price { .. }
            | Told::PricesRead { .. }
            | Told::Throttled { .. }
            | Told::Checked { .. }
            | Told::Missed { .. }
            | Told::Listed { .. } => {}
        }
    }

    /// What the provisioner concluded before it gave its orders.
    pub(crate) fn said(&mut self, rules: &Rules, at: Ms, decided: &Decided) {
        for &(launch, instance) in &decided.adopted {
            self.newest = self.newest.max(launch);
            self.over(launch);
            let found = self.found.get(&instance).copied();
            if let Some(Found {
                pool: Some(pool), worker_type: Some(worker_type), market, ..
            }) = found
            {
                let known = known(rules, at, launch, worker_type, pool, market);
                let (given, instance) = (Some(at), Some(instance));
                // Its worker may have registered long ago, and told somebody else.
                self.enter(launch, Known { given, instance, registered: true, ..known });
            }
            for (at, _, told) in
                self.early.extract_if(.., |early| early.1 == launch).collect::<Vec<_>>()
            {
                self.told(at, &told);
            }
        }
        self.early.clear();
        decided.gave_up.iter().for_each(|launch| self.over(*launch));
        self.leaving = decided.gave_up.iter().copied().collect();
    }

    /// An order is taken in.
    pub(crate) fn ordered(&mut self, rules: &Rules, at: Ms, order: &Order) {
        match *order {
            Order::Launch { first, count, worker_type, pool, market } => {
                if !self.is_new(first) {
                    // It is under way again, until that is told to have gone wrong too.
                    return self.of_call_mut(first, count).for_each(|known| {
                        (known.called, known.doubted) = (at, None);
                    });
                }
                self.calls.insert(first, Made { count, worker_type, pool, market });
                for launch in first..first.saturating_add(u64::from(count)) {
                    let known = Known {
                        token: first,
                        ..known(rules, at, launch, worker_type, pool, market)
                    };
                    self.enter(launch, known);
                    self.newest = launch;
                }
            }
            Order::Cancel { launch } | Order::Terminate { launch, .. } => {
                if let Some(known) = self.live.get_mut(&launch) {
                    (known.end_ordered, known.end_lost) = (Some(at), false);
                    known.end_force = Force::of(order);
                }
            }
            Order::EndStray { instance } => {
                self.strays.insert(instance);
            }
            Order::List { .. } | Order::Check { .. } | Order::AdviseStop { .. } => {}
        }
    }

    /// Keeps what is told of a launch that is not known, once it is found.
    fn keep_early(&mut self, at: Ms, told: &Told) {
        let (launch, is_found) = match *told {
            Told::Found { launch: Some(launch), .. } => (launch, true),
            Told::Running { launch }
            | Told::Registered { launch }
            | Told::Checked { launch, .. }
            | Told::Idled { launch }
            | Told::Noticed { launch }
            | Told::Stopping { launch, .. }
            | Told::Ended { launch, .. } => (launch, false),
            _ => return,
        };
        let is_known = self.live.contains_key(&launch);
        if !is_known && (is_found || self.early.iter().any(|early| early.1 == launch)) {
            self.early.push((at, launch, told.clone()));
        }
    }

    fn of_call_mut(&mut self, first: Launch, count: u32) -> impl Iterator<Item = &mut Known> {
        let launches = first..first.saturating_add(u64::from(count));
        self.live.range_mut(launches).map(|(_, known)| known)
    }

    fn enter(&mut self, launch: Launch, known: Known) {
        self.by_type.entry(known.worker_type).or_default().insert(launch);
        self.live.insert(launch, known);
    }

    fn given(&mut self, at: Ms, launch: Launch, instance: Option<Instance>) {
        if let Some(known) = self.live.get_mut(&launch) {
            known.given.get_or_insert(at);
            known.instance = known.instance.or(instance);
            known.doubted = None;
        }
    }

    fn registered(&mut self, at: Ms, launch: Launch) {
        self.given(at, launch, None);
        if let Some(known) = self.live.get_mut(&launch) {
            known.registered = true;
        }
    }

    fn over(&mut self, launch: Launch) {
        let Some(known) = self.live.remove(&launch) else { return };
        if let Some(launches) = self.by_type.get_mut(&known.worker_type) {
            launches.remove(&launch);
        }
        let Some(call) = self.calls.get(&known.token) else { return };
        if self.of_call(known.token, call.count).next().is_none() {
            self.calls.remove(&known.token);
        }
    }
}

impl Known {
    /// Its call may have been carried out or not.
    fn doubt(&mut self, at: Ms) {
        if self.given.is_none() {
            self.doubted.get_or_insert(at);
        }
    }
}

fn known(
    rules: &Rules,
    at: Ms,
    launch: Launch,
    worker_type: WorkerType,
    pool: Pool,
    market: Market,
) -> Known {
    let candidate = rules.candidate(worker_type, pool);
    Known {
        token: launch,
        worker_type,
        pool,
        market,
        capacity: candidate.map_or(1, |candidate| candidate.capacity),
        image: candidate.map(|candidate| candidate.image),
        price_most: rules.price_most(pool, market, at),
        ordered: at,
        given: None,
        instance: None,
        registered: false,
        noticed: false,
        stopping: false,
        doubted: None,
        called: at,
        end_ordered: None,
        end_force: Force::Request,
        end_lost: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Rule};

    #[test]
    fn an_adoption_is_said_late_and_what_was_told_meanwhile_holds() {
        let (instance, launch, market) = (7, Some(7), Market::OnDemand);
        let found = Told::Found { instance, launch, pool: Some(0), worker_type: Some(0), market };
        let story = |facts: Vec<(Ms, Event)>| {
            let adopted = Decided { adopted: vec![(7, 7)], wake_at: 9, ..Decided::default() };
            let said = (8, Event::Decided(adopted));
            let story = [facts, vec![said, decided(9, [terminate(7)])]].concat();
            notes(Rule::EndKnown, rules(), story)
        };
        let ended = |at| told(at, Told::Ended { launch: 7, by: EndedBy::Worker });
        assert_eq!(story(vec![told(1, found.clone())]), []);
        assert_eq!(story(vec![told(1, found.clone()), ended(2)]), [9]);
        assert_eq!(story(vec![ended(1), told(2, found.clone())]), [], "it was no end");
        assert_eq!(story(vec![told(1, found), decided(2, []), ended(3)]), [], "nobody's end");
    }
}
