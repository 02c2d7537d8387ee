//! What a file may say to the engine: the same keys, in the same words, in a scenario and in the
//! daemon's settings.
//!
//! Not here: where candidates, images and on-demand prices come from. A scenario has recordings, the
//! daemon has EC2.

pub mod floors;
mod guards;
mod kinds;
mod limits;
mod policy;
mod spend;
mod worker_type;

pub use guards::guards;
pub use kinds::{At, PRICE_MAX, SPAN_MAX, duration, price, report_check, some_price, some_time};
pub use limits::limits;
pub use worker_type::{
    CAPACITY_MAX, InstanceTypeDoc, Need, WorkerTypeDoc, cross_check, worker_type,
};
