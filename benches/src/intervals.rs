//! Whether the intervals of paired runs are honest, and what pairing is worth: a policy against
//! itself.
//!
//! Both sides run the same scenario by the same policy, one that draws: what differs is the seed of
//! the engine's own chance. **Paired**, both see the same worlds; **unpaired**, worlds of their own.
//! Either way nothing differs but by chance, so 95 of 100 intervals should cover zero.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use provisioner_engine::random::Seed;
use provisioner_scenarios::file::Issues;
use provisioner_scenarios::paired::{difference, ratio};
use provisioner_scenarios::{Scenario, load_text};
use provisioner_sim::Hooks;
use provisioner_sim::outcome::Outcome;

/// Six hours of the shipped quickstart, whose pools are drawn.
pub const SCENARIO: &str = "base = \"quickstart.toml\"\n[time]\nlength = \"6 h\"\n\
                            [worker_type_defaults]\nplacement = \"random\"\n";

/// What is compared.
pub const MEASURES: [Measure; 3] = [
    ("cost", |outcome| outcome.total.cost.total().as_f64()),
    ("wait mean", |outcome| outcome.total.wait.mean_ms),
    ("wait p95", |outcome| outcome.total.wait.p95.as_secs_f64()),
];

/// A measure's name, and how it is taken.
pub type Measure = (&'static str, fn(&Outcome) -> f64);

/// What became of the intervals of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Honesty {
    /// Share of the differences whose interval covers zero: paired, and unpaired.
    pub differences: [f64; 2],
    /// The same of ratios and one.
    pub ratios: [f64; 2],
    /// Middle of how many times as wide the unpaired intervals are.
    pub narrower: f64,
}

/// Reads [`SCENARIO`], or another; `folder` is where its base lies.
///
/// # Errors
///
/// What is wrong with it.
pub fn scenario(folder: &Path, text: &str) -> Result<Scenario, Issues> {
    Ok(load_text(&folder.join("intervals.toml"), text)?.scenario)
}

/// Compares the policy of a scenario with itself that often, with so many seeds each time.
#[must_use]
pub fn measure(scenario: &Scenario, repetitions: usize, seeds: usize) -> Vec<Honesty> {
    let runs = repetitions * seeds;
    let values = on_all_cores(2 * runs, |index| {
        let (world, side) = (index % runs, index / runs);
        let mut config = scenario.config(Seed(world as u64));
        config.engine.seed = Seed((2 * world + side) as u64);
        let outcome =
            provisioner_sim::run(&config, &mut *scenario.tasks(config.seed), Hooks::default());
        MEASURES.map(|(_, measure)| measure(&outcome))
    });
    let honesty = |measure: usize| {
        let side = |side: usize| -> Vec<f64> {
            values[side * runs..][..runs].iter().map(|values| values[measure]).collect()
        };
        let (theirs, ours) = (side(0), side(1));
        // Half of all worlds further on, the worlds are others.
        let mut elsewhere = ours.clone();
        elsewhere.rotate_left(repetitions.div_ceil(2) * seeds);
        let (mut differences, mut ratios, mut widths) = ([0.0; 2], [0.0; 2], Vec::new());
        for (group, theirs) in theirs.chunks(seeds).enumerate() {
            let mut width = [0.0; 2];
            for (way, ours) in [&ours, &elsewhere].into_iter().enumerate() {
                let ours = &ours[group * seeds..][..seeds];
                let apart = difference(theirs, ours);
                let covers = ratio(theirs, ours).is_none_or(|ratio| !ratio.excludes(1.0));
                differences[way] += f64::from(u8::from(!apart.excludes(0.0)));
                ratios[way] += f64::from(u8::from(covers));
                width[way] = apart.half;
            }
            widths.push(width[1] / width[0]);
        }
        widths.sort_by(f64::total_cmp);
        let share = |count: f64| count / f64::from(u32::try_from(repetitions).expect("a few"));
        Honesty {
            differences: differences.map(share),
            ratios: ratios.map(share),
            narrower: widths[widths.len() / 2],
        }
    };
    (0..MEASURES.len()).map(honesty).collect()
}

fn on_all_cores<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mine = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count);
        std::iter::from_fn(take).map(|index| (index, work(index))).collect::<Vec<_>>()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(mine)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no run panics")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_hardly_ever_differs_from_itself_and_pairing_narrows() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
        let text = SCENARIO.replace("6 h", "1 h");
        let honesty = measure(&scenario(folder, &text).expect("a scenario"), 60, 5);
        for (Honesty { differences, ratios, narrower }, (name, _)) in honesty.iter().zip(MEASURES) {
            // Of 60 intervals 57 should cover; fewer than 51 do by chance once in 300 times.
            let shares = || differences.iter().chain(ratios);
            assert!(shares().all(|share| *share >= 0.85), "{name}: {honesty:?}");
            assert!(*narrower > 1.0, "{name}: {honesty:?}");
        }
    }
}
