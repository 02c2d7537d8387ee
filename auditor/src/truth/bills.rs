//! Every stay is billed once, as the market's rules say, and the bills add up.
//!
//! A stay lasts from when its instance ran until it stopped. It is rounded up to the quantum and is
//! at least the minimum; the price is read again each hour of the stay, or whenever it changes; what
//! is refunded is not billed at all. Micro-dollars are rounded up, once. On demand costs the price
//! of when the stay began.
//!
//! Exceptions: what still runs when the run is over is billed up to then. An instance that never
//! ran costs nothing and has no bill.

use std::collections::BTreeMap;

use crate::event::HOUR;
use crate::note::{Notes, Rule};
use crate::rules::{BillingRule, Refund, Reread};
use crate::world::Machine;
use crate::{Check, EndedBy, Launch, Micros, Ms, Pool, Scene, Truth};

#[derive(Default)]
pub(super) struct Bills {
    /// All prices of each pool and from when they held.
    prices: BTreeMap<Pool, Vec<(Ms, Micros)>>,
    /// Bills of machines that have not ended: until when, and whether taken back.
    billed: BTreeMap<Launch, (Ms, bool)>,
    sum: i128,
}

impl Check for Bills {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, notes: &mut Notes) {
        match *truth {
            Truth::Price { pool, price } => {
                self.prices.entry(pool).or_default().push((scene.at, price));
            }
            Truth::Billed { launch, from, to, interrupted, cost } => {
                self.sum += i128::from(cost);
                if self.billed.insert(launch, (to, interrupted)).is_some() {
                    notes.note(Rule::BillOnce, || format!("#{launch} is billed twice"));
                }
                let Some(machine) = scene.world.machine(launch) else {
                    return notes
                        .note(Rule::BillOnce, || format!("#{launch} is billed and not there"));
                };
                if machine.ran != Some(from) || to != scene.at {
                    let ran = machine.ran;
                    notes.note(Rule::BillRight, || {
                        format!("#{launch} ran {ran:?} to {}, billed {from} to {to}", scene.at)
                    });
                }
                let right = self.cost(scene, machine, from, to, interrupted);
                if right != Some(i128::from(cost)) {
                    notes.note(Rule::BillRight, || {
                        format!("#{launch} costs {cost}, and should {right:?}")
                    });
                }
            }
            Truth::Stopped { launch, by } => self.settle(scene, launch, by, notes),
            Truth::Ended { launch, by } => {
                let Some(machine) = scene.world.machine(launch) else { return };
                if machine.stopped.is_none() {
                    self.settle(scene, launch, by, notes);
                }
                self.billed.remove(&launch);
            }
            Truth::Closed { cost, .. } => {
                for (launch, machine) in scene.world.machines() {
                    let runs = machine.ran.is_some() && machine.stopped.is_none();
                    if runs && !self.billed.contains_key(&launch) {
                        notes.note(Rule::BillOnce, || format!("#{launch} runs and is not billed"));
                    }
                }
                let sum = self.sum;
                if sum != i128::from(cost) {
                    notes.note(Rule::BillsAddUp, || {
                        format!("bills of {sum}, and the run cost {cost}")
                    });
                }
            }
            _ => {}
        }
    }
}

impl Bills {
    /// An instance stopped just now: it was billed up to now.
    fn settle(&self, scene: &Scene<'_>, launch: Launch, by: EndedBy, notes: &mut Notes) {
        let Some(machine) = scene.world.machine(launch) else { return };
        let interrupted = by == EndedBy::Interruption;
        let right = machine.ran.map(|_| (scene.at, interrupted));
        let billed = self.billed.get(&launch).copied();
        if billed != right {
            notes.note(Rule::BillOnce, || {
                format!("#{launch} is billed {billed:?}, and should {right:?}")
            });
        }
    }

