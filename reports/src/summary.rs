//! The page that `simulate` prints: what it cost, how long tasks waited, and what happened.
//!
//! One unit a column, named under its header. Waits are from submission to the first claim. Shares
//! of cost are of the total of their row. The page looks the same at every width from 80 columns
//! on; only long names are shortened.

use std::fmt::{self, Display};

use provisioner_engine::units::{Duration, Usd};
use provisioner_sim::outcome::{ApiCalls, Cost, Measures, Outcome};

use crate::Look;
use crate::table::Table;
use crate::text::{clock, decimal, decimals_for, grouped, in_words, to_the_minute};

/// No more worker types than this have rows of their own, the most expensive ones.
const WORKER_TYPES_SHOWN_MAX: usize = 20;

/// The page for one outcome.
pub fn summary(outcome: &Outcome, look: Look) -> impl Display + '_ {
    Summary { outcome, look }
}

struct Summary<'a> {
    outcome: &'a Outcome,
    look: Look,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        self.cost(f)?;
        writeln!(f)?;
        Table::render_all(&tables(self.outcome), self.look, f)?;
        let left_out = left_out(self.outcome);
        if left_out > 0 {
            writeln!(f, "{left_out} cheaper worker types are in the totals and in `--json`.\n")?;
        }
        self.rest(f)
    }
}

impl Summary<'_> {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { total, started, finished, .. } = self.outcome;
        let span = in_words(finished.since(*started));
        let (from, to) = (to_the_minute(*started), to_the_minute(*finished));
        writeln!(f, "{from} to {to} UTC, {span}")?;
        writeln!(f)?;
        write!(f, "{} tasks done for ${}", grouped(total.tasks.done), total_dollars(total))?;
        match cost_per_task(total) {
            Some(each) => writeln!(f, ", ${} each.", decimal(each, decimals_for(each)))?,
            None => writeln!(f, ".")?,
        }
        if let Some(bound) = total.bound.filter(|bound| *bound > Usd::ZERO) {
            let share = share(bound, total.cost.total() + total.waived);
            let bound = decimal(bound.as_f64(), dollar_decimals(bound));
            write!(f, "Nobody could have done it for less than ${bound} ({share} %)")?;
            writeln!(f, " without longer waits.")?;
        }
        let wait = total.wait;
        if wait.count > 0 {
            let [half, most, nearly_all] = [wait.p50, wait.p95, wait.p99].map(in_words);
            write!(f, "Waits: half at most {half}, ")?;
            writeln!(f, "95 % at most {most}, 99 % at most {nearly_all}.")?;
        }
        writeln!(f)
    }

    /// Both splits of the cost side by side, each adding up to the total.
    fn cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { spot, on_demand, useful, idle, boot, redone, wasted } = self.outcome.total.cost;
        let total = self.outcome.total.cost.total();
        let bought = [("spot", spot), ("on demand", on_demand)];
        let used = [
            ("useful", useful),
            ("idle", idle),
            ("boot", boot),
            ("redone", redone),
            ("wasted", wasted),
        ];
        let decimals = dollar_decimals(total);
        let part = |(name, usd): (&str, Usd)| {
            let (dollars, percent) = (decimal(usd.as_f64(), decimals), share(usd, total));
            format!("{name:<12}{dollars:>14}{percent:>9}")
        };
        let (bold, dim, off) = self.look.codes();
        let header = format!("{:<12}{:>14}{:>9}", "Cost by", "market", "share");
        writeln!(f, "{bold}{header}    {:<12}{:>14}{:>9}{off}", "", "use", "share")?;
        writeln!(f, "{dim}{:>26}{:>9}    {:>26}{:>9}{off}", "$", "%", "$", "%")?;
        for (index, used) in used.into_iter().enumerate() {
            let left = bought.get(index).map_or_else(String::new, |bought| part(*bought));
            writeln!(f, "{left:35}    {}", part(used))?;
        }
        let total = part(("total", total));
        writeln!(f, "{bold}{total}    {total}{off}")
    }

    fn rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { largest_pool, largest_pool_share, api_calls, .. } = self.outcome;
        if !largest_pool.is_empty() {
            let percent = decimal(largest_pool_share * 100.0, 1);
            writeln!(f, "Largest pool  {largest_pool}, {percent} % of instance time")?;
        }
        let [launch, cancel, terminate] =
            [api_calls.launch, api_calls.cancel, api_calls.terminate].map(grouped);
        writeln!(f, "API calls     {launch} launch, {cancel} cancel, {terminate} terminate")?;
        let ApiCalls { launch_repeated, launch_throttled, launch_unanswered, .. } = *api_calls;
        if launch_throttled + launch_unanswered > 0 {
            let [throttled, unanswered, repeated] =
                [launch_throttled, launch_unanswered, launch_repeated].map(grouped);
            writeln!(
                f,
                "              of launch {throttled} throttled, {unanswered} unanswered, {repeated} repeated"
            )?;
        }
        let [events, turns] = [self.outcome.events, self.outcome.iterations].map(grouped);
        writeln!(f, "Simulated     {events} events, {turns} iterations")?;
        writeln!(f, "Decisions     {}", self.outcome.decision_digest)
    }
}

