//! Workload W, the elastic pool, against the results of six independent implementations.
//!
//! A million tasks, one a second (Poisson), log-normal of mean 600 s and σ 1; iterations each
//! minute that launch what waiting and claimed tasks exceed live capacity by, up to 5,000;
//! start-up log-normal of mean 120 s and σ 0.5; the worker that became idle last claims first;
//! after 600 s idle a worker stops. Reference: mean and standard deviation over thirty seeds.

mod support;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::ClaimOrder;
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::tasks::{GeneratedTasks, TaskModel};
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, run};
use support::{worker_type, world};

/// 99.9 % of one normal draw around the mean of thirty others: 3.29 × √(1 + 1/30).
const DEVIATIONS: f64 = 3.35;

#[test]
fn workload_w_gives_the_reference_results() {
    let outcome = elastic_pool(1_000_000, ClaimOrder::LastIdled, Seed(1));
    let total = outcome.total;
    for (name, measured, mean, deviation) in [
        ("mean wait, s", total.wait.mean_ms / 1_000.0, 1.787, 0.043),
        ("p95 wait, s", total.wait.p95.as_secs_f64(), 13.13, 0.29),
        ("launches", total.launches.ordered as f64, 16_203.0, 361.0),
        ("instance-hours", total.instance_time.as_hours_f64(), 173_309.0, 213.0),
    ] {
        let off = (measured - mean) / deviation;
        println!("{name}: reference {mean} sd {deviation}, measured {measured:.3} ({off:+.2} sd)");
        assert!(off.abs() < DEVIATIONS, "{name}: {measured} is {off:+.2} sd off {mean}");
    }
    let events = outcome.events as f64 / 1e6;
    assert!((events - 2.049).abs() < 0.003, "{events} events a task");
    assert_eq!(total.tasks.done, 1_000_000);
}

#[test]
fn which_idle_worker_claims_next_changes_launches_by_half_or_double() {
    let launches = |order| elastic_pool(100_000, order, Seed(1)).total.launches.ordered;
    let last = launches(ClaimOrder::LastIdled);
    let longest = launches(ClaimOrder::LongestIdle);
    let random = launches(ClaimOrder::RandomPoll);
    println!("launches: last idled {last}, random poll {random}, longest idle {longest}");
    assert!(last > random && random > longest);
    assert!((1.5..4.0).contains(&(last as f64 / longest as f64)), "{last} and {longest}");
}

fn elastic_pool(tasks: u64, claim_order: ClaimOrder, seed: Seed) -> Outcome {
    let mut config = world(vec![worker_type("w", 5_000)]);
    (config.seed, config.end) = (seed, Time::MAX);
    config.workers[0].claim_order = claim_order;
    config.workers[0].boot = DurationDist::log_normal_of_mean(Duration::from_secs(120), 0.5);
    let service = DurationDist::log_normal_of_mean(Duration::from_secs(600), 1.0);
    let model = TaskModel::poisson(3_600.0, service);
    let span = (config.start, config.end);
    let mut source =
        GeneratedTasks::new(&model, WorkerTypeId::new(0), seed, span).take_at_most(tasks);
    run(&config, &mut source, Hooks::default())
}
