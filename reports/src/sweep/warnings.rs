//! What to mind about a sweep's figures, in plain words.

use std::collections::BTreeMap;

use provisioner_scenarios::results::{Manifest, Results};
use provisioner_sim::outcome::Outcome;

/// With fewer seeds the 95 % interval of a mean is wider than its standard deviation.
const SEEDS_FEW: usize = 7;

/// Each a line.
#[must_use]
pub fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    let Results { manifest, outcomes } = results;
    let seeds = manifest.seeds.len();
    if seeds < SEEDS_FEW {
        let seeds =
            if seeds == 1 { "one seed says".to_owned() } else { format!("{seeds} seeds say") };
        warnings.push(format!("{seeds} little about chance: run 10 or so"));
    }
    let runs = |point: usize| outcomes.range(point * seeds..(point + 1) * seeds).map(|(_, it)| it);
    let mut seen = BTreeMap::new();
    for point in 0..manifest.points.len() {
        let left: u64 = runs(point).map(|outcome| outcome.total.tasks.left).sum();
        if left > 0 {
            warnings.push(format!(
                "{}: {left} tasks were left when waiting for them was given up, so it is not the \
                 cost of all work; lengthen `time.drain`",
                name(manifest, point)
            ));
        }
        let twin = *seen.entry(runs(point).map(print).collect::<Vec<_>>()).or_insert(point);
        if twin != point {
            let (twin, point) = (name(manifest, twin), name(manifest, point));
            warnings.push(format!("{point} came to the same as {twin} with every seed"));
        }
    }
    warnings
}

/// What two runs that took the same course have in common.
fn print(outcome: &Outcome) -> (&str, u64) {
    (&outcome.decision_digest, outcome.events)
}

fn name(manifest: &Manifest, point: usize) -> String {
    let levels = manifest.axes.iter().zip(&manifest.points[point].levels);
    let levels: Vec<String> =
        levels.map(|(axis, level)| format!("{} = {level}", axis.name)).collect();
    if levels.is_empty() { manifest.experiment.clone() } else { levels.join(", ") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::testing::results;

    #[test]
    fn what_says_little_is_named() {
        let mut results = results();
        results.manifest.seeds.truncate(1);
        results.outcomes.retain(|run, _| *run < 2);
        results.outcomes.get_mut(&1).expect("the second point").total.tasks.left = 0;
        expect![[r#"
            one seed says little about chance: run 10 or so
            policy = ours, bid = 2: 1184 tasks were left when waiting for them was given up, so it is not the cost of all work; lengthen `time.drain`
            policy = old, bid = 2 came to the same as policy = ours, bid = 2 with every seed"#]].assert_eq(&warnings(&results).join("\n"));
    }
}