/// By worker type: cost if there are several, waits, tasks, launches, instances.
pub(crate) fn tables(outcome: &Outcome) -> Vec<Table<'static>> {
    let shown = shown(outcome);
    let mut tables = vec![wait(&shown), tasks(&shown), launches(&shown), instances(&shown)];
    if shown.len() > 1 {
        tables.insert(0, cost_by_worker_type(&shown));
    }
    tables
}

/// How many worker types are in no row of the tables.
pub(crate) fn left_out(outcome: &Outcome) -> usize {
    outcome.worker_types.len().saturating_sub(WORKER_TYPES_SHOWN_MAX)
}

/// The rows of all tables: worker types in the scenario's order, then their total.
fn shown(outcome: &Outcome) -> Vec<&Measures> {
    let all = &outcome.worker_types;
    let mut costs: Vec<Usd> = all.iter().map(|measures| measures.cost.total()).collect();
    costs.sort_unstable_by(|a, b| b.cmp(a));
    let least = costs.get(WORKER_TYPES_SHOWN_MAX - 1).copied().unwrap_or(Usd::ZERO);
    let dear = |measures: &&Measures| measures.cost.total() >= least;
    let mut shown: Vec<&Measures> = all.iter().filter(dear).take(WORKER_TYPES_SHOWN_MAX).collect();
    if all.len() > 1 {
        shown.push(&outcome.total);
    }
    shown
}

fn table(
    title: &'static str,
    columns: Vec<(&'static str, &'static str)>,
    shown: &[&Measures],
    cells: impl Fn(&Measures) -> Vec<String>,
) -> Table<'static> {
    let name = |measures: &Measures| match measures.name.as_str() {
        "" => "total".to_owned(),
        name => name.to_owned(),
    };
    let rows = shown.iter().map(|measures| (name(measures), cells(measures))).collect();
    Table { title, columns, rows, sums: shown.len() > 1 }
}

fn cost_by_worker_type(shown: &[&Measures]) -> Table<'static> {
    let columns = vec![
        ("total", "$"),
        ("per task", "$"),
        ("spot", "%"),
        ("useful", "%"),
        ("idle", "%"),
        ("boot", "%"),
        ("redone", "%"),
        ("wasted", "%"),
    ];
    let total = shown.iter().map(|measures| measures.cost.total()).max().unwrap_or(Usd::ZERO);
    let decimals = dollar_decimals(total);
    let cheapest = shown.iter().filter_map(|measures| cost_per_task(measures)).reduce(f64::min);
    let each_decimals = decimals_for(cheapest.unwrap_or(1.0));
    table("Cost", columns, shown, |measures| {
        let cost = measures.cost;
        let each = cost_per_task(measures)
            .map_or_else(|| "-".to_owned(), |each| decimal(each, each_decimals));
        let parts = [cost.spot, cost.useful, cost.idle, cost.boot, cost.redone, cost.wasted];
        let shares = parts.map(|part| share(part, cost.total()));
        [decimal(cost.total().as_f64(), decimals), each].into_iter().chain(shares).collect()
    })
}

