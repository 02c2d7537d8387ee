//! Reading a section key by key.
//!
//! Each getter names a key, its [`Kind`] and a sentence of documentation, and gives a value even
//! when the file has a wrong one, so that reading goes on and all problems are reported together.
//! A key nobody asks for is a problem too. The same code, run without a file by [`describe`],
//! lists every key there is.
//!
//! Panics on mistakes of the schema itself: a key asked for twice, a default that does not parse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fragment::Fragment;
use super::issue::{Issue, Issues};
use super::kind::{Kind, Raw, control_character, quoted, wrong_type};
use super::quantity::Fault;
use super::source::{Place, Source};
use super::suggest::nearest;

/// Reads a whole file by asking for the keys at its top level.
pub fn read<T>(
    source: &Arc<Source>,
    schema: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<T, Issues> {
    read_layers(std::slice::from_ref(source), schema).map(|(value, _)| value)
}

/// Reads several files as one, and says what was written in them. Sections are joined key by key;
/// of values, and of lists and variants as a whole, that of the first file holds.
///
/// Panics if there is no file.
pub fn read_layers<T>(
    sources: &[Arc<Source>],
    schema: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<(T, Written), Issues> {
    read_over(&[], sources, schema)
}

/// The same, where `fragments` say even more than the first file.
pub fn read_over<T>(
    fragments: &[&Fragment<'_>],
    sources: &[Arc<Source>],
    schema: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<(T, Written), Issues> {
    let tables: Vec<_> = sources.iter().map(|source| source.parse()).collect::<Result<_, _>>()?;
    let files = sources.iter().zip(&tables).map(|(source, table)| Layer::of_file(source, table));
    let layers = fragments.iter().map(|fragment| fragment.layer()).chain(files).collect();
    read_tables(layers, Place::new(&sources[0], None), schema)
}

/// Reads one file with a schema that may keep parts of it.
pub fn read_parsed<'a, T>(
    source: &Arc<Source>,
    table: &'a Spanned<DeTable<'a>>,
    schema: impl FnOnce(&mut Section<'a>) -> T,
) -> Result<T, Issues> {
    let here = Place::new(source, None);
    read_tables(vec![Layer::of_file(source, table)], here, schema).map(|(value, _)| value)
}

fn read_tables<'a, T>(
    layers: Vec<Layer<'a>>,
    here: Place,
    schema: impl FnOnce(&mut Section<'a>) -> T,
) -> Result<(T, Written), Issues> {
    let mut top = Section::new(layers, here, Mode::Strict);
    let value = schema(&mut top);
    top.report_unknown_and_missing();
    if top.issues.is_empty() { Ok((value, top.written)) } else { Err(top.issues.into()) }
}

/// One key at the top level of a file, whatever else is in it, and where it stands.
pub fn peek<T: Clone + 'static>(
    source: &Arc<Source>,
    key: &'static str,
    kind: Kind<T>,
) -> Result<Option<(T, Place)>, Issues> {
    let table = source.parse()?;
    let layers = vec![Layer::of_file(source, &table)];
    let mut top = Section::new(layers, Place::new(source, None), Mode::Strict);
    let value = top.optional(key, kind, "").map(|value| (value, top.place(key)));
    if top.issues.is_empty() { Ok(value) } else { Err(top.issues.into()) }
}

/// Every key the schema asks for, in the order in which it asks.
pub fn describe<'a, T>(schema: impl FnOnce(&mut Section<'a>) -> T) -> Vec<KeyDoc> {
    let mut top = Section::new(Vec::new(), Place::new(&Source::new("", ""), None), Mode::Describe);
    schema(&mut top);
    top.docs
}

/// What a file says, without how it says it: the path and value of each key, in the order in which
/// the schema asks. Comments, the order of keys and units, and who inherits what from whom leave
/// no trace; of paths only the name of the file is kept.
pub type Written = Vec<(String, String)>;

/// What there is to know about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// Where it stands: `workers.<name>.capacity_max`, `pools[].region`.
    pub path: String,
    /// What its value may be, in words.
    pub kind: String,
    /// What its value may be, for [`json_schema`](super::json_schema()).
    pub shape: Shape,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it means.
    pub doc: &'static str,
}

