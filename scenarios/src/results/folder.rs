//! The folder that runs are added to as they finish.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use provisioner_sim::outcome::{OUTCOME_VERSION, Outcome};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Manifest, RESULTS_FORMAT, Results, ResultsError};
use crate::output::OutFile;

const MANIFEST: &str = "experiment.json";
const OUTCOMES: &str = "outcomes.jsonl";

/// A folder of results that is being filled, by nobody else meanwhile.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    results: Results,
    log: Mutex<File>,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    run: usize,
    outcome: &'a Outcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedLine {
    run: usize,
    outcome: Outcome,
}

impl Folder {
    /// Makes a folder for these results, or goes on with one.
    ///
    /// # Errors
    ///
    /// It holds something else, or another process fills it.
    pub fn open(path: &Path, manifest: &Manifest) -> Result<Self, ResultsError> {
        let unusable = |error: io::Error| ResultsError::io(path, &error);
        fs::create_dir_all(path).map_err(unusable)?;
        if path.join(MANIFEST).exists() {
            let found = read_manifest(path)?;
            if let Some(differs) = manifest.differs(&found) {
                let what = format!("`{}` holds results {differs}", path.display());
                return Err(ResultsError::new(what, "name another folder with --output"));
            }
        } else if holds_something(path).map_err(unusable)? {
            let what = format!("`{}` holds files, but no results of a sweep", path.display());
            return Err(ResultsError::new(what, "name another folder with --output"));
        } else {
            write_manifest(&path.join(MANIFEST), manifest).map_err(unusable)?;
        }
        let log = File::options().read(true).append(true).create(true).open(path.join(OUTCOMES));
        let log = log.map_err(unusable)?;
        // Some network file systems know no locks: then nobody is kept out.
        if let Err(rustix::io::Errno::WOULDBLOCK) =
            flock(&log, FlockOperation::NonBlockingLockExclusive)
        {
            let what = format!("another process writes to `{}`", path.display());
            return Err(ResultsError::new(
                what,
                "wait for it, or name another folder with --output",
            ));
        }
        remove_unfinished(path).map_err(unusable)?;
        let (outcomes, whole) = read_outcomes(path, manifest)?;
        log.set_len(whole).map_err(unusable)?;
        let results = Results { manifest: manifest.clone(), outcomes };
        Ok(Self { path: path.to_owned(), results, log: Mutex::new(log) })
    }

    /// The runs that were there when it was opened.
    #[must_use]
    pub fn done(&self) -> &BTreeMap<usize, Outcome> {
        &self.results.outcomes
    }

    /// Adds a run; from then on it is done, even if this process is killed.
    ///
    /// # Errors
    ///
    /// It cannot be stored. Runs that were added before still are.
    pub fn add(&self, run: usize, outcome: &Outcome) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { run, outcome })?;
        line.push(b'\n');
        self.log.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }

    /// Puts the runs in order.
    ///
    /// # Errors
    ///
    /// They cannot be read back or stored; they are still there, in another order.
    pub fn finish(self) -> Result<Results, ResultsError> {
        let (outcomes, _) = read_outcomes(&self.path, &self.results.manifest)?;
        let path = self.path.join(OUTCOMES);
        let written = OutFile::create(&path).and_then(|mut file| {
            for (run, outcome) in &outcomes {
                serde_json::to_writer(&mut file, &Line { run: *run, outcome })?;
                file.write_all(b"\n")?;
            }
            file.finish()
        });
        written.map_err(|error| ResultsError::io(&path, &error))?;
        Ok(Results { outcomes, ..self.results })
    }
}

/// Everything in a folder, finished or not.
pub(super) fn read(path: &Path) -> Result<Results, ResultsError> {
    let manifest = read_manifest(path)?;
    let (outcomes, _) = read_outcomes(path, &manifest)?;
    Ok(Results { manifest, outcomes })
}

/// Whether anything but what a killed process leaves behind is there.
fn holds_something(path: &Path) -> io::Result<bool> {
    let mut entries = fs::read_dir(path)?;
    entries.try_fold(false, |some, entry| Ok(some || !is_unfinished(&entry?)))
}

/// Removes files that a killed process has not given their name.
fn remove_unfinished(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if is_unfinished(&entry) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_unfinished(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    name.starts_with('.') && name.ends_with(".tmp")
}

fn write_manifest(path: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut file = OutFile::create(path)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.write_all(b"\n")?;
    file.finish()
}

fn read_manifest(path: &Path) -> Result<Manifest, ResultsError> {
    #[derive(Deserialize)]
    struct Versions {
        format: u32,
        outcome: u32,
    }
    let name = path.join(MANIFEST);
    let bytes = fs::read(&name).map_err(|error| {
        let what = format!("`{}` holds no results of a sweep: {MANIFEST}: {error}", path.display());
        ResultsError::new(what, "name a folder that `provisioner sweep` has made")
    })?;
    let damaged = |error| {
        let what = format!("`{}` is damaged: {error}", name.display());
        ResultsError::new(what, "name another folder; the outcomes beside it are as they were")
    };
    let Versions { format, outcome } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if (format, outcome) != (RESULTS_FORMAT, OUTCOME_VERSION) {
        let what = format!(
            "`{}` holds results of format {format}.{outcome}; this program's is \
             {RESULTS_FORMAT}.{OUTCOME_VERSION}",
            path.display()
        );
        return Err(ResultsError::new(what, "use the program that made it, or sweep again"));
    }
    serde_json::from_slice(&bytes).map_err(damaged)
}

/// All runs of the log, and how many of its bytes they take: what follows was cut off.
fn read_outcomes(
    path: &Path,
    manifest: &Manifest,
) -> Result<(BTreeMap<usize, Outcome>, u64), ResultsError> {
    let name = path.join(OUTCOMES);
    let mut bytes = Vec::new();
    match File::open(&name).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(ResultsError::io(&name, &error)),
    }
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut outcomes = BTreeMap::new();
    for (index, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damaged = |why: String| {
            let what = format!("`{}` is damaged at line {}: {why}", name.display(), index + 1);
            ResultsError::new(what, "delete that line: its run is done again; the others stay")
        };
        let line: Result<OwnedLine, _> = serde_json::from_slice(line);
        let OwnedLine { run, outcome } = line.map_err(|error| damaged(error.to_string()))?;
        let is_ours = run < manifest.points.len() * manifest.seeds.len()
            && manifest.shard.is_none_or(|shard| shard.has(run));
        if !is_ours {
            return Err(damaged(format!("run {run} does not belong here")));
        }
        if outcomes.insert(run, outcome).is_some() {
            return Err(damaged(format!("run {run} is there twice")));
        }
    }
    Ok((outcomes, whole as u64))
}
