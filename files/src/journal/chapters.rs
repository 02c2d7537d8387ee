//! A journal in chapters, read as one: one file after the other, by name.
//!
//! A chapter goes on where the one before ended if its engine was last called when that one was. If
//! not, what lies between is not known: a chapter is missing, or was cut short when its process
//! died. That is told ([`Turned::gap`]) and is no error, since each chapter replays by itself. The
//! last chapter may still be growing, and then has no end.
//!
//! Lines count through all chapters, as if they were one file. Not here: who writes chapters, and
//! when (the daemon).

use std::fs;
use std::path::{Path, PathBuf};

use provisioner_engine::Engine;
use provisioner_engine::units::Time;

use super::{Journal, JournalError, Lines};

/// How the name of a chapter begins.
const PREFIX: &str = "chapter-";
/// How it ends, while it grows and once it is packed.
const ENDINGS: [&str; 3] = [".jsonl", ".jsonl.gz", ".jsonl.zst"];

/// What comes after the chapter that is read.
#[derive(Debug)]
pub(super) struct Book {
    /// Last first.
    rest: Vec<PathBuf>,
    /// The records of those before are not asked for.
    pub(super) turned: Vec<Turned>,
    /// Lines of the chapters before.
    pub(super) lines_before: u64,
    pub(super) is_growing: bool,
}

/// That a journal went over to its next chapter.
#[derive(Debug)]
pub struct Turned {
    /// The chapter's file.
    pub file: String,
    /// From when to when nothing is known, if it does not go on where the one before ended.
    pub gap: Option<(Time, Time)>,
    /// The engine that its records are for.
    pub engine: Engine,
}

/// The chapters in a folder, oldest first. Of one that is there packed and unpacked, the packed one.
///
/// # Errors
///
/// The folder cannot be read, or has none.
pub fn chapters(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let name = folder.to_string_lossy();
    let error = |what: &str, hint| Lines::of(&name, std::io::empty()).error(what, hint);
    let files = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let files = files
        .map_err(|told| error(&format!("the folder cannot be read: {told}"), "check the path"))?;
    let mut chapters: Vec<PathBuf> = files.into_iter().map(|file| file.path()).collect();
    chapters.retain(|path| stem(path).is_some());
    chapters.sort();
    chapters.reverse();
    chapters.dedup_by_key(|path| stem(path).map(str::to_owned));
    chapters.reverse();
    if chapters.is_empty() {
        let hint = "name the folder in which the daemon keeps its journal, or a journal's file";
        return Err(error("there are no chapters of a journal in this folder", hint));
    }
    Ok(chapters)
}

/// A chapter's name without its ending, if it is one's.
fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))
}

impl Journal {
    /// Opens several chapters, and all those in folders among them, as one journal.
    ///
    /// # Errors
    ///
    /// As for [`Journal::open`]; a folder without chapters.
    pub fn open_all(paths: &[PathBuf]) -> Result<Self, JournalError> {
        if let [file] = paths
            && !file.is_dir()
        {
            return Self::open_file(file);
        }
        let mut rest = Vec::new();
        for path in paths {
            match path.is_dir() {
                true => rest.append(&mut chapters(path)?),
                false => rest.push(path.clone()),
            }
        }
        rest.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
        rest.dedup();
        rest.reverse();
        let Some(first) = rest.pop() else {
            let error = Lines::of("", std::io::empty());
            return Err(error.error("no journal is named", "name a folder of chapters"));
        };
        let mut journal = Self::open_file(&first)?;
        journal.lines.is_forgiving = true;
        journal.book = Some(Book { rest, turned: Vec::new(), lines_before: 0, is_growing: false });
        Ok(journal)
    }

    /// The chapters begun just before the last record, which it is not told again.
    pub fn turned(&mut self) -> Vec<Turned> {
        self.book.as_mut().map_or_else(Vec::new, |book| std::mem::take(&mut book.turned))
    }

    /// Whether the last chapter has no end: it was being written, or cut short. Known once all
    /// records are read.
    #[must_use]
    pub fn is_growing(&self) -> bool {
        self.book.as_ref().is_some_and(|book| book.is_growing)
    }

    /// Goes over to the next chapter, if there is one.
    pub(super) fn turn(&mut self) -> Result<bool, JournalError> {
        let Some(path) = self.book.as_mut().and_then(|book| book.rest.pop()) else {
            return Ok(false);
        };
        let next = Self::open_file(&path)?;
        let engine = next.engine();
        let (from, to) = (self.now, next.now);
        if next.header.scenario != self.header.scenario {
            let (of, before) = (&next.header.scenario, &self.header.scenario);
            let what = format!("this is a chapter of `{of}`, and those before are of `{before}`");
            return Err(next.lines.error(what, "read the chapters of each by themselves"));
        }
        if to < from {
            let what = format!("the chapter begins at {to}, and the one before ends at {from}");
            let hint = "are these chapters of two provisioners? Read those of each by themselves";
            return Err(next.lines.error(what, hint));
        }
        let Self { lines, tables, now, tally, .. } = next;
        let read = std::mem::replace(&mut self.lines, lines).number;
        self.lines.is_forgiving = true;
        (self.tables, self.now, self.tally) = (tables, now, tally);
        if let Some(book) = &mut self.book {
            // The end of a file was looked for on the line after its last.
            book.lines_before += read - 1;
            let (file, gap) = (path.display().to_string(), (from < to).then_some((from, to)));
            book.turned.push(Turned { file, gap, engine });
        }
        Ok(true)
    }
}