impl KeyDoc {
    /// What its value may be, and what happens when it is left out, in words.
    #[must_use]
    pub fn terms(&self) -> String {
        let presence = match &self.presence {
            Presence::Required => "required".to_owned(),
            Presence::Optional => "optional".to_owned(),
            Presence::Default { value, source } => format!("default {value} ({source})"),
        };
        format!("{}; {presence}", self.kind)
    }
}

/// What a value may be. The keys in it, if it has any, are documented after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// What this JSON Schema says.
    Value(Value),
    /// A section.
    Section {
        /// Whether it reads as an empty one when it is left out.
        always: bool,
    },
    /// Sections by name, whose keys are those of `KEY.<name>`.
    Named {
        /// The section that holds keys for those that leave them out.
        defaults: Option<&'static str>,
    },
    /// Keys for the named sections of another key.
    DefaultsOf(&'static str),
    /// Any number of sections, whose keys are those of `KEY[]`.
    Sections,
    /// The name of one of the sections in it, or it with that section only, or the short form.
    Variant {
        /// The JSON Schema of the short form.
        short: Option<Value>,
    },
    /// What is said of this key, in one place for all.
    Form(&'static str),
    /// Values of this JSON Schema by name.
    ByName(Value),
    /// The same by paths, each path one key or sections in sections.
    ByPath(Value),
    /// Sections by name, each with keys of another kind of file.
    Fragments,
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

/// A table that is being read, from one place or from several.
pub struct Section<'a> {
    /// Where its keys may stand; the first that has one gives its value.
    layers: Vec<Layer<'a>>,
    here: Place,
    path: String,
    pub(super) mode: Mode,
    /// Forms of values are listed elsewhere, see [`Section::form`].
    pub(super) terse: bool,
    asked: BTreeSet<&'static str>,
    pub(super) missing: Vec<(&'static str, String)>,
    issues: Vec<Issue>,
    pub(super) docs: Vec<KeyDoc>,
    pub(super) written: Written,
}

/// A table as it stands in a file.
pub(super) struct Layer<'a> {
    pub(super) source: Arc<Source>,
    pub(super) table: &'a DeTable<'a>,
    pub(super) path: String,
}

/// A value as it stands in a file.
pub(super) struct Found<'a> {
    pub(super) value: &'a Spanned<DeValue<'a>>,
    pub(super) source: Arc<Source>,
    path: String,
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
        self.register_value(key, &kind, Presence::Required, doc);
        if self.find(key).is_none() {
            self.missing.push((key, kind.show(&kind.sample())));
        }
        self.parsed(key, &kind).unwrap_or(kind.sample())
    }

    /// A key that may be left out.
    pub fn optional<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: Kind<T>,
        doc: &'static str,
    ) -> Option<T> {
        self.register_value(key, &kind, Presence::Optional, doc);
        self.parsed(key, &kind)
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
        self.register_value(key, &kind, presence, doc);
        if self.mode == Mode::Describe {
            return from_default(key, &kind.show(&default), |s| s.required(key, kind, doc));
        }
        self.parsed(key, &kind).unwrap_or(default)
    }

    /// A section, which reads as an empty one when it is left out.
    pub fn section<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        self.register(key, "a section", doc, || Shape::Section { always: true });
        self.child(self.child_path(key), self.find_all(key), schema)
    }

    /// A section that may be left out.
    pub fn optional_section<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        self.register(key, "a section", doc, || Shape::Section { always: false });
        let (path, found) = (self.child_path(key), self.find_all(key));
        let wanted = !found.is_empty() || self.mode == Mode::Describe;
        wanted.then(|| self.child(path, found, schema))
    }

    /// Sections with names of the user's choice, `[key.NAME]`, by name.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        schema: impl FnMut(&str, &mut Section<'a>) -> T,
    ) -> Vec<(String, T)> {
        self.register(key, "sections by name", doc, || Shape::Named { defaults: None });
        self.each_named(key, None, schema)
    }

    /// The same, where the section `defaults` beside them holds keys for those that leave them out.
    pub fn named_with_defaults<T>(
        &mut self,
        (key, defaults): (&'static str, &'static str),
        (doc, defaults_doc): (&'static str, &'static str),
        schema: impl FnMut(&str, &mut Section<'a>) -> T,
    ) -> Vec<(String, T)> {
        let of_defaults = "a section with the keys of a named one";
        self.register(defaults, of_defaults, defaults_doc, || Shape::DefaultsOf(key));
        let shape = || Shape::Named { defaults: Some(defaults) };
        self.register(key, "sections by name", doc, shape);
        self.each_named(key, Some(defaults), schema)
    }

    /// Values with names of the user's choice, by name, and where each stands.
    pub fn named_values<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: Kind<T>,
        doc: &'static str,
    ) -> Vec<(String, T, Place)> {
        let noun = format!("{} by name", kind.noun());
        self.register(key, &noun, doc, || Shape::ByName(kind.schema()));
        let example = format!("{{ name = {} }}", kind.show(&kind.sample()));
        let mut read = Vec::new();
        for (name, all) in self.entries(key, &example) {
            let (found, path) = (&all[0], self.child_path(key));
            let key = toml_key(&name);
            if let DeValue::Table(inner) = found.value.get_ref()
                && let Some(more) = inner.keys().next()
            {
                let dotted = format!("{name}.{}", more.get_ref());
                let fault = wrong_type(kind.noun(), "", found.value.get_ref());
                let hint = format!("a name with dots stands in quotes: {}", quoted(&dotted));
                self.report_fault(&key, Fault { hint, ..fault }, found.place());
                continue;
            }
            if let Some(value) = self.first_of(&key, format!("{path}.{key}"), &all, &kind) {
                read.push((name, value, found.place()));
            }
        }
        read
    }

    /// Sections without names, `[[key]]`.
    pub fn sections<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        mut schema: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        self.register(key, "any number of sections", doc, || Shape::Sections);
        let path = format!("{}[]", self.child_path(key));
        if self.mode == Mode::Describe {
            return vec![self.child(path, Vec::new(), schema)];
        }
        let Some(found) = self.find(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = found.value.get_ref() else {
            let fault = wrong_type("a list of sections", &header(&path), found.value.get_ref());
            self.report_fault(key, fault, found.place());
            return Vec::new();
        };
        let mut read = Vec::new();
        for item in items {
            self.written.push((path.clone(), String::new()));
            let item = Found { value: item, source: Arc::clone(&found.source), path: path.clone() };
            read.push(self.child(path.clone(), vec![item], &mut schema));
        }
        read
    }

    /// Reads keys of a form that is used in many places: [`describe`] calls it `noun` and does not
    /// enter it. What the form is, is described once, by describing it alone as the key `form`.
    pub fn form<T>(
        &mut self,
        (noun, form): (&str, &'static str),
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (terse, first) = (std::mem::replace(&mut self.terse, true), self.docs.len());
        let value = read(self);
        self.terse = terse;
        for doc in &mut self.docs[first..] {
            (doc.kind, doc.shape) = (noun.to_owned(), Shape::Form(form));
        }
        value
    }

    /// Whether anything is said of `key`, right or wrong.
    #[must_use]
    pub fn says(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Where the value of `key` stands, or this section if it is left out.
    #[must_use]
    pub fn place(&self, key: &str) -> Place {
        self.find(key).map_or(self.here(), |found| found.place())
    }

    /// Where this section stands.
    #[must_use]
    pub fn here(&self) -> Place {
        self.here.clone()
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

    fn new(layers: Vec<Layer<'a>>, here: Place, mode: Mode) -> Self {
        Self {
            layers,
            here,
            path: String::new(),
            mode,
            terse: false,
            asked: BTreeSet::new(),
            missing: Vec::new(),
            issues: Vec::new(),
            docs: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Notes that a key is asked for that may be left out.
    pub(super) fn register(
        &mut self,
        key: &'static str,
        kind: &str,
        doc: &'static str,
        shape: impl FnOnce() -> Shape,
    ) {
        self.register_as(key, kind, Presence::Optional, doc, shape);
    }

    fn register_value<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: &Kind<T>,
        presence: Presence,
        doc: &'static str,
    ) {
        self.register_as(key, kind.noun(), presence, doc, || Shape::Value(kind.schema()));
    }

    pub(super) fn register_as(
        &mut self,
        key: &'static str,
        kind: &str,
        presence: Presence,
        doc: &'static str,
        shape: impl FnOnce() -> Shape,
    ) {
        assert!(
            self.asked.insert(key),
            "the schema asks for `{key}` twice in {}",
            in_words(&self.path)
        );
        if self.mode == Mode::Describe {
            let (path, kind) = (self.child_path(key), kind.to_owned());
            self.docs.push(KeyDoc { path, kind, shape: shape(), presence, doc });
        }
    }

    /// The value of a key: that of the first layer that has one.
    pub(super) fn find(&self, key: &str) -> Option<Found<'a>> {
        self.layers.iter().find_map(|layer| layer.find(key))
    }

    /// What each layer says of a key.
    pub(super) fn find_all(&self, key: &str) -> Vec<Found<'a>> {
        self.layers.iter().filter_map(|layer| layer.find(key)).collect()
    }

    pub(super) fn parsed<T: Clone + 'static>(&mut self, key: &str, kind: &Kind<T>) -> Option<T> {
        self.first_of(key, self.child_path(key), &self.find_all(key), kind)
    }

    /// The value that holds. Those that it hides are not wrong either.
    fn first_of<T: Clone + 'static>(
        &mut self,
        key: &str,
        path: String,
        found: &[Found<'a>],
        kind: &Kind<T>,
    ) -> Option<T> {
        let (first, hidden) = found.split_first()?;
        self.hidden(hidden, |s, found| drop(s.parse(key, String::new(), found, kind)));
        self.parse(key, path, first, kind)
    }

    /// Reads what is hidden only for what is wrong with it.
    pub(super) fn hidden<'f>(
        &mut self,
        hidden: &'f [Found<'a>],
        mut read: impl FnMut(&mut Self, &'f Found<'a>),
    ) {
        let written = self.written.len();
        hidden.iter().for_each(|found| read(self, found));
        self.written.truncate(written);
    }

    pub(super) fn parse<T: Clone + 'static>(
        &mut self,
        key: &str,
        path: String,
        found: &Found<'_>,
        kind: &Kind<T>,
    ) -> Option<T> {
        match kind.parse(found.raw()) {
            Ok(value) => {
                self.written.push((path, kind.show(&value)));
                Some(value)
            }
            Err((fault, within)) => {
                let span = within.unwrap_or(found.value.span());
                self.report_fault(key, fault, Place::new(&found.source, Some(span)));
                None
            }
        }
    }

    /// Reads a section inside this one: what was found if those are tables, else in vain.
    pub(super) fn child<T>(
        &mut self,
        path: String,
        found: Vec<Found<'a>>,
        schema: impl FnOnce(&mut Section<'a>) -> T,
    ) -> T {
        if found.is_empty() {
            return self.enter(path, Vec::new(), self.here(), self.mode, schema);
        }
        let (mut layers, mut here) = (Vec::new(), self.here());
        for found in found {
            let Some(layer) = found.layer() else {
                let fault = wrong_type("a section", &header(&path), found.value.get_ref());
                self.report_fault(&header(&path), fault, found.place());
                continue;
            };
            if layers.is_empty() {
                here = found.place();
            }
            layers.push(layer);
        }
        let mode = if layers.is_empty() { Mode::Mute } else { self.mode };
        self.enter(path, layers, here, mode, schema)
    }

    /// Reads a section that is left out on purpose, or whose absence was reported.
    pub(super) fn without<T>(
        &mut self,
        path: String,
        here: Place,
        mode: Mode,
        schema: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        self.enter(path, Vec::new(), here, mode, schema)
    }

    pub(super) fn report_fault(&mut self, key: &str, fault: Fault, place: Place) {
        let issue = Issue::new(format!("`{key}` {}", fault.what), place);
        self.report(issue.label(fault.label).hint(fault.hint));
    }

    pub(super) fn child_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn enter<'b, T>(
        &mut self,
        path: String,
        layers: Vec<Layer<'b>>,
        here: Place,
        mode: Mode,
        schema: impl FnOnce(&mut Section<'b>) -> T,
    ) -> T {
        let inner = Section::new(layers, here, mode);
        let mut inner = Section { path, terse: self.terse, ..inner };
        let read = schema(&mut inner);
        inner.report_unknown_and_missing();
        self.issues.append(&mut inner.issues);
        self.docs.append(&mut inner.docs);
        self.written.append(&mut inner.written);
        read
    }

    fn each_named<T>(
        &mut self,
        key: &'static str,
        defaults: Option<&'static str>,
        mut schema: impl FnMut(&str, &mut Section<'a>) -> T,
    ) -> Vec<(String, T)> {
        let path = self.child_path(key);
        if self.mode == Mode::Describe {
            let name = "<name>";
            let read = self.child(format!("{path}.{name}"), Vec::new(), |s| schema(name, s));
            return vec![(name.to_owned(), read)];
        }
        let mut read = Vec::new();
        for (name, mut found) in self.entries(key, &format!("[{path}.name]")) {
            found.extend(defaults.into_iter().flat_map(|defaults| self.find_all(defaults)));
            let path = format!("{path}.{}", toml_key(&name));
            self.written.push((path.clone(), String::new()));
            let value = self.child(path, found, |s| schema(&name, s));
            read.push((name, value));
        }
        read
    }

    /// The entries of a table with names of the user's choice, by name: what each layer says.
    pub(super) fn entries(&mut self, key: &str, example: &str) -> BTreeMap<String, Vec<Found<'a>>> {
        let mut entries: BTreeMap<String, Vec<Found<'a>>> = BTreeMap::new();
        let path = self.child_path(key);
        for found in self.find_all(key) {
            let Some(layer) = found.layer() else {
                let fault = wrong_type("a set of named sections", example, found.value.get_ref());
                self.report_fault(key, fault, found.place());
                continue;
            };
            for (name, value) in layer.table {
                let at = name.span();
                let name: &str = name.get_ref();
                if let Some(what) = control_character(name) {
                    let place = Place::new(&layer.source, Some(at));
                    let issue = Issue::new(format!("a name in [{path}] {what}"), place);
                    self.report(issue.hint("leave it out"));
                    continue;
                }
                let (source, path) =
                    (Arc::clone(&layer.source), format!("{}.{}", layer.path, toml_key(name)));
                entries.entry(name.to_owned()).or_default().push(Found { value, source, path });
            }
        }
        entries
    }

    /// Reports keys nobody asked for and keys asked for in vain; a misspelt key is one problem.
    fn report_unknown_and_missing(&mut self) {
        let mut misspelt = BTreeSet::new();
        let mut unknown = Vec::new();
        for layer in &self.layers {
            for (key, _) in layer.table {
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
                let message = format!("unknown key `{}` {}", clipped(name), in_words(&layer.path));
                let place = Place::new(&layer.source, Some(key.span()));
                unknown.push(Issue::new(message, place).hint(hint));
            }
        }
        unknown.into_iter().for_each(|issue| self.report(issue));
        for (key, example) in std::mem::take(&mut self.missing) {
            if !misspelt.contains(key) {
                let message = format!("missing key `{key}` {}", in_words(&self.path));
                let hint = format!("add for example {key} = {example}");
                self.report(Issue::new(message, self.here()).hint(hint));
            }
        }
    }
}