    fn cost(
        &self,
        scene: &Scene<'_>,
        machine: &Machine,
        from: Ms,
        to: Ms,
        interrupted: bool,
    ) -> Option<i128> {
        let length = to - from;
        let rules = scene.rules;
        if !machine.market.is_spot() {
            let price = rules.on_demand_price(machine.pool, from)?;
            let billed = billed(rules.world.on_demand_billing, length, interrupted);
            return Some(rounded(i128::from(price) * i128::from(billed)));
        }
        let rule = rules.world.spot_billing;
        let billed = billed(rule, length, interrupted);
        let prices = self.prices.get(&machine.pool)?;
        let price_at =
            |at: Ms| prices.iter().rev().find(|(since, _)| *since <= at).map(|(_, price)| *price);
        let mut charge = 0;
        match rule.reread {
            Reread::EachHour => {
                let mut hour = 0;
                while hour < billed {
                    let part = HOUR.min(billed - hour);
                    charge += i128::from(price_at(from + hour)?) * i128::from(part);
                    hour += HOUR;
                }
            }
            Reread::Continuous => {
                let changes =
                    prices.iter().map(|(since, _)| *since).filter(|at| from < *at && *at < to);
                let mut starts: Vec<Ms> = std::iter::once(from).chain(changes).collect();
                starts.dedup();
                let ends = starts.iter().skip(1).copied().chain([from + billed]);
                for (start, end) in starts.iter().copied().zip(ends) {
                    let part = (end.min(from + billed) - start).max(0);
                    charge += i128::from(price_at(start)?) * i128::from(part);
                }
            }
        }
        Some(rounded(charge))
    }
}

/// How long is paid for.
fn billed(rule: BillingRule, length: Ms, interrupted: bool) -> Ms {
    match rule.refund {
        Refund::LastPartialHour if interrupted => length - length % HOUR,
        Refund::FirstHour if interrupted && length < HOUR => 0,
        Refund::LastPartialHour | Refund::FirstHour | Refund::Nothing => {
            let quanta = (length + rule.quantum - 1) / rule.quantum;
            (quanta * rule.quantum).max(rule.minimum)
        }
    }
}

