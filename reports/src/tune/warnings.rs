//! What to mind about what was found, in plain words.

use provisioner_scenarios::tune::search::{Chosen, Fate};
use provisioner_scenarios::tune::{Judged, strain};

use super::{Gauge, Verdict, View, in_words, verdict};
use crate::sweep::SEEDS_FEW;

/// Each a line.
#[must_use]
pub fn warnings(judged: &Judged, gauge: &Gauge) -> Vec<String> {
    let view = View { judged, gauge };
    let mut warnings = Vec::new();
    let verdict = verdict(judged, gauge);
    if verdict == Verdict::Nothing {
        warnings.push(
            "nothing that was tried keeps the limits where it was tuned; what is shown comes \
             nearest: widen the axes, or the limits"
                .to_owned(),
        );
    }
    warnings.extend(view.limits(verdict));
    warnings.extend(view.gain());
    warnings.extend(view.edges());
    let few = [("tuned on", &judged.tuned.seeds), ("held out", &judged.held_out.seeds)];
    for (what, seeds) in few.into_iter().filter(|(_, seeds)| seeds.len() < SEEDS_FEW) {
        let seeds = seeds.len();
        warnings
            .push(format!("{seeds} seeds that are {what} say little about chance: take 10 or so"));
    }
    let unfunded = view.count(Fate::Unfunded);
    if unfunded > 0 {
        warnings.push(format!(
            "{unfunded} settings were not followed for lack of runs, though they were not measurably \
             worse: allow more with --runs (now {})",
            judged.problem.runs
        ));
    }
    warnings
}

impl View<'_> {
    /// Limits that are broken on what was held out, or might be.
    fn limits(self, verdict: Verdict) -> Vec<String> {
        let Judged { found, held_out, .. } = self.judged;
        let mut warnings = Vec::new();
        if let Some(Chosen { surely: false, .. }) = found.chosen {
            warnings.push(
                "the limits hold on average only where it was tuned: no setting keeps them surely"
                    .to_owned(),
            );
        }
        for (limit, most) in self.gauge.limits().iter().enumerate() {
            let value = self.worst(held_out, found.pick(), limit);
            let (name, shown) = (self.gauge.name(limit), self.gauge.show(limit, value.middle));
            let most_shown = self.gauge.show(limit, *most);
            if strain(value.middle, *most) > 1.0 {
                let so = if verdict == Verdict::Broken {
                    "though it held where it was tuned"
                } else {
                    "too"
                };
                warnings.push(format!(
                    "{name} is {shown} on what was held out, beyond its limit of {most_shown}, {so}"
                ));
            } else if strain(value.high(), *most) > 1.0 {
                warnings.push(format!("{name} is {shown} on what was held out, so near to its limit of {most_shown} that it may be beyond"));
            }
        }
        warnings
    }

    /// A gain that is none, or shrank.
    fn gain(self) -> Option<String> {
        let (pick, Judged { tuned, held_out, .. }) = (self.judged.found.pick(), self.judged);
        if pick == 0 {
            return Some(
                "nothing that was tried is better than the base as it is: it stays".to_owned(),
            );
        }
        let there = self.ratio(held_out, pick, 0)?;
        let here = self.ratio(tuned, pick, 0)?;
        if !there.excludes(1.0) {
            return Some(
                "on what was held out the cost is not measurably different from the base's"
                    .to_owned(),
            );
        }
        let shrank = here.middle < 1.0 && (1.0 - there.middle) < (1.0 - here.middle) / 2.0;
        shrank.then(|| {
            format!(
                "where it was tuned it seemed to cost {}, on what was held out {}: it fits that time \
                 more than others",
                in_words(here),
                in_words(there)
            )
        })
    }

    /// Axes at whose end the choice lies, unless other levels are as good.
    fn edges(self) -> Vec<String> {
        let problem = &self.judged.problem;
        let pick = self.judged.found.pick();
        let Some(levels) = &self.judged.settings[pick].levels else { return Vec::new() };
        let around = self.around();
        let dims = problem.dims();
        let at_edge = |axis: &usize| {
            let dim = dims[*axis];
            dim.ordered && dim.levels > 1 && (levels[*axis] == 0 || levels[*axis] + 1 == dim.levels)
        };
        let as_good = |axis: usize| {
            around.iter().any(|(other, _, setting)| {
                let racing = self.judged.found.candidates[*setting].fate == Fate::Racing;
                let ratio = self.ratio(&self.judged.tuned, *setting, pick);
                *other == axis && racing && ratio.is_some_and(|ratio| !ratio.excludes(1.0))
            })
        };
        let edges = (0..levels.len()).filter(at_edge).filter(|axis| !as_good(*axis));
        let warning = |axis: usize| {
            let (name, level) =
                (&problem.axes[axis].name, &problem.axes[axis].levels[levels[axis]]);
            format!("{name} = {level} is at the end of its axis: better ones may lie beyond")
        };
        edges.map(warning).collect()
    }
}
