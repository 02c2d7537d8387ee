//! What listings and events tell, and what the engine makes of it: one test for each parameter.
//!
//! Unless a test says otherwise one worker runs one task of an hour from the first minute on, and
//! idles out after ten minutes.

mod support;

use provisioner_engine::guards::Guards;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::{Fault, FaultKind, Reconfiguration, SimConfig};
use provisioner_sim::dist::DurationDist;
use provisioner_sim::outcome::Outcome;
use support::{duration, outcome, tasks, time, watched, worker_type, world};

/// A world in which the engine lists.
fn listing() -> SimConfig {
    let mut config = world(vec![worker_type("t", 10)]);
    let Guards { listing, strays, .. } = Guards::default();
    config.engine.guards = Guards { listing, strays, ..Guards::off() };
    config
}

const ONE_TASK: &str = "0s 1h";
/// The second task comes when the first one's worker is gone.
const TWO_TASKS: &str = "0s 1h\n 3h 1h";

fn facts(config: &SimConfig, lines: &str) -> Vec<(Time, Observation)> {
    let (_, records, _) = watched(config, tasks(lines));
    let facts = records.into_iter().filter_map(|record| match record {
        Record::Observed { at, observation } => Some((at, observation)),
        Record::Configured { .. } | Record::Decided(_) => None,
    });
    facts.collect()
}

fn first(config: &SimConfig, is: impl Fn(&Observation) -> bool) -> Option<Time> {
    facts(config, TWO_TASKS).into_iter().find(|(_, fact)| is(fact)).map(|(at, _)| at)
}

const fn is_found(fact: &Observation) -> bool {
    matches!(fact, Observation::InstanceFound { .. })
}

const fn is_end(fact: &Observation) -> bool {
    matches!(fact, Observation::InstanceEnded { .. })
}

fn fault(config: &mut SimConfig, from: &str, length: &str, what: FaultKind) {
    let from = time(from);
    config.faults.push(Fault { from, until: from + duration(length), what });
}

fn done(outcome: &Outcome) -> u64 {
    outcome.total.tasks.done
}

#[test]
fn without_events_listings_tell_of_ends() {
    let mut config = listing();
    config.cloud.listing.events = false;
    assert_eq!(done(&outcome(&config, tasks(TWO_TASKS))), 2);
    config.engine.guards = Guards::off();
    assert_eq!(done(&outcome(&config, tasks(TWO_TASKS))), 1, "it counts on a worker that is gone");
}

#[test]
fn lost_events_are_made_up_for_by_listings() {
    let mut config = listing();
    config.cloud.listing.event_lost = 1.0;
    assert_eq!(done(&outcome(&config, tasks(TWO_TASKS))), 2);
    config.engine.guards = Guards::off();
    assert_eq!(done(&outcome(&config, tasks(TWO_TASKS))), 1);
}

#[test]
fn doubled_events_come_twice_and_change_nothing() {
    let mut config = world(vec![worker_type("t", 10)]);
    let plain = outcome(&config, tasks(TWO_TASKS));
    config.cloud.listing.event_duplicated = 1.0;
    let ends = facts(&config, ONE_TASK).into_iter().filter(|(_, fact)| is_end(fact)).count();
    assert_eq!(ends, 0, "the run is over before the worker idles out");
    let ends = facts(&config, TWO_TASKS).into_iter().filter(|(_, fact)| is_end(fact)).count();
    assert_eq!(ends, 2);
    let doubled = outcome(&config, tasks(TWO_TASKS));
    assert_eq!((doubled.total, doubled.decision_digest), (plain.total, plain.decision_digest));
}

#[test]
fn an_instance_is_listed_once_its_lag_is_over() {
    let mut config = listing();
    assert_eq!(first(&config, is_found), Some(time("2m")));
    config.cloud.listing.visibility_lag = DurationDist::Constant(Duration::from_mins(10));
    assert_eq!(first(&config, is_found), Some(time("11m")));
}

#[test]
fn a_stale_replica_shows_the_past() {
    let mut config = listing();
    config.cloud.listing.staleness = DurationDist::Constant(Duration::from_mins(10));
    assert_eq!(first(&config, is_found), Some(time("2m")));
    config.cloud.listing.stale_read = 1.0;
    assert_eq!(first(&config, is_found), Some(time("11m")));
}

