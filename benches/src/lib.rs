//! How fast the simulator is, beside what it could be and what else there is.
//!
//! [`w`] states the reference workload; [`bare`] is the practical limit, a loop tuned for it alone
//! (as [`mmc`] is for W2, and [`bare_many`] for W spread over many worker types);
//! [`ours`] is the real simulator; [`nexo`] and `python/w_simpy.py` are the same model in general frameworks. [`harness`] measures
//! them in one run and prints them in one table, because only ratios within one run mean anything
//! on a shared machine.
//!
//! [`intervals`] is about results, not speed: whether the intervals of paired runs are honest.
//!
//! Not here: anything the product uses. No other crate depends on this one.

pub mod bare;
pub mod bare_many;
pub mod harness;
pub mod heap;
pub mod intervals;
pub mod mmc;
pub mod nexo;
pub mod ours;
pub mod reading;
pub mod subject;
pub mod table;
pub mod w;
