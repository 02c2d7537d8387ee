//! EC2's own words and rules: states, reason codes, quotas, and how it fails.
//!
//! The modelled world walks the state machines here step by step; each step is checked to be one
//! that EC2 takes. Not here: when a step happens (the world decides that) and what the provisioner
//! makes of it (the engine).
//!
//! Source: EC2 API reference 2016-11-15 and User Guide as of 2023-06, with the status codes of 2018
//! that only the bid era had; what is assumed says so.

pub mod instance_state;
pub mod interruption;
pub mod launch;
pub mod quota;
pub mod spot_request;
