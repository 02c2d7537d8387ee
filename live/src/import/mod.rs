//! Worker types of the predecessors as files of ours: aws-provisioner's worker types, and
//! worker-manager's pool definitions for AWS, both in JSON.
//!
//! What is carried over means the same as before, by the policies that restate the predecessors
//! (`v1`, `pool`). What means something else here, what has no place here and what was not said is
//! told in remarks, one by one; nothing is dropped in silence. Secrets are neither carried nor shown.
//!
//! Source: Taskcluster's sources, aws-provisioner of 2017-05 to 2019-08 and worker-manager of
//! 2026-08. Not here: reading and writing files, and asking EC2 whether it has what is named.

mod draft;
mod pool;
#[cfg(test)]
mod tests;
mod v1;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use self::draft::Draft;

/// What the definitions do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The provisioner id of v1's worker types, which have none of their own: `aws-provisioner-v1`.
    pub provisioner_id: String,
    /// The name of a v1 worker type whose definition does not have it.
    pub worker_type: Option<String>,
    /// Where tasks are counted: a name of `[queues]` in the settings.
    pub queue: String,
}

/// What definitions became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Files for the folder of worker types, by name. User data is one of its own.
    pub files: Vec<(String, String)>,
    /// What is worth knowing, by worker type.
    pub remarks: Vec<Remark>,
}

/// Something that the reader of an import should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// About which worker type.
    pub worker_type: String,
    /// What kind of news it is.
    pub kind: RemarkKind,
    /// What.
    pub what: String,
}

/// What became of a part of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkKind {
    /// It is there and means the same.
    Carried,
    /// It is there and means something else, or comes to something else.
    Changed,
    /// There is nothing like it.
    NoPlace,
    /// It must be added by hand.
    Missing,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RemarkKind::Carried => "carried over",
            RemarkKind::Changed => "changed",
            RemarkKind::NoPlace => "no place here",
            RemarkKind::Missing => "to be added",
        };
        write!(f, "{}: {kind}: {}", self.worker_type, self.what)
    }
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl ImportError {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhint: {}", self.what, self.hint)
    }
}

impl std::error::Error for ImportError {}

/// Turns a definition, a list of them, or worker-manager's answer `{"workerPools": […]}` into files.
///
/// # Errors
///
/// One of them is no definition of either kind.
pub fn import(text: &str, options: &Options) -> Result<Imported, ImportError> {
    // Its own words could show what stands there.
    let json: Value = serde_json::from_str(text).map_err(|error| {
        let what = format!("not JSON, at line {}, column {}", error.line(), error.column());
        ImportError::new(what, "give the definition as the service's API answers it")
    })?;
    let definitions = match json {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("workerPools") {
            Some(Value::Array(list)) => list,
            _ => vec![Value::Object(object)],
        },
        _ => Vec::new(),
    };
    let (mut imported, mut names) = (Imported::default(), BTreeSet::new());
    for definition in definitions {
        let Value::Object(definition) = definition else { return Err(unknown()) };
        let draft = if definition.contains_key("instanceTypes") {
            v1::read(definition, options)?
        } else if definition.contains_key("workerPoolId") || definition.contains_key("config") {
            pool::read(definition)?
        } else {
            return Err(unknown());
        };
        if !names.insert(draft.name.clone()) {
            let what = format!("`{}` is defined twice", draft.name);
            return Err(ImportError::new(what, "leave out the definition that does not hold"));
        }
        draft.finish(&options.queue, &mut imported)?;
    }
    if imported.files.is_empty() { Err(unknown()) } else { Ok(imported) }
}

fn unknown() -> ImportError {
    let hint = "v1's have `instanceTypes`, worker-manager's `workerPoolId` and `config`";
    ImportError::new("this is no definition of a worker type", hint)
}

/// Takes a key out of an object: what is left at the end was not understood.
fn take(object: &mut Map<String, Value>, key: &str) -> Option<Value> {
    object.remove(key).filter(|value| !value.is_null())
}

fn take_text(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    match take(object, key)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn take_object(object: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match take(object, key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

fn take_objects(object: &mut Map<String, Value>, key: &str) -> Vec<Map<String, Value>> {
    let Some(Value::Array(items)) = take(object, key) else { return Vec::new() };
    let inner = |item| match item {
        Value::Object(inner) => Some(inner),
        _ => None,
    };
    items.into_iter().filter_map(inner).collect()
}

/// A count; v1 checked nothing, so it may be a fraction or negative.
fn take_count(object: &mut Map<String, Value>, key: &str, draft: &mut Draft) -> Option<u32> {
    let value = take(object, key)?;
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    if count.is_none() {
        draft.missing(format!("`{key}` is {value}, not a whole number of at least 0"));
    }
    count
}
