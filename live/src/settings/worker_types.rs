//! The folder of worker types.
//!
//! Each file that ends in `.toml` is one; files and folders that begin with a dot are left alone.
//! Others may stand beside them, such as user data, and are part of what may change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use provisioner_files::engine::{At, WorkerTypeDoc, cross_check, worker_type as engine_keys};
use provisioner_files::file::{Issue, Issues, Place, Section, Source, kind, read};
use xxhash_rust::xxh3::Xxh3;

use super::document::product;
use super::launch::{Launch, launch};

/// A worker type as its file has it.
#[derive(Clone, Debug)]
pub struct WorkerTypeFile {
    /// `provisionerId/workerType`.
    pub name: At<String>,
    /// Where its tasks are counted: a name of `[queues]`.
    pub queue: At<String>,
    /// What that queue calls it.
    pub queue_name: String,
    /// What its instances are billed as: `Linux/UNIX`.
    pub product: String,
    /// The engine's keys, as in a scenario.
    pub engine: WorkerTypeDoc,
    /// What its machines are launched with.
    pub launch: Launch,
}

/// Reads all worker types of a folder, in the order of their names.
///
/// # Errors
///
/// All problems of all files; or that there is no such folder, or nothing in it.
pub fn load(folder: &Path) -> Result<Vec<WorkerTypeFile>, Issues> {
    let nowhere = || Place::new(&Source::new_as("worker type", folder, ""), None);
    let paths = files(folder).map_err(|error| {
        let issue = Issue::new(format!("the worker types cannot be read: {error}"), nowhere());
        issue.hint("`worker_types` in the settings names a folder")
    })?;
    let mut issues = Vec::new();
    let mut by_name: BTreeMap<String, WorkerTypeFile> = BTreeMap::new();
    let is_one = |path: &&PathBuf| {
        path.extension().is_some_and(|it| it == "toml") && path.parent() == Some(folder)
    };
    for path in paths.iter().filter(is_one) {
        let source = Source::read_as("worker type", path).map_err(Issues::from);
        match source.and_then(|source| read(&source, worker_type)) {
            Err(more) => issues.extend(more.into_vec()),
            Ok(file) => {
                let At { value: name, place } = &file.name;
                if let Some(other) = by_name.get(name) {
                    let there = other.name.place.source().name();
                    let issue = Issue::new(format!("there are two `{name}`"), place.clone());
                    issues.push(issue.hint(format!("{there} has one too: keep one of them")));
                }
                by_name.insert(name.clone(), file);
            }
        }
    }
    if issues.is_empty() && by_name.is_empty() {
        let issue = Issue::new("the folder has no worker type", nowhere());
        issues.push(issue.hint("add a file such as builds.toml, or name another folder"));
    }
    if issues.is_empty() { Ok(by_name.into_values().collect()) } else { Err(issues.into()) }
}

/// A fingerprint of all that is in the folder: another one means that something changed.
///
/// # Errors
///
/// Something in it cannot be read.
pub fn fingerprint(folder: &Path) -> io::Result<u64> {
    let mut hasher = Xxh3::new();
    for path in files(folder)? {
        let bytes = fs::read(&path)?;
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&[0]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.digest())
}

/// How deep folders are looked into: a link may lead back to where it is.
const DEPTH_MAX: usize = 4;

/// All files of the folder and of those in it, in the order of their paths.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match fs::metadata(&path)?.is_dir() {
                true if depth < DEPTH_MAX => folders.push((path, depth + 1)),
                true => {}
                false => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn worker_type(s: &mut Section<'_>) -> WorkerTypeFile {
    let doc = "What it is called: `provisionerId/workerType`, Taskcluster's task queue id.";
    let name = s.required("name", kind::text(), doc);
    let name = At { value: name, place: s.place("name") };
    let doc = "Where its tasks are counted: a name of [queues] in the settings.";
    let queue = s.required("queue", kind::text(), doc);
    let queue = At { value: queue, place: s.place("queue") };
    let doc = "What that queue calls it; its `name` if left out.";
    let queue_name = s.optional("queue_name", kind::text(), doc);
    let product = s.defaulted(
        "product",
        product(),
        "What its instances are billed as; prices are read for it.",
        "Linux/UNIX".to_owned(),
        "most are",
    );
    let engine = engine_keys(s);
    let launch = s.section("launch", "What its machines are launched with.", launch);
    cross_check(s, &engine);
    let queue_name = queue_name.unwrap_or_else(|| name.value.clone());
    WorkerTypeFile { name, queue, queue_name, product, engine, launch }
}
