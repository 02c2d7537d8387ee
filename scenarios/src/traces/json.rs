//! JSON as programs print it: one document or several in one file, as pages are appended.
//!
//! Errors name the line and say what was expected; a document that is cut is an error.

use serde::Deserialize;

use super::error::{Place, Problems, TraceError};
use super::source::Source;

/// The text of a JSON file.
pub(super) fn json_text(source: Source<'_>) -> Result<String, TraceError> {
    let file = source.name.clone();
    String::from_utf8(source.read_all()?).map_err(|error| {
        let at = Place::Byte(error.utf8_error().valid_up_to() as u64);
        let hint = "the file may be damaged, or packed in a way that is not known";
        Problems::in_file(&file).fatal(at, "this is no text", hint)
    })
}

/// What is wrong with a document: where, what, and what to do.
pub(super) type Broken = (Place, String, String);

/// The documents of a text one after the other, each with the place where it begins; none after
/// the first that is broken.
pub(super) fn documents<'a, T: Deserialize<'a>>(
    text: &'a str,
    expected: &str,
) -> impl Iterator<Item = Result<(usize, T), Broken>> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<T>();
    std::iter::from_fn(move || {
        let start = documents.byte_offset();
        let document = documents.next()?;
        Some(document.map(|it| (start, it)).map_err(|error| json_problem(&error, expected)))
    })
    .fuse()
}

/// A JSON error as a problem.
pub(super) fn json_problem(error: &serde_json::Error, expected: &str) -> Broken {
    let what = error.to_string();
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what).to_owned();
    let hint = if error.is_eof() {
        "the file is truncated; fetch it again".to_owned()
    } else {
        format!("this is not {expected}; check column {} of the line", error.column())
    };
    (Place::Line(error.line() as u64), what, hint)
}

/// Tells the line of a place in a text; cheap when asked in order.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    pub(super) fn at(&mut self, at: usize) -> u64 {
        let passed = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = self.at.max(at);
        self.line
    }

    /// The line of a part of the text; of a copy (it had escapes), that of the part before.
    pub(super) fn line_of(&mut self, part: &str) -> u64 {
        let offset = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        self.at(if offset < self.text.len() { offset } else { self.at })
    }
}
