//! What a suite file can say about how much worse a scenario may come out.

use std::fmt;

use super::Terms;
use crate::file::kind::{self, Kind};
use crate::file::quantity::{Amount, Fault, amount, amount_pattern, negative};
use crate::file::{Issue, Place, Section};

/// How much worse a measure may be than it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// The mean over all seeds by so much; a share is one of what it was.
    UpTo(Amount),
    /// By so much, or as much as chance explains: what the paired 95 % interval does not exclude.
    UnlessByChance(Amount),
    /// Whatever it is.
    Any,
}

/// What holds for every scenario of every suite, unless it says otherwise: cost and waits as people
/// meet them, work that was never done, and what must not happen. A change of policy moves each task
/// a little, so cost and waits have some room for what nobody would act on.
pub const DEFAULTS: [(&str, &str); 9] = [
    ("total.cost_usd.total", "1 % unless by chance"),
    ("total.wait_s.mean", "2 % unless by chance"),
    ("total.wait_s.p95", "5 % unless by chance"),
    ("total.tasks.expired", "not measurably worse"),
    ("total.tasks.exhausted", "not measurably worse"),
    ("total.tasks.left", "not measurably worse"),
    ("total.safety.claimed_ended", "not measurably worse"),
    ("total.safety.double_launches", "not measurably worse"),
    ("ownership.orphans_left", "not measurably worse"),
];

const CHANCE: &str = "unless by chance";
const NOT_MEASURABLY: &str = "not measurably worse";
const HINT: &str = "write for example \"2 %\", \"30 s\", \"$1\", \"2 % unless by chance\", \
                    \"not measurably worse\" or \"any\"";

impl Tolerance {
    /// As it is written in a file.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        match text {
            "any" => return Ok(Self::Any),
            NOT_MEASURABLY => return Ok(Self::UnlessByChance(Amount::Number(0.0))),
            _ => {}
        }
        let (by, by_chance) = match text.strip_suffix(CHANCE) {
            Some(by) => (by.trim_end(), true),
            None => (text, false),
        };
        if by.starts_with('-') {
            return Err(negative(HINT));
        }
        let number = by.parse().ok().filter(|number: &f64| number.is_finite());
        let by = match number {
            Some(number) => Amount::Number(number),
            None => amount(by).map_err(|_| Fault::new("is not a tolerance", HINT))?,
        };
        Ok(if by_chance { Self::UnlessByChance(by) } else { Self::UpTo(by) })
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::UnlessByChance(Amount::Number(0.0)) => f.write_str(NOT_MEASURABLY),
            Self::UnlessByChance(by) => write!(f, "{by} {CHANCE}"),
            Self::UpTo(by) => by.fmt(f),
        }
    }
}

fn tolerance() -> Kind<Tolerance> {
    let sample = Tolerance::UnlessByChance(Amount::Number(0.0));
    let show = |tolerance: &Tolerance| format!("\"{tolerance}\"");
    let schema = || {
        let float = r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?";
        let by = format!(r"({float}|{})\s*({CHANCE})?", amount_pattern());
        let mut schema = kind::number_or(&format!("any|{NOT_MEASURABLY}|{by}"));
        schema["minimum"] = 0.into();
        schema
    };
    Kind::quantity("a tolerance", sample, schema, show, Tolerance::parse)
}

/// The same as it is written, for all points and for some.
#[derive(Clone, Debug)]
pub(crate) struct TermsDoc {
    terms: Terms,
    overrides: Vec<Override>,
    pub(crate) journals: Journals,
}

/// Of which runs the baseline keeps a journal, so that the first decision that changes can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Journals {
    First,
    All,
    None,
}

/// What some points are expected to be.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) place: Place,
    pub(crate) levels: Vec<(String, Vec<String>, Place)>,
    exact: Option<bool>,
    tolerances: Vec<(String, Tolerance, Place)>,
}

impl TermsDoc {
    pub(crate) fn read(s: &mut Section<'_>) -> Self {
        let terms = Terms { exact: decisions(s).unwrap_or(false), tolerances: tolerances(s) };
        let choices =
            [("first", Journals::First), ("all", Journals::All), ("none", Journals::None)];
        let doc = "Of which seeds of each scenario the baseline keeps a journal, for the first \
                   decision that changes: of the first, all, or none.";
        let why = "its size is what a baseline weighs";
        let journals = s.defaulted("journals", kind::choice(&choices), doc, Journals::First, why);
        let overrides = s.sections("override", "What is expected of some scenarios.", |s| {
            let levels = levels(s, "what it is about", "{ scenario = \"storm\" }");
            let (exact, tolerances) = (decisions(s), tolerances(s));
            Override { place: s.here(), levels, exact, tolerances }
        });
        Self { terms, overrides, journals }
    }

    /// What is expected of a point for which `holds` says which overrides apply.
    pub(crate) fn of(&self, holds: impl Fn(usize) -> bool) -> Terms {
        let mut terms = self.terms.clone();
        let apply = self.overrides.iter().enumerate().filter(|(nth, _)| holds(*nth));
        for (_, over) in apply {
            terms.exact = over.exact.unwrap_or(terms.exact);
            terms.tolerances.extend(over.tolerances.iter().cloned());
        }
        terms
    }

    pub(crate) fn overrides(&self) -> &[Override] {
        &self.overrides
    }
}

/// Levels of axes that say which points something is about.
pub(crate) fn levels(
    s: &mut Section<'_>,
    what: &str,
    example: &str,
) -> Vec<(String, Vec<String>, Place)> {
    let doc = "Names of axes, each with a level or a list of levels: it is about the combinations \
               that have one of them on each.";
    let levels = s.named_values("where", kind::labels(), doc);
    if s.is_sound() && levels.is_empty() {
        let issue = Issue::new(format!("it does not say {what}"), s.here());
        s.report(issue.hint(format!("write for example where = {example}")));
    }
    levels
}

fn decisions(s: &mut Section<'_>) -> Option<bool> {
    let doc = "Whether each decision must be as it was (\"exact\"), or what they come to is what \
               counts.";
    s.optional("decisions", kind::choice(&[("any", false), ("exact", true)]), doc)
}

fn tolerances(s: &mut Section<'_>) -> Vec<(String, Tolerance, Place)> {
    let doc = "How much worse a measure may be, by its path in the outcome's JSON.";
    s.values_by_path("tolerances", &tolerance(), doc)
}
