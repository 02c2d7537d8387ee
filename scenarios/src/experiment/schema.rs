//! What an experiment file can say.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use provisioner_engine::units::Duration;

use super::range::{Texts, range};
use crate::Profile;
use crate::file::{Fragment, Issue, Place, Section, kind};
use crate::scenario::{BASE, Bound, Check, Relation};
use crate::suite::{TermsDoc, levels};

/// Most seeds of an experiment: far beyond what narrows an interval any further.
pub(super) const SEEDS_MAX: u64 = 10_000;

/// An experiment file as it is written.
pub(super) struct Document<'a> {
    pub(super) base: Option<(PathBuf, Place)>,
    pub(super) seeds: RangeInclusive<u64>,
    pub(super) seeds_place: Place,
    pub(super) axes: Vec<AxisDoc<'a>>,
    pub(super) drops: Vec<DropDoc>,
    pub(super) terms: TermsDoc,
    pub(super) tune: Option<TuneDoc>,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct TuneDoc {
    pub(crate) place: Place,
    /// Each with one bound.
    pub(crate) limits: Vec<Check>,
    pub(crate) runs: usize,
    pub(crate) held_out_seeds: u64,
    pub(crate) held_out_time: Option<Duration>,
    pub(crate) warmup: Option<Duration>,
}

/// Runs of a search if nothing is said.
const RUNS: usize = 1_000;

/// Something that is varied.
pub(super) struct AxisDoc<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) given: bool,
    /// In the order of the file.
    pub(super) levels: Vec<LevelDoc<'a>>,
}

/// One of the things an axis can be.
pub(super) struct LevelDoc<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) sets: Sets<'a>,
}

impl<'a> LevelDoc<'a> {
    /// The keys that it sets.
    pub(super) fn keys(&self) -> Option<&Fragment<'a>> {
        match &self.sets {
            Sets::Keys(fragment) => Some(fragment),
            Sets::RunBy(_) => None,
        }
    }
}

/// What a level makes of the scenario.
pub(super) enum Sets<'a> {
    Keys(Fragment<'a>),
    RunBy(Profile),
}

/// Combinations that make no sense: all that have one of the levels of each axis named.
pub(super) struct DropDoc {
    pub(super) place: Place,
    pub(super) levels: Vec<(String, Vec<String>, Place)>,
}

pub(super) fn document<'a>(s: &mut Section<'a>, texts: &'a Texts) -> Document<'a> {
    let doc = "The scenario file that holds where an axis says nothing.";
    let base = s.optional(BASE, kind::path(), doc).map(|base| (base, s.place(BASE)));
    s.optional("description", kind::words(), "What it is about.");
    let doc = "With how many seeds each point is run; the same ones, so that points are compared \
               under equal chance.";
    let seeds = s.required("seeds", kind::integer().within(1..=SEEDS_MAX), doc);
    let doc = "The first of them; the others follow.";
    let why = "any will do";
    let first = kind::integer().within(0..=u64::MAX - 2 * SEEDS_MAX);
    let first = s.defaulted("first_seed", first, doc, 1, why);
    let doc = "What is varied: each combination of a level of each axis is a point. The first axis \
               of the file varies slowest.";
    let mut axes: Vec<AxisDoc<'a>> = s
        .named("axes", doc, |name, s| axis(name, s, texts))
        .into_iter()
        .map(|(_, axis)| axis)
        .collect();
    axes.sort_by_key(|axis| axis.place.start());
    let doc = "Combinations that are left out.";
    let drops = s.sections("drop", doc, |s| {
        let levels = levels(s, "what to drop", "{ policy = \"cheapest\", bid = [2, 3] }");
        DropDoc { place: s.here(), levels }
    });
    let doc = "What `provisioner tune` looks for: the cheapest point that keeps limits.";
    let tune = s.optional_section("tune", doc, |s| tune(s, seeds));
    let (seeds_place, terms) = (s.place("seeds"), TermsDoc::read(s));
    let seeds = first..=first + (seeds - 1);
    Document { base, seeds, seeds_place, axes, drops, tune, terms }
}

