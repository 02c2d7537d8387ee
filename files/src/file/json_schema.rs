//! The keys of a file as [JSON Schema](https://json-schema.org/draft/2020-12), for editors and for
//! whoever writes files by program.
//!
//! It is one more rendering of what [`describe`](super::describe) lists, so it knows no key, default
//! or unit of its own. TOML's dates are strings to it. What it refuses, reading refuses; the other
//! way round it is not so, because a JSON Schema cannot say
//!
//! - how a quantity with a unit compares with another (ranges of durations, money and prices), that
//!   it is too fine or too large, or that a date or a time zone exists;
//! - what several keys say of each other (`capacity_min` above `capacity_max`, `end` before `start`,
//!   a way to write an axis, weights that add up to 1);
//! - that a name is one of something written elsewhere (a worker type, a pool, an axis, a measure),
//!   or that a file is there and what is in it.
//!
//! What another file or the section of defaults may hold need not be in the file: with `base` nothing
//! must be there, and a key of `worker_type_defaults` is missing in no worker type.

use serde_json::{Map, Value, json};

use super::section::{KeyDoc, Presence, Shape};

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What it can say.
    pub keys: &'a [KeyDoc],
    /// The key that names a file which holds what this one leaves out.
    pub base: Option<&'a str>,
    /// What parts of another file in it can say.
    pub fragments: &'a [KeyDoc],
}

/// The JSON Schema of a kind of file.
///
/// Panics if a key refers to one that is not there.
#[must_use]
pub fn json_schema(file: &File<'_>) -> Value {
    let mut writer = Writer { keys: file.keys, fragments: file.fragments, defs: Map::new() };
    let mut schema = writer.object("", file.base.is_none());
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = file.title.into();
    if let Some(base) = file.base {
        schema["if"] = json!({ "required": [base] });
        schema["else"] = writer.requirements("").unwrap_or(true.into());
    }
    schema["$defs"] = writer.defs.into();
    schema
}

struct Writer<'a> {
    keys: &'a [KeyDoc],
    fragments: &'a [KeyDoc],
    defs: Map<String, Value>,
}

impl<'a> Writer<'a> {
    /// A section. If it is `whole`, nothing that must be there may stand elsewhere.
    fn object(&mut self, at: &str, whole: bool) -> Value {
        let properties: Map<String, Value> =
            self.inside(at).map(|key| (name(key).to_owned(), self.property(key, whole))).collect();
        let mut object =
            json!({ "type": "object", "properties": properties, "additionalProperties": false });
        let required: Vec<&str> =
            self.inside(at).filter(|key| whole && self.is_needed(key)).map(name).collect();
        if !required.is_empty() {
            object["required"] = required.into();
        }
        object
    }

    fn property(&mut self, key: &KeyDoc, whole: bool) -> Value {
        let mut schema = self.value(key, whole);
        schema["description"] = match key.shape {
            Shape::Section { .. } => key.doc.into(),
            _ => format!("{}\n\n{}", key.doc, key.terms()).into(),
        };
        if let Presence::Default { value, .. } = &key.presence
            && let Ok(mut table) = toml::from_str::<Map<String, Value>>(&format!("it = {value}"))
        {
            schema["default"] = table["it"].take();
        }
        schema
    }

    fn value(&mut self, key: &KeyDoc, whole: bool) -> Value {
        let path = &key.path;
        match &key.shape {
            Shape::Value(schema) => schema.clone(),
            Shape::Section { .. } => self.object(path, whole),
            Shape::Named { defaults: None } => by_name(self.object(&named(path), whole)),
            Shape::Named { defaults: Some(_) } => by_name(self.part(path)),
            Shape::DefaultsOf(of) => self.part(of),
            Shape::Sections => {
                json!({ "type": "array", "items": self.object(&format!("{path}[]"), true) })
            }
            Shape::Variant { short } => self.variant(path, short.as_ref()),
            Shape::Form(form) => self.define(form.trim_matches(['<', '>']), |writer| {
                let key = writer.keys.iter().find(|key| key.path == *form);
                writer.value(key.expect("a form is described"), true)
            }),
            Shape::ByName(value) => by_name(value.clone()),
            Shape::ByPath(value) => by_name(self.define(name(key), |_| {
                let inner = by_name(json!({ "$ref": format!("#/$defs/{}", name(key)) }));
                json!({ "anyOf": [value, inner] })
            })),
            Shape::Fragments => by_name(self.define("scenario", |writer| {
                let keys = std::mem::replace(&mut writer.keys, writer.fragments);
                let part = writer.object("", false);
                writer.keys = keys;
                part
            })),
        }
    }

