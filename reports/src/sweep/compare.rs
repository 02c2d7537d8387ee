//! Points compared with a reference: the same in all but one axis, under the same seeds.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use provisioner_scenarios::paired::{Interval, PAIRS_MAX, difference, ratio};
use provisioner_scenarios::results::Results;

use super::measures::{Chosen, Measure, values};
use crate::Look;
use crate::table::Table;
use crate::text::decimal;

/// What others are compared with: the points with this level of this axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    axis: usize,
    level: usize,
}

impl Reference {
    /// Written as `AXIS=LEVEL`, or what is wrong with that.
    ///
    /// # Errors
    ///
    /// It is written otherwise, or there is no such axis or level.
    pub fn parse(results: &Results, text: &str) -> Result<Self, String> {
        let (axis, level) = text.split_once('=').ok_or_else(|| format!("`{text}` is no level"))?;
        Self::named(results, axis.trim(), level.trim())
    }

    /// The level of that name of the axis of that name, or what is wrong with them.
    ///
    /// # Errors
    ///
    /// There is no such axis or level.
    pub fn named(results: &Results, axis: &str, level: &str) -> Result<Self, String> {
        let axes = &results.manifest.axes;
        let names = |names: Vec<&str>| format!("there are {}", names.join(", "));
        let index = axes.iter().position(|it| it.name == axis).ok_or_else(|| {
            let known = axes.iter().map(|it| it.name.as_str()).collect();
            format!("there is no axis `{axis}`; {}", names(known))
        })?;
        let levels = &axes[index].levels;
        let found = levels.iter().position(|it| it == level).ok_or_else(|| {
            let known = levels.iter().map(String::as_str).collect();
            format!("axis `{axis}` has no level `{level}`; {}", names(known))
        })?;
        Ok(Self { axis: index, level: found })
    }

    /// The first level of the first axis that is ours to choose, if there is one.
    #[must_use]
    pub fn first(results: &Results) -> Option<Self> {
        let axis = results.manifest.axes.iter().position(|axis| !axis.given)?;
        Some(Self { axis, level: 0 })
    }
}

/// Difference and ratio of the measures chosen of each point that has a reference with seeds in
/// common, with 95 % intervals, and in words.
#[must_use]
pub fn compare(
    results: &Results,
    reference: Reference,
    chosen: &Chosen,
    look: Look,
) -> Comparisons {
    let measures = chosen.with_main();
    let values = values(results, &measures);
    let seeds = results.manifest.seeds.len();
    let Reference { axis, level } = reference;
    let manifest = &results.manifest;
    let theirs = &manifest.axes[axis].levels[level];
    let all = manifest.points.iter().enumerate();
    let all: BTreeMap<&[String], usize> =
        all.map(|(index, point)| (point.levels.as_slice(), index)).collect();
    let mut pairs = Vec::new();
    for (ours_at, ours) in manifest.points.iter().enumerate() {
        let mut counterpart = ours.levels.clone();
        counterpart[axis].clone_from(theirs);
        let found = all.get(counterpart.as_slice()).filter(|found| **found != ours_at);
        let Some(&theirs_at) = found else { continue };
        // Only seeds that both have.
        let both = |seed: usize| {
            let values = |point: usize| values.get(&(point * seeds + seed));
            Some([values(theirs_at)?, values(ours_at)?])
        };
        let both: Vec<_> = (0..seeds).filter_map(both).collect();
        if both.is_empty() {
            continue;
        }
        let mut title = format!("{} = {}", manifest.axes[axis].name, ours.levels[axis]);
        let rest = manifest.axes.iter().zip(&ours.levels).enumerate();
        let rest = rest.filter(|(index, _)| *index != axis);
        let rest: Vec<String> =
            rest.map(|(_, (axis, level))| format!("{} = {level}", axis.name)).collect();
        if !rest.is_empty() {
            write!(title, ", with {}", rest.join(", ")).expect("a text");
        }
        let line = |of: usize| {
            let values = both.iter().filter_map(|[theirs, ours]| Some((theirs[of]?, ours[of]?)));
            let (theirs, ours): (Vec<f64>, Vec<f64>) = values.unzip();
            Line::of(&theirs, &ours)
        };
        let names = [theirs.clone(), ours.levels[axis].clone()];
        pairs.push(Pair { title, names, lines: (0..measures.len()).map(line).collect() });
    }
    Comparisons { pairs, measures, look }
}