fn tune(s: &mut Section<'_>, seeds: u64) -> TuneDoc {
    let doc = "What must hold, on the mean over seeds: paths of numbers of `--json`, for example \
               \"wait_s.p95\" or 'worker_types.\"proj/builds\".wait_s.p95', and the most they may \
               be. Unless it says something of `tasks.left`, nothing may be left undone.";
    let limits = s.named_values("limits", kind::amount(), doc);
    if s.is_sound() && limits.is_empty() {
        let issue = Issue::new("[tune] sets no limit: the cheapest is to buy nothing", s.here());
        s.report(issue.hint("add for example limits = { \"wait_s.p95\" = \"15 min\" }"));
    }
    let limits = limits.into_iter().map(|(measure, amount, place)| Check {
        name: measure.clone(),
        because: String::new(),
        measure,
        bounds: vec![Bound { relation: Relation::AtMost, amount, place: place.clone() }],
        place,
        headline: false,
        except: Vec::new(),
    });
    let limits = limits.collect();
    let doc = "Most runs of the search; what is held out comes on top.";
    let why = "some minutes for most scenarios";
    let runs = s.defaulted("runs", kind::integer().within(1..), doc, RUNS, why);
    let doc = "How many seeds are held out, after those that are tuned on; otherwise as many.";
    let held_out_seeds = kind::integer().within(1..=SEEDS_MAX);
    let held_out_seeds = s.optional("held_out_seeds", held_out_seeds, doc).unwrap_or(seeds);
    let doc = "How much of the end of `time` is held out; otherwise a third of it.";
    let held_out_time = kind::duration().within(Duration::MINUTE..);
    let held_out_time = s.optional("held_out_time", held_out_time, doc);
    let doc = "Waits of tasks submitted this soon after a run begins with an empty fleet are not \
               measured; otherwise as the scenario says, but an hour at least.";
    let warmup = s.optional("warmup", kind::duration(), doc);
    let place = s.here();
    TuneDoc { place, limits, runs, held_out_seeds, held_out_time, warmup }
}

fn axis<'a>(name: &str, s: &mut Section<'a>, texts: &'a Texts) -> AxisDoc<'a> {
    let docs = ("A key of the scenario, as a path.", "The values it takes.");
    let range = range(s).map(|levels| texts.keep(levels));
    let values = s.settings(("key", "values"), docs, range);
    let doc = "Several keys that move together: a section for each level, with keys of a scenario; \
               `base` may be one of them.";
    let variants = s.fragments("variants", doc);
    let names = Profile::ALL.map(|profile| (profile.name(), profile));
    let doc = "Provisioners, as of `simulate --as`.";
    let profiles =
        s.optional("profiles", kind::list(kind::choice(&names)), doc).unwrap_or_default();
    let doc = "It is not ours to choose: points are compared where it is the same.";
    let given = s.defaulted("given", kind::boolean(), doc, false, "most are");
    let ranges = range.is_some() && s.place("values") != s.here();
    let ways = [values.is_some(), ranges, !variants.is_empty(), !profiles.is_empty()];
    let keys = |(name, fragment): (String, Fragment<'a>)| LevelDoc {
        name,
        place: fragment.place().clone(),
        sets: Sets::Keys(fragment),
    };
    let place = s.place("profiles");
    let run_by = |profile: Profile| {
        let name = profile.name().to_owned();
        LevelDoc { name, place: place.clone(), sets: Sets::RunBy(profile) }
    };
    let levels = values.into_iter().flatten().chain(variants).map(keys);
    let levels: Vec<LevelDoc<'a>> = levels.chain(profiles.into_iter().map(run_by)).collect();
    if s.is_sound() && (levels.is_empty() || ways.iter().filter(|way| **way).count() != 1) {
        let what = if levels.is_empty() { "has no level" } else { "is written in several ways" };
        let hint = "write `key` with `values` or a range, or sections `variants`, or `profiles`";
        s.report(Issue::new(format!("axis `{name}` {what}"), s.here()).hint(hint));
    }
    AxisDoc { name: name.to_owned(), place: s.here(), given, levels }
}
