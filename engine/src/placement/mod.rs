//! Where capacity is bought: the second policy seam.
//!
//! A policy turns units of capacity into picks: so many instances from this candidate, in this
//! market. It sees the picks it made already, through [`Room`]. Prices are compared exactly, as
//! fractions of integers.

mod bid;
mod cheapest;
mod on_demand;
mod random;
mod spread;
mod weighted;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::decision::{Market, Reason};
use crate::gates::Opening;
use crate::history::PoolHistory;
use crate::ids::{PoolId, WorkerTypeId};
use crate::prices::PriceBook;
use crate::random::Stream;
use crate::units::{Duration, Time, UsdPerHour};
use crate::worker_type::{Candidate, Overshoot, PlacementPolicy, WorkerType};

/// What a placement policy looks at.
pub(crate) struct Offer<'a> {
    pub(crate) now: Time,
    pub(crate) id: WorkerTypeId,
    pub(crate) worker_type: &'a WorkerType,
    pub(crate) catalog: &'a Catalog,
    pub(crate) prices: &'a PriceBook,
    pub(crate) history: &'a PoolHistory,
    pub(crate) errors: &'a Errors,
    /// Live capacity by candidate.
    pub(crate) by_candidate: &'a [u32],
    /// The candidate that `spread` likes best so far, and since when.
    pub(crate) favourite: Option<(u32, Time)>,
    pub(crate) max_price_cap: UsdPerHour,
}

/// Instances to get from one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) candidate: u32,
    pub(crate) market: Market,
    /// What it was compared by, for the record.
    pub(crate) price: Option<UsdPerHour>,
    /// How many candidates it was chosen from.
    pub(crate) of: u32,
    pub(crate) count: u32,
}

/// Picks in order: mostly one, and then they take no memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picks {
    first: Option<Pick>,
    others: Vec<Pick>,
}

impl Picks {
    pub(crate) fn push(&mut self, pick: Pick) {
        match self.first {
            None => self.first = Some(pick),
            Some(_) => self.others.push(pick),
        }
    }

    /// Adds others after these.
    pub(crate) fn append(&mut self, others: Self) {
        others.iter().for_each(|pick| self.push(*pick));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pick> {
        self.first.iter().chain(&self.others)
    }

    /// Takes the next one out, if there is one.
    pub(crate) fn split(self) -> Option<(Pick, Vec<Pick>)> {
        Some((self.first?, self.others))
    }
}

/// What a placement policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) picks: Picks,
    /// Why not everything wanted is in it.
    pub(crate) short: Option<Reason>,
    /// The candidate that is liked best from now on.
    pub(crate) favourite: Option<u32>,
}

/// A placement policy.
pub(crate) trait Placement {
    /// Which instances give the room's wanted units.
    fn plan(&self, offer: &Offer<'_>, room: Room, random: &mut Stream) -> Plan;

    /// Whether it would buy a candidate now, were that the only one.
    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool;
}

impl Placement for PlacementPolicy {
    fn plan(&self, offer: &Offer<'_>, room: Room, random: &mut Stream) -> Plan {
        match *self {
            Self::Cheapest { bid, bias } => {
                cheapest::Cheapest { bid, bias }.plan(offer, room, random)
            }
            Self::Random { bid } => random::Random { bid }.plan(offer, room, random),
            Self::Weighted { market, selection, errors } => {
                weighted::Weighted { market, selection, errors }.plan(offer, room, random)
            }
            Self::Spread(rule) => spread::Spread { rule }.plan(offer, room, random),
            Self::OnDemand => on_demand::OnDemand.plan(offer, room, random),
        }
    }

    fn likes(&self, offer: &Offer<'_>, candidate: u32) -> bool {
        match *self {
            Self::Cheapest { bid, bias } => {
                cheapest::Cheapest { bid, bias }.likes(offer, candidate)
            }
            Self::Random { bid } => random::Random { bid }.likes(offer, candidate),
            Self::Weighted { market, selection, errors } => {
                weighted::Weighted { market, selection, errors }.likes(offer, candidate)
            }
            Self::Spread(rule) => spread::Spread { rule }.likes(offer, candidate),
            Self::OnDemand => on_demand::OnDemand.likes(offer, candidate),
        }
    }
}

/// Units wanted, and what may still be added: under `capacity_max`, and where gates are open.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    wanted: u32,
    live: u32,
    capacity_max: u32,
    overshoot: Overshoot,
    /// How many instances of each candidate may be added; empty if as many as one likes.
    openings: Vec<Opening>,
}