impl<'a> Layer<'a> {
    fn of_file(source: &Arc<Source>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { source: Arc::clone(source), table: table.get_ref(), path: String::new() }
    }

    pub(super) fn find(&self, key: &str) -> Option<Found<'a>> {
        let value = self.table.get(key)?;
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Found { value, source: Arc::clone(&self.source), path })
    }
}

impl<'a> Found<'a> {
    pub(super) fn place(&self) -> Place {
        Place::new(&self.source, Some(self.value.span()))
    }

    pub(super) fn raw(&self) -> Raw<'_> {
        Raw { value: self.value.get_ref(), folder: self.source.folder() }
    }

    /// A value inside this one, called `key`.
    pub(super) fn inner(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value, source: Arc::clone(&self.source), path: format!("{}.{key}", self.path) }
    }

    fn layer(&self) -> Option<Layer<'a>> {
        let DeValue::Table(table) = self.value.get_ref() else { return None };
        Some(Layer { source: Arc::clone(&self.source), table, path: self.path.clone() })
    }
}

/// Where a key stands: `at the top level`, `in [engine.limits]`.
fn in_words(path: &str) -> String {
    if path.is_empty() { "at the top level".to_owned() } else { format!("in {}", header(path)) }
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
pub(super) fn toml_key(name: &str) -> String {
    if is_bare(name) { clipped(name) } else { quoted(&clipped(name)) }
}

/// The same at any length.
pub(super) fn whole_key(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { quoted(name) }
}

fn is_bare(name: &str) -> bool {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(bare)
}

/// A name short enough for a message.
fn clipped(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name.to_owned(),
    }
}
