//! From sets of levels to scenarios: which combinations there are, and what each is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Point;
use super::schema::{AxisDoc, Document, DropDoc, LevelDoc, Sets};
use crate::file::{Fragment, Issue, Issues, Place, Source, kind, nearest};
use crate::scenario::{BASE, Library, load_over, read_base, with_bases};
use crate::suite::Override;
use crate::{Loaded, Profile, Scenario};

/// Most points of an experiment. Each is resolved before the first is run, and takes some tens of
/// kilobytes.
const POINTS_MAX: usize = 10_000;

/// What scenarios are made with; no file is read twice.
#[derive(Debug)]
pub(super) struct Workshop {
    library: Library,
    /// Base scenarios and their own bases.
    bases: BTreeMap<PathBuf, Vec<Arc<Source>>>,
    /// All files that were read.
    pub(super) files: BTreeSet<PathBuf>,
}

/// Scenarios, and remarks about their inputs.
pub(crate) type Made = (Vec<Scenario>, Vec<String>);

impl Workshop {
    pub(super) fn new() -> Self {
        Self { library: Library::shared(), bases: BTreeMap::new(), files: BTreeSet::new() }
    }

    /// A scenario for each of these combinations; an axis without a level says nothing.
    pub(super) fn make(
        &mut self,
        document: &Document<'_>,
        (source, stem): (&Arc<Source>, &str),
        combinations: &[Vec<Option<usize>>],
    ) -> Result<Made, Issues> {
        let axes = &document.axes;
        let (mut scenarios, mut refused) = (Vec::new(), Refused::default());
        let mut remarks: BTreeMap<String, usize> = BTreeMap::new();
        for combination in combinations {
            let set = axes.iter().zip(combination);
            let set = set.filter_map(|(axis, level)| Some(&axis.levels[(*level)?]));
            match self.load(document, set.collect(), (source, stem)) {
                Ok(Loaded { scenario, remarks: told, files }) => {
                    self.files.extend(files);
                    told.into_iter().for_each(|remark| *remarks.entry(remark).or_default() += 1);
                    scenarios.push(scenario);
                }
                Err(issues) => refused.add(issues, combination),
            }
        }
        if !refused.is_empty() {
            return Err(refused.issues(axes, source, combinations));
        }
        let remark = |(remark, count): (String, usize)| match count == scenarios.len() {
            true => remark,
            false => format!("{remark} ({count} of {} points)", scenarios.len()),
        };
        let remarks = remarks.into_iter().map(remark).collect();
        Ok((scenarios, remarks))
    }

    /// The scenario with these levels.
    fn load(
        &mut self,
        document: &Document<'_>,
        levels: Vec<&LevelDoc<'_>>,
        (source, stem): (&Arc<Source>, &str),
    ) -> Result<Loaded, Issues> {
        let fragments: Vec<&Fragment<'_>> =
            levels.iter().filter_map(|level| level.keys()).collect();
        let own = fragments.iter().find_map(|fragment| fragment.peek(BASE, &kind::path()));
        let Some((base, place)) = own.or_else(|| document.base.clone()) else {
            let issue = Issue::new("the experiment has no base scenario", Place::new(source, None));
            return Err(issue.hint("add for example base = \"week.toml\"").into());
        };
        if !self.bases.contains_key(&base) {
            let files = with_bases(&read_base(&base, place)?)?;
            self.bases.insert(base.clone(), files);
        }
        let mut loaded = load_over(&fragments, &self.bases[&base], stem, &mut self.library)?;
        for level in levels {
            if let Sets::RunBy(profile) = level.sets {
                if profile == Profile::Unguarded && !loaded.scenario.has_unguarded() {
                    let what =
                        "the scenario does not say what it is about, so nothing can be left out";
                    let issue = Issue::new(what, level.place.clone());
                    return Err(issue.hint("leave \"unguarded\" out").into());
                }
                loaded.scenario = loaded.scenario.run_by(profile);
            }
        }
        Ok(loaded)
    }
}

