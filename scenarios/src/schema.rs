//! Which files people write, and what each can say, as JSON Schema.
//!
//! Not here: how keys become a schema (see [`json_schema`]), and what a schema cannot say.

use serde_json::Value;

use crate::experiment;
use crate::file::{File, KeyDoc, json_schema};
use crate::scenario::{BASE, parameters};

/// A kind of file, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// What `simulate` runs.
    Scenario,
    /// What `sweep` runs; with `[tune]` what `tune` searches, with tolerances what `check` judges.
    Experiment,
    /// One section of `worker_types` in a scenario.
    WorkerType,
}

/// Its JSON Schema.
#[must_use]
pub fn schema_of(kind: FileKind) -> Value {
    let scenario = parameters();
    let file = match kind {
        FileKind::Scenario => File {
            title: "A scenario of aws-provisioner",
            keys: &scenario,
            base: Some(BASE),
            fragments: &[],
        },
        FileKind::Experiment => File {
            title: "An experiment of aws-provisioner, which may also be tuned or checked",
            keys: &experiment::parameters(),
            base: None,
            fragments: &scenario,
        },
        FileKind::WorkerType => File {
            title: "A worker type of aws-provisioner",
            keys: &alone("worker_types.<name>.", &scenario),
            base: None,
            fragments: &[],
        },
    };
    json_schema(&file)
}

/// The keys of a section as if it were a file.
fn alone(section: &str, keys: &[KeyDoc]) -> Vec<KeyDoc> {
    let path = |key: &KeyDoc| match key.path.strip_prefix(section) {
        Some(path) => Some(path.to_owned()),
        None => key.path.starts_with('<').then(|| key.path.clone()),
    };
    keys.iter().filter_map(|key| Some(KeyDoc { path: path(key)?, ..key.clone() })).collect()
}
