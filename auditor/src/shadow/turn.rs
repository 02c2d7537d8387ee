//! When the next turn is: later than this one, and no later than the iteration interval.

use crate::note::{Notes, Rule};
use crate::{Check, Decided, Scene};

pub(super) struct Turn;

impl Check for Turn {
    fn decided(&mut self, scene: &Scene<'_>, decided: &Decided, notes: &mut Notes) {
        let wait = decided.wake_at - scene.at;
        if wait <= 0 || wait > scene.rules.iteration_interval {
            let longest = scene.rules.iteration_interval;
            notes.note(Rule::WakeLater, || {
                format!("the next turn is in {wait} ms, of at most {longest}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::support::*;
    use crate::{Decided, Event, Rule};

    fn turns(wakes: [i64; 2]) -> Vec<i64> {
        let turn = |at, wake_at| (at, Event::Decided(Decided { wake_at, ..Decided::default() }));
        notes(Rule::WakeLater, rules(), [turn(10, wakes[0]), turn(20, wakes[1])])
    }

    #[test]
    fn a_turn_wakes_later_and_within_the_interval() {
        assert_eq!(turns([11, 20 + MINUTE]), []);
        assert_eq!(turns([10, 21 + MINUTE]), [10, 20]);
    }
}
