//! What to mind about a sweep's figures, in plain words.

use std::collections::BTreeMap;

use provisioner_scenarios::results::{Manifest, Results};
use provisioner_sim::outcome::{Measures, Outcome};

use crate::warnings::{COLD_SHARE_MIN, LIMIT_SHARE_MIN, limits, ratio, share};

/// With fewer seeds the 95 % interval of a mean is wider than its standard deviation.
pub(crate) const SEEDS_FEW: usize = 7;

/// That seeds are too few for their spread to say much.
#[must_use]
pub fn few_seeds(results: &Results) -> Option<String> {
    let seeds = results.manifest.seeds.len();
    let say = if seeds == 1 { "one seed says".to_owned() } else { format!("{seeds} seeds say") };
    (seeds < SEEDS_FEW).then(|| format!("{say} little about chance: run 10 or so"))
}

/// Each a line; what several points have in common is told of the worst.
#[must_use]
pub fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    let Results { manifest, outcomes } = results;
    let seeds = manifest.seeds.len();
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
    let points: Vec<Vec<&Outcome>> =
        (0..manifest.points.len()).map(|point| runs(point).collect()).collect();
    let mut tell = |least: f64, share: &dyn Fn(&[&Outcome]) -> f64, what: &str| {
        let shares = points.iter().map(|runs| share(runs)).enumerate();
        let over: Vec<(usize, f64)> = shares.filter(|(_, share)| *share >= least).collect();
        let Some((point, share)) = over.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        let others = match over.len() - 1 {
            0 => String::new(),
            1 => " (and another point, less)".to_owned(),
            others => format!(" (and {others} other points, less)"),
        };
        let (point, percent) = (name(manifest, *point), share * 100.0);
        warnings.push(format!("{point}{others}: {percent:.0} % {what}"));
    };
    tell(
        COLD_SHARE_MIN,
        &|runs| sum(runs, |it| it.total.waits_cold) / sum(runs, |it| it.total.wait.count).max(1.0),
        "of the waits are of tasks that waited for the first workers; lengthen `time.warmup`",
    );
    let mut names: Vec<&str> = Vec::new();
    for measures in outcomes.values().flat_map(|outcome| &outcome.worker_types) {
        if !names.contains(&measures.name.as_str()) {
            names.push(&measures.name);
        }
    }
    for worker_type in names {
        let of = |outcome: &&Outcome| {
            let span = outcome.finished.since(outcome.started).ms();
            let its = |it: &&Measures| it.name == worker_type;
            let full = outcome.worker_types.iter().find(its)?.capacity_max_time.ms();
            Some((full, span))
        };
        tell(
            LIMIT_SHARE_MIN,
            &|runs| {
                let (full, span): (Vec<i64>, Vec<i64>) = runs.iter().filter_map(of).unzip();
                ratio(full.iter().sum(), span.iter().sum())
            },
            &format!(
                "of the time `capacity_max` of {worker_type} kept tasks waiting: there the limit \
                 decides, not the policy"
            ),
        );
    }
    for (nth, (_, what)) in limits(&Outcome::default()).into_iter().enumerate() {
        tell(
            LIMIT_SHARE_MIN,
            &|runs| sum(runs, |it| limits(it)[nth].0) / sum(runs, |it| it.iterations).max(1.0),
            &format!("of the turns {what}"),
        );
    }
    warnings
}

fn sum(runs: &[&Outcome], of: impl Fn(&Outcome) -> u64) -> f64 {
    share(runs.iter().map(|outcome| of(outcome)).sum(), 1)
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
    use provisioner_engine::units::Duration;

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
            policy = old, bid = 2 came to the same as policy = ours, bid = 2 with every seed"#]].assert_eq(&few_seeds(&results).into_iter().chain(warnings(&results)).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_short_warm_up_and_limits_that_were_hit_are_told_of_the_worst_point() {
        let mut results = results();
        for (run, outcome) in &mut results.outcomes {
            outcome.total.tasks.left = 0;
            outcome.events += *run as u64;
            outcome.total.waits_cold = if *run == 3 { 9_000 } else { 0 };
            outcome.limits.spend = 700 * (1 + *run as u64);
            outcome.limits.calls = 6;
            let full = Duration::from_hours(if *run < 2 { 20 } else { 2 });
            outcome.worker_types[1].capacity_max_time = full;
        }
        expect![[r#"
            policy = old, bid = 2: 2 % of the waits are of tasks that waited for the first workers; lengthen `time.warmup`
            policy = ours, bid = 2: 18 % of the time `capacity_max` of gecko-t/t-linux-large kept tasks waiting: there the limit decides, not the policy
            policy = old, bid = 2 (and another point, less): 37 % of the turns a ceiling on spending kept what was wanted from being bought"#]]
        .assert_eq(&warnings(&results).join("\n"));
    }
}
