//! EC2 for tests and the demo: moto, somebody else's, and a proxy before it that does what moto does
//! not.
//!
//! [`Moto`] runs its server, and [`Judge`] asks it past everything else what is there. [`Proxy`] hands
//! calls on as they are and keeps client tokens, which moto ignores; gives launches as many instances
//! as they ask for, where moto gives the least; and can be told what is to go wrong: [`Fault`], and
//! [`Lag`] of listings.
//!
//! Not here: signatures are not looked at, and nothing is billed.

mod call;
mod faults;
mod line;
mod moto;
mod played;
mod proxy;
mod tokens;
mod xml;

pub use faults::{Done, Fault, What};
pub use moto::{ENVIRONMENT, Judge, Moto, MotoInstance};
pub use played::PlayedEc2;
pub use proxy::{Change, Lag, Proxy};
