//! Reading a section key by key.
//!
//! Each getter names a key, its [`Kind`] and a sentence of documentation, and gives a value even
//! when the file has a wrong one, so that reading goes on and all problems are reported together.
//! A key nobody asks for is a problem too. The same code, run without a file by [`describe`],
//! lists every key there is.
//!
//! Panics on mistakes of the schema itself: a key asked for twice, a default that does not parse.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::issue::{Issue, Issues};
use super::kind::{Kind, Parse, Raw, quoted, wrong_type};
use super::quantity::Fault;
use super::source::{Place, Source};
use super::suggest::nearest;

/// Reads a whole file by asking for the keys at its top level.
pub fn read<T>(
    source: &Arc<Source>,
    schema: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<T, Issues> {
    let table = source.parse()?;
    let mut top = Section::new(source, Some(table.get_ref()), Mode::Strict);
    let value = schema(&mut top);
    top.report_unknown_and_missing();
    if top.issues.is_empty() { Ok(value) } else { Err(top.issues.into()) }
}

/// Every key the schema asks for, in the order in which it asks.
pub fn describe<T>(schema: impl FnOnce(&mut Section<'_>) -> T) -> Vec<KeyDoc> {
    let mut top = Section::new(&Source::new("", ""), None, Mode::Describe);
    schema(&mut top);
    top.docs
}

/// What there is to know about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands: `workers.<name>.capacity_max`, `pools[].region`.
    pub path: String,
    /// What its value may be, in words.
    pub kind: String,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it means.
    pub doc: &'static str,
}

/// What happens when a key is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// That is an issue.
    Required,
    /// It does not apply.
    Optional,
    /// It has this value, as written in a file, and for this reason.
    Default {
        /// The value in TOML.
        value: String,
        /// Where the value comes from.
        source: &'static str,
    },
}

/// A table of a file that is being read.
pub struct Section<'a> {
    source: Arc<Source>,
    table: Option<&'a DeTable<'a>>,
    pub(super) span: Option<Range<usize>>,
    path: String,
    pub(super) mode: Mode,
    asked: BTreeSet<&'static str>,
    pub(super) missing: Vec<(&'static str, String)>,
    issues: Vec<Issue>,
    pub(super) docs: Vec<KeyDoc>,
}

/// Whether a section is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is: what is missing in it is an issue.
    Strict,
    /// It is not, for a reason that was reported: its keys are asked for in vain.
    Mute,
    /// There is no file: keys are listed.
    Describe,
}

