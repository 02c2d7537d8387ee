//! What a value may be: a kind parses one TOML value, and says what it is in words and as JSON
//! Schema.
//!
//! Not here: which keys there are (see [`Section`](super::Section)).

use std::fmt::Display;
use std::ops::{Bound, Range, RangeBounds};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::civil;
use jiff::tz::TimeZone;
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::quantity::{self, Amount, Fault, negative};
use super::section::{toml_key, whole_key};
use super::suggest::nearest;

/// One kind of value: how it is called, read and written.
pub struct Kind<T> {
    noun: String,
    sample: T,
    schema: Box<dyn Fn() -> Value>,
    parse: Box<Parse<T>>,
    show: Box<dyn Fn(&T) -> String>,
}

/// Reads a value. The range of a fault is where in the value it is, if not all over it.
type Parse<T> = dyn Fn(Raw<'_>) -> Result<T, (Fault, Option<Range<usize>>)>;

/// A value of a file, and what relative paths are relative to.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) value: &'a DeValue<'a>,
    pub(super) folder: &'a Path,
}

impl<T: Clone + 'static> Kind<T> {
    /// The kind in words, with its article: `a duration, at least "1 s"`.
    #[must_use]
    pub fn noun(&self) -> &str {
        &self.noun
    }

    /// A value as it is written in a file.
    #[must_use]
    pub fn show(&self, value: &T) -> String {
        (self.show)(value)
    }

    /// A value of this kind, for examples and to go on reading after an issue.
    #[must_use]
    pub fn sample(&self) -> T {
        self.sample.clone()
    }

    /// As JSON Schema, which refuses nothing that is read.
    pub(super) fn schema(&self) -> Value {
        (self.schema)()
    }

    pub(super) fn parse(&self, raw: Raw<'_>) -> Result<T, (Fault, Option<Range<usize>>)> {
        (self.parse)(raw)
    }

    /// The same, restricted to a range, which must not be empty.
    #[must_use]
    pub fn within(self, range: impl RangeBounds<T> + 'static) -> Self
    where
        T: PartialOrd,
    {
        let Self { noun, sample, schema, parse, show } = self;
        let show: Rc<dyn Fn(&T) -> String> = show.into();
        let sample = if range.contains(&sample) {
            sample
        } else {
            nearest_in(&range, &sample).expect("an open range holds the kind's sample")
        };
        let allowed = in_words(&range, &*show);
        let (label, example, shown) = (allowed.clone(), sample.clone(), Rc::clone(&show));
        let bounds = bounds(&range, &*show);
        let parse = move |raw: Raw<'_>| {
            let value = parse(raw)?;
            if range.contains(&value) {
                return Ok(value);
            }
            let near = nearest_in(&range, &value).unwrap_or(example.clone());
            let fault =
                Fault::new("is out of range", format!("write for example {}", shown(&near)));
            Err((fault.label(format!("must be {label}")), None))
        };
        Self {
            noun: format!("{noun}, {allowed}"),
            sample,
            schema: Box::new(move || {
                let mut schema = schema();
                bounds.iter().for_each(|(bound, end)| schema[*bound] = end.clone().into());
                schema
            }),
            parse: Box::new(parse),
            show: Box::new(move |value| show(value)),
        }
    }

    fn new(
        noun: impl Into<String>,
        sample: T,
        schema: impl Fn() -> Value + 'static,
        show: impl Fn(&T) -> String + 'static,
        parse: impl Fn(Raw<'_>) -> Result<T, Fault> + 'static,
    ) -> Self {
        Self {
            noun: noun.into(),
            sample,
            schema: Box::new(schema),
            parse: Box::new(move |raw| parse(raw).map_err(|fault| (fault, None))),
            show: Box::new(show),
        }
    }

    /// A kind that is written in a string, or as a bare number so far as `parse` takes one.
    pub fn quantity(
        noun: &'static str,
        sample: T,
        schema: impl Fn() -> Value + 'static,
        show: impl Fn(&T) -> String + 'static,
        parse: fn(&str) -> Result<T, Fault>,
    ) -> Self {
        let example = show(&sample);
        Self::new(noun, sample, schema, show, move |raw| match raw.value {
            DeValue::String(text) => parse(text),
            DeValue::Integer(number) if number.radix() == 10 => bare(parse(number.as_str())),
            DeValue::Float(number) => bare(parse(number.as_str())),
            other => Err(wrong_type(noun, &example, other)),
        })
    }
}

