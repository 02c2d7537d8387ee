//! What an operator says: `provisionerd.toml` and a folder of worker types.
//!
//! Both are strict TOML as scenarios are: unknown keys are refused with the nearest known one, and all
//! problems come at once, with file, line and caret. The sections `[engine]` and a worker type's own
//! keys are those of a scenario, so that they can be copied to and fro.
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | `provisionerd.toml`: store, journal, window, AWS, on-demand prices |
//! | [`queues`] | where tasks are counted: `[queues.NAME]` |
//! | [`worker_types`] | the files of the folder, and whether it has changed |
//! | [`launch`] | what machines are launched with: `[launch]` of a worker type |
//! | [`mod@resolve`] | all of it together: the engine's configuration and launch templates |
//! | [`secret`] | what is never shown |
//!
//! Secrets stand in files or in the environment and never in the settings. Not here: whether EC2 has
//! what is named (`doctor` asks it), and what happens when something changes (the loop).

pub mod document;
pub mod launch;
pub mod queues;
pub mod resolve;
pub mod secret;
#[cfg(test)]
mod tests;
pub mod worker_types;

use provisioner_files::file::{File, KeyDoc, describe, json_schema};
use serde_json::Value;

pub use document::{PostgresSettings, Settings, StoreSettings};
pub use resolve::{Known, Launches, Resolved, resolve};
pub use secret::{Secret, SecretSource};
pub use worker_types::{WorkerTypeFile, fingerprint};

/// Every key of `provisionerd.toml`, with its default.
#[must_use]
pub fn parameters() -> Vec<KeyDoc> {
    describe(document::document)
}

/// Every key of a worker type's file, with its default.
#[must_use]
pub fn worker_type_parameters() -> Vec<KeyDoc> {
    describe(worker_types::worker_type)
}

/// The JSON Schema of `provisionerd.toml`, for editors.
#[must_use]
pub fn schema() -> Value {
    schema_of("Settings of provisionerd", &parameters())
}

/// The JSON Schema of a worker type's file.
#[must_use]
pub fn worker_type_schema() -> Value {
    schema_of("A worker type of provisionerd", &worker_type_parameters())
}

fn schema_of(title: &str, keys: &[KeyDoc]) -> Value {
    json_schema(&File { title, keys, base: None, fragments: &[] })
}
