//! Values that can be written in several ways: policies, distributions, sources of input.

use std::rc::Rc;

use serde_json::Value;
use toml::de::DeValue;

use super::kind::{Kind, one_of, quoted, unknown_choice, wrong_type};
use super::quantity::Fault;
use super::section::{Found, KeyDoc, Mode, Presence, Section, Shape, from_default};
use super::source::Place;
use super::suggest::nearest;

/// One way to write a value that has several, see [`Section::variant`].
pub struct Variant<'v, T> {
    name: &'static str,
    doc: &'static str,
    schema: &'v dyn Fn(&mut Section<'_>) -> T,
}

impl<'v, T> Variant<'v, T> {
    /// The variant called `name`, whose keys `schema` asks for.
    pub fn new(
        name: &'static str,
        doc: &'static str,
        schema: &'v dyn Fn(&mut Section<'_>) -> T,
    ) -> Self {
        Self { name, doc, schema }
    }
}

/// A way to write the most common of several variants as a plain value.
pub struct ShortForm<T> {
    noun: String,
    schema: Box<dyn Fn() -> Value>,
    read: Box<ReadShort<T>>,
}

type ReadShort<T> = dyn Fn(&mut Section<'_>, &str, &Found<'_>) -> Option<T>;

impl<T> ShortForm<T> {
    /// A value of `kind`, taken for what `variant` makes of it.
    pub fn new<S: Clone + 'static>(kind: Kind<S>, variant: fn(S) -> T) -> Self
    where
        T: 'static,
    {
        let (noun, kind) = (kind.noun().to_owned(), Rc::new(kind));
        let described = Rc::clone(&kind);
        let read = move |s: &mut Section<'_>, key: &str, found: &Found<'_>| {
            s.parse(key, s.child_path(key), found, &kind).map(variant)
        };
        Self { noun, schema: Box::new(move || described.schema()), read: Box::new(read) }
    }
}

impl<'a> Section<'a> {
    /// A value that can be written in several ways: the name of a variant (`"cheapest"`), a
    /// section holding one variant by name (`{ cheapest = { bid = 2 } }`), or the short form, if
    /// there is one (`"60 s"`). Without a `default`, given as TOML with its source, it must be
    /// there.
    pub fn variant<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        variants: &[Variant<'_, T>],
        short_form: Option<&ShortForm<T>>,
        default: Option<(&str, &'static str)>,
    ) -> T {
        let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
        let noun = match short_form {
            Some(short) => format!("{}, or {}", one_of(&names), short.noun),
            None => one_of(&names),
        };
        let presence = match default {
            Some((value, source)) => Presence::Default { value: value.to_owned(), source },
            None => Presence::Required,
        };
        let short = || short_form.map(|short| (short.schema)());
        self.register_as(key, &noun, presence, doc, || Shape::Variant { short: short() });
        let path = self.child_path(key);
        if self.mode == Mode::Describe && !self.terse {
            for Variant { name, doc, schema } in variants {
                let path = format!("{path}.{name}");
                self.docs.push(KeyDoc {
                    path: path.clone(),
                    kind: "a section".to_owned(),
                    shape: Shape::Section { always: false },
                    presence: Presence::Optional,
                    doc,
                });
                self.child(path, Vec::new(), schema);
            }
        }
        let found = self.find_all(key);
        if let Some((found, hidden)) = found.split_first() {
            self.hidden(hidden, |s, found| {
                drop(s.chosen(key, &path, found, variants, short_form));
            });
            if let Some(value) = self.chosen(key, &path, found, variants, short_form) {
                return value;
            }
        } else if default.is_none() {
            self.missing.push((key, quoted(names[0])));
        }
        match default {
            Some((text, _)) => {
                from_default(key, text, |s| s.variant(key, doc, variants, short_form, None))
            }
            None => self.without(path, self.here(), Mode::Mute, variants[0].schema),
        }
    }

    /// Reads a value that is there as one of `variants`.
    fn chosen<T>(
        &mut self,
        key: &str,
        path: &str,
        found: &Found<'a>,
        variants: &[Variant<'_, T>],
        short_form: Option<&ShortForm<T>>,
    ) -> Option<T> {
        let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
        let named = |name: &str| variants.iter().find(|variant| variant.name == name);
        let fault = match (found.value.get_ref(), short_form) {
            (DeValue::String(name), _) if named(name).is_some() => {
                let variant = named(name)?;
                self.written.push((path.to_owned(), variant.name.to_owned()));
                let path = format!("{path}.{name}");
                return Some(self.without(path, found.place(), self.mode, variant.schema));
            }
            (DeValue::String(text), Some(_)) if nearest(text, names.iter().copied()).is_some() => {
                unknown_choice(text, &names)
            }
            (DeValue::Table(table), _) if table.len() == 1 => {
                let (name, inner) = table.iter().next()?;
                if let Some(variant) = named(name.get_ref()) {
                    self.written.push((path.to_owned(), variant.name.to_owned()));
                    let path = format!("{path}.{}", variant.name);
                    let inner = vec![found.inner(variant.name, inner)];
                    return Some(self.child(path, inner, variant.schema));
                }
                let fault = unknown_choice(name.get_ref(), &names);
                let place = Place::new(found.place().source(), Some(name.span()));
                self.report_fault(key, fault, place);
                return None;
            }
            (DeValue::Table(_), _) => {
                let hint = format!("write one section, {}", one_of(&names));
                Fault::new("does not hold exactly one section", hint)
            }
            (_, Some(short)) => return (short.read)(self, key, found),
            (DeValue::String(text), None) => unknown_choice(text, &names),
            (other, None) => wrong_type(&one_of(&names), &quoted(names[0]), other),
        };
        self.report_fault(key, fault, found.place());
        None
    }
}
