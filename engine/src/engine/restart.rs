//! After the process died: what was under way is in doubt.
//!
//! The engine is as it was after the last durable record, so all that it ordered is remembered;
//! what is not known is how that went, for answers and facts were lost with the process. Calls for
//! launches that have no instance are made again with their tokens, which makes them no second
//! time; what was to be ended is ordered again; who may have registered unheard is asked after;
//! and all regions are listed at once.
//!
//! Not here: restoring ([`snapshot`](crate::snapshot)), repeating calls (`calls`).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Engine;
use super::calls::Cause;
use super::ends::EndOrders;
use crate::guards::Memory;
use crate::ids::LaunchId;
use crate::ledger::Stage;

impl Engine {
    /// The process that drives the engine began anew.
    pub(super) fn restart(&mut self) {
        let unregistered = match self.config.guards.memory {
            Memory::Durable => {
                self.doubt_requests();
                self.unregistered()
            }
            Memory::Listed => {
                self.forget_requests();
                Vec::new()
            }
        };
        self.order_again();
        self.listings.restart(self.now, unregistered);
    }

    /// Launches whose worker may have registered unheard, if anybody asks after workers.
    fn unregistered(&self) -> Vec<LaunchId> {
        let asks = self.config.guards.listing.is_some();
        let stages = Stage::Pending..=Stage::Running;
        let launches = self.ledger.iter().filter(|(_, it)| asks && stages.contains(&it.stage));
        launches.map(|(id, _)| id).collect()
    }

    /// No call whose launches have no instance can be taken to have been answered, or made.
    fn doubt_requests(&mut self) {
        let calls: BTreeSet<LaunchId> = self.requests().map(|(_, call)| call).collect();
        calls.into_iter().for_each(|call| self.doubt(call, Cause::Died));
    }

    /// Nobody wrote down what was requested, so it is forgotten.
    fn forget_requests(&mut self) {
        let requests: Vec<LaunchId> = self.requests().map(|(id, _)| id).collect();
        requests.into_iter().for_each(|id| self.withdraw(id));
    }

    /// Launches without an instance, and the first of each one's call.
    fn requests(&self) -> impl Iterator<Item = (LaunchId, LaunchId)> {
        let requests = self.ledger.iter().filter(|(_, it)| it.stage == Stage::Requested);
        requests.map(|(id, launch)| (id, launch.call))
    }

    /// What was ordered to end launches may not have been done.
    fn order_again(&mut self) {
        self.ends = EndOrders::default();
        let ordered = self
            .ledger
            .iter()
            .filter(|(_, launch)| launch.deadline > self.now && self.due(launch) <= self.now);
        let ordered: Vec<LaunchId> = ordered.map(|(id, _)| id).collect();
        ordered.into_iter().for_each(|id| self.put_off(id, self.now));
    }
}