fn wait(shown: &[&Measures]) -> Table<'static> {
    const UNIT: &str = "h:mm:ss";
    let columns = vec![
        ("tasks", "measured"),
        ("mean", UNIT),
        ("p50", UNIT),
        ("p95", UNIT),
        ("p99", UNIT),
        ("max", UNIT),
    ];
    table("Wait", columns, shown, |measures| {
        let wait = measures.wait;
        let waits = [mean(wait.mean_ms), wait.p50, wait.p95, wait.p99, wait.max];
        let cell = |time| if wait.count > 0 { clock(time) } else { "-".to_owned() };
        [grouped(wait.count)].into_iter().chain(waits.map(cell)).collect()
    })
}

fn tasks(shown: &[&Measures]) -> Table<'static> {
    let columns = vec![
        ("submitted", "tasks"),
        ("done", "tasks"),
        ("re-run", "runs"),
        ("expired", "tasks"),
        ("given up", "tasks"),
        ("left", "tasks"),
    ];
    table("Tasks", columns, shown, |measures| {
        let t = measures.tasks;
        [t.submitted, t.done, t.rerun, t.expired, t.exhausted, t.left].map(grouped).into()
    })
}

fn launches(shown: &[&Measures]) -> Table<'static> {
    let columns = vec![
        ("ordered", ""),
        ("refused", "capacity"),
        ("refused", "price"),
        ("cancelled", ""),
        ("started", ""),
        ("interrupted", ""),
    ];
    table("Launches", columns, shown, |measures| {
        let l = measures.launches;
        let refused = [l.insufficient_capacity, l.price_too_low];
        let cells = [l.ordered, refused[0], refused[1], l.cancelled, l.started, l.interrupted];
        cells.map(grouped).into()
    })
}

fn instances(shown: &[&Measures]) -> Table<'static> {
    let columns = vec![
        ("alive", "instance h"),
        ("utilisation", "%"),
        ("over-provisioned", "slot h"),
        ("churn", "starts/task h"),
    ];
    table("Instances", columns, shown, |measures| {
        vec![
            hours(measures.instance_time),
            decimal(measures.utilisation() * 100.0, 1),
            hours(measures.over_provisioned_time),
            decimal(measures.churn_per_task_hour(), 3),
        ]
    })
}

fn hours(time: Duration) -> String {
    decimal(time.as_hours_f64(), 1)
}

#[expect(clippy::cast_possible_truncation, reason = "waits are far below 2^53 ms")]
fn mean(ms: f64) -> Duration {
    Duration::from_ms(ms.round() as i64)
}

/// Cents, and finer for what costs less than ten dollars.
pub(crate) fn dollar_decimals(total: Usd) -> usize {
    if total < Usd::from_micros(10_000_000) { 4 } else { 2 }
}

pub(crate) fn total_dollars(measures: &Measures) -> String {
    let total = measures.cost.total();
    decimal(total.as_f64(), dollar_decimals(total))
}

#[expect(clippy::cast_precision_loss, reason = "a report rounds far more")]
pub(crate) fn cost_per_task(measures: &Measures) -> Option<f64> {
    let done = measures.tasks.done;
    (done > 0).then(|| measures.cost.total().as_f64() / done as f64)
}

