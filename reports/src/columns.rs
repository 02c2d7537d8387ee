//! What each column of the tables for other tools is: `docs/columns.md`, made of the sentences here and
//! of the tables themselves, so that neither can go stale.

use crate::frame::{Frame, Values};
use crate::measure::Unit;

/// The page: one table of the columns of `runs` and `worker_types`, one of those of `series`.
#[must_use]
pub fn page(runs: &Frame, worker_types: &Frame, series: &Frame) -> String {
    let mut page = HEAD.to_owned();
    let names = |frame: &Frame| -> Vec<String> {
        frame.columns.iter().map(|(name, _)| name.clone()).collect()
    };
    let (of_runs, of_types) = (names(runs), names(worker_types));
    let only_types = worker_types.columns.iter().filter(|(name, _)| !of_runs.contains(name));
    page += "\n| column | type | unit | in | is |\n|---|---|---|---|---|\n";
    for (name, values) in runs.columns.iter().chain(only_types) {
        let place = match (of_runs.contains(name), of_types.contains(name)) {
            (true, true) => "both",
            (true, false) => "`runs`",
            _ => "`worker_types`",
        };
        let (kind, unit, words) = (kind(values), unit(name, values), words(&MEASURES, name));
        page += &format!("| `{name}` | {kind} | {unit} | {place} | {words} |\n");
    }
    page += SERIES_HEAD;
    page += "\n| column | type | unit | is |\n|---|---|---|---|\n";
    for (name, values) in &series.columns {
        let (kind, unit, words) = (kind(values), unit(name, values), words(&SERIES, name));
        page += &format!("| `{name}` | {kind} | {unit} | {words} |\n");
    }
    page + OTHERS
}

