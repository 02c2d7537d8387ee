//! Ceilings on spending, for all worker types and for each.
//!
//! A launch counts with the most that may be paid for it, its bid or else the on-demand price or
//! else the cap, from the moment it is ordered. Nothing is launched that could not run for an hour,
//! or until midnight UTC, within the day's ceiling. When that is spent everything is ended: ordered
//! for each machine within a quarter of an hour.
//!
//! Read in favour of the accused: a launch counts for nothing from one turn to the next if it was
//! told to be over or shutting down in between. A call that is made again adds nothing. What is
//! in doubt, and what was told to be shutting down, cannot be ended. The quarter of an hour starts
//! anew when the process comes back.

use std::collections::BTreeMap;

use crate::event::{DAY, HOUR};
use crate::note::{Notes, Rule};
use crate::{Check, Decided, Micros, Ms, Order, Scene, Spend, Told, WorkerType};

const PATIENCE: Ms = 15 * 60_000;

#[derive(Default)]
pub(super) struct Spending {
    /// When was counted last.
    at: Option<Ms>,
    /// Of all (`None`), and of each worker type.
    accounts: BTreeMap<Option<WorkerType>, Account>,
    restarted: Ms,
}

#[derive(Clone, Copy, Default)]
struct Account {
    /// An hour.
    committed: Micros,
    /// Since midnight, in micro-dollars × milliseconds an hour.
    today: i128,
    /// Since when the day's money is spent.
    spent: Option<Ms>,
}

impl Check for Spending {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        if matches!(told, Told::Restarted) {
            self.restarted = scene.at;
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, worker_type, pool, market } = *order else { return };
        if !is_bounded(scene) || !scene.book.is_new(first) {
            return;
        }
        self.count(scene);
        let price = scene.rules.price_most(pool, market, scene.at) * Micros::from(count);
        let name = || scene.rules.name(worker_type);
        for whose in [None, Some(worker_type)] {
            let account = self.accounts.entry(whose).or_default();
            account.committed += price;
            let Spend { hourly_max, daily_max } = limits(scene, whose);
            if let Some(most) = hourly_max.filter(|most| account.committed > *most) {
                let committed = account.committed;
                notes.note(Rule::SpendHourly, || {
                    format!("#{first} for {}: {committed} committed, of at most {most}", name())
                });
            }
            let ahead = i128::from(HOUR.min(DAY - scene.at.rem_euclid(DAY)));
            let whole = account.today + i128::from(account.committed) * ahead;
            if let Some(most) = daily_max.filter(|most| whole > in_account(*most)) {
                notes.note(Rule::SpendDaily, || {
                    format!(
                        "#{first} for {}: {} today, of at most {most}",
                        name(),
                        whole / i128::from(HOUR)
                    )
                });
            }
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, _: &Decided, notes: &mut Notes) {
        if !is_bounded(scene) {
            return;
        }
        self.count(scene);
        for (&whose, account) in &mut self.accounts {
            let most = limits(scene, whose).daily_max;
            if most.is_none_or(|most| account.today < in_account(most)) {
                account.spent = None;
                continue;
            }
            let since = (*account.spent.get_or_insert(scene.at)).max(self.restarted);
            if scene.at - since <= PATIENCE {
                continue;
            }
            let left = scene.book.launches().filter(|(_, known)| {
                let ends = known.stopping || known.end_ordered.is_some();
                let is_theirs = whose.is_none_or(|whose| known.worker_type == whose);
                is_theirs && !ends && known.given.is_some_and(|given| scene.at - given > PATIENCE)
            });
            for (launch, _) in left {
                notes.note(Rule::SpentEnded, || {
                    format!("#{launch} runs on, the day's money is spent")
                });
            }
        }
    }
}

