//! Suites: what an experiment may come to, held against what it came to when it was last accepted.
//!
//! Every [experiment](crate::experiment) is a suite, whose scenarios are the experiment's points. It
//! may say what is expected of them:
//!
//! ```toml
//! seeds = 6
//! decisions = "any"                        # or "exact": each must be as it was
//!
//! [axes.scenario.variants]
//! steady = { base = "steady.toml" }
//! storm = { base = "steady.toml", cloud.behaviour = "full" }
//!
//! [tolerances]                             # over the [`DEFAULTS`]
//! total.cost_usd.total = "2 %"             # the mean over all seeds may be so much worse
//! total.wait_s.p95 = "30 s unless by chance"  # … or as much as chance explains
//! total.utilisation = "not measurably worse"
//! 'worker_types."proj/builds".wait_s.max' = "any"
//!
//! [[override]]
//! where = { scenario = "storm" }
//! tolerances.total.wait_s.p95 = "5 min"
//! ```
//!
//! What it came to stands in its [`Baseline`], a folder that is committed beside it. Paths of measures
//! are those of the outcome as JSON, as in a scenario's `[checks]`. Those are another thing: a check
//! bounds what one run of its scenario may come to, whatever it came to before.
//!
//! Not here: what a measure is, which way is worse, and the verdict (`provisioner-reports`).

mod baseline;
mod terms;
#[cfg(test)]
mod tests;

pub use self::baseline::{Accepted, BASELINE_FORMAT, Baseline, Kept, NewJournal, Unkept};
pub use self::terms::{DEFAULTS, Tolerance};
pub(crate) use self::terms::{Journals, Override, TermsDoc, levels};
use crate::file::Place;

/// What is expected of a scenario of a suite.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether each decision must be as it was.
    pub exact: bool,
    /// What the suite says of measures, by path: what comes later holds.
    pub tolerances: Vec<(String, Tolerance, Place)>,
}