/// Micro-dollars × milliseconds an hour as micro-dollars, rounded up.
fn rounded(charge: i128) -> i128 {
    let hour = i128::from(HOUR);
    charge / hour + i128::from(charge % hour > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Rules, Told, WorldRules};

    const OUTBID: BillingRule = BillingRule {
        quantum: HOUR,
        minimum: HOUR,
        reread: Reread::EachHour,
        refund: Refund::LastPartialHour,
    };
    const CAPACITY: BillingRule = BillingRule {
        quantum: SECOND,
        minimum: MINUTE,
        reread: Reread::EachHour,
        refund: Refund::FirstHour,
    };

    fn billing(spot_billing: BillingRule) -> Rules {
        Rules { world: WorldRules { spot_billing, ..WorldRules::default() }, ..rules() }
    }

    /// Runs from 0 on: $3.60 an hour at first, and ten times that after half an hour.
    fn story(to: Ms, by: EndedBy, bills: &[(Ms, Micros)], sum: Micros) -> Vec<(Ms, Event)> {
        let price = |at, price| truth(at, Truth::Price { pool: 0, price });
        let mut story = vec![price(-9, 3_600_000)];
        story.extend(machine_up(0, 1));
        story.push(price(HOUR / 2, 36_000_000));
        let interrupted = by == EndedBy::Interruption;
        story.extend(bills.iter().map(|&(from, cost)| {
            truth(to, Truth::Billed { launch: 1, from, to, interrupted, cost })
        }));
        story.push(truth(to, Truth::Stopped { launch: 1, by }));
        story.push(truth(to, Truth::Ended { launch: 1, by }));
        let (submitted, done, expired, exhausted) = (0, 0, 0, 0);
        story.push(truth(to, Truth::Closed { cost: sum, submitted, done, expired, exhausted }));
        story
    }

    fn is_right(rule: BillingRule, to: Ms, by: EndedBy, cost: Micros) -> bool {
        notes(Rule::BillRight, billing(rule), story(to, by, &[(0, cost)], cost)).is_empty()
    }

    #[test]
    fn by_the_second_a_minute_is_the_least_and_the_first_hour_taken_back_is_free() {
        assert!(is_right(CAPACITY, 1, EndedBy::Us, 60_000));
        assert!(is_right(CAPACITY, 61_001, EndedBy::Worker, 62_000));
        assert!(!is_right(CAPACITY, 61_001, EndedBy::Worker, 61_000));
        assert!(is_right(CAPACITY, HOUR - 1, EndedBy::Interruption, 0));
        assert!(is_right(CAPACITY, HOUR, EndedBy::Interruption, 3_600_000));
        assert!(is_right(CAPACITY, HOUR + 1, EndedBy::Interruption, 3_610_000));
    }

    #[test]
    fn another_configuration_changes_no_bill() {
        let mut story = story(HOUR - 1, EndedBy::Interruption, &[(0, 0)], 0);
        story.insert(1, (-1, Event::Told(Told::Configured(Box::new(rules())))));
        assert_eq!(notes(Rule::BillRight, billing(CAPACITY), story), []);
    }

    #[test]
    fn by_the_hour_each_costs_its_first_price_and_a_part_taken_back_is_free() {
        assert!(is_right(OUTBID, 1, EndedBy::Us, 3_600_000));
        assert!(is_right(OUTBID, HOUR + 1, EndedBy::Us, 39_600_000));
        assert!(is_right(OUTBID, HOUR + 1, EndedBy::Interruption, 3_600_000));
        assert!(is_right(OUTBID, HOUR - 1, EndedBy::Interruption, 0));
        assert!(!is_right(OUTBID, HOUR - 1, EndedBy::Us, 0));
    }

    #[test]
    fn a_continuous_price_is_paid_for_as_long_as_it_holds() {
        let rule = BillingRule { reread: Reread::Continuous, ..CAPACITY };
        assert!(is_right(rule, HOUR, EndedBy::Us, 1_800_000 + 18_000_000));
        assert!(is_right(rule, HOUR / 2, EndedBy::Us, 1_800_000));
    }

    #[test]
    fn a_stay_is_billed_once_and_for_what_it_was() {
        let by = EndedBy::Us;
        let noted = |rule, story| notes(rule, billing(CAPACITY), story);
        let right = [(0, 60_000)];
        assert_eq!(noted(Rule::BillOnce, story(MINUTE, by, &right, 60_000)), []);
        assert_eq!(noted(Rule::BillOnce, story(MINUTE, by, &[], 0)), [MINUTE]);
        assert_eq!(noted(Rule::BillOnce, story(MINUTE, by, &right.repeat(2), 120_000)), [MINUTE]);
        assert_eq!(noted(Rule::BillRight, story(MINUTE, by, &[(1, 60_000)], 60_000)), [MINUTE]);
        assert_eq!(noted(Rule::BillsAddUp, story(MINUTE, by, &right, 60_000)), []);
        assert_eq!(noted(Rule::BillsAddUp, story(MINUTE, by, &right, 60_001)), [MINUTE]);
    }

    #[test]
    fn what_runs_at_the_end_is_billed_up_to_then() {
        let closed = |bill: bool| {
            let mut story = story(MINUTE, EndedBy::Us, &[(0, 60_000)], 60_000);
            story.retain(|(_, event)| {
                let ends =
                    matches!(event, Event::Truth(Truth::Stopped { .. } | Truth::Ended { .. }));
                let bills = matches!(event, Event::Truth(Truth::Billed { .. }));
                !ends && (bill || !bills)
            });
            notes(Rule::BillOnce, billing(CAPACITY), story)
        };
        assert_eq!((closed(true), closed(false)), (vec![], vec![MINUTE]));
    }
}
