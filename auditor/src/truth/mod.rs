//! Rules that need to know what really happened: only a simulation can be held to them.

mod bills;
mod capacity;
mod claims;
mod clock;
mod machines;
mod orphans;
mod tasks;
mod zombies;

use crate::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Box<dyn Check>> {
    vec![
        Box::new(machines::Machines::default()),
        Box::new(capacity::Capacity),
        Box::new(claims::Claims::default()),
        Box::new(bills::Bills::default()),
        Box::new(tasks::Tasks::default()),
        Box::new(orphans::Orphans::default()),
        Box::new(zombies::Idlers::default()),
    ]
}
