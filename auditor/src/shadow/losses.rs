//! A pool is avoided for no more losses than it had: whoever is told twice of one counts it once.
//!
//! A loss is a spot machine that was told to be taken back, in whatever words and however often.
//!
//! Read in favour of the accused: machines of launches that are not known, or not yet, may be of any
//! pool, and losses are never forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::note::{Notes, Rule};
use crate::{Check, Decided, EndedBy, Launch, Pool, Scene, Told};

#[derive(Default)]
pub(super) struct Losses {
    lost: BTreeMap<Pool, BTreeSet<Launch>>,
    unknown: BTreeSet<Launch>,
}

impl Check for Losses {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let (Told::Noticed { launch }
        | Told::Stopping { launch, by: EndedBy::Interruption }
        | Told::Ended { launch, by: EndedBy::Interruption }) = *told
        else {
            return;
        };
        match scene.book.launch(launch) {
            Some(known) if known.market.is_spot() => {
                self.lost.entry(known.pool).or_default().insert(launch);
            }
            Some(_) => {}
            None if self.lost.values().any(|lost| lost.contains(&launch)) => {}
            None => {
                self.unknown.insert(launch);
            }
        }
    }

    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, notes: &mut Notes) {
        for &(pool, stated) in &decided.avoided {
            let lost = self.lost.get(&pool).map_or(0, BTreeSet::len) + self.unknown.len();
            if u64::from(stated) > lost as u64 {
                notes.note(Rule::LossOnce, || {
                    let name = scene.rules.pool_name(pool);
                    format!("{name} is avoided for {stated} losses, and had {lost}")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Event, Ms, Order};

    fn avoided(lost: &[(Launch, EndedBy)], stated: u32) -> Vec<Ms> {
        let mut story = vec![decided(1, [launch(1, 2)])];
        for &(launch, by) in lost {
            story.push(told(2, Told::Noticed { launch }));
            story.push(told(3, Told::Ended { launch, by }));
        }
        let avoided = Decided { avoided: vec![(0, stated)], wake_at: 9, ..Decided::default() };
        story.push((4, Event::Decided(avoided)));
        notes(Rule::LossOnce, rules(), story)
    }

    #[test]
    fn a_loss_counts_once_however_often_it_is_told() {
        let (taken, away) = (EndedBy::Interruption, EndedBy::Worker);
        assert_eq!((avoided(&[(1, taken)], 1), avoided(&[(1, taken)], 2)), (vec![], vec![4]));
        assert_eq!(avoided(&[(1, taken), (1, taken)], 2), [4]);
        assert_eq!(avoided(&[(1, taken), (2, away)], 2), [], "a notice is enough");
        assert_eq!(avoided(&[(1, taken), (9, taken)], 2), [], "it may be of this pool");
    }

    #[test]
    fn what_is_bought_on_demand_is_not_taken_back() {
        let market = crate::Market::OnDemand;
        let bought = Order::Launch { first: 1, count: 1, worker_type: 0, pool: 0, market };
        let avoided = Decided { avoided: vec![(0, 1)], wake_at: 9, ..Decided::default() };
        let noticed = told(2, Told::Noticed { launch: 1 });
        let story = [decided(1, [bought]), noticed, (3, Event::Decided(avoided))];
        assert_eq!(notes(Rule::LossOnce, rules(), story), [3]);
    }
}
