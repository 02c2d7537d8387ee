//! On demand is the last resort: only after the stated patience without a spot machine.
//!
//! The clock starts when the last spot machine was given, or later: when a spot launch was first
//! refused since, or when the worker type first wanted something after it wanted nothing, which is
//! counts with tasks waiting, a floor, or a spot launch. That is the earliest that anybody can begin
//! to wait; whoever was refused and bought on demand still waits.
//!
//! Exceptions: a call that is made again is not a purchase. Worker types whose policy buys nothing
//! but on demand need no patience.

use std::collections::BTreeMap;

use crate::note::{Notes, Rule};
use crate::{Check, Market, Ms, OnDemand, Order, Scene, Told, WorkerType};

#[derive(Default)]
pub(super) struct Patience {
    waits: BTreeMap<WorkerType, Wait>,
}

#[derive(Clone, Copy, Default)]
struct Wait {
    /// Since when something is wanted.
    wants: Option<Ms>,
    /// When a spot launch was first refused since then.
    refused: Option<Ms>,
    /// When the last spot machine was given.
    given: Option<Ms>,
}

impl Check for Patience {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        match *told {
            Told::Demand { worker_type, pending, .. } => {
                let wait = self.waits.entry(worker_type).or_default();
                let floor =
                    scene.rules.worker_types.get(&worker_type).map_or(0, |it| it.floor(scene.at));
                if pending > 0 || floor > 0 {
                    wait.wants.get_or_insert(scene.at);
                } else {
                    wait.wants = None;
                }
            }
            Told::Given { launch, .. } | Told::Running { launch } => {
                let known = scene.book.launch(launch).filter(|known| known.market.is_spot());
                if let Some(known) = known.filter(|known| known.given.is_none()) {
                    let wait = self.waits.entry(known.worker_type).or_default();
                    (wait.given, wait.refused) = (Some(scene.at), None);
                }
            }
            Told::Refused { launch, .. } => {
                if let Some(known) =
                    scene.book.launch(launch).filter(|known| known.market.is_spot())
                {
                    let wait = self.waits.entry(known.worker_type).or_default();
                    wait.refused.get_or_insert(scene.at);
                }
            }
            _ => {}
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, worker_type, market, .. } = *order else { return };
        let Some(rules) = scene.rules.worker_types.get(&worker_type) else { return };
        let wait = self.waits.entry(worker_type).or_default();
        if market != Market::OnDemand {
            wait.wants.get_or_insert(scene.at);
        } else if let OnDemand::After(patience) = rules.on_demand
            && scene.book.is_new(first)
        {
            let wanted = wait.wants.into_iter().chain(wait.refused).min();
            let since = wanted.unwrap_or(scene.at).max(wait.given.unwrap_or(Ms::MIN));
            let waited = scene.at - since;
            if waited < patience {
                notes.note(Rule::OnDemandPatience, || {
                    format!("#{first}: {} waited {waited} ms, of {patience}", rules.name)
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::support::*;

    fn bought(between: impl IntoIterator<Item = (Ms, Event)>, at: Ms) -> Vec<Ms> {
        let mut story = vec![told(0, demand(1, 5, 0)), decided(MINUTE, [launch_in(1, 1, 2)])];
        story.extend(between);
        let market = Market::OnDemand;
        story.push(decided(
            at,
            [Order::Launch { first: 2, count: 1, worker_type: 1, pool: 2, market }],
        ));
        notes(Rule::OnDemandPatience, rules(), story)
    }

    #[test]
    fn patience_begins_with_the_want_and_anew_with_each_machine() {
        assert_eq!(bought([], 10 * MINUTE), []);
        assert_eq!(bought([], 10 * MINUTE - 1), [10 * MINUTE - 1]);
        let given = || told(2 * MINUTE, Told::Given { launch: 1, instance: 1 });
        assert_eq!(bought([given()], 10 * MINUTE), [10 * MINUTE]);
        assert_eq!(bought([given()], 12 * MINUTE), []);
        let sated = [told(2 * MINUTE, demand(1, 0, 0)), told(5 * MINUTE, demand(1, 1, 0))];
        assert_eq!(bought(sated.clone(), 12 * MINUTE), [12 * MINUTE]);
        assert_eq!(bought(sated.clone(), 15 * MINUTE), []);
        let refused = told(3 * MINUTE, Told::Refused { launch: 1, why: crate::Refusal::Dry });
        assert_eq!(bought([vec![refused], sated.to_vec()].concat(), 13 * MINUTE), []);
    }
}