impl Spending {
    /// Counts what is committed now, and what it has cost since the last time.
    fn count(&mut self, scene: &Scene<'_>) {
        let last = self.at.replace(scene.at);
        if last == Some(scene.at) {
            return;
        }
        let midnight = scene.at - scene.at.rem_euclid(DAY);
        let is_new_day = last.is_some_and(|last| last < midnight);
        for account in self.accounts.values_mut() {
            account.committed = 0;
            account.today = if is_new_day { 0 } else { account.today };
        }
        for (_, known) in scene.book.launches().filter(|(_, known)| !known.stopping) {
            for whose in [None, Some(known.worker_type)] {
                self.accounts.entry(whose).or_default().committed += known.price_most;
            }
        }
        let passed = last.map_or(0, |last| scene.at - last.max(midnight));
        for account in self.accounts.values_mut() {
            account.today += i128::from(account.committed) * i128::from(passed);
        }
    }
}

/// Money as accounts count it.
fn in_account(most: Micros) -> i128 {
    i128::from(most) * i128::from(HOUR)
}

fn is_bounded(scene: &Scene<'_>) -> bool {
    let own = scene.rules.worker_types.values().map(|rules| rules.spend);
    own.chain([scene.rules.spend]).any(|spend| spend != Spend::default())
}

fn limits(scene: &Scene<'_>, whose: Option<WorkerType>) -> Spend {
    let Some(worker_type) = whose else { return scene.rules.spend };
    scene.rules.worker_types.get(&worker_type).map_or(Spend::default(), |rules| rules.spend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{EndedBy, Event, Rules};

    fn bounded(hourly: Micros, daily: Micros) -> Rules {
        let mut rules = rules();
        rules.spend.daily_max = Some(daily);
        if let Some(one) = rules.worker_types.get_mut(&0) {
            one.spend.hourly_max = Some(hourly);
        }
        rules
    }

    #[test]
    fn what_is_committed_stays_below_the_hourly_ceiling() {
        let bought = |more: Vec<_>| {
            let story = [vec![decided(1, [launch(1, 3)])], more].concat();
            notes(Rule::SpendHourly, bounded(3_000_000, 90_000_000), story)
        };
        assert_eq!(bought(vec![decided(2, [launch_in(4, 9, 2)])]), [], "others have no ceiling");
        assert_eq!(bought(vec![decided(2, [launch(4, 1)])]), [2]);
        let ended = told(2, Told::Ended { launch: 1, by: EndedBy::Us });
        assert_eq!(bought(vec![ended, decided(3, [launch(4, 1)])]), []);
    }

    /// One dollar an hour from 22:00 on, and another launch then.
    fn late(at: Ms, daily: Micros) -> Vec<Ms> {
        let mut story = vec![decided(22 * HOUR, [launch(1, 1)])];
        story.extend(
            (1..=at / MINUTE - 22 * 60).map(|minute| decided(22 * HOUR + minute * MINUTE, [])),
        );
        story.pop();
        story.push(decided(at, [launch(2, 1)]));
        notes(Rule::SpendDaily, bounded(9_000_000, daily), story)
    }

    #[test]
    fn a_launch_must_be_payable_for_an_hour_or_until_midnight() {
        let at = 22 * HOUR + 30 * MINUTE; // half a dollar is spent, two are committed
        assert_eq!((late(at, 2_500_000), late(at, 2_499_999)), (vec![], vec![at]));
        let at = 23 * HOUR + 30 * MINUTE; // one and a half is spent, half an hour is left
        assert_eq!((late(at, 2_500_000), late(at, 2_499_999)), (vec![], vec![at]));
        let at = 24 * HOUR;
        assert_eq!((late(at, 2_000_000), late(at, 1_999_999)), (vec![], vec![at]), "a new day");
    }

    #[test]
    fn a_spent_day_ends_everything() {
        let story = |ends: Vec<(Ms, Event)>| {
            let given = told(1, Told::Given { launch: 1, instance: 1 });
            let mut story = vec![decided(0, [launch(1, 1)]), given];
            story.extend(ends);
            story.extend((1..=80).map(|minute| decided(minute * MINUTE + 1, [])));
            story.sort_by_key(|(at, _)| *at);
            notes(Rule::SpentEnded, bounded(9_000_000, 1_000_000), story)
        };
        let first = 76 * MINUTE + 1;
        assert_eq!(story(vec![]).first(), Some(&first));
        assert_eq!(story(vec![decided(70 * MINUTE, [terminate(1)])]), []);
    }
}