/// Points beside their references.
pub struct Comparisons {
    pairs: Vec<Pair>,
    /// The first two are told in words, the others are shown.
    measures: Vec<Measure>,
    look: Look,
}

/// A point and its reference, as a table.
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) words: String,
    pub(crate) headers: [String; 6],
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// A point and its reference.
struct Pair {
    title: String,
    names: [String; 2],
    /// By measure.
    lines: Vec<Line>,
}

/// What two points came to by one measure.
struct Line {
    pairs: usize,
    means: [f64; 2],
    difference: Interval,
    ratio: Option<Interval>,
}

/// What stands first among the measures.
const TOLD: [(&str, usize); 2] = [("cost", 0), ("p95 wait", 1)];
/// Intervals of fewer pairs hang on differences being normal.
const PAIRS_FEW: usize = 5;

impl Comparisons {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.pairs.len()
    }

    /// Each as a table, with its title and its words.
    pub(crate) fn tables(&self) -> impl Iterator<Item = Comparison> {
        self.pairs.iter().map(|pair| {
            let [theirs, ours] = &pair.names;
            Comparison {
                title: pair.title.clone(),
                words: pair.in_words(),
                headers: ["unit", theirs, ours, "difference", "ratio", "measurably"]
                    .map(str::to_owned),
                rows: self.rows(pair),
            }
        })
    }

    /// A row for each measure that is shown.
    fn rows(&self, pair: &Pair) -> Vec<(String, Vec<String>)> {
        let shown = self.measures.iter().zip(&pair.lines).skip(TOLD.len());
        let shown = shown.filter(|(measure, line)| measure.is_main() || line.says_something());
        shown.map(|(measure, line)| (measure.name.clone(), line.cells(measure))).collect()
    }

    /// Where the seeds are too few to tell a difference of that share of cost or p95 wait from
    /// chance, and how many would do; each a line.
    #[must_use]
    pub fn too_few_seeds(&self, matters: f64) -> Vec<String> {
        let mut warnings = Vec::new();
        let pairs = self.pairs.iter().flat_map(|pair| &pair.lines).map(|line| line.pairs).min();
        match pairs {
            Some(pairs) if pairs < 2 => {
                return vec!["one seed says nothing about chance: run 5 or more".to_owned()];
            }
            Some(pairs) if pairs < PAIRS_FEW => warnings.push(format!(
                "{pairs} seeds are few: intervals hold only if differences are normally \
                 distributed; run {PAIRS_FEW} or more"
            )),
            _ => {}
        }
        for (name, of) in TOLD {
            let missed = |pair: &Pair| {
                let line = &pair.lines[of];
                let ratio = line.ratio.filter(|it| !line.differs() && it.half > matters)?;
                Some((ratio, line.pairs, pair.title.clone()))
            };
            let missed: Vec<_> = self.pairs.iter().filter_map(missed).collect();
            let worst = missed.iter().max_by(|(a, ..), (b, ..)| a.half.total_cmp(&b.half));
            let Some((ratio, pairs, title)) = worst else { continue };
            let others = match missed.len() - 1 {
                0 => String::new(),
                others => format!("; {others} more"),
            };
            let needed = match ratio.pairs_for(matters, *pairs) {
                Some(needed) => format!("about {needed} seeds"),
                None => format!("more than {PAIRS_MAX} seeds"),
            };
            let (seen, matters) = (decimal(ratio.half * 100.0, 1), decimal(matters * 100.0, 1));
            warnings.push(format!(
                "{pairs} seeds cannot tell a difference in {name} below {seen} % from chance \
                 ({title}{others}); for one of {matters} % it takes {needed}"
            ));
        }
        warnings
    }
}

impl Pair {
    /// "ours costs 4.1 % ± 0.6 % less, and its p95 wait is not measurably different".
    fn in_words(&self) -> String {
        let [_, ours] = &self.names;
        let percent = |line: &Line, less: &str, more: &str| {
            let ratio = line.ratio.filter(|_| line.differs())?;
            let (size, half) = ((ratio.middle - 1.0).abs() * 100.0, ratio.half * 100.0);
            let word = if ratio.middle < 1.0 { less } else { more };
            Some(format!("{} % ± {} % {word}", decimal(size, 1), decimal(half, 1)))
        };
        let cost = match percent(&self.lines[0], "less", "more") {
            Some(cost) => format!("{ours} costs {cost}"),
            None => format!("the cost of {ours} is not measurably different"),
        };
        let wait = match percent(&self.lines[1], "shorter", "longer") {
            Some(wait) => format!("its p95 wait is {wait}"),
            None => "its p95 wait is not measurably different".to_owned(),
        };
        format!("{cost}, and {wait}.")
    }
}

