//! What tuning found: the settings it chose, how sure that is, what they cost where nobody had
//! looked, and the front of cost against limits.

mod gauge;
mod json;
mod page;
#[cfg(test)]
mod tests;
mod warnings;

use provisioner_scenarios::paired::{Interval, ratio};
use provisioner_scenarios::tune::search::Fate;
use provisioner_scenarios::tune::{Judged, Part, strain};

pub use self::gauge::Gauge;
pub use self::json::write;
pub use self::page::page;
pub use self::warnings::warnings;

/// Whether settings were found, and are worth something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They keep the limits on what was held out, too.
    Holds,
    /// They kept them only where they were tuned.
    Broken,
    /// Nothing that was tried keeps them.
    Nothing,
}

/// What was found, read by its limits.
#[derive(Clone, Copy)]
struct View<'a> {
    judged: &'a Judged,
    gauge: &'a Gauge,
}

/// Whether what was chosen keeps the limits on what was held out.
#[must_use]
pub fn verdict(judged: &Judged, gauge: &Gauge) -> Verdict {
    let view = View { judged, gauge };
    match judged.found.chosen {
        None => Verdict::Nothing,
        Some(chosen) if view.strain(&judged.held_out, chosen.candidate) <= 1.0 => Verdict::Holds,
        Some(_) => Verdict::Broken,
    }
}

impl View<'_> {
    fn cells(self) -> usize {
        self.judged.problem.cells.len()
    }

    /// A limit's measure, on the mean over seeds.
    fn value(self, part: &Part, setting: usize, (cell, limit): (usize, usize)) -> Interval {
        Interval::of_mean(&part.values(setting, cell, limit))
    }

    /// The largest of a limit's means over all cells.
    fn worst(self, part: &Part, setting: usize, limit: usize) -> Interval {
        let values = (0..self.cells()).map(|cell| self.value(part, setting, (cell, limit)));
        let worst = values.max_by(|a, b| a.middle.total_cmp(&b.middle));
        worst.expect("at least one cell")
    }

    /// How much of the limits is used, of that of which most is.
    fn strain(self, part: &Part, setting: usize) -> f64 {
        let limits = self.gauge.limits().iter().enumerate();
        let strains =
            limits.map(|(index, limit)| strain(self.worst(part, setting, index).middle, *limit));
        strains.fold(0.0, f64::max)
    }

    /// What it costs as a multiple of what other settings do, by the seeds that both have.
    fn ratio(self, part: &Part, of: usize, to: usize) -> Option<Interval> {
        let (mut of, mut to) = (part.shares(of, self.cells()), part.shares(to, self.cells()));
        let both = of.len().min(to.len());
        of.truncate(both);
        to.truncate(both);
        ratio(&to, &of)
    }

    /// Settings that are as the chosen ones on all axes but one: axis, level, number.
    fn around(self) -> Vec<(usize, usize, usize)> {
        let settings = &self.judged.settings;
        let Some(chosen) = &settings[self.judged.found.pick()].levels else { return Vec::new() };
        let differ = |(index, levels): (usize, &Vec<usize>)| {
            let mut axes = (0..chosen.len()).filter(|axis| chosen[*axis] != levels[*axis]);
            let (axis, more) = (axes.next()?, axes.next());
            more.is_none().then_some((axis, levels[axis], index))
        };
        let levels = settings.iter().enumerate();
        let levels = levels.filter_map(|(index, it)| Some((index, it.levels.as_ref()?)));
        let mut around: Vec<_> = levels.filter_map(differ).collect();
        around.sort_unstable();
        around
    }

    /// How many settings met that fate; of the reference nothing is said.
    fn count(self, fate: Fate) -> usize {
        self.judged.found.candidates[1..].iter().filter(|it| it.fate == fate).count()
    }
}

/// "11.0 % ± 0.9 % less".
fn in_words(ratio: Interval) -> String {
    let percent = |share: f64| match share.is_finite() {
        true => format!("{:.1} %", share * 100.0),
        false => "?".to_owned(),
    };
    let word = if ratio.middle < 1.0 { "less" } else { "more" };
    format!("{} ± {} {word}", percent((ratio.middle - 1.0).abs()), percent(ratio.half))
}

/// `-11.0 % ± 0.9`.
fn signed(ratio: Interval) -> String {
    let half =
        if ratio.half.is_finite() { format!("{:.1}", ratio.half * 100.0) } else { "?".to_owned() };
    format!("{:+.1} % ± {half}", (ratio.middle - 1.0) * 100.0)
}
