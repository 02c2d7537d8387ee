//! The Pareto front of cost against wait: what can be had for more money, or for more patience.

use std::fmt::{self, Display};

use provisioner_scenarios::results::Results;

use super::summary::{Overview, Point, overview};
use crate::Look;
use crate::table::Table;
use crate::text::decimal;

/// The points that no other point beats in cost and wait together, from the cheapest to the
/// quickest; and those that others beat by less than can be told from chance.
pub fn front(results: &Results, look: Look) -> impl Display {
    let overview = overview(results, look);
    let points = overview.points.iter().enumerate().map(|(index, it)| (overview.mark(index), it));
    let mut rows: Vec<(&str, &Point)> = points.filter(|(mark, _)| !mark.is_empty()).collect();
    rows.sort_by(|(_, a), (_, b)| {
        let figures = |point: &Point| [point.cost.mean, point.wait.mean];
        let ([cost_a, wait_a], [cost_b, wait_b]) = (figures(a), figures(b));
        a.given.cmp(&b.given).then(cost_a.total_cmp(&cost_b)).then(wait_a.total_cmp(&wait_b))
    });
    let cells = |(mark, point): &(&str, &Point)| {
        let (cost, wait) = (decimal(point.cost.mean, 2), decimal(point.wait.mean, 1));
        (point.name.clone(), vec![cost, wait, (*mark).to_owned()])
    };
    Front { rows: rows.iter().map(cells).collect(), overview }
}

struct Front {
    rows: Vec<(String, Vec<String>)>,
    overview: Overview,
}

impl Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, overview } = self;
        let (being, worth, points) = (overview.being_equal(), rows.len(), overview.points.len());
        writeln!(f, "Cost against wait{being}: {worth} of {points} points are worth a look.")?;
        let table = Table {
            title: &overview.axes,
            columns: vec![("cost", "$"), ("wait p95", "s"), ("", "")],
            rows: rows.clone(),
            sums: false,
        };
        Table::render_all(&[table], overview.look, f)?;
        overview.marks().iter().try_for_each(|mark| writeln!(f, "{mark}"))
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