#[test]
fn a_listing_takes_a_page_for_every_so_many_instances_whoever_owns_them() {
    let pages = |page_size, others| {
        let mut config = listing();
        (config.cloud.listing.page_size, config.cloud.listing.others) = (page_size, others);
        let outcome = outcome(&config, tasks("0s 30m times 3"));
        assert_eq!(outcome.ownership.others_touched, 0);
        outcome.api_calls.list
    };
    // 30 listings; in all but the first there are three workers.
    assert_eq!(pages(1_000, 0), 30);
    assert_eq!(pages(2, 0), 1 + 29 * 2);
    assert_eq!(pages(1, 2), 2 + 29 * 5);
}

#[test]
fn a_listing_of_which_a_page_fails_says_nothing() {
    let mut config = listing();
    config.cloud.listing.page_failed = 1.0;
    let told = |fact: &Observation| {
        matches!(fact, Observation::InstancesListed { .. } | Observation::InstanceFound { .. })
    };
    assert_eq!(first(&config, told), None);
}

#[test]
fn a_page_is_answered_after_a_while_and_shows_that_time() {
    let mut config = listing();
    config.cloud.listing.page_answer = DurationDist::Constant(Duration::from_secs(30));
    let found = facts(&config, ONE_TASK).into_iter().find(|(_, fact)| is_found(fact));
    assert_eq!(found.map(|(at, _)| at), Some(time("90s")));
    let listed = facts(&config, ONE_TASK).into_iter().find_map(|(_, fact)| match fact {
        Observation::InstancesListed { as_of, .. } => Some(as_of),
        _ => None,
    });
    assert_eq!(listed, Some(time("60s")), "it speaks for the time when it began");
}

#[test]
fn terminated_instances_are_listed_for_a_while() {
    let mut config = listing();
    config.cloud.listing.events = false;
    assert_eq!(first(&config, is_end), Some(time("71m")));
    config.cloud.listing.terminated_visible = Duration::ZERO;
    let missed = |fact: &Observation| matches!(fact, Observation::InstanceMissed { .. });
    assert_eq!((first(&config, missed), first(&config, is_end)), (Some(time("71m")), None));
    assert_eq!(done(&outcome(&config, tasks(TWO_TASKS))), 2, "what is missing for long is gone");
}

#[test]
fn an_instance_without_labels_that_is_nobodys_is_ended() {
    let mut config = listing();
    fault(&mut config, "10m", "1m", FaultKind::ToldEnded { share: 1.0 });
    let labelled = outcome(&config, tasks(ONE_TASK));
    assert_eq!((labelled.ownership.strays_ended, labelled.total.tasks.rerun), (0, 0));
    config.cloud.listing.label_missing = 1.0;
    let nameless = outcome(&config, tasks(ONE_TASK));
    assert_eq!((nameless.ownership.strays_ended, nameless.total.tasks.rerun), (1, 1));
    for outcome in [labelled, nameless] {
        assert!(outcome.ownership.orphan_longest <= duration("22m"), "{:?}", outcome.ownership);
        assert!(outcome.ownership.orphan_time > Duration::ZERO);
        assert_eq!(done(&outcome), 1);
    }
}

#[test]
fn an_engine_that_is_told_of_false_ends_finds_its_instances_again() {
    let mut config = listing();
    fault(&mut config, "10m", "1m", FaultKind::ToldEnded { share: 1.0 });
    let adopted = |engine: &mut SimConfig| {
        let outcome = outcome(engine, tasks("0s 3h times 4"));
        (outcome.ownership.orphan_longest, outcome.total.launches.started)
    };
    let (longest, _) = adopted(&mut config);
    assert!(longest <= duration("22m"), "{longest}");
    config.engine.guards = Guards::off();
    let (longest, _) = adopted(&mut config);
    assert!(longest > duration("2h"), "{longest}");
}

