//! What is wrong, where, and what to do.
//!
//! Printed as
//!
//! ```text
//! error: `idle_timeout` has no unit
//!   --> scenarios/week.toml:14:16
//!    |
//! 14 | idle_timeout = 900
//!    |                ^^^ a bare number
//! hint: write for example "900 s"
//! ```
//!
//! `{:#}` adds ANSI colours; whether to is the caller's business. Tabs are shown as four blanks,
//! other control characters as `�`, and long lines are cut around the place.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::source::Place;

/// Most characters of a line shown on either side of a place, and within it.
const EXCERPT_CHARS_MAX: usize = 80;

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an issue nobody reports is a silent guess"]
pub struct Issue {
    message: String,
    place: Place,
    label: String,
    hint: String,
}

impl Issue {
    /// A problem, as a fact in the reader's words without a trailing period.
    pub fn new(message: impl Into<String>, place: Place) -> Self {
        Self { message: message.into(), place, label: String::new(), hint: String::new() }
    }

    /// Adds what stands beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what to do, best with a value that would work.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds under which circumstances it is so.
    pub fn when(mut self, circumstances: &str) -> Self {
        self.message = format!("{}, with {circumstances}", self.message);
        self
    }

    /// The fact.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ansi = f.alternate();
        let paint = |code: &'static str| if ansi { code } else { "" };
        let (red, blue, cyan, off) =
            (paint("\x1b[1;31m"), paint("\x1b[34m"), paint("\x1b[36m"), paint("\x1b[0m"));
        let name = shown(self.place.source().name());
        write!(f, "{red}error{off}: {}", shown(&self.message))?;
        if let Some(parts) = self.place.parts() {
            let (line, column) = (parts.line, parts.column);
            let gutter = line.to_string().len();
            let before = shown_end(parts.before);
            let (marked, after) = (shown_start(parts.marked), shown_start(parts.after));
            let indent = before.width();
            let carets = "^".repeat(marked.width().max(1));
            let excerpt = format!("{before}{marked}{after}");
            let label = shown(&self.label);
            write!(f, "\n{blue}{:gutter$}-->{off} {name}:{line}:{column}", "")?;
            write!(f, "\n{blue}{:gutter$} |{off}", "")?;
            write!(f, "\n{blue}{line} |{off} {}", excerpt.trim_end())?;
            write!(f, "\n{blue}{:gutter$} |{off} {:indent$}{red}{carets}", "", "")?;
            write!(f, "{}{label}{off}", if label.is_empty() { "" } else { " " })?;
        } else {
            write!(f, "\n {blue}-->{off} {name}")?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n{cyan}hint{off}: {}", shown(&self.hint))?;
        }
        Ok(())
    }
}

impl Error for Issue {}

/// All problems found, in the order of their places, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issues {
    issues: Vec<Issue>,
}

impl Issues {
    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter()
    }

    /// The problems alone.
    #[must_use]
    pub fn into_vec(self) -> Vec<Issue> {
        self.issues
    }
}

impl From<Vec<Issue>> for Issues {
    fn from(mut issues: Vec<Issue>) -> Self {
        issues.sort_by(|a, b| a.place.order().cmp(&b.place.order()));
        let mut told = BTreeSet::new();
        issues.retain(|issue| told.insert(issue.to_string()));
        Self { issues }
    }
}

impl From<Issue> for Issues {
    fn from(issue: Issue) -> Self {
        vec![issue].into()
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, issue) in self.issues.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "\n\n" })?;
            issue.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Issues {}

/// A text that cannot move the cursor or colour the screen.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push_str("    "),
            c if c.is_control() => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

fn shown_start(text: &str) -> String {
    let mut shown = shown(text);
    if let Some((cut, _)) = shown.char_indices().nth(EXCERPT_CHARS_MAX) {
        shown.truncate(cut);
        let _ = shown.write_char('…');
    }
    shown
}

fn shown_end(text: &str) -> String {
    let shown = shown(text);
    match shown.char_indices().nth_back(EXCERPT_CHARS_MAX) {
        Some((cut, c)) => format!("…{}", &shown[cut + c.len_utf8()..]),
        None => shown,
    }
}