    /// The name of one section that needs no key, or a section of exactly one, or the short form.
    fn variant(&mut self, path: &str, short: Option<&Value>) -> Value {
        let bare = |key: &&KeyDoc| !self.inside(&key.path).any(|key| self.is_needed(key));
        let names: Vec<&str> = self.inside(path).filter(bare).map(name).collect();
        let mut one = self.object(path, true);
        (one["minProperties"], one["maxProperties"]) = (1.into(), 1.into());
        let names = (!names.is_empty()).then(|| json!({ "enum": names }));
        let forms: Vec<Value> = names.into_iter().chain([one]).chain(short.cloned()).collect();
        json!({ "anyOf": forms })
    }

    /// One of the sections of that key, of which others may hold what is left out.
    fn part(&mut self, key: &str) -> Value {
        self.define(key, |writer| writer.object(&named(key), false))
    }

    fn define(&mut self, name: &str, schema: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.defs.contains_key(name) {
            // It may be part of itself.
            self.defs.insert(name.to_owned(), Value::Null);
            let schema = schema(self);
            self.defs.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// What must be in a section if all of it stands in this file.
    fn requirements(&self, at: &str) -> Option<Value> {
        all_of(self.inside(at).filter_map(|key| self.requirement(key)))
    }

    fn requirement(&self, key: &KeyDoc) -> Option<Value> {
        let (name, path) = (name(key), &key.path);
        let inside = match key.shape {
            Shape::Section { .. } => self.requirements(path),
            Shape::Named { defaults: None } => self
                .requirements(&named(path))
                .map(|of_each| json!({ "additionalProperties": of_each })),
            Shape::Named { defaults: Some(defaults) } => {
                return self.requirement_unless(key, defaults);
            }
            _ => None,
        };
        let needed = self.is_needed(key).then(|| json!({ "required": [name] }));
        let inside = inside.map(|inside| json!({ "properties": { name: inside } }));
        all_of(needed.into_iter().chain(inside))
    }

    /// What must be in named sections, so far as that of their defaults does not have it.
    fn requirement_unless(&self, key: &KeyDoc, defaults: &str) -> Option<Value> {
        all_of(self.inside(&named(&key.path)).filter_map(|inner| {
            let needed = self.requirement(inner)?;
            let in_defaults = json!({
                "required": [defaults],
                "properties": { defaults: { "required": [name(inner)] } },
            });
            let in_each =
                json!({ "properties": { name(key): { "additionalProperties": needed } } });
            Some(json!({ "if": in_defaults, "else": in_each }))
        }))
    }

    /// Whether it is an issue to leave it out: a section may read as an empty one that lacks a key.
    fn is_needed(&self, key: &KeyDoc) -> bool {
        match key.shape {
            Shape::Section { always: true } => {
                self.inside(&key.path).any(|inner| self.is_needed(inner))
            }
            _ => key.presence == Presence::Required,
        }
    }

    /// The keys of a section, or of the file; what is in those is not among them.
    fn inside(&self, at: &str) -> impl Iterator<Item = &'a KeyDoc> + use<'a> {
        let at = if at.is_empty() { String::new() } else { format!("{at}.") };
        self.keys.iter().filter(move |key| {
            let within = key.path.strip_prefix(&at);
            within.is_some_and(|within| !within.contains(['.', '<']))
        })
    }
}

/// An object with any keys.
fn by_name(of_each: Value) -> Value {
    json!({ "type": "object", "additionalProperties": of_each })
}

/// What says all of these, if they say anything.
fn all_of(schemas: impl Iterator<Item = Value>) -> Option<Value> {
    let mut schemas: Vec<Value> = schemas.collect();
    match schemas.len() {
        0 | 1 => schemas.pop(),
        _ => Some(json!({ "allOf": schemas })),
    }
}

/// Where the keys of a named section are documented.
fn named(path: &str) -> String {
    format!("{path}.<name>")
}

/// The last part of a key's path.
fn name(key: &KeyDoc) -> &str {
    key.path.rsplit('.').next().unwrap_or_default()
}