#[test]
fn while_listings_fail_nothing_is_given_up() {
    let mut config = listing();
    fault(&mut config, "5m", "3h", FaultKind::ListingDown);
    let listed: Vec<Time> = facts(&config, TWO_TASKS)
        .into_iter()
        .filter(|(_, fact)| matches!(fact, Observation::InstancesListed { .. }))
        .map(|(at, _)| at)
        .collect();
    assert!(listed.contains(&time("4m")) && listed.contains(&time("185m")));
    assert!(!listed.iter().any(|at| (time("5m")..time("185m")).contains(at)));
    let outcome = outcome(&config, tasks(TWO_TASKS));
    assert_eq!((outcome.total.launches.terminated, done(&outcome)), (0, 2));
}

#[test]
fn a_frozen_listing_ends_no_worker_that_it_lacks() {
    let mut config = listing();
    fault(&mut config, "1m", "3h", FaultKind::ListingFrozen);
    let outcome = outcome(&config, tasks("2m 2h times 5"));
    assert_eq!((outcome.total.tasks.rerun, outcome.total.launches.terminated), (0, 0));
    assert_eq!(outcome.total.launches.started, 5);
    assert_eq!(outcome.ownership.orphan_time, Duration::ZERO);
}

#[test]
fn an_empty_configuration_ends_nothing_and_changes_nothing() {
    let mut config = listing();
    let plain = outcome(&config, tasks(TWO_TASKS));
    let empty = Reconfiguration { empty: true, ..Reconfiguration::default() };
    fault(&mut config, "30m", "4h", FaultKind::Configured(empty));
    let refused = outcome(&config, tasks(TWO_TASKS));
    assert_eq!(refused.total, plain.total);
}

#[test]
fn a_removed_worker_type_is_not_fed_until_it_is_back() {
    let mut config = world(vec![worker_type("gone", 10), worker_type("kept", 10)]);
    config.engine.guards = listing().engine.guards;
    let worker_types_removed = vec!["gone".to_owned()];
    let change = Reconfiguration { worker_types_removed, ..Reconfiguration::default() };
    fault(&mut config, "30m", "5h", FaultKind::Configured(change));
    let outcome = outcome(&config, tasks(TWO_TASKS));
    let gone = &outcome.worker_types[0];
    assert_eq!((gone.tasks.done, gone.tasks.rerun), (2, 0));
    assert_eq!(gone.wait.max, duration("150m"), "from 3h to the end of the fault");
}

#[test]
fn a_removed_instance_type_counts_on_and_its_worker_type_is_served() {
    let mut config = listing();
    let instance_types_removed = vec!["m3.large".to_owned()];
    let change = Reconfiguration { instance_types_removed, ..Reconfiguration::default() };
    fault(&mut config, "30m", "1h", FaultKind::Configured(change));
    let outcome = outcome(&config, tasks("0s 1h\n 40m 10m"));
    // Nothing can be bought meanwhile: the second task waits for the first one's worker.
    assert_eq!((outcome.total.launches.started, outcome.total.tasks.done), (1, 2));
}

#[test]
fn a_full_cloud_changes_no_draw_of_other_things() {
    let plain = listing();
    let mut full = plain.clone();
    let regime = full.cloud.regime;
    full.cloud.listing = provisioner_sim::config::listing::ListingModel::full(regime);
    let (plain, full) = (outcome(&plain, tasks(TWO_TASKS)), outcome(&full, tasks(TWO_TASKS)));
    assert_eq!(plain.total.tasks, full.total.tasks);
    assert_eq!(plain.total.cost, full.total.cost);
}

#[test]
fn where_half_of_the_calls_are_throttled_half_of_the_listings_are() {
    let mut config = listing();
    fault(&mut config, "0s", "10h", FaultKind::CallsThrottled { share: 0.5 });
    let facts = facts(&config, TWO_TASKS);
    let listed = facts.iter().filter(|(_, f)| matches!(f, Observation::InstancesListed { .. }));
    let throttled = facts.iter().filter(|(_, f)| matches!(f, Observation::CallThrottled { .. }));
    let (listed, throttled) = (listed.count(), throttled.count());
    // Some 250 listings; five standard deviations of a half are 40.
    assert!(listed + throttled > 200, "{listed} and {throttled}");
    assert!(listed.abs_diff(throttled) < 80, "{listed} and {throttled}");
}