impl Room {
    pub(crate) const fn new(wanted: u32, live: u32, worker_type: &WorkerType) -> Self {
        let WorkerType { capacity_max, overshoot, .. } = *worker_type;
        Self { wanted, live, capacity_max, overshoot, openings: Vec::new() }
    }

    /// The same, where candidates are as open as the gates say.
    pub(crate) fn behind(self, openings: Vec<Opening>) -> Self {
        Self { openings, ..self }
    }

    /// Units still wanted.
    pub(crate) const fn wanted(&self) -> u32 {
        self.wanted
    }

    /// May an instance of that candidate, of that capacity, be added?
    pub(crate) fn fits(&self, candidate: u32, capacity: u32) -> bool {
        let fits = match self.overshoot {
            Overshoot::Never => capacity <= self.capacity_max.saturating_sub(self.live),
            Overshoot::Historical => true,
        };
        fits && self.open(candidate) > 0
    }

    /// Takes up to `limit` instances of that candidate, of that capacity; says how many were
    /// wanted and fit.
    fn take(&mut self, candidate: u32, capacity: u32, limit: u32) -> u32 {
        let wanted = self.wanted.div_ceil(capacity).min(limit).min(self.open(candidate));
        let count = match self.overshoot {
            Overshoot::Never => wanted.min(self.capacity_max.saturating_sub(self.live) / capacity),
            Overshoot::Historical => wanted,
        };
        let units = count.saturating_mul(capacity);
        self.wanted = self.wanted.saturating_sub(units);
        self.live = self.live.saturating_add(units);
        if let Some(opening) = self.openings.get_mut(candidate as usize) {
            opening.count -= count;
        }
        count
    }

    /// Why no more is taken: the first closed gate, if it is not the maximum.
    fn full(&self, worker_type: WorkerTypeId) -> Reason {
        let Self { wanted, live, capacity_max, .. } = *self;
        let closed = self.openings.iter().find(|opening| opening.count == 0);
        closed
            .and_then(|opening| opening.limit)
            .filter(|_| live < capacity_max)
            .unwrap_or(Reason::CapacityMaxReached { worker_type, live, capacity_max, wanted })
    }

    fn open(&self, candidate: u32) -> u32 {
        self.openings.get(candidate as usize).map_or(u32::MAX, |opening| opening.count)
    }
}

/// Launches refused to a worker type within the last hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Errors {
    refused: VecDeque<(Time, u32)>,
    by_candidate: Vec<u32>,
}

impl Errors {
    /// None, for a worker type with that many candidates.
    pub(crate) fn new(candidates: usize) -> Self {
        Self { refused: VecDeque::new(), by_candidate: alloc::vec![0; candidates] }
    }

    /// A launch from that candidate was refused.
    pub(crate) fn note(&mut self, now: Time, candidate: u32) {
        self.forget_old(now);
        self.refused.push_back((now, candidate));
        self.by_candidate[candidate as usize] += 1;
    }

    /// Goes over to that many candidates, with those new numbers.
    pub(crate) fn configure(self, candidates: usize, moved: impl Fn(u32) -> Option<u32>) -> Self {
        let mut new = Self::new(candidates);
        for (time, candidate) in self.refused {
            if let Some(candidate) = moved(candidate) {
                new.refused.push_back((time, candidate));
                new.by_candidate[candidate as usize] += 1;
            }
        }
        new
    }

    /// Forgets what is an hour old.
    pub(crate) fn forget_old(&mut self, now: Time) {
        while let Some(&(time, candidate)) = self.refused.front()
            && time <= now - Duration::HOUR
        {
            self.refused.pop_front();
            self.by_candidate[candidate as usize] -= 1;
        }
    }

    /// Refusals of all candidates.
    fn all(&self) -> u32 {
        u32::try_from(self.refused.len()).unwrap_or(u32::MAX)
    }

    /// Refusals of one candidate.
    fn of(&self, candidate: u32) -> u32 {
        self.by_candidate[candidate as usize]
    }
}

/// A candidate as policies see it.
fn candidates<'a>(offer: &'a Offer<'_>) -> impl Iterator<Item = (u32, &'a Candidate)> + 'a {
    (0..).zip(&offer.worker_type.candidates)
}

/// The pool's on-demand price now.
fn on_demand_price(offer: &Offer<'_>, pool: PoolId) -> Option<UsdPerHour> {
    offer.catalog.on_demand_price(pool, offer.now)
}