impl Line {
    fn of(theirs: &[f64], ours: &[f64]) -> Self {
        let mean = |values: &[f64]| difference(&vec![0.0; values.len()], values).middle;
        Self {
            pairs: theirs.len(),
            means: [mean(theirs), mean(ours)],
            difference: difference(theirs, ours),
            ratio: ratio(theirs, ours),
        }
    }

    /// Whether there is anything to see.
    fn says_something(&self) -> bool {
        self.pairs > 0 && self.means.iter().any(|mean| *mean != 0.0)
    }

    /// Whether both intervals leave out that nothing differs.
    fn differs(&self) -> bool {
        self.difference.excludes(0.0) && self.ratio.is_none_or(|ratio| ratio.excludes(1.0))
    }

    fn cells(&self, measure: &Measure) -> Vec<String> {
        let [theirs, ours] = self.means;
        let largest = theirs.abs().max(ours.abs());
        let sign = if self.difference.middle < 0.0 { "-" } else { "+" };
        let half = self.difference.half;
        let show = |number: f64| measure.show(number, largest, 1);
        let shown_half = if half.is_finite() { show(half) } else { "?".to_owned() };
        let middle = show(self.difference.middle.abs());
        let ratio = self.ratio.map_or_else(String::new, |ratio| {
            let half = if half.is_finite() { format!("{:.3}", ratio.half) } else { "?".to_owned() };
            format!("× {:.3} ± {half}", ratio.middle)
        });
        vec![
            measure.unit.to_owned(),
            measure.show(theirs, largest, 0),
            measure.show(ours, largest, 0),
            format!("{sign}{middle} ± {shown_half}"),
            ratio,
            if self.differs() { "differs" } else { "" }.to_owned(),
        ]
    }
}

