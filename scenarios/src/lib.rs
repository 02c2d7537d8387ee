//! Everything that comes from files: scenario files, the recorded data they name, and journals
//! (the form of files and of journals is `provisioner_files`', the daemon's too).
//!
//! Problems are values that say what, where and what to do; nothing here renders a result, or
//! decides when and on how many threads something is run.

pub mod audit;
pub mod diff;
pub mod draft;
pub mod experiment;
pub mod explain;
pub mod paired;
pub mod recreate;
pub mod results;
pub mod scenario;
pub mod schema;
pub mod shipped;
pub mod storm;
pub mod suite;
pub mod timeline;
pub mod traces;
pub mod tune;

pub use provisioner_files::{file, journal, output};
pub use scenario::{Loaded, Profile, Scenario, load, load_text, parameters};
