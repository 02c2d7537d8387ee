//! Parts of a file that another schema reads: what an experiment sets in a scenario.

use std::sync::Arc;

use serde_json::json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::kind::{self, Kind, label, toml_value, wrong_type};
use super::section::{Found, Layer, Mode, Section, Shape, toml_key, whole_key};
use super::source::{Place, Source};

/// A table of keys that are read by another schema, each with its place in the file.
#[derive(Clone, Debug)]
pub struct Fragment<'a> {
    source: Arc<Source>,
    table: DeTable<'a>,
    place: Place,
}

impl<'a> Fragment<'a> {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The path of each value that it sets, and where that stands.
    #[must_use]
    pub fn paths(&self) -> Vec<(String, Place)> {
        let mut paths = Vec::new();
        gather(&self.source, "", &self.table, &mut paths);
        paths
    }

    /// All that it sets, as TOML: section, key and value of each.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String, String)> {
        let mut settings = Vec::new();
        write_out("", &self.table, &mut settings);
        settings
    }

    /// The value of a key at its top level, and where it stands; nothing if it is of another kind.
    #[must_use]
    pub fn peek<T: Clone + 'static>(&self, key: &str, kind: &Kind<T>) -> Option<(T, Place)> {
        let found = self.layer().find(key)?;
        Some((kind.parse(found.raw()).ok()?, found.place()))
    }

    /// What sets the key that `named` has the path of to a value that stands there.
    fn setting(
        path: &[String],
        named: &Found<'a>,
        value: Spanned<DeValue<'a>>,
        place: Place,
    ) -> Self {
        let span = named.value.span();
        let inside = |inner: Spanned<DeValue<'a>>, key: &String| {
            let entry = (Spanned::new(span.clone(), key.clone().into()), inner);
            Spanned::new(span.clone(), DeValue::Table([entry].into_iter().collect()))
        };
        let set = path.iter().rev().fold(value, inside);
        let DeValue::Table(table) = set.into_inner() else {
            unreachable!("a path has at least one key")
        };
        Self { source: Arc::clone(&named.source), table, place }
    }

    pub(super) fn layer(&self) -> Layer<'_> {
        Layer { source: Arc::clone(&self.source), table: &self.table, path: String::new() }
    }
}

fn gather(source: &Arc<Source>, at: &str, table: &DeTable<'_>, paths: &mut Vec<(String, Place)>) {
    for (key, value) in table {
        let (key, place) = (toml_key(key.get_ref()), Place::new(source, Some(key.span())));
        let path = if at.is_empty() { key } else { format!("{at}.{key}") };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => gather(source, &path, inner, paths),
            _ => paths.push((path, place)),
        }
    }
}

/// A name as part of the path of a measure.
pub fn path_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(bare) { name.to_owned() } else { format!("\"{name}\"") }
}

fn write_out(at: &str, table: &DeTable<'_>, settings: &mut Vec<(String, String, String)>) {
    for (key, value) in table {
        let key = whole_key(key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => {
                let path = if at.is_empty() { key } else { format!("{at}.{key}") };
                write_out(&path, inner, settings);
            }
            value => settings.push((at.to_owned(), key, toml_value(value))),
        }
    }
}

impl<'a> Section<'a> {
    /// Sections with names of the user's choice, in the order of the file, whose keys another
    /// schema reads.
    pub fn fragments(
        &mut self,
        key: &'static str,
        doc: &'static str,
    ) -> Vec<(String, Fragment<'a>)> {
        let noun = "sections by name, each with keys of a scenario";
        self.register(key, noun, doc, || Shape::Fragments);
        let mut fragments = Vec::new();
        for (name, mut found) in self.entries(key, &format!("[{}.name]", self.child_path(key))) {
            let found = found.swap_remove(0);
            let DeValue::Table(table) = found.value.get_ref() else {
                let fault =
                    wrong_type("a section", &format!("{{ {key} = … }}"), found.value.get_ref());
                self.report_fault(&name, fault, found.place());
                continue;
            };
            let (source, place) = (Arc::clone(&found.source), found.place());
            fragments.push((name, Fragment { source, table: table.clone(), place }));
        }
        fragments.sort_by_key(|(_, fragment)| fragment.place.start());
        fragments
    }