impl<'a> Section<'a> {
    /// A key that must be there.
    pub fn required<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: Kind<T>,
        doc: &'static str,
    ) -> T {
        self.register(key, kind.noun(), Presence::Required, doc);
        if self.value(key).is_none() {
            self.missing.push((key, kind.show(&kind.sample())));
        }
        self.parsed(key, kind.parser()).unwrap_or(kind.sample())
    }

    /// A key that may be left out.
    pub fn optional<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: Kind<T>,
        doc: &'static str,
    ) -> Option<T> {
        self.register(key, kind.noun(), Presence::Optional, doc);
        self.parsed(key, kind.parser())
    }

    /// A key with a value for when it is left out, and where that value comes from.
    pub fn defaulted<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: Kind<T>,
        doc: &'static str,
        default: T,
        default_source: &'static str,
    ) -> T {
        let presence = Presence::Default { value: kind.show(&default), source: default_source };
        self.register(key, kind.noun(), presence, doc);
        if self.mode == Mode::Describe {
            return from_default(key, &kind.show(&default), |s| s.required(key, kind, doc));
        }
        self.parsed(key, kind.parser()).unwrap_or(default)
    }

    /// A section, which reads as an empty one when it is left out.
    pub fn section<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        self.register(key, "a section", Presence::Optional, doc);
        let path = self.child_path(key);
        let value = self.value(key);
        self.child(path, value, schema)
    }

    /// A section that may be left out.
    pub fn optional_section<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        self.register(key, "a section", Presence::Optional, doc);
        let path = self.child_path(key);
        let value = self.value(key);
        let wanted = value.is_some() || self.mode == Mode::Describe;
        wanted.then(|| self.child(path, value, schema))
    }

    /// Sections with names of the user's choice, `[key.NAME]`, in the order of the file.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        mut schema: impl FnMut(&str, &mut Section<'_>) -> T,
    ) -> Vec<(String, T)> {
        self.register(key, "sections by name", Presence::Optional, doc);
        let path = self.child_path(key);
        if self.mode == Mode::Describe {
            let name = "<name>";
            let read = self.child(format!("{path}.{name}"), None, |s| schema(name, s));
            return vec![(name.to_owned(), read)];
        }
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            let fault =
                wrong_type("a set of named sections", &format!("[{path}.name]"), value.get_ref());
            self.report_fault(key, fault, value.span());
            return Vec::new();
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let read = entries.into_iter().map(|(name, value)| {
            let name: &str = name.get_ref().as_ref();
            let path = format!("{path}.{}", toml_key(name));
            (name.to_owned(), self.child(path, Some(value), |s| schema(name, s)))
        });
        read.collect()
    }

    /// Sections without names, `[[key]]`.
    pub fn sections<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        mut schema: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        self.register(key, "any number of sections", Presence::Optional, doc);
        let path = format!("{}[]", self.child_path(key));
        if self.mode == Mode::Describe {
            return vec![self.child(path, None, schema)];
        }
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            let fault = wrong_type("a list of sections", &header(&path), value.get_ref());
            self.report_fault(key, fault, value.span());
            return Vec::new();
        };
        items.iter().map(|item| self.child(path.clone(), Some(item), &mut schema)).collect()
    }

    /// Where the value of `key` stands, or this section if it is left out.
    #[must_use]
    pub fn place(&self, key: &str) -> Place {
        self.value(key).map_or(self.here(), |value| self.at(value.span()))
    }

    /// Where this section stands.
    #[must_use]
    pub fn here(&self) -> Place {
        Place::new(&self.source, self.span.clone())
    }

    /// Whether all that was read so far was there and right. Only then do values that were read
    /// say something about each other.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.mode == Mode::Strict && self.issues.is_empty() && self.missing.is_empty()
    }

    /// Adds a problem found by looking at more than one value.
    pub fn report(&mut self, issue: Issue) {
        if self.mode == Mode::Strict {
            self.issues.push(issue);
        }
    }

    fn new(source: &Arc<Source>, table: Option<&'a DeTable<'a>>, mode: Mode) -> Self {
        Self {
            source: Arc::clone(source),
            table,
            span: None,
            path: String::new(),
            mode,
            asked: BTreeSet::new(),
            missing: Vec::new(),
            issues: Vec::new(),
            docs: Vec::new(),
        }
    }

    pub(super) fn register(
        &mut self,
        key: &'static str,
        kind: &str,
        presence: Presence,
        doc: &'static str,
    ) {
        assert!(self.asked.insert(key), "the schema asks for `{key}` twice in {}", self.name());
        if self.mode == Mode::Describe {
            self.docs.push(KeyDoc {
                path: self.child_path(key),
                kind: kind.to_owned(),
                presence,
                doc,
            });
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.and_then(|table| table.get(key))
    }

    pub(super) fn parsed<T>(&mut self, key: &str, parse: &Parse<T>) -> Option<T> {
        let value = self.value(key)?;
        let source = Arc::clone(&self.source);
        let raw = Raw { value: value.get_ref(), folder: source.folder() };
        match parse(raw) {
            Ok(parsed) => Some(parsed),
            Err((fault, within)) => {
                self.report_fault(key, fault, within.unwrap_or(value.span()));
                None
            }
        }
    }

    /// Reads a section inside this one: `value` if it is a table, else in vain.
    pub(super) fn child<T>(
        &mut self,
        path: String,
        value: Option<&'a Spanned<DeValue<'a>>>,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let Some(value) = value else {
            return self.enter(path, None, self.span.clone(), self.mode, schema);
        };
        if let DeValue::Table(table) = value.get_ref() {
            return self.enter(path, Some(table), Some(value.span()), self.mode, schema);
        }
        let fault = wrong_type("a section", &header(&path), value.get_ref());
        self.report_fault(&header(&path), fault, value.span());
        self.enter(path, None, None, Mode::Mute, schema)
    }

    pub(super) fn enter<T>(
        &mut self,
        path: String,
        table: Option<&'a DeTable<'a>>,
        span: Option<Range<usize>>,
        mode: Mode,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut inner = Section { path, span, ..Section::new(&self.source, table, mode) };
        let read = schema(&mut inner);
        inner.report_unknown_and_missing();
        self.issues.append(&mut inner.issues);
        self.docs.append(&mut inner.docs);
        read
    }

    pub(super) fn report_fault(&mut self, key: &str, fault: Fault, span: Range<usize>) {
        let issue = Issue::new(format!("`{key}` {}", fault.what), self.at(span));
        self.report(issue.label(fault.label).hint(fault.hint));
    }

    /// Reports keys nobody asked for and keys asked for in vain; a misspelt key is one problem.
    fn report_unknown_and_missing(&mut self) {
        let mut misspelt = BTreeSet::new();
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if self.asked.contains(name) {
                continue;
            }
            let known: Vec<_> = self.asked.iter().map(|known| format!("`{known}`")).collect();
            let hint = match nearest(name, self.asked.iter().copied()) {
                Some(near) => {
                    misspelt.insert(near);
                    format!("did you mean `{near}`?")
                }
                None if known.is_empty() => "leave it out".to_owned(),
                None => format!("known keys are {}", known.join(", ")),
            };
            let message = format!("unknown key `{}` {}", clipped(name), self.name());
            self.report(Issue::new(message, self.at(key.span())).hint(hint));
        }
        for (key, example) in std::mem::take(&mut self.missing) {
            if !misspelt.contains(key) {
                let message = format!("missing key `{key}` {}", self.name());
                let hint = format!("add for example {key} = {example}");
                self.report(Issue::new(message, self.here()).hint(hint));
            }
        }
    }

    fn at(&self, span: Range<usize>) -> Place {
        Place::new(&self.source, Some(span))
    }

    pub(super) fn child_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn name(&self) -> String {
        if self.path.is_empty() {
            "at the top level".to_owned()
        } else {
            format!("in {}", header(&self.path))
        }
    }
}

/// Reads a default that is written in the schema as it would be in a file.
pub(super) fn from_default<T>(
    key: &str,
    text: &str,
    schema: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    let source = Source::new(format!("default of {key}"), format!("{key} = {text}"));
    let read = read(&source, schema);
    read.unwrap_or_else(|issues| panic!("a default of the schema is wrong\n{issues}"))
}

/// The header of a section in a file: `[engine.limits]`, `[[pools]]`.
fn header(path: &str) -> String {
    match path.strip_suffix("[]") {
        Some(path) => format!("[[{}]]", path.replace("[]", "")),
        None => format!("[{}]", path.replace("[]", "")),
    }
}

/// A name as part of a path.
fn toml_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { clipped(name) } else { quoted(&clipped(name)) }
}

/// A name short enough for a message.
fn clipped(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name.to_owned(),
    }
}