fn words(known: &[(&str, &'static str)], name: &str) -> &'static str {
    let found = known.iter().find(|(known, _)| *known == name);
    found.map_or("an axis: the level's name", |(_, words)| *words)
}

/// A column's type in Parquet.
const fn kind(values: &Values) -> &'static str {
    match values {
        Values::Text(_) => "string",
        Values::Whole(_) => "int64",
        Values::Number(_) => "double",
        Values::Time(_) => "timestamp",
    }
}

fn unit(name: &str, values: &Values) -> &'static str {
    match (Unit::of(name), values) {
        (_, Values::Text(_)) => "",
        (_, Values::Time(_)) => "ms, UTC",
        _ if name.ends_with("_usd_per_hour") => "$/h",
        _ if name.contains("cost_usd_") => "$",
        _ if name == "wait_s_count" => "",
        _ if name.starts_with("wait_s_") => "s",
        (Unit::Seconds, _) => "s",
        (Unit::Hours, _) => "h",
        (Unit::Dollars, _) => "$",
        (Unit::DollarsPerHour, _) => "$/h",
        (Unit::Share, _) => "0 to 1",
        (Unit::Plain, _) => "",
    }
}

const HEAD: &str = "\
# Columns

What `provisioner` writes for other tools, column by column. (Written by
`UPDATE_EXPECT=1 cargo test -p provisioner-reports columns`; a test compares it with the files.)

| file | is written by | has a row for each |
|---|---|---|
| `runs.parquet`, `runs.csv` | `sweep`, `merge`, `simulate --tables FOLDER` | run |
| `worker_types.parquet`, `worker_types.csv` | the same | run and worker type |
| any name | `simulate --series FILE.parquet` or `FILE.csv` | step and worker type |

Parquet files open as they are, in pandas, Polars and DuckDB;
[`notebook/sweep.py`](notebook/sweep.py) does all three. Names end in their unit and stay as they are:
columns are only ever added. Dollars are exact to the micro-dollar, seconds to the millisecond. A
double may have no value (null; empty in CSV), the others always have one.

## `runs` and `worker_types`

Before these stand the axes of the experiment, one column each with the name of the run's level (string);
`simulate --tables` has none.
";

const SERIES_HEAD: &str = "
## Series

The state of each worker type at every `--series-step`, 5 minutes by default. (A report's pictures are
exact between the steps; these are samples.)
";

const OTHERS: &str = "
## Others

`outcomes.jsonl` of a sweep and `simulate --json` have the same measures as JSON, with the dots of their
paths where columns have `_`. A journal (`simulate --journal FILE.jsonl.zst`) is JSON too, a line for each
fact and decision, and DuckDB opens it: `select * from read_json('FILE.jsonl.zst')`.
";

const SERIES: [(&str, &str); 9] = [
    ("at", "when"),
    ("worker_type", "whose"),
    ("pending", "tasks waiting"),
    ("claimed", "tasks held by workers, as the queue believes"),
    ("requested_capacity", "capacity of launches without an instance"),
    ("booting_capacity", "capacity of instances whose worker has not registered"),
    ("working_capacity", "capacity of registered workers"),
    ("price_lowest_usd_per_hour", "lowest market price among its pools; null if none is known"),
    ("spend_rate_usd_per_hour", "what its running instances cost at that moment"),
];

const MEASURES: [(&str, &str); 103] = [
    ("run", "the run's number, from 0: points in order, each with its seeds in order"),
    ("seed", "the origin of all chance"),
    ("scenario_hash", "fingerprint of the scenario and its input"),
    ("commit", "the program's"),
    ("worker_type", "whose measures"),
    ("api_calls_cancel", "`CancelSpotInstanceRequests`"),
    ("api_calls_cancel_throttled", "those of them that were throttled"),
    ("api_calls_launch", "`RunInstances` or `RequestSpotInstances`"),
    ("api_calls_launch_repeated", "those of them that were made before"),
    ("api_calls_launch_throttled", "those of them that were throttled"),
    ("api_calls_launch_unanswered", "those of them that got no answer, or an internal error"),
    ("api_calls_list", "`DescribeInstances`, one a page"),
    ("api_calls_terminate", "`TerminateInstances`"),
    ("api_calls_terminate_throttled", "those of them that were throttled"),
    (
        "bound_usd",
        "the least that this work can cost anybody without longer waits; null if not worked out",
    ),
    ("capacity_h", "hours that instances ran, times the tasks that each can run at once"),
    (
        "capacity_max_h",
        "time with all of `capacity_max` there or asked for, while tasks waited for more",
    ),
    (
        "capacity_peak",
        "the most capacity that was asked for and had not ended; machines on their way out do not count against `capacity_max`, so it may be more",
    ),
    ("churn_per_task_h", "instances started per hour of useful work"),
    ("cost_per_task_usd", "cost by tasks done; null if none was"),
    ("cost_usd_boot", "from `running` to the worker's registration"),
    ("cost_usd_idle", "slots without a task"),
    ("cost_usd_on_demand", "bills of on-demand instances"),
    ("cost_usd_redone", "runs that were lost and had to be done again"),
    ("cost_usd_spot", "bills of spot instances"),
    ("cost_usd_total", "all of it: spot and on demand; or useful, idle, boot, redone and wasted"),
    ("cost_usd_useful", "runs of tasks that were done"),
    (
        "cost_usd_wasted",
        "runs of tasks that were given up, and time billed after the instance had ended",
    ),
    ("decision_digest", "fingerprint of all orders, in order"),
    ("delay_max_s", "the longest time from submission to the beginning of the last run"),
    ("demand_peak", "the most tasks pending and claimed that the queue told"),
    ("events", "events that changed the modelled world"),
    ("finished", "when the last task was resolved, or waiting for that was given up"),
    ("habits_moves", "launches in another pool than the launch before"),
    (
        "habits_reversals",
        "launches within 5 minutes of ending an instance, and the other way round",
    ),
    ("instance_h", "hours that instances ran"),
    ("iterations", "turns of the engine"),
    ("largest_pool", "the pool with the most instance time"),
    ("largest_pool_share", "its share of all instance time"),
    ("launches_by_stale_price", "ordered where no price less than an hour old was known"),
    ("launches_cancelled", "cancelled before they were fulfilled"),
    ("launches_image_unusable", "refused because the image could not be used"),
    ("launches_insufficient_capacity", "refused for lack of capacity"),
    ("launches_interrupted", "taken back by EC2"),
    ("launches_launch_failed", "given an instance that ended before it ran"),
    ("launches_on_demand", "ordered on demand"),
    ("launches_ordered", "ordered by the engine"),
    ("launches_price_too_low", "refused because the max price was below the market price"),
    ("launches_quota_reached", "refused because the account's quota was reached"),
    ("launches_rejected", "refused for another mistake of ours"),
    ("launches_started", "became `running`"),
    ("launches_stopped", "stopped themselves"),
    ("launches_terminated", "ended by the provisioner"),
    ("launches_unmade", "ordered, but no call for them was carried out"),
    ("launches_unsupported", "refused because the zone does not offer the instance type"),
    ("launches_volume_limit", "refused, or ended before they ran, for the limit on volumes"),
    ("limits_calls", "turns in which the allowance of EC2 calls was in the way"),
    ("limits_launches", "turns in which the most launches of one decision were in the way"),
    ("limits_price", "turns in which `price_max` or `max_price_cap` was in the way"),
    ("limits_spend", "turns in which a ceiling on spending was in the way"),
    ("notices_after_death", "interruptions whose notice came after the end"),
    ("notices_duplicated", "notices that were told twice"),
    ("notices_late", "notices that were seen late"),
    ("notices_losses", "spot instances that the engine could know to be lost"),
    ("notices_losses_counted", "the same as the engine counted them"),
    ("notices_losses_miscounted", "by how many the two differ"),
    ("notices_missed", "interruptions without a notice"),
    ("notices_recommended", "rebalance recommendations"),
    ("notices_recommended_taken", "interruptions that one preceded"),
    ("notices_seen", "notices that the worker saw in time"),
    (
        "on_demand_after_s",
        "from the first refusal of a spot launch to the first launch on demand; null if none",
    ),
    ("over_provisioned_h", "slot-time of registered workers without a task"),
    ("ownership_orphan_h", "time that instances were up without being known to the engine"),
    ("ownership_orphan_longest_s", "the longest such time of one instance"),
    ("ownership_orphans_left", "instances that were so when the run ended"),
    ("ownership_others_touched", "orders to end an instance of somebody else"),
    ("ownership_strays_ended", "instances that were ended as nobody's"),
    ("regret_usd", "paid and waived beyond the bound; null if that was not worked out"),
    ("restarts", "how often the engine's process died and came back"),
    ("safety_claimed_ended", "instances that the provisioner ended while they ran a task"),
    ("safety_double_launches", "instances that ran for launches that were given up"),
    ("safety_spared", "orders to end an instance that were not carried out, as it held a task"),
    ("safety_zombie_h", "time of instances whose worker never came, never claims or hangs"),
    ("spend_committed_day_max_usd", "the most that launches of a day (UTC) could have cost"),
    ("spend_committed_peak_usd_per_h", "the most that launches could have cost at any time"),
    ("spend_price_max_usd_per_h", "the most that a single launch could have cost"),
    ("started", "when the run began"),
    ("tasks_done", "ran to their end"),
    ("tasks_exhausted", "given up after their last allowed run"),
    ("tasks_expired", "given up at their deadline"),
    ("tasks_left", "not resolved when waiting was given up"),
    ("tasks_rerun", "runs lost with their instance and repeated"),
    ("tasks_submitted", "entered the queue"),
    ("useful_h", "slot-time spent on tasks that were done"),
    ("utilisation", "useful by capacity time"),
    ("wait_s_count", "tasks whose wait was measured: claimed, and submitted after the warm-up"),
    ("wait_s_max", "the longest wait from submission to the first claim"),
    ("wait_s_mean", "their mean wait"),
    ("wait_s_p50", "half waited no longer"),
    ("wait_s_p95", "95 % waited no longer"),
    ("wait_s_p99", "99 % waited no longer"),
    ("waits_cold", "tasks measured that waited for the first workers"),
    ("waived_usd", "what EC2 did not bill of stays that it interrupted"),
];

#[cfg(test)]
mod tests {
    use provisioner_engine::ids::WorkerTypeId;
    use provisioner_engine::units::{Time, UsdPerHour};
    use provisioner_sim::Sample;

    use super::*;
    use crate::series;
    use crate::testing::results;

    fn frames() -> [Frame; 3] {
        let mut results = results();
        results.manifest.axes.clear();
        let sample = Sample {
            at: Time::from_ms(0),
            worker_type: WorkerTypeId::new(0),
            pending: 0,
            claimed: 0,
            requested: 0,
            booting: 0,
            working: 0,
            price_lowest: None,
            spend_rate: UsdPerHour::ZERO,
        };
        let series = series::frame(&[sample], &["ci".to_owned()]);
        [Frame::runs(&results), Frame::worker_types(&results), series]
    }

    #[test]
    fn the_columns_page_is_of_the_files_that_are_written() {
        let [runs, worker_types, series] = frames();
        let page = page(&runs, &worker_types, &series);
        let bare = page.lines().find(|line| line.ends_with(&format!("| {} |", words(&[], ""))));
        assert_eq!(bare, None, "a column has no sentence");
        let described = MEASURES.iter().chain(&SERIES).map(|(name, _)| *name);
        for name in described {
            assert!(page.contains(&format!("| `{name}` |")), "there is no column `{name}`");
        }
        expect_test::expect_file!["../../docs/columns.md"].assert_eq(&page);
    }
}