impl Display for Comparisons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in &self.pairs {
            let [theirs, ours] = &pair.names;
            let headers =
                [("", ""), (theirs, ""), (ours, ""), ("difference", ""), ("ratio", ""), ("", "")];
            let table =
                Table { title: "", columns: headers.to_vec(), rows: self.rows(pair), sums: false };
            writeln!(f, "{}", pair.title)?;
            Table::render_all(&[table], self.look, f)?;
            writeln!(f, "{}\n", pair.in_words())?;
        }
        if self.pairs.is_empty() {
            return writeln!(f, "No point has one to be compared with.");
        }
        let lines = || self.pairs.iter().flat_map(|pair| &pair.lines).map(|line| line.pairs);
        let (least, most) = (lines().min().unwrap_or(0), lines().max().unwrap_or(0));
        let to = if least < most { format!("{least} to ") } else { String::new() };
        writeln!(f, "95 % confidence intervals of {to}{most} paired seeds.")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use provisioner_engine::units::Usd;

    use super::super::measures::Selection;
    use super::*;
    use crate::testing::results;

    fn compared(results: &Results, selection: &Selection) -> Comparisons {
        let reference = Reference::named(results, "policy", "old").unwrap();
        compare(results, reference, &selection.find(results).unwrap(), Look::default())
    }

    fn shown(results: &Results, selection: &Selection) -> String {
        compared(results, selection).to_string()
    }

    #[test]
    fn any_number_and_any_group_of_the_outcome_is_compared() {
        let paths = ["total.cost_usd", "worker_types.\"gecko-3/b-linux\".wait_s.p95", "events"];
        let paths = Selection::Paths(paths.map(str::to_owned).to_vec());
        expect![[r#"
            policy = ours, with bid = 2
                                                                old       ours    difference            ratio
            cost_usd.boot                              $      35.52      35.52  +0.00 ± 0.00  × 1.000 ± 0.000
            cost_usd.idle                              $      79.66      79.66  +0.00 ± 0.00  × 1.000 ± 0.000
            cost_usd.on_demand                         $      20.46      20.46  +0.00 ± 0.00  × 1.000 ± 0.000
            cost_usd.redone                            $      17.76      17.76  +0.00 ± 0.00  × 1.000 ± 0.000
            cost_usd.spot                              $      1,210        810  -400.0 ± 0.0  × 0.670 ± 0.347
            cost_usd.total                             $      1,231        831  -400.0 ± 0.0  × 0.675 ± 0.335
            cost_usd.useful                            $      1,092        692  -400.0 ± 0.0  × 0.634 ± 0.426
            cost_usd.wasted                            $       5.92       5.92  +0.00 ± 0.00  × 1.000 ± 0.000
            worker_types."gecko-3/b-linux".wait_s.p95  s      243.0      243.0    +0.0 ± 0.0  × 1.000 ± 0.000
            events                                        1,234,567  1,234,567    +0.0 ± 0.0  × 1.000 ± 0.000

            the cost of ours is not measurably different, and its p95 wait is not measurably different.

            95 % confidence intervals of 2 paired seeds.
        "#]]
        .assert_eq(&shown(&results(), &paths));
        let all = shown(&results(), &Selection::All);
        assert!(all.lines().count() > 40 && all.contains("launches.started"), "{all}");
        let none = Selection::Paths(vec!["total.cost_usd.totl".to_owned()]);
        let said = none.find(&results()).unwrap_err();
        assert_eq!(
            said,
            "there is no measure `total.cost_usd.totl`; near is `total.cost_usd.total`"
        );
    }

    #[test]
    fn too_few_seeds_are_told_with_how_many_would_do() {
        let mut results = results();
        let said = |results: &Results| compared(results, &Selection::Main).too_few_seeds(0.02);
        expect![[r#"
            2 seeds are few: intervals hold only if differences are normally distributed; run 5 or more
            2 seeds cannot tell a difference in cost below 33.5 % from chance (policy = ours, with bid = 2); for one of 2.0 % it takes about 16 seeds"#]]
        .assert_eq(&said(&results).join("\n"));
        assert!(
            compared(&results, &Selection::Main).too_few_seeds(0.4).len() == 1,
            "few, but wide enough"
        );
        results.outcomes.remove(&1);
        assert_eq!(said(&results), ["one seed says nothing about chance: run 5 or more"]);
    }

    #[test]
    fn a_point_is_compared_seed_by_seed() {
        let mut results = results();
        results.manifest.seeds.push(9);
        results.manifest.points.swap(0, 1);
        results.outcomes = (0..6_usize)
            .map(|run| {
                let mut outcome = results.outcomes[&(run % 3)].clone();
                let tenths = 10 + i64::try_from(run / 3).expect("one of two");
                let spot = &mut outcome.total.cost.spot;
                *spot = Usd::from_micros(spot.micros() / 10 * tenths);
                (run, outcome)
            })
            .collect();
        expect![[r#"
            policy = ours, with bid = 2
                              old   ours    difference            ratio
            cost         $    931  1,022  +91.0 ± 49.7  × 1.098 ± 0.001  differs
            wait mean    s   61.2   61.2    +0.0 ± 0.0  × 1.000 ± 0.000
            wait p95     s  243.0  243.0    +0.0 ± 0.0  × 1.000 ± 0.000
            useful       %   80.5   80.5    +0.0 ± 0.0  × 1.000 ± 0.000
            launches        9,472  9,472    +0.0 ± 0.0  × 1.000 ± 0.000
            interrupted  %    6.2    6.2    +0.0 ± 0.0  × 1.000 ± 0.000
            undone          1,776  1,776    +0.0 ± 0.0  × 1.000 ± 0.000

            ours costs 9.8 % ± 0.1 % more, and its p95 wait is not measurably different.

            95 % confidence intervals of 3 paired seeds.
        "#]]
        .assert_eq(&shown(&results, &Selection::Main));
    }

    #[test]
    fn points_without_a_seed_in_common_are_not_compared() {
        let mut results = results();
        results.outcomes.retain(|run, _| *run == 0 || *run == 3);
        let compared = compared(&results, &Selection::Main);
        assert_eq!(compared.to_string(), "No point has one to be compared with.\n");
        assert!(compared.too_few_seeds(0.02).is_empty());
    }

    #[test]
    fn the_reference_has_to_be_there() {
        let results = results();
        let named = |axis, level| Reference::named(&results, axis, level);
        assert_eq!(named("policy", "ours"), Ok(Reference::first(&results).unwrap()));
        assert_eq!(
            named("polcy", "ours"),
            Err("there is no axis `polcy`; there are policy, bid".to_owned())
        );
        assert_eq!(
            named("policy", "v1"),
            Err("axis `policy` has no level `v1`; there are ours, old".to_owned())
        );
    }
}
