//! The whole daemon, as a process: against moto and a queue, with real faults on the wire and real
//! deaths. The judge is moto itself, asked past everything of ours.
//!
//! What moto lacks is in the proxy before it (`provisioner_stand_in::ec2`).

mod bursting;
#[path = "../support/ca.rs"]
mod ca;
mod doctor;
mod dying;
mod ending;
mod failing;
mod inputs;
mod microburst;
mod packaging;
mod parting;
mod replaying;
#[path = "../store/server.rs"]
#[allow(dead_code, reason = "each test program uses its own part of it")]
mod server;
mod serving;
mod silent;
mod swallowing;
mod taking_over;
mod trusting;
mod world;
