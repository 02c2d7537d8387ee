//! What the cloud was like, as far as a journal tells: how long launches took, which pools had no
//! machine, how often EC2 took instances back.

use std::collections::BTreeMap;

use provisioner_engine::observation::Refusal;
use provisioner_engine::units::{Duration, Time};

use super::figures::quantile;
use super::seen::Seen;
use super::settings::time;

/// What is known of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolFigures {
    /// Launches ordered.
    pub launches: u64,
    /// Launches that it had no machine for.
    pub dry: u64,
    /// Time of spot instances in `running`.
    pub spot_time: Duration,
    /// Spot instances that EC2 took back.
    pub interruptions: u64,
    /// From when to when it gave no spot instance.
    pub dry_spells: Vec<(Time, Time)>,
}

/// All pools that launches were ordered from, or stood in, from `from` to `until`.
pub(super) fn pools(seen: &Seen, (from, until): (Time, Time)) -> BTreeMap<String, PoolFigures> {
    let mut pools: BTreeMap<String, PoolFigures> = BTreeMap::new();
    // What a pool answered to spot launches: when, and whether it had a machine.
    let mut answers: BTreeMap<&str, Vec<(Time, bool)>> = BTreeMap::new();
    let within = |at: Time| from <= at && at <= until;
    for life in seen.launches.values() {
        let pool = pools.entry(life.pool.clone()).or_default();
        pool.launches += u64::from(life.ordered.is_some_and(within));
        if !life.is_spot {
            continue;
        }
        if let Some((begin, end)) = life.stay(from, until) {
            pool.spot_time += end.since(begin);
        }
        let is_lost = life.is_interrupted && life.stopped.is_some_and(|(at, _)| within(at));
        pool.interruptions += u64::from(is_lost);
        let answers = answers.entry(&life.pool).or_default();
        answers.extend(life.given.filter(|at| within(*at)).map(|at| (at, true)));
        if let Some((at, Refusal::InsufficientCapacity)) = life.refused
            && within(at)
        {
            pool.dry += 1;
            answers.push((at, false));
        }
    }
    let interval = seen.config.limits.iteration_interval;
    let probed_within = seen.config.guards.ice.map_or(interval, |rule| rule.block_max);
    for (name, mut answers) in answers {
        // What gave some and refused some in one moment gave what it had.
        answers.sort_unstable_by_key(|(at, is_given)| (*at, !is_given));
        pools.entry(name.to_owned()).or_default().dry_spells =
            dry_spells(&answers, (interval, probed_within), (from, until));
    }
    pools
}

/// From an iteration before the first refusal to half the way from the last one to when the pool
/// gave again; but not long after it, for then nobody asked.
fn dry_spells(
    answers: &[(Time, bool)],
    (interval, probed_within): (Duration, Duration),
    (from, until): (Time, Time),
) -> Vec<(Time, Time)> {
    let mut spells = Vec::new();
    let mut gave = from;
    let mut spell: Option<(Time, Time)> = None;
    for &(at, is_given) in answers {
        match (is_given, spell) {
            (true, Some((begin, last))) => {
                let half = Duration::from_ms(at.since(last).ms() / 2);
                spells.push((begin, last + half.min(probed_within)));
                (spell, gave) = (None, at);
            }
            (true, None) => gave = at,
            (false, None) => spell = Some(((at - interval).max(gave), at)),
            (false, Some((begin, _))) => spell = Some((begin, at)),
        }
    }
    spells.extend(spell.map(|(begin, last)| (begin, last.saturating_add(interval).min(until))));
    spells.retain(|(begin, end)| end.since(*begin) >= Duration::SECOND);
    spells
}

/// Interruptions an hour of a spot instance, if there was any such hour.
pub(super) fn hazard(pools: &BTreeMap<String, PoolFigures>) -> Option<f64> {
    let time: f64 = pools.values().map(|pool| pool.spot_time.as_secs_f64() / 3_600.0).sum();
    let interruptions: u64 = pools.values().map(|pool| pool.interruptions).sum();
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 interruptions")]
    (time > 0.0).then(|| (interruptions as f64 / time).min(10.0))
}

/// How a distribution is cut, in thousandths: between these quantiles all values are equally
/// likely. The ends are cut the finer the more values there are, so that no part has few of them.
const CUTS: [usize; 11] = [0, 10, 50, 250, 500, 750, 900, 950, 990, 999, 1_000];
/// With fewer values, all between the shortest and the longest are equally likely.
const VALUES_MIN: usize = 8;

/// A measured distribution as a value of a scenario, of sorted values.
pub(super) fn delay(sorted: &[Duration]) -> Option<String> {
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let between = |min: Duration, max: Duration| match min == max {
        true => time(min),
        false => format!("{{ uniform = {{ min = {}, max = {} }} }}", time(min), time(max)),
    };
    if sorted.len() < VALUES_MIN || first == last {
        return Some(between(first, last));
    }
    let mut text = "{ mixture = { parts = [\n".to_owned();
    let is_fine = |cut: usize| sorted.len() * cut.min(1_000 - cut) >= 1_000;
    let cuts: Vec<usize> =
        CUTS.into_iter().filter(|cut| cut % 1_000 == 0 || is_fine(*cut)).collect();
    for pair in cuts.windows(2) {
        let at = |cut| quantile(sorted, cut).unwrap_or(first);
        let (min, max) = (at(pair[0]), at(pair[1]));
        let weight = pair[1] - pair[0];
        text += &format!("    {{ weight = 0.{weight:03}, delay = {} }},\n", between(min, max));
    }
    Some(text + "] } }")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Time {
        Time::from_ms(s * 1_000)
    }

    #[test]
    fn a_spell_ends_where_the_pool_gives_again() {
        let answers = [
            (at(100), true),
            (at(110), false),
            (at(300), false),
            (at(320), true),
            (at(900), false),
        ];
        let spells = dry_spells(&answers, (Duration::MINUTE, Duration::HOUR), (at(0), at(930)));
        assert_eq!(spells, [(at(100), at(310)), (at(840), at(930))]);
    }

    #[test]
    fn a_distribution_keeps_its_quantiles() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_secs).collect();
        let text = delay(&sorted).expect("there are values");
        let part = "{ weight = 0.250, delay = { uniform = { min = \"25 s\", max = \"50 s\" } } }";
        assert!(text.contains(part), "{text}");
        assert_eq!(text.matches("weight").count(), 9, "{text}");
        let few = delay(&sorted[..2]).expect("there are values");
        assert_eq!(few, "{ uniform = { min = \"1 s\", max = \"2 s\" } }");
        assert_eq!(delay(&[]), None);
    }
}