/// Any text but the empty one.
#[must_use]
pub fn text() -> Kind<String> {
    let show = |text: &String| quoted(text);
    Kind::new("a text", "name".to_owned(), some_text, show, |raw| match raw.value {
        DeValue::String(text) if text.is_empty() => {
            Err(Fault::new("is empty", "write something, or leave the key out"))
        }
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(wrong_type("a text", "\"name\"", other)),
    })
}

/// Any text but the empty one that a terminal shows as it is.
#[must_use]
pub fn words() -> Kind<String> {
    let Kind { noun, sample, schema, parse, show } = text();
    let parse = move |raw: Raw<'_>| {
        let words = parse(raw)?;
        match control_character(&words) {
            None => Ok(words),
            Some(what) => Err((Fault::new(what, "leave it out"), None)),
        }
    };
    Kind { noun, sample, schema, parse: Box::new(parse), show }
}

/// What a terminal would obey instead of showing it, if there is such a thing.
pub(super) fn control_character(text: &str) -> Option<String> {
    let odd = text.chars().find(|c| c.is_control() && !"\r\n\t".contains(*c))?;
    Some(format!("has the control character U+{:04X}", u32::from(odd)))
}

fn some_text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// The path of a file, relative to the folder of the file it is written in; shown without folder.
#[must_use]
pub fn path() -> Kind<PathBuf> {
    let show = |path: &PathBuf| quoted(&path.file_name().unwrap_or_default().to_string_lossy());
    Kind::new("a path", PathBuf::from("tasks.csv"), some_text, show, |raw| match raw.value {
        DeValue::String(path) if path.is_empty() => {
            Err(Fault::new("is empty", "write for example \"tasks.csv\""))
        }
        DeValue::String(path) => Ok(raw.folder.join(path.as_ref())),
        other => Err(wrong_type("a path", "\"tasks.csv\"", other)),
    })
}

/// The path of a key: `engine.guards`, `worker_types."proj/builds".capacity_max`.
#[must_use]
pub fn key_path() -> Kind<Vec<String>> {
    let noun = "the path of a key";
    let sample = vec!["engine".to_owned(), "guards".to_owned()];
    let show = |path: &Vec<String>| {
        let keys: Vec<String> = path.iter().map(|key| toml_key(key)).collect();
        quoted(&keys.join("."))
    };
    let hint = "write it as in a section of TOML, for example \"engine.guards\"";
    Kind::new(noun, sample, some_text, show, move |raw| match raw.value {
        DeValue::String(text) => {
            dotted(text).ok_or_else(|| Fault::new("is not the path of a key", hint))
        }
        other => Err(wrong_type(noun, "\"engine.guards\"", other)),
    })
}

/// The keys of a dotted path.
fn dotted(text: &str) -> Option<Vec<String>> {
    let line = format!("{text} = 0");
    let mut table = DeTable::parse(&line).ok()?.into_inner();
    let mut path = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        path.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            DeValue::Integer(_) => return Some(path),
            _ => return None,
        }
    }
}

/// One value of any kind or a list of them, each as a text.
#[must_use]
pub fn labels() -> Kind<Vec<String>> {
    let noun = "a value or a list of values";
    let show = |labels: &Vec<String>| {
        let labels: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
        format!("[{}]", labels.join(", "))
    };
    let schema = || json!({ "minItems": 1 });
    Kind::new(noun, vec!["cheapest".to_owned()], schema, show, move |raw| match raw.value {
        DeValue::Array(items) if items.is_empty() => {
            Err(Fault::new("is empty", "write for example \"cheapest\""))
        }
        DeValue::Array(items) => Ok(items.iter().map(|item| label(item.get_ref())).collect()),
        value => Ok(vec![label(value)]),
    })
}

/// A value as people write it, texts without quotes.
pub(super) fn label(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| label(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<_>, &Spanned<_>)| {
                format!("{} = {}", key.get_ref(), label(value.get_ref()))
            };
            let entries: Vec<String> = table.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A value as it is written in TOML.
pub(super) fn toml_value(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| toml_value(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| {
                format!("{} = {}", whole_key(key.get_ref()), toml_value(value.get_ref()))
            });
            let entries: Vec<String> = entries.collect();
            format!("{{ {} }}", entries.join(", "))
        }
        plain => label(plain),
    }
}

