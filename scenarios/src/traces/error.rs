//! What is wrong with a file, where, and what to do about it.
//!
//! All problems of one file come together, at most [`SHOWN_MAX`] of them in full.

use std::fmt;

/// How many problems of one file are kept in full; the others are counted.
pub const SHOWN_MAX: usize = 20;

/// A file that cannot be read as what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file's name as it was given.
    pub file: String,
    /// What is wrong, in the order of the file; never empty.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: u64,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The fact, with what was found.
    pub what: String,
    /// Where in the file.
    pub place: Place,
    /// The column's name, where there are columns.
    pub column: Option<String>,
    /// What to do; empty where nothing can be advised.
    pub hint: String,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All of it.
    File,
    /// A line, counted from 1.
    Line(u64),
    /// A byte, counted from 0.
    Byte(u64),
}

impl std::error::Error for TraceError {}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "error: {}\n  --> {}", problem.what, self.file)?;
            match problem.place {
                Place::File => {}
                Place::Line(line) => write!(f, ":{line}")?,
                Place::Byte(byte) => write!(f, ", byte {byte}")?,
            }
            if let Some(column) = &problem.column {
                write!(f, ", column `{column}`")?;
            }
            if !problem.hint.is_empty() {
                write!(f, "\nhint: {}", problem.hint)?;
            }
        }
        if self.more > 0 {
            write!(f, "\n\nand {} more problems in {}", self.more, self.file)?;
        }
        Ok(())
    }
}

/// The problems found so far in one file.
pub(super) struct Problems {
    error: TraceError,
}

impl Problems {
    pub(super) fn in_file(file: &str) -> Self {
        let (file, problems, more) = (file.to_owned(), Vec::new(), 0);
        Self { error: TraceError { file, problems, more } }
    }

    pub(super) fn add(&mut self, place: Place, what: impl fmt::Display, hint: impl fmt::Display) {
        self.push(Problem { what: what.to_string(), place, column: None, hint: hint.to_string() });
    }

    /// A cell that cannot be read.
    pub(super) fn cell(
        &mut self,
        line: u64,
        column: &str,
        found: &[u8],
        why: impl fmt::Display,
        hint: impl fmt::Display,
    ) {
        if self.error.problems.len() < SHOWN_MAX {
            self.push(Problem {
                what: format!("{why}: `{}`", excerpt(found)),
                place: Place::Line(line),
                column: Some(column.to_owned()),
                hint: hint.to_string(),
            });
        } else {
            self.error.more += 1;
        }
    }

    fn push(&mut self, problem: Problem) {
        if self.error.problems.len() < SHOWN_MAX {
            self.error.problems.push(problem);
        } else {
            self.error.more += 1;
        }
    }

    /// The last problem there can be: reading stops here.
    pub(super) fn fatal(
        mut self,
        place: Place,
        what: impl fmt::Display,
        hint: impl fmt::Display,
    ) -> TraceError {
        self.add(place, what, hint);
        self.error
    }

    pub(super) fn or<T>(self, value: T) -> Result<T, TraceError> {
        if self.error.problems.is_empty() { Ok(value) } else { Err(self.error) }
    }
}

/// The beginning of what was found, safe to print.
pub(super) fn excerpt(found: &[u8]) -> String {
    let shown = &found[..found.len().min(40)];
    let mut text: String = String::from_utf8_lossy(shown).escape_debug().collect();
    if shown.len() < found.len() {
        text.push('…');
    }
    text
}
