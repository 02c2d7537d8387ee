//! Points compared with a reference: the same in all but one axis, under the same seeds.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use provisioner_scenarios::results::Results;
use provisioner_sim::outcome::Outcome;

use super::paired::{Interval, difference, ratio};
use super::summary::{COLUMNS, COST, Column, LARGE, WAIT};
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

/// Difference and ratio of the main measures of each point that has a reference, with 95 %
/// intervals, and in words.
pub fn compare(results: &Results, reference: Reference, look: Look) -> impl Display {
    Comparisons { pairs: pairs(results, reference), seeds: results.manifest.seeds.len(), look }
}

/// The same as tables, each with its title and its words; the first `most` of them, and how many
/// there are.
pub(crate) fn comparisons(
    results: &Results,
    reference: Reference,
    most: usize,
) -> (Vec<Comparison>, usize) {
    let pairs = pairs(results, reference);
    let shown = |pair: &Pair| {
        let [theirs, ours] = &pair.names;
        let row = |line: &Line| (line.column.0.to_owned(), line.cells());
        Comparison {
            title: pair.title.clone(),
            words: pair.in_words(),
            headers: ["unit", theirs, ours, "difference", "ratio", "measurably"].map(str::to_owned),
            rows: pair.lines.iter().map(row).collect(),
        }
    };
    (pairs.iter().take(most).map(shown).collect(), pairs.len())
}

/// A point and its reference, as a table.
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) words: String,
    pub(crate) headers: [String; 6],
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

struct Comparisons {
    pairs: Vec<Pair>,
    seeds: usize,
    look: Look,
}

/// A point and its reference.
struct Pair {
    title: String,
    names: [String; 2],
    /// By measure of [`COLUMNS`].
    lines: Vec<Line>,
}

/// What two points came to by one measure.
struct Line {
    column: &'static Column,
    means: [f64; 2],
    difference: Interval,
    ratio: Option<Interval>,
}

fn pairs(results: &Results, Reference { axis, level }: Reference) -> Vec<Pair> {
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
        if both(results, [theirs_at, ours_at]).next().is_none() {
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
        pairs.push(Pair {
            title,
            names: [theirs.clone(), ours.levels[axis].clone()],
            lines: COLUMNS
                .iter()
                .map(|column| line(results, column, [theirs_at, ours_at]))
                .collect(),
        });
    }
    pairs
}

/// The outcomes of two points with the seeds that both have.
fn both(results: &Results, points: [usize; 2]) -> impl Iterator<Item = [&Outcome; 2]> {
    let seeds = results.manifest.seeds.len();
    let outcome = move |point: usize, seed| results.outcomes.get(&(point * seeds + seed));
    (0..seeds).filter_map(move |seed| Some([outcome(points[0], seed)?, outcome(points[1], seed)?]))
}

fn line(results: &Results, column: &'static Column, points: [usize; 2]) -> Line {
    let (.., measure) = column;
    let values = |[theirs, ours]: [&Outcome; 2]| (measure(theirs), measure(ours));
    let (theirs, ours): (Vec<f64>, Vec<f64>) = both(results, points).map(values).unzip();
    let mean = |values: &[f64]| difference(&vec![0.0; values.len()], values).middle;
    Line {
        column,
        means: [mean(&theirs), mean(&ours)],
        difference: difference(&theirs, &ours),
        ratio: ratio(&theirs, &ours),
    }
}

impl Pair {
    fn line(&self, column: &Column) -> &Line {
        self.lines.iter().find(|line| line.column.0 == column.0).expect("a measure of the table")
    }

    /// "ours costs 4.1 % ± 0.6 % less, and its p95 wait is not measurably different".
    fn in_words(&self) -> String {
        let [_, ours] = &self.names;
        let percent = |line: &Line, less: &str, more: &str| {
            let ratio = line.ratio.filter(|ratio| ratio.excludes(1.0))?;
            let (size, half) = ((ratio.middle - 1.0).abs() * 100.0, ratio.half * 100.0);
            let word = if ratio.middle < 1.0 { less } else { more };
            Some(format!("{} % ± {} % {word}", decimal(size, 1), decimal(half, 1)))
        };
        let cost = match percent(self.line(&COST), "less", "more") {
            Some(cost) => format!("{ours} costs {cost}"),
            None => format!("the cost of {ours} is not measurably different"),
        };
        let wait = match percent(self.line(&WAIT), "shorter", "longer") {
            Some(wait) => format!("its p95 wait is {wait}"),
            None => "its p95 wait is not measurably different".to_owned(),
        };
        format!("{cost}, and {wait}.")
    }
}

impl Line {
    fn cells(&self) -> Vec<String> {
        let [theirs, ours] = self.means;
        let (_, unit, small, _) = self.column;
        let decimals = if theirs.max(ours) >= LARGE { 0 } else { *small };
        let sign = if self.difference.middle < 0.0 { "-" } else { "+" };
        let half = self.difference.half;
        let shown_half =
            if half.is_finite() { decimal(half, decimals.max(1)) } else { "?".to_owned() };
        let middle = decimal(self.difference.middle.abs(), decimals.max(1));
        let ratio = self.ratio.map_or_else(String::new, |ratio| {
            let half = if half.is_finite() { format!("{:.3}", ratio.half) } else { "?".to_owned() };
            format!("× {:.3} ± {half}", ratio.middle)
        });
        let differs = self.difference.excludes(0.0);
        vec![
            (*unit).to_owned(),
            decimal(theirs, decimals),
            decimal(ours, decimals),
            format!("{sign}{middle} ± {shown_half}"),
            ratio,
            if differs { "differs" } else { "" }.to_owned(),
        ]
    }
}

impl Display for Comparisons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in &self.pairs {
            let [theirs, ours] = &pair.names;
            let headers =
                [("", ""), (theirs, ""), (ours, ""), ("difference", ""), ("ratio", ""), ("", "")];
            let table = Table {
                title: "",
                columns: headers.to_vec(),
                rows: pair
                    .lines
                    .iter()
                    .map(|line| (line.column.0.to_owned(), line.cells()))
                    .collect(),
                sums: false,
            };
            writeln!(f, "{}", pair.title)?;
            Table::render_all(&[table], self.look, f)?;
            writeln!(f, "{}\n", pair.in_words())?;
        }
        if self.pairs.is_empty() {
            return writeln!(f, "No point has one to be compared with.");
        }
        writeln!(f, "95 % confidence intervals of {} paired seeds.", self.seeds)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use provisioner_engine::units::Usd;

    use super::*;
    use crate::testing::results;

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
        let reference = Reference::named(&results, "policy", "old").unwrap();
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
        .assert_eq(&compare(&results, reference, Look::default()).to_string());
    }

    #[test]
    fn points_without_a_seed_in_common_are_not_compared() {
        let mut results = results();
        results.outcomes.retain(|run, _| *run == 0 || *run == 3);
        let shown = compare(&results, Reference::first(&results).unwrap(), Look::default());
        assert_eq!(shown.to_string(), "No point has one to be compared with.\n");
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
