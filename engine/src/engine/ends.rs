//! Ordering launches to be given up, and not over and over.
//!
//! An order may be lost on its way, so one that shows no effect is repeated after
//! [`ORDERED_AGAIN_AFTER`], whoever wants it then. It is at once if it was throttled, if the process
//! was away since, or if it says more than the last: if there is an instance to end by now where
//! there was a request, or if whether its worker holds a task is not asked any more.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::decision::{Action, Decision};
use crate::ids::LaunchId;
use crate::ledger::{Launch, Ledger};
use crate::observation::Call;
use crate::units::{Duration, Time};

/// An order to give up may be given again so long after: by then it shows in the listings, unless
/// it was lost.
pub(super) const ORDERED_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// The last order to give up of each launch that is still there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct EndOrders {
    ordered: BTreeMap<LaunchId, Ordered>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Ordered {
    at: Time,
    times: u32,
    call: Call,
    unless_claimed: bool,
}

/// What became of the wish to give a launch up.
pub(super) enum EndOrder {
    Given,
    /// It was ordered then, and that may still show an effect.
    Stands(Time),
    /// The allowance pays for the call then.
    Unpaid(Time),
}

impl EndOrders {
    /// Forgets launches that are closed.
    pub(super) fn forget_closed(&mut self, ledger: &Ledger) {
        self.ordered.retain(|launch, _| ledger.get(*launch).is_some());
    }

    /// An order was not carried out, and is known not to have been.
    pub(super) fn fail(&mut self, launch: LaunchId) {
        self.ordered.remove(&launch);
    }

    /// Whether none stands.
    pub(super) fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    /// How often it was ordered. What was ordered least often goes first, where the allowance of
    /// calls does not reach for all.
    pub(super) fn times(&self, launch: LaunchId) -> u32 {
        self.ordered.get(&launch).map_or(0, |last| last.times)
    }
}

impl EndOrder {
    /// When to look at it again.
    pub(super) fn look_again(self, now: Time) -> Time {
        match self {
            Self::Given => now.saturating_add(ORDERED_AGAIN_AFTER),
            Self::Stands(since) => since.saturating_add(ORDERED_AGAIN_AFTER),
            Self::Unpaid(until) => until,
        }
    }
}

impl Engine {
    /// Orders a launch to be given up, unless such an order stands, or the call cannot be paid for.
    pub(super) fn order_end(
        &mut self,
        id: LaunchId,
        launch: &Launch,
        unless_claimed: bool,
        decision: &mut Decision,
    ) -> EndOrder {
        let (call, order) = match launch.accepted {
            Some(_) => (Call::Terminate, Action::Terminate { launch: id, unless_claimed }),
            None => (Call::Cancel, Action::Cancel { launch: id }),
        };
        let now = self.now;
        let stands = |last: &&mut Ordered| {
            last.call == call && now < last.at.saturating_add(ORDERED_AGAIN_AFTER)
        };
        if let Some(last) = self.ends.ordered.get_mut(&id).filter(stands) {
            if unless_claimed || !last.unless_claimed {
                return EndOrder::Stands(last.at);
            }
            if last.at == now
                && let Some(given) = decision.actions.iter_mut().find(|it| ends(it) == Some(id))
            {
                last.unless_claimed = false;
                *given = order;
                return EndOrder::Given;
            }
        }
        let region = self.config.catalog.region_of(launch.pool);
        if !self.budget.spend(now, region, call) {
            return EndOrder::Unpaid(self.tell_spent(None, region, call, 1, decision));
        }
        let times = self.ends.times(id) + 1;
        self.ends.ordered.insert(id, Ordered { at: now, times, call, unless_claimed });
        decision.actions.push(order);
        EndOrder::Given
    }
}

/// Whose end is ordered.
const fn ends(action: &Action) -> Option<LaunchId> {
    match *action {
        Action::Cancel { launch } | Action::Terminate { launch, unless_claimed: _ } => Some(launch),
        Action::Launch { .. }
        | Action::EndStray { .. }
        | Action::ListInstances { .. }
        | Action::CheckWorker { .. }
        | Action::AdviseStop { .. } => None,
    }
}
