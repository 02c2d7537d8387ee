//! What the engine does, told as stories: facts in, orders and reasons out.
//!
//! The language is that of `support/setup.rs` and `support/story.rs`. Stories begin at the Unix
//! epoch. Each name is a claim; the reference is Taskcluster's own source as cited at the policies.

#[path = "../support/setup.rs"]
mod setup;
#[path = "../support/story.rs"]
mod story;

mod breaker;
mod calls;
mod capacity;
mod cheapest;
mod configuration;
mod giving_up;
mod ice;
mod interruptions;
mod listing;
mod losses;
mod odd_facts;
mod on_demand;
mod patience;
mod price_limits;
mod price_trust;
mod quota;
mod random;
mod restart;
mod share;
mod spending;
mod spread;
mod suspects;
mod target;
mod together;
mod unknown_demand;
mod weighted;
mod zombies;