pub(crate) fn share(part: Usd, whole: Usd) -> String {
    if whole == Usd::ZERO {
        return "-".to_owned();
    }
    decimal(part.as_f64() / whole.as_f64() * 100.0, 1)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::testing::{outcome, worker_type};

    fn page(outcome: &Outcome, width: usize) -> String {
        let page = summary(outcome, Look { width: Some(width), colour: false }).to_string();
        for line in page.lines() {
            assert!(line.chars().count() <= width, "more than {width} columns: {line}");
            assert_eq!(line.trim_end(), line, "blanks at the end of a line");
        }
        page
    }

    #[test]
    fn several_worker_types_fit_eighty_columns() {
        expect![[r#"
            2016-02-01 00:00 to 2016-02-05 15:07 UTC, 4 d 15 h

            199,504 tasks done for $730.86, $0.00366 each.
            Waits: half at most 8.2 s, 95 % at most 4 min 3 s, 99 % at most 1 h 2 min.

            Cost by             market    share                           use    share
                                     $        %                             $        %
            spot                710.40     97.2    useful              592.00     81.0
            on demand            20.46      2.8    idle                 79.66     10.9
                                                   boot                 35.52      4.9
                                                   redone               17.76      2.4
                                                   wasted                5.92      0.8
            total               730.86    100.0    total               730.86    100.0

            Cost                  total  per task  spot  useful  idle  boot  redone  wasted
                                      $         $     %       %     %     %       %       %
            gecko-3/b-linux      123.46   0.00366  97.2    81.0  10.9   4.9     2.4     0.8
            gecko-…-linux-large  592.59   0.00366  97.2    81.0  10.9   4.9     2.4     0.8
            proj-a…tbar-gw-perf   14.81   0.00366  97.2    81.0  10.9   4.9     2.4     0.8
            total                730.86   0.00366  97.2    81.0  10.9   4.9     2.4     0.8

            Wait                    tasks     mean      p50      p95      p99       max
                                 measured  h:mm:ss  h:mm:ss  h:mm:ss  h:mm:ss   h:mm:ss
            gecko-3/b-linux        33,000  0:01:01  0:00:08  0:04:03  1:02:05  27:03:00
            gecko-…-linux-large   158,400  0:01:01  0:00:08  0:04:03  1:02:05  27:03:00
            proj-a…tbar-gw-perf     3,960  0:01:01  0:00:08  0:04:03  1:02:05  27:03:00
            total                 195,360  0:01:01  0:00:08  0:04:03  1:02:05  27:03:00

            Tasks                submitted     done  re-run  expired  given up   left
                                     tasks    tasks    runs    tasks     tasks  tasks
            gecko-3/b-linux         34,000   33,700     400      100         0    200
            gecko-…-linux-large    163,200  161,760   1,920      480         0    960
            proj-a…tbar-gw-perf      4,080    4,044      48       12         0     24
            total                  201,280  199,504   2,368      592         0  1,184

            Launches             ordered   refused  refused  cancelled  started  interrupted
                                          capacity    price
            gecko-3/b-linux        2,100       300        0        200    1,600          100
            gecko-…-linux-large   10,080     1,440        0        960    7,680          480
            proj-a…tbar-gw-perf      252        36        0         24      192           12
            total                 12,432     1,776        0      1,184    9,472          592

            Instances                 alive  utilisation  over-provisioned          churn
                                 instance h            %            slot h  starts/task h
            gecko-3/b-linux         1,283.3         80.5             150.0          1.548
            gecko-…-linux-large     6,160.0         80.5             720.0          1.548
            proj-a…tbar-gw-perf       154.0         80.5              18.0          1.548
            total                   7,597.3         80.5             888.0          1.548

            Largest pool  m3.medium/us-east-1b, 34.0 % of instance time
            API calls     12,432 launch, 1,184 cancel, 3 terminate
            Simulated     1,234,567 events, 6,667 iterations
            Decisions     9c44e01f3a5b7d20
        "#]]
        .assert_eq(&page(&outcome(), 80));
    }

    #[test]
    fn long_names_are_whole_where_there_is_room() {
        assert!(page(&outcome(), 120).contains("proj-autophone/gecko-t-bitbar-gw-perf"));
    }

    #[test]
    fn one_worker_type_has_no_total() {
        let mut one = outcome();
        one.worker_types.truncate(1);
        one.total = Measures { name: String::new(), ..one.worker_types[0].clone() };
        expect![[r#"
            2016-02-01 00:00 to 2016-02-05 15:07 UTC, 4 d 15 h

            33,700 tasks done for $123.46, $0.00366 each.
            Waits: half at most 8.2 s, 95 % at most 4 min 3 s, 99 % at most 1 h 2 min.

            Cost by             market    share                           use    share
                                     $        %                             $        %
            spot                120.00     97.2    useful              100.00     81.0
            on demand             3.46      2.8    idle                 13.46     10.9
                                                   boot                  6.00      4.9
                                                   redone                3.00      2.4
                                                   wasted                1.00      0.8
            total               123.46    100.0    total               123.46    100.0

            Wait                tasks     mean      p50      p95      p99       max
                             measured  h:mm:ss  h:mm:ss  h:mm:ss  h:mm:ss   h:mm:ss
            gecko-3/b-linux    33,000  0:01:01  0:00:08  0:04:03  1:02:05  27:03:00

            Tasks            submitted    done  re-run  expired  given up   left
                                 tasks   tasks    runs    tasks     tasks  tasks
            gecko-3/b-linux     34,000  33,700     400      100         0    200

            Launches         ordered   refused  refused  cancelled  started  interrupted
                                      capacity    price
            gecko-3/b-linux    2,100       300        0        200    1,600          100

            Instances             alive  utilisation  over-provisioned          churn
                             instance h            %            slot h  starts/task h
            gecko-3/b-linux     1,283.3         80.5             150.0          1.548

            Largest pool  m3.medium/us-east-1b, 34.0 % of instance time
            API calls     12,432 launch, 1,184 cancel, 3 terminate
            Simulated     1,234,567 events, 6,667 iterations
            Decisions     9c44e01f3a5b7d20
        "#]]
        .assert_eq(&page(&one, 80));
    }

    #[test]
    fn a_run_in_which_nothing_happened_has_dashes() {
        let mut none = outcome();
        none.worker_types = vec![Measures { name: "ci/linux".to_owned(), ..Measures::default() }];
        none.total = Measures::default();
        (none.largest_pool, none.largest_pool_share) = (String::new(), 0.0);
        expect![[r#"
            2016-02-01 00:00 to 2016-02-05 15:07 UTC, 4 d 15 h

            0 tasks done for $0.0000.

            Cost by             market    share                           use    share
                                     $        %                             $        %
            spot                0.0000        -    useful              0.0000        -
            on demand           0.0000        -    idle                0.0000        -
                                                   boot                0.0000        -
                                                   redone              0.0000        -
                                                   wasted              0.0000        -
            total               0.0000        -    total               0.0000        -

            Wait          tasks     mean      p50      p95      p99      max
                       measured  h:mm:ss  h:mm:ss  h:mm:ss  h:mm:ss  h:mm:ss
            ci/linux          0        -        -        -        -        -

            Tasks      submitted   done  re-run  expired  given up   left
                           tasks  tasks    runs    tasks     tasks  tasks
            ci/linux           0      0       0        0         0      0

            Launches   ordered   refused  refused  cancelled  started  interrupted
                                capacity    price
            ci/linux         0         0        0          0        0            0

            Instances       alive  utilisation  over-provisioned          churn
                       instance h            %            slot h  starts/task h
            ci/linux          0.0          0.0               0.0          0.000

            API calls     12,432 launch, 1,184 cancel, 3 terminate
            Simulated     1,234,567 events, 6,667 iterations
            Decisions     9c44e01f3a5b7d20
        "#]]
        .assert_eq(&page(&none, 80));
    }

    #[test]
    fn of_many_worker_types_the_dearest_are_shown() {
        let mut many = outcome();
        many.worker_types = (0..1_000).map(|n| worker_type(&format!("ci/{n}"), n)).collect();
        let page = page(&many, 80);
        assert!(page.contains("\nci/980 ") && !page.contains("\nci/979 "), "{page}");
        assert!(page.contains("\n980 cheaper worker types are in the totals"), "{page}");
    }

    #[test]
    fn colour_only_adds_codes() {
        let plain = summary(&outcome(), Look { width: None, colour: false }).to_string();
        let mut coloured = summary(&outcome(), Look { width: None, colour: true }).to_string();
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m"] {
            assert!(coloured.contains(code));
            coloured = coloured.replace(code, "");
        }
        assert_eq!(coloured, plain);
    }
}
