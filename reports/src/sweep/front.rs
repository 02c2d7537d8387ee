//! The Pareto front of cost against wait: what can be had for more money, or for more patience.

use std::fmt::{self, Display};

use provisioner_scenarios::paired::{Interval, difference};
use provisioner_scenarios::results::Results;

use super::summary::{Point, axes, beaten, points};
use crate::Look;
use crate::table::Table;
use crate::text::decimal;

/// The points that no other point beats in cost and wait together, from the cheapest to the
/// quickest; and those that others beat by less than can be told from chance.
pub fn front(results: &Results, look: Look) -> impl Display {
    let points = points(results);
    let mut rows: Vec<(Place, &Point)> =
        points.iter().filter_map(|point| Some((place(&points, point)?, point))).collect();
    rows.sort_by(|(_, a), (_, b)| {
        a.given.cmp(&b.given).then(a.cost.total_cmp(&b.cost)).then(a.wait.total_cmp(&b.wait))
    });
    let cells = |(place, point): &(Place, &Point)| {
        let mark = if *place == Place::Best { "*" } else { "~" };
        let (cost, wait) = (decimal(point.cost, 2), decimal(point.wait, 1));
        (point.name.clone(), vec![cost, wait, mark.to_owned()])
    };
    let given = results.manifest.axes.iter().filter(|axis| axis.given);
    Front {
        rows: rows.iter().map(cells).collect(),
        near: rows.iter().any(|(place, _)| *place == Place::Near),
        axes: axes(results),
        given: given.map(|axis| axis.name.clone()).collect(),
        points: points.len(),
        look,
    }
}

/// Where a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// No other has better means of both.
    Best,
    /// Others have, but not measurably.
    Near,
}

fn place(points: &[Point], point: &Point) -> Option<Place> {
    if !beaten(points, point) {
        return Some(Place::Best);
    }
    let mut rivals = points.iter().filter(|other| other.given == point.given);
    let surely = rivals.any(|other| {
        let [cost, wait] = [0, 1].map(|of| apart(other, point, of));
        let (cheaper, dearer) = (cost.high() < 0.0, cost.low() > 0.0);
        let (quicker, slower) = (wait.high() < 0.0, wait.low() > 0.0);
        (cheaper && !slower) || (quicker && !dearer)
    });
    (!surely).then_some(Place::Near)
}

/// How much more `a` has than `b`, of cost or of wait, under the seeds of both.
fn apart(a: &Point, b: &Point, of: usize) -> Interval {
    let both = a.by_seed.iter().filter_map(|(seed, a)| Some((b.by_seed.get(seed)?[of], a[of])));
    let (b, a): (Vec<f64>, Vec<f64>) = both.unzip();
    difference(&b, &a)
}

struct Front {
    rows: Vec<(String, Vec<String>)>,
    /// Whether any is marked so.
    near: bool,
    axes: String,
    given: Vec<String>,
    points: usize,
    look: Look,
}

impl Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let being = if self.given.is_empty() {
            String::new()
        } else {
            format!(", {} being equal", self.given.join(" and "))
        };
        let (rows, points) = (self.rows.len(), self.points);
        writeln!(f, "Cost against wait{being}: {rows} of {points} points are worth a look.")?;
        let table = Table {
            title: &self.axes,
            columns: vec![("cost", "$"), ("wait p95", "s"), ("", "")],
            rows: self.rows.clone(),
            sums: false,
        };
        Table::render_all(&[table], self.look, f)?;
        writeln!(f, "* no other point is both cheaper and quicker (wait p95){being}.")?;
        if self.near {
            writeln!(f, "~ another is, but by no more than chance explains.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use provisioner_engine::units::{Duration, Usd};

    use super::*;
    use crate::testing::results;

    /// Four seeds of points with these costs and waits, seed by seed.
    fn of(points: [[(i64, i64); 4]; 4]) -> String {
        let mut results = results();
        results.manifest.seeds = vec![1, 2, 3, 4];
        let like = results.manifest.points[0].clone();
        results.manifest.points = (0..4)
            .map(|nth| {
                let mut point = like.clone();
                point.levels[1] = nth.to_string();
                point
            })
            .collect();
        let one = results.outcomes[&0].clone();
        let runs = points.into_iter().flatten().enumerate().map(|(run, (dollars, seconds))| {
            let mut outcome = one.clone();
            outcome.total.cost.spot = Usd::from_micros(dollars * 1_000_000);
            outcome.total.wait.p95 = Duration::from_secs(seconds);
            (run, outcome)
        });
        results.outcomes = runs.collect();
        front(&results, Look::default()).to_string()
    }

    #[test]
    fn who_is_beaten_by_less_than_chance_is_shown_and_marked() {
        let [cheap, quick] = [[(10, 60); 4], [(30, 20); 4]];
        let surely_dearer = [(12, 60), (13, 60), (12, 60), (13, 60)];
        let perhaps_dearer = [(9, 60), (13, 60), (8, 60), (15, 60)];
        expect![[r#"
            Cost against wait: 3 of 4 points are worth a look.
            policy  bid   cost  wait p95
                             $         s
            ours    3    30.46      60.0  *
            ours    2    31.71      60.0  ~
            ours    0    50.46      20.0  *

            * no other point is both cheaper and quicker (wait p95).
            ~ another is, but by no more than chance explains.
        "#]]
        .assert_eq(&of([quick, surely_dearer, perhaps_dearer, cheap]));
    }
}
