//! What must hold of a storm, whatever went wrong in it.

use provisioner_sim::outcome::Outcome;

/// Checks of every storm: their names, what is measured, and why it must be zero.
pub(super) const MUST_BE_ZERO: [(&str, &str, &str); 3] = [
    (
        "drained",
        "total.tasks.left",
        "hours after the storm all work that a calm fleet has time for is done, and so is the last \
         task of each worker type",
    ),
    (
        "no-double-launch",
        "total.safety.double_launches",
        "what a launch call bought is never bought again under another token",
    ),
    (
        "no-orphan",
        "ownership.orphans_left",
        "hours after the storm the engine knows every instance that is its own",
    ),
];

/// What does not hold of an outcome, by the name of its check.
pub(super) fn failures(outcome: &Outcome) -> Vec<(&'static str, u64)> {
    let total = &outcome.total;
    let found = [total.tasks.left, total.safety.double_launches, outcome.ownership.orphans_left];
    let names = MUST_BE_ZERO.iter().map(|(name, ..)| *name);
    names.zip(found).filter(|(_, found)| *found > 0).collect()
}
