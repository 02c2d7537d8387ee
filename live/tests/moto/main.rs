//! The EC2 adapter against moto: what it launches, finds, ends and reads there is what moto says.
//!
//! What moto lacks (capacity, tokens, throttling, lost answers) is in `tests/wire`.

mod orders;
mod server;

mod actions;
mod ending;
mod launching;
mod notices;
mod reading;