    /// Values under paths of the user's choice, each path written as one key or as sections in
    /// sections, and where each value stands.
    pub fn values_by_path<T: Clone + 'static>(
        &mut self,
        key: &'static str,
        kind: &Kind<T>,
        doc: &'static str,
    ) -> Vec<(String, T, Place)> {
        let noun = format!("{} by path", kind.noun());
        self.register(key, &noun, doc, || Shape::ByPath(kind.schema()));
        let mut values = Vec::new();
        let Some(found) = self.find(key) else { return values };
        match found.value.get_ref() {
            DeValue::Table(_) => self.leaves("", &found, kind, &mut values),
            other => {
                let example = format!("{{ path = {} }}", kind.show(&kind.sample()));
                let fault = wrong_type("a set of values by path", &example, other);
                self.report_fault(key, fault, found.place());
            }
        }
        values
    }

    fn leaves<T: Clone + 'static>(
        &mut self,
        at: &str,
        found: &Found<'a>,
        kind: &Kind<T>,
        values: &mut Vec<(String, T, Place)>,
    ) {
        if let DeValue::Table(table) = found.value.get_ref() {
            for (key, value) in table {
                let inner = found.inner(key.get_ref(), value);
                // A path that is quoted as a whole is one already.
                let path = match (at, key.get_ref().contains('.')) {
                    ("", true) => key.get_ref().to_string(),
                    ("", false) => path_key(key.get_ref()),
                    (at, _) => format!("{at}.{}", path_key(key.get_ref())),
                };
                self.leaves(&path, &inner, kind, values);
            }
        } else if let Some(value) = self.parse(at, at.to_owned(), found, kind) {
            values.push((at.to_owned(), value, found.place()));
        }
    }

    /// The items of the list `values`, or of a list that is written elsewhere, as texts and as
    /// fragments that set the key whose path stands at `key`.
    pub fn settings(
        &mut self,
        (key, values): (&'static str, &'static str),
        (doc, values_doc): (&'static str, &'static str),
        elsewhere: Option<&'a str>,
    ) -> Option<Vec<(String, Fragment<'a>)>> {
        let path = self.optional(key, kind::key_path(), doc);
        let list = || Shape::Value(json!({ "type": "array" }));
        self.register(values, "a list of values of that key", values_doc, list);
        let (named, listed) = (self.find(key), self.find(values));
        if self.mode == Mode::Strict {
            let lone = match (named.is_some(), listed.is_some() || elsewhere.is_some()) {
                (true, false) => Some((values, "[1, 2]")),
                (false, true) => Some((key, "\"engine.iteration_interval\"")),
                _ => None,
            };
            self.missing.extend(lone.map(|(key, example)| (key, example.to_owned())));
        }
        let named = named?;
        let list = match (&listed, elsewhere) {
            (Some(listed), _) => listed.value.clone(),
            (None, text) => DeValue::parse(text?).ok()?,
        };
        let DeValue::Array(items) = list.into_inner() else {
            let listed = listed?;
            let fault = wrong_type("a list", "[1, 2]", listed.value.get_ref());
            self.report_fault(values, fault, listed.place());
            return Some(Vec::new());
        };
        let path = path?;
        let setting = |item: Spanned<DeValue<'a>>| {
            // What is not in the file stands where its key does.
            let span = if listed.is_some() { item.span() } else { named.value.span() };
            let place = Place::new(&named.source, Some(span.clone()));
            let text = label(item.get_ref());
            let item = Spanned::new(span, item.into_inner());
            (text, Fragment::setting(&path, &named, item, place))
        };
        Some(items.into_iter().map(setting).collect())
    }
}