/// `true` or `false`.
#[must_use]
pub fn boolean() -> Kind<bool> {
    let noun = "true or false";
    let schema = || json!({ "type": "boolean" });
    Kind::new(noun, true, schema, bool::to_string, move |raw| match raw.value {
        DeValue::Boolean(value) => Ok(*value),
        other => Err(wrong_type(noun, "true", other)),
    })
}

/// A whole number that fits `T`.
#[must_use]
pub fn integer<T>() -> Kind<T>
where
    T: TryFrom<i128> + From<u8> + Clone + Display + 'static,
{
    let noun = "a whole number";
    let schema = || {
        let fits = |number: &i128| T::try_from(*number).is_ok();
        let ends = (1..128).map(|bits| (1_i128 << bits) - 1).take_while(fits);
        let max = ends.last().unwrap_or(1);
        let min = if fits(&-1) { -max - 1 } else { 0 };
        json!({ "type": "integer", "minimum": min, "maximum": max })
    };
    Kind::new(noun, T::from(1), schema, T::to_string, move |raw| match raw.value {
        DeValue::Integer(number) => match i128_from(number).map(T::try_from) {
            Some(Ok(value)) => Ok(value),
            _ if number.as_str().starts_with('-') => Err(negative("write for example 1")),
            _ => Err(Fault::new("is too large", "write a smaller number")),
        },
        other => Err(wrong_type(noun, "1", other)),
    })
}

/// A finite number, for distributions and statistics; factors of money are a [`ratio`].
#[must_use]
pub fn float() -> Kind<f64> {
    let schema = || json!({ "type": "number" });
    Kind::new("a number", 1.0, schema, f64::to_string, |raw| number(raw.value, "a number"))
}

/// A number, or a quantity with its unit, for bounds on measures.
#[must_use]
pub fn amount() -> Kind<Amount> {
    let noun = "a number or a quantity such as \"10 min\", \"$3\", \"$3/h\" or \"40 %\"";
    let show = |amount: &Amount| match amount {
        Amount::Number(number) => number.to_string(),
        amount => quoted(&amount.to_string()),
    };
    let schema = || number_or(&quantity::amount_pattern());
    Kind::new(noun, Amount::Number(0.0), schema, show, move |raw| match raw.value {
        DeValue::String(text) => quantity::amount(text),
        value => number(value, noun).map(Amount::Number),
    })
}

/// The JSON Schema of a number, or a string that the pattern matches as a whole.
#[must_use]
pub fn number_or(pattern: &str) -> Value {
    json!({ "type": ["number", "string"], "minLength": 1, "pattern": whole(pattern) })
}

fn string_of(pattern: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "pattern": whole(pattern) })
}

/// Around a quantity there may be blanks.
fn whole(pattern: &str) -> String {
    format!(r"^\s*({pattern})\s*$")
}

fn number(value: &DeValue<'_>, noun: &str) -> Result<f64, Fault> {
    let text = match value {
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        other => return Err(wrong_type(noun, "0.5", other)),
    };
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Fault::new("is not finite", "write for example 0.5")),
    }
}

/// A factor of at least zero with up to six decimals, as a number or a string.
#[must_use]
pub fn ratio() -> Kind<Ratio> {
    let schema = || {
        let mut schema = number_or(quantity::NUMBER);
        schema["minimum"] = 0.into();
        schema
    };
    Kind::quantity("a ratio", Ratio::ONE, schema, Ratio::to_string, |text| {
        unsigned(text, quantity::ratio(text)?, "write for example 1.5")
    })
}

/// A duration of at least zero, with its unit: `"2 min"`.
#[must_use]
pub fn duration() -> Kind<Duration> {
    let show = |duration: &Duration| quoted(&quantity::write_duration(*duration));
    let schema = || string_of(&quantity::duration_pattern());
    Kind::quantity("a duration", Duration::from_mins(2), schema, show, |text| {
        unsigned(text, quantity::duration(text)?, "write for example \"2 min\"")
    })
}

