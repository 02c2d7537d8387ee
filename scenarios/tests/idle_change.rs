//! A published result, reproduced: worker-manager's idle change of 2024-09.
//!
//! taskcluster/taskcluster, pull request 7283: about 1 % fewer workers for about 1 % more wait, by
//! the public simulator on one of these queues.

use std::fmt::Write;
use std::path::Path;

use expect_test::expect;
use provisioner_scenarios::load;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, run};

fn outcome(file: &str) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scenario = load(&folder.join(file)).expect("a shipped scenario loads").scenario;
    let seed = scenario.seed();
    run(&scenario.config(seed), &mut *scenario.tasks(seed), Hooks::default())
}

#[test]
fn subtracting_idle_workers_saves_about_one_percent_of_them_for_little_wait() {
    let before = outcome("idle-change-before.toml");
    let simulated = outcome("idle-change-after.toml");
    let shipped = outcome("idle-change-after-shipped.toml");
    let mut table = String::from("                       workers                    mean wait s\n");
    table.push_str(
        "                        before  simulated  shipped  before  simulated  shipped\n",
    );
    for (index, before) in before.worker_types.iter().enumerate() {
        let after = [&simulated, &shipped].map(|outcome| &outcome.worker_types[index]);
        let workers = |m: &provisioner_sim::outcome::Measures| m.launches.started as f64;
        let change = |after: f64, before: f64| (after / before - 1.0) * 100.0;
        let [fewer, fewer_shipped] = after.map(|m| change(workers(m), workers(before)));
        let [more, more_shipped] = after.map(|m| change(m.wait.mean_ms, before.wait.mean_ms));
        let (name, all, wait) = (&before.name, before.launches.started, before.wait.mean_ms / 1e3);
        writeln!(
            table,
            "{name:22} {all:7} {fewer:+9.1}% {fewer_shipped:+7.1}% {wait:7.1} {more:+9.1}% {more_shipped:+7.1}%"
        )
        .expect("a string takes all");
    }
    expect![[r#"
                               workers                    mean wait s
                                before  simulated  shipped  before  simulated  shipped
        gecko-3/b-linux           8102      -3.3%    -3.7%     4.2     +36.6%   +75.1%
        gecko-t/t-linux-large    32826      -1.2%    -1.7%    20.5      +1.8%   +10.1%
        gecko-t/t-linux-metal     8302      -1.4%    -1.4%     6.6      +5.5%   +15.1%
        mobile-1/decision          116      -1.7%    -1.7%    10.0      +0.0%    +8.1%
        mobile-3/decision          164      -0.6%    -9.1%    11.6      +0.0%   +22.2%
    "#]].assert_eq(&table);
}