/// What levels set, as a scenario file in that folder. Its base is theirs or the experiment's, if
/// there is one.
pub(super) fn text(document: &Document<'_>, levels: &[&LevelDoc<'_>], folder: &Path) -> String {
    let fragments: Vec<&Fragment<'_>> = levels.iter().filter_map(|level| level.keys()).collect();
    let own = fragments.iter().find_map(|fragment| fragment.peek(BASE, &kind::path()));
    let mut text = String::new();
    for level in levels {
        if let Sets::RunBy(profile) = level.sets {
            text += &format!("# run it with --as {}\n", profile.name());
        }
    }
    let base = own.or_else(|| document.base.clone());
    if let Some((base, _)) = base {
        let base = from(folder, &base).to_string_lossy().into_owned();
        text += &format!("{BASE} = {}\n", kind::text().show(&base));
    }
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (section, key, value) in fragments.iter().flat_map(|fragment| fragment.settings()) {
        if !(section.is_empty() && key == BASE) {
            sections.entry(section).or_default().push(format!("{key} = {value}\n"));
        }
    }
    for (section, lines) in sections {
        if !section.is_empty() {
            text += &format!("\n[{section}]\n");
        }
        text.extend(lines);
    }
    text
}

/// The way to a file from a folder; as it was said, if one of them is not there.
fn from(folder: &Path, file: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (Ok(from), Ok(to)) = (folder.canonicalize(), file.canonicalize()) else {
        return file.to_owned();
    };
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// Keys that several axes set, seeds that an axis sets, and levels of the same name.
pub(super) fn clashes(axes: &[AxisDoc<'_>]) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut set: Vec<(&str, BTreeMap<String, Place>)> = Vec::new();
    for axis in axes {
        let mut names = BTreeSet::new();
        for level in axis.levels.iter().filter(|level| !names.insert(&level.name)) {
            let what = format!("`{}` is twice on axis `{}`", level.name, axis.name);
            issues.push(Issue::new(what, level.place.clone()).hint("leave one of them out"));
        }
        let fragments = axis.levels.iter().filter_map(LevelDoc::keys);
        let paths: BTreeMap<String, Place> = fragments.flat_map(Fragment::paths).collect();
        if let Some(place) = paths.get("seed") {
            let issue = Issue::new(format!("axis `{}` sets the seed", axis.name), place.clone());
            issues.push(issue.hint("say how many with `seeds`; every point is run with each"));
        }
        for (other, theirs) in &set {
            let both =
                paths.iter().find(|(path, _)| theirs.keys().any(|their| overlap(path, their)));
            if let Some((path, place)) = both {
                let what = format!("axes `{other}` and `{}` both set `{path}`", axis.name);
                let hint = "let one axis set it, with a variant for each combination";
                issues.push(Issue::new(what, place.clone()).hint(hint));
            }
        }
        set.push((&axis.name, paths));
    }
    issues
}

/// Whether one of the keys is the other, or in it.
fn overlap(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Some combinations, as `where` names them: those that have one of the levels on each axis named.
#[derive(Clone, Debug)]
pub(crate) struct Where {
    place: Place,
    levels: Vec<(usize, BTreeSet<usize>)>,
}

impl Where {
    /// What names mean; names that there are not are added to the issues.
    fn read(
        axes: &[AxisDoc<'_>],
        levels: &[(String, Vec<String>, Place)],
        place: &Place,
        issues: &mut Vec<Issue>,
    ) -> Self {
        let levels = levels.iter();
        let levels =
            levels.filter_map(|(name, levels, place)| named(axes, name, levels, place, issues));
        Self { levels: levels.collect(), place: place.clone() }
    }

    /// Whether this is one of them.
    pub(crate) fn takes(&self, levels: &[usize]) -> bool {
        self.levels.iter().all(|(axis, some)| some.contains(&levels[*axis]))
    }
}

/// What is left out.
pub(super) fn drops(document: &Document<'_>, issues: &mut Vec<Issue>) -> Vec<Where> {
    let read =
        |drop: &DropDoc| Where::read(&document.axes, &drop.levels, &drop.place, &mut *issues);
    document.drops.iter().map(read).collect()
}

/// What each override is about.
pub(super) fn overrides(document: &Document<'_>, issues: &mut Vec<Issue>) -> Vec<Where> {
    let read =
        |over: &Override| Where::read(&document.axes, &over.levels, &over.place, &mut *issues);
    document.terms.overrides().iter().map(read).collect()
}

/// That each override is about something.
pub(super) fn used(overrides: &[Where], combinations: &[Vec<usize>]) -> Result<(), Issues> {
    let unused = |over: &&Where| !combinations.iter().any(|levels| over.takes(levels));
    let issue = |over: &Where| {
        let issue = Issue::new("this is about no point", over.place.clone());
        issue.hint("what it names is dropped; leave it out")
    };
    let issues: Vec<Issue> = overrides.iter().filter(unused).map(issue).collect();
    if issues.is_empty() { Ok(()) } else { Err(issues.into()) }
}

/// The levels of each point, by index.
pub(super) fn combinations(
    document: &Document<'_>,
    drops: &[Where],
    source: &Arc<Source>,
) -> Result<Vec<Vec<usize>>, Issues> {
    let axes = &document.axes;
    let counts = axes.iter().map(|axis| axis.levels.len());
    let count = counts.clone().fold(1_usize, usize::saturating_mul);
    if count > POINTS_MAX {
        let counts: Vec<String> = counts.map(|count| count.to_string()).collect();
        let what = format!("{} are {count} points, more than {POINTS_MAX}", counts.join(" × "));
        let issue = Issue::new(what, Place::new(source, None));
        return Err(issue.hint("write several experiments, or search with `tune`").into());
    }
    let mut combinations = vec![Vec::new()];
    for axis in axes {
        let with_each = |levels: &Vec<usize>| {
            let with = |level| levels.iter().copied().chain([level]).collect();
            (0..axis.levels.len()).map(with).collect::<Vec<_>>()
        };
        combinations = combinations.iter().flat_map(with_each).collect();
    }
    let mut issues = Vec::new();
    for drop in drops {
        let count = combinations.len();
        combinations.retain(|levels| !drop.takes(levels));
        if combinations.len() == count {
            let issue = Issue::new("this drops nothing", drop.place.clone());
            issues.push(issue.hint("what it names was dropped before; leave it out"));
        }
    }
    if combinations.is_empty() && issues.is_empty() {
        let place = drops.last().map(|drop| drop.place.clone());
        let place = place.unwrap_or_else(|| Place::new(source, None));
        issues.push(Issue::new("no point is left", place).hint("drop less"));
    }
    if issues.is_empty() {
        issues = unused(axes, &combinations);
    }
    if issues.is_empty() { Ok(combinations) } else { Err(issues.into()) }
}

/// Levels that no point has, so that nobody would read what they set.
fn unused(axes: &[AxisDoc<'_>], combinations: &[Vec<usize>]) -> Vec<Issue> {
    let of_axis = |(nth, axis): (usize, &AxisDoc<'_>)| {
        let used: BTreeSet<usize> = combinations.iter().map(|levels| levels[nth]).collect();
        let levels = axis.levels.iter().enumerate().filter(|(level, _)| !used.contains(level));
        let issue = |(_, level): (usize, &LevelDoc<'_>)| {
            let what = format!("no point has the level `{}` of axis `{}`", level.name, axis.name);
            let issue = Issue::new(what, level.place.clone());
            issue.hint("all its combinations are dropped: leave it out, or drop less")
        };
        levels.map(issue).collect::<Vec<_>>()
    };
    axes.iter().enumerate().flat_map(of_axis).collect()
}

/// The index of an axis and those of its levels, by their names.
fn named(
    axes: &[AxisDoc<'_>],
    name: &str,
    levels: &[String],
    place: &Place,
    issues: &mut Vec<Issue>,
) -> Option<(usize, BTreeSet<usize>)> {
    let mut unknown = |what: String, name: &str, known: Vec<&str>| {
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", quoted(&known)),
        };
        issues.push(Issue::new(what, place.clone()).hint(hint));
    };
    let Some(index) = axes.iter().position(|axis| axis.name == name) else {
        let known = axes.iter().map(|axis| axis.name.as_str()).collect();
        unknown(format!("there is no axis `{name}`"), name, known);
        return None;
    };
    let names: Vec<&str> = axes[index].levels.iter().map(|level| level.name.as_str()).collect();
    let mut found = BTreeSet::new();
    for level in levels {
        match names.iter().position(|name| name == level) {
            Some(position) => drop(found.insert(position)),
            None => {
                unknown(format!("axis `{name}` has no level `{level}`"), level, names.clone());
            }
        }
    }
    Some((index, found))
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Points that are the same run: what sets them apart changes nothing.
pub(super) fn twins(axes: &[AxisDoc<'_>], points: &[Point]) -> Result<(), Issues> {
    let mut seen: BTreeMap<&str, &Point> = BTreeMap::new();
    let mut issues = Vec::new();
    for point in points {
        let Some(twin) = seen.insert(point.scenario.hash(), point) else { continue };
        let differ = (0..axes.len()).filter(|axis| twin.levels[*axis] != point.levels[*axis]);
        let differ: Vec<usize> = differ.collect();
        let names = |levels: &[usize]| name(axes, levels, differ.iter().copied());
        let what = format!("{} is the same as {}", names(&point.levels), names(&twin.levels));
        let axis = differ.last().copied().unwrap_or_default();
        let place = axes[axis].levels[point.levels[axis]].place.clone();
        let hint =
            "leave one out, with `drop` where it makes no difference; does what they set apply?";
        issues.push(Issue::new(what, place).hint(hint));
    }
    if issues.is_empty() { Ok(()) } else { Err(issues.into()) }
}

/// Some of the levels in words: `policy = ours, bid = 2`.
fn name(axes: &[AxisDoc<'_>], levels: &[usize], which: impl Iterator<Item = usize>) -> String {
    let level =
        |axis: usize| format!("{} = {}", axes[axis].name, axes[axis].levels[levels[axis]].name);
    which.map(level).collect::<Vec<_>>().join(", ")
}

/// The level of each axis, if it says something.
type Combination = [Option<usize>];

/// What is wrong with points, each problem once, and with which levels it occurs.
#[derive(Default)]
struct Refused<'c> {
    by_text: BTreeMap<String, (Issue, Vec<&'c Combination>)>,
}

impl<'c> Refused<'c> {
    fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    fn add(&mut self, issues: Issues, levels: &'c Combination) {
        for issue in issues.into_vec() {
            let entry = self.by_text.entry(issue.to_string());
            entry.or_insert_with(|| (issue, Vec::new())).1.push(levels);
        }
    }

    /// The problems. Where one is not due to the file it stands in, or to one level alone, it is
    /// said with which levels it occurs.
    fn issues(
        self,
        axes: &[AxisDoc<'_>],
        source: &Arc<Source>,
        all: &[Vec<Option<usize>>],
    ) -> Issues {
        let told = |(issue, at): (Issue, Vec<&Combination>)| {
            let levels = |axis: usize| at.iter().map(|at| at[axis]).collect::<BTreeSet<_>>();
            let possible = |axis: usize| all.iter().map(|all| all[axis]).collect::<BTreeSet<_>>();
            let decisive: Vec<usize> =
                (0..axes.len()).filter(|axis| levels(*axis) != possible(*axis)).collect();
            let at_its_level = issue.place().source() == source && decisive.len() <= 1;
            if decisive.is_empty() || at_its_level {
                return issue;
            }
            let with = decisive.into_iter().map(|axis| {
                let names = levels(axis)
                    .into_iter()
                    .flatten()
                    .map(|level| axes[axis].levels[level].name.clone());
                format!("{} = {}", axes[axis].name, names.collect::<Vec<_>>().join(" or "))
            });
            issue.when(&with.collect::<Vec<_>>().join(", "))
        };
        self.by_text.into_values().map(told).collect::<Vec<_>>().into()
    }
}