/// An amount of at least no money: `"$40"`.
#[must_use]
pub fn usd() -> Kind<Usd> {
    let show = |usd: &Usd| quoted(&usd.to_string());
    let (sample, schema) = (Usd::from_micros(40_000_000), || string_of(&quantity::usd_pattern()));
    Kind::quantity("an amount of money", sample, schema, show, |text| {
        unsigned(text, quantity::usd(text)?, "write for example \"$40\"")
    })
}

/// A price per hour of at least zero: `"$0.034/h"`.
#[must_use]
pub fn usd_per_hour() -> Kind<UsdPerHour> {
    let show = |price: &UsdPerHour| quoted(&price.to_string());
    let schema = || string_of(&quantity::price_pattern());
    Kind::quantity("a price", UsdPerHour::from_micros(34_000), schema, show, |text| {
        unsigned(text, quantity::usd_per_hour(text)?, "write for example \"$0.034/h\"")
    })
}

/// A point in time: `"2021-03-02T00:00:00Z"`, or `"2021-03-02"` for midnight UTC; with or without
/// quotes.
#[must_use]
pub fn time() -> Kind<Time> {
    let noun = "a time";
    let show = |time: &Time| match jiff::Timestamp::from_millisecond(time.ms()) {
        Ok(timestamp) => quoted(&timestamp.to_string()),
        Err(_) => "beyond the year 9999".to_owned(),
    };
    let sample = Time::from_ms(1_614_643_200_000);
    let example = show(&sample);
    let schema = || string_of(quantity::TIME_PATTERN);
    Kind::new(noun, sample, schema, show, move |raw| match raw.value {
        DeValue::String(text) => quantity::time(text),
        DeValue::Datetime(datetime) => quantity::time(&datetime.to_string()),
        other => Err(wrong_type(noun, &example, other)),
    })
}

/// A time of day on the wall clock: `"08:30"`.
#[must_use]
pub fn time_of_day() -> Kind<civil::Time> {
    let noun = "a time of day";
    let show = |time: &civil::Time| format!("\"{:02}:{:02}\"", time.hour(), time.minute());
    let schema = || string_of(r"[0-9]{1,2}\s*:\s*[0-9]{1,2}");
    Kind::new(noun, civil::time(8, 0, 0, 0), schema, show, move |raw| match raw.value {
        DeValue::String(text) => civil::Time::strptime("%H:%M", text.as_ref())
            .map_err(|_| Fault::new("is not a time of day", "write for example \"08:30\"")),
        other => Err(wrong_type(noun, "\"08:30\"", other)),
    })
}

/// A time zone of the IANA database: `"Europe/Berlin"`.
#[must_use]
pub fn time_zone() -> Kind<TimeZone> {
    let noun = "a time zone";
    let show = |zone: &TimeZone| quoted(zone.iana_name().unwrap_or("UTC"));
    Kind::new(noun, TimeZone::UTC, some_text, show, move |raw| match raw.value {
        DeValue::String(text) => TimeZone::get(text).map_err(|_| {
            let names: Vec<String> = jiff::tz::db().available().map(|it| it.to_string()).collect();
            let near = nearest(text, names.iter().map(String::as_str)).unwrap_or("Europe/Berlin");
            Fault::new("is not a known time zone", format!("did you mean \"{near}\"?"))
        }),
        other => Err(wrong_type(noun, "\"Europe/Berlin\"", other)),
    })
}

/// One of some named values, of which there is at least one.
#[must_use]
pub fn choice<T: Clone + PartialEq + 'static>(choices: &[(&'static str, T)]) -> Kind<T> {
    let choices = choices.to_vec();
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let (noun, example) = (one_of(&names), quoted(names[0]));
    let (sample, shown) = (choices[0].1.clone(), choices.clone());
    let show = move |value: &T| {
        let name = shown.iter().find(|(_, choice)| choice == value).map(|(name, _)| *name);
        quoted(name.expect("a choice has a name"))
    };
    let schema = {
        let names = names.clone();
        move || json!({ "enum": names })
    };
    Kind::new(noun.clone(), sample, schema, show, move |raw| match raw.value {
        DeValue::String(text) => match choices.iter().find(|(name, _)| name == text) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(unknown_choice(text, &names)),
        },
        other => Err(wrong_type(&noun, &example, other)),
    })
}

