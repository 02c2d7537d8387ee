//! A file's text, and places in it.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memchr_iter;
use toml::Spanned;
use toml::de::DeTable;

use super::issue::{Issue, Issues};

/// Longest file that is read, in bytes. A scenario of a thousand worker types takes half of it;
/// a trace given by mistake is refused before it fills the memory.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Most syntax errors shown of one file: after so many it is hardly TOML at all.
const SYNTAX_ISSUES_MAX: usize = 8;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file that was read: its name as the user gave it, its folder and its text.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// What kind of file it is, in a word.
    noun: &'static str,
    name: String,
    folder: PathBuf,
    text: String,
}

impl Source {
    /// A source from text at hand. `path` is shown in issues; paths in the text are relative to
    /// its folder.
    pub fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Arc<Self> {
        Self::new_as("scenario", path, text)
    }

    /// The same of another kind of file than a scenario, which hints call `noun`.
    pub fn new_as(
        noun: &'static str,
        path: impl AsRef<Path>,
        text: impl Into<String>,
    ) -> Arc<Self> {
        let (path, mut text) = (path.as_ref(), text.into());
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        Arc::new(Self {
            noun,
            name: path.display().to_string(),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            text,
        })
    }

    /// A source from the bytes of a file, which must be UTF-8.
    pub fn from_bytes(path: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Arc<Self>, Issue> {
        Self::from_bytes_as("scenario", path, bytes)
    }

    fn from_bytes_as(
        noun: &'static str,
        path: impl AsRef<Path>,
        bytes: Vec<u8>,
    ) -> Result<Arc<Self>, Issue> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new_as(noun, path, text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let lossy = Self::new(path, String::from_utf8_lossy(error.as_bytes()));
                let place = Place::new(&lossy, Some(at..at + '\u{fffd}'.len_utf8()));
                Err(Issue::new("the file is not text", place)
                    .label(format!("byte {} is not UTF-8", at + 1))
                    .hint(format!("save it as UTF-8, or name a {noun} file here")))
            }
        }
    }

    /// Reads a file of at most [`FILE_BYTES_MAX`] bytes.
    pub fn read(path: &Path) -> Result<Arc<Self>, Issue> {
        Self::read_as("scenario", path)
    }

    /// The same of another kind of file than a scenario, which hints call `noun`.
    pub fn read_as(noun: &'static str, path: &Path) -> Result<Arc<Self>, Issue> {
        let nowhere = Place::new(&Self::new_as(noun, path, ""), None);
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| {
                Issue::new(format!("cannot read the file: {error}"), nowhere.clone())
            })?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            let message = format!("the file is longer than {} MiB", FILE_BYTES_MAX >> 20);
            let inside = if noun == "scenario" { ", and its traces inside it" } else { "" };
            let hint = format!("name a {noun} file here{inside}");
            return Err(Issue::new(message, nowhere).hint(hint));
        }
        Self::from_bytes_as(noun, path, bytes)
    }

    /// The name as the user gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the file without folder and extension.
    #[must_use]
    pub fn stem(&self) -> String {
        Path::new(&self.name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What relative paths in the file are relative to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as TOML, or everything the TOML parser has to say, at most once a line.
    pub fn parse(self: &Arc<Self>) -> Result<Spanned<DeTable<'_>>, Issues> {
        let (table, mut errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            return Ok(table);
        }
        let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        errors.sort_by_key(start);
        errors.dedup_by(|later, kept| {
            let between = self.text.as_bytes().get(start(kept)..start(later));
            between.is_some_and(|between| !between.contains(&b'\n'))
        });
        let shown = errors.iter().take(SYNTAX_ISSUES_MAX);
        let mut issues: Vec<_> = shown.map(|error| self.syntax_issue(error)).collect();
        if let Some(last) = issues.pop() {
            let more = errors.len() - issues.len() - 1;
            let noun = self.noun;
            let hint = format!("{more} more lines are not TOML; is this a {noun} file?");
            issues.push(if more > 0 { last.hint(hint) } else { last });
        }
        Err(issues.into())
    }

    fn syntax_issue(self: &Arc<Self>, error: &toml::de::Error) -> Issue {
        let (what, expected) = match error.message().split_once(", expected ") {
            Some((what, expected)) => (what, format!("expected {expected}")),
            None => (error.message(), String::new()),
        };
        let place = Place::new(self, error.span());
        let bare = error.span().and_then(|span| self.text.get(span));
        let issue = Issue::new(what, place);
        let hint = format!("a {} is TOML: https://toml.io/en/v1.0.0", self.noun);
        match bare.filter(|bare| what.contains("must be quoted") && !bare.contains(['"', '\n'])) {
            Some("") => issue.label("expected a value").hint(hint),
            Some(bare) => issue.label("no quotes").hint(format!("write \"{bare}\"")),
            None if what == "duplicate key" => issue.label("again").hint("keep one of them"),
            None => issue.label(expected).hint(hint),
        }
    }
}

/// Without its text, which may hold what is not for logs.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Bytes of a source, or the source as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    source: Arc<Source>,
    span: Option<Range<usize>>,
}

impl Place {
    /// The bytes `span` of `source`; without a span, all of it.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Option<Range<usize>>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// The file it is in.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its first byte; 0 for a whole file.
    #[must_use]
    pub fn start(&self) -> usize {
        self.span.as_ref().map_or(0, |span| span.start)
    }

    /// Where it begins, for sorting: file, then byte; a whole file comes before its parts.
    pub(super) fn order(&self) -> (&str, Option<usize>) {
        (&self.source.name, self.span.as_ref().map(|span| span.start))
    }

    /// The line it begins in, cut before and after it. Any span is safe: it is clamped to the
    /// text, widened to whole characters and ends with its first line.
    pub(super) fn parts(&self) -> Option<Parts<'_>> {
        let (text, span) = (self.source.text.as_str(), self.span.as_ref()?);
        let whole = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = whole(span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = whole(span.end).clamp(start, line_end);
        Some(Parts {
            line: memchr_iter(b'\n', &text.as_bytes()[..line_start]).count() + 1,
            column: text[line_start..start].chars().count() + 1,
            before: &text[line_start..start],
            marked: text[start..end].trim_end_matches('\r'),
            after: text[end..line_end].trim_end_matches('\r'),
        })
    }
}

/// One line around a place. Line and column are counted from 1, the column in characters.
pub(super) struct Parts<'a> {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) before: &'a str,
    pub(super) marked: &'a str,
    pub(super) after: &'a str,
}
