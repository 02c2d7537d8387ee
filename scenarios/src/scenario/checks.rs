//! What an outcome must satisfy, as a scenario file says it.
//!
//! Not here: what can be measured, and whether it is satisfied (`provisioner-reports`).

use super::profile::Profile;
use crate::file::Place;
use crate::file::quantity::Amount;

/// A claim about a run's outcome that can be false.
#[derive(Clone, Debug)]
pub struct Check {
    /// The name it has in the file.
    pub name: String,
    /// Why it must hold.
    pub because: String,
    /// The path of a number in the outcome's JSON.
    pub measure: String,
    /// Where that path stands.
    pub place: Place,
    /// What the number must satisfy; at least one.
    pub bounds: Vec<Bound>,
    /// Whether this is the number that matters most; at most one check of a scenario is.
    pub headline: bool,
    /// Of these profiles the measure says nothing.
    pub except: Vec<Profile>,
}

/// One thing that a number must satisfy.
#[derive(Clone, Debug)]
pub struct Bound {
    /// How the number must stand …
    pub relation: Relation,
    /// … to this.
    pub amount: Amount,
    /// Where that stands.
    pub place: Place,
}

/// How a number stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is not above it.
    AtMost,
    /// It is not below it.
    AtLeast,
    /// It is equal to it.
    Equals,
}