/// An array of values of one kind; it may be empty.
#[must_use]
pub fn list<T: Clone + 'static>(item: Kind<T>) -> Kind<Vec<T>> {
    let Kind { noun, sample, schema, parse, show } = item;
    let noun = format!("a list, each item {noun}");
    let show = move |items: &Vec<T>| {
        let items: Vec<_> = items.iter().map(&show).collect();
        format!("[{}]", items.join(", "))
    };
    let sample = vec![sample];
    let (example, described) = (show(&sample), noun.clone());
    let parse = move |raw: Raw<'_>| match raw.value {
        DeValue::Array(items) => {
            let read = |(n, item): (usize, &Spanned<DeValue<'_>>)| {
                let raw = Raw { value: item.get_ref(), folder: raw.folder };
                parse(raw).map_err(|(mut fault, within)| {
                    fault.what = format!("has an item (number {}) that {}", n + 1, fault.what);
                    (fault, within.or(Some(item.span())))
                })
            };
            items.iter().enumerate().map(read).collect()
        }
        other => Err((wrong_type(&described, &example, other), None)),
    };
    let schema = Box::new(move || json!({ "type": "array", "items": schema() }));
    Kind { noun, sample, schema, parse: Box::new(parse), show: Box::new(show) }
}

/// A string as TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// `one of "a", "b"`.
pub(super) fn one_of(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
    format!("one of {}", names.join(", "))
}

pub(super) fn unknown_choice(text: &str, names: &[&str]) -> Fault {
    let hint = match nearest(text, names.iter().copied()) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None => format!("write {}", one_of(names)),
    };
    Fault::new("is not a known choice", hint)
}

/// `value` is of another TOML type than `noun`.
pub(super) fn wrong_type(noun: &str, example: &str, value: &DeValue<'_>) -> Fault {
    let found = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    };
    Fault::new(format!("is not {noun}"), format!("write for example {example}"))
        .label(format!("this is {found}"))
}

fn bare<T>(result: Result<T, Fault>) -> Result<T, Fault> {
    result.map_err(|fault| fault.label("this is a bare number"))
}

/// A value that was written without a sign.
fn unsigned<T>(text: &str, value: T, hint: &str) -> Result<T, Fault> {
    if text.trim_start().starts_with('-') { Err(negative(hint)) } else { Ok(value) }
}

fn i128_from(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The end of `range` that `value` lies beyond, if that end is in the range.
fn nearest_in<T: PartialOrd + Clone>(range: &impl RangeBounds<T>, value: &T) -> Option<T> {
    match (range.start_bound(), range.end_bound()) {
        (Bound::Included(lowest), _) if value < lowest => Some(lowest.clone()),
        (_, Bound::Included(highest)) if value > highest => Some(highest.clone()),
        _ => None,
    }
}

/// The ends of a range of numbers as JSON Schema has them; quantities with units are compared by
/// none.
fn bounds<T>(
    range: &impl RangeBounds<T>,
    show: &dyn Fn(&T) -> String,
) -> Vec<(&'static str, serde_json::Number)> {
    let lower = match range.start_bound() {
        Bound::Included(end) => Some(("minimum", end)),
        Bound::Excluded(end) => Some(("exclusiveMinimum", end)),
        Bound::Unbounded => None,
    };
    let upper = match range.end_bound() {
        Bound::Included(end) => Some(("maximum", end)),
        Bound::Excluded(end) => Some(("exclusiveMaximum", end)),
        Bound::Unbounded => None,
    };
    let number = |(bound, end)| Some((bound, serde_json::from_str(&show(end)).ok()?));
    lower.into_iter().chain(upper).filter_map(number).collect()
}

/// `at least 1 and at most 64`, `above 0`.
fn in_words<T>(range: &impl RangeBounds<T>, show: &dyn Fn(&T) -> String) -> String {
    let lower = match range.start_bound() {
        Bound::Included(end) => Some(format!("at least {}", show(end))),
        Bound::Excluded(end) => Some(format!("above {}", show(end))),
        Bound::Unbounded => None,
    };
    let upper = match range.end_bound() {
        Bound::Included(end) => Some(format!("at most {}", show(end))),
        Bound::Excluded(end) => Some(format!("below {}", show(end))),
        Bound::Unbounded => None,
    };
    lower.into_iter().chain(upper).collect::<Vec<_>>().join(" and ")
}
