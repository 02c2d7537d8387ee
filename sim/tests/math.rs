//! The whole simulator against queueing theory.
//!
//! Each test runs a worker type whose configuration is exactly a queue of the literature, on
//! twenty independent seeds, and asks that the known value lies within the 99.9 % confidence
//! interval of what was measured (Student's t, 19 degrees of freedom), and that this interval is
//! as narrow as stated. A service takes 1,000 s on average, so whole milliseconds are exact
//! enough. Seeds are fixed: a test that passes keeps passing. `--nocapture` prints the table.
//!
//! | sources | |
//! |---|---|
//! | M/M/c | A. K. Erlang 1917; Gross, Harris, *Fundamentals of Queueing Theory*, §2.3 |
//! | M/G/1 | Pollaczek 1930, Khinchine 1932; same, §5.1 |
//! | M/G/1 with setup | P. D. Welch, *On a generalized M/G/1 queuing process in which the first customer of each busy period receives exceptional service*, Oper. Res. 12 (1964) |
//! | M/G/∞ | C. Palm 1943: Poisson whatever the law; Gross, Harris, §5.2 |
//! | M/M/c with setup | A. Gandhi, M. Harchol-Balter, I. Adan, *Server farms with setup costs*, Perform. Eval. 67 (2010), for the model; here without calling setups off, solved numerically |

mod support;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::SimConfig;
use provisioner_sim::dist::DurationDist;
use provisioner_sim::generate::tasks::{GeneratedTasks, TaskModel};
use provisioner_sim::{Hooks, run};
use support::{FOR_EVER, worker_type, world};

const SEEDS: u64 = 20;
/// The 99.95 % point of Student's t with 19 degrees of freedom.
const STUDENT: f64 = 3.883;
/// Mean service time, and its unit in all that follows.
const SERVICE: Duration = Duration::from_secs(1_000);
const SERVICE_MS: f64 = 1_000_000.0;

// ---- servers that are always there ----

#[test]
fn waits_of_one_server_are_those_of_erlang_c() {
    check_erlang(1, 0.5, 100_000, 0.02);
    check_erlang(1, 0.8, 200_000, 0.03);
}

#[test]
fn waits_of_ten_servers_are_those_of_erlang_c() {
    check_erlang(10, 0.7, 200_000, 0.04);
    check_erlang(10, 0.9, 300_000, 0.05);
}

#[test]
fn waits_of_ten_million_customers_at_a_hundred_servers_are_those_of_erlang_c() {
    check_erlang(100, 0.9, 510_000, 0.1);
}

fn check_erlang(servers: u32, load: f64, customers: u64, widest: f64) {
    let c = f64::from(servers);
    let waiting = erlang_c(servers, load);
    let spare = c * (1.0 - load); // cμ − λ
    let name = format!("M/M/{servers} at {load}");
    let runs = runs(&name, &standing(servers), load * c, exponential(1.0), customers);
    agree(&format!("{name}: P(wait)"), waiting, runs.iter().map(|run| run.all_busy), widest);
    agree(&format!("{name}: Wq"), waiting / spare, runs.iter().map(|run| run.wait), widest);
    if waiting > 0.05 {
        let p95 = (waiting / 0.05).ln() / spare;
        agree(&format!("{name}: p95"), p95, runs.iter().map(|run| run.p95), widest);
    }
}

/// The probability that all servers are busy, by way of Erlang's loss formula.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let offered = f64::from(servers) * load;
    let loss = (1..=servers).fold(1.0, |loss, n| offered * loss / (f64::from(n) + offered * loss));
    loss / (1.0 - load * (1.0 - loss))
}

#[test]
fn waits_for_other_services_are_those_of_pollaczek_and_khinchine() {
    let uniform = DurationDist::Uniform { min: Duration::ZERO, max: SERVICE * 2 };
    let log_normal = DurationDist::log_normal_of_mean(SERVICE, 1.0);
    for (name, service, square, widest) in [
        ("M/D/1", DurationDist::Constant(SERVICE), 1.0, 0.03),
        ("M/U/1", uniform, 4.0 / 3.0, 0.04),
        ("M/log-normal/1", log_normal, 1.0_f64.exp(), 0.06),
    ] {
        for load in [0.5, 0.8] {
            let expected = load * square / (2.0 * (1.0 - load));
            let name = format!("{name} at {load}: Wq");
            let runs = runs(&name, &standing(1), load, service.clone(), 100_000);
            agree(&name, expected, runs.iter().map(|run| run.wait), widest);
        }
    }
}

/// Servers that exist from the first iteration on and never stop.
fn standing(servers: u32) -> SimConfig {
    let mut worker_type = worker_type("t", servers);
    (worker_type.capacity_min, worker_type.idle_timeout) = (servers, FOR_EVER);
    let mut config = endless(worker_type);
    config.engine.limits.iteration_interval = SERVICE * 10;
    config
}

// ---- servers that must be set up ----

/// The server stops the moment it is idle. The task that finds none waits for the next iteration,
/// evenly distributed over the interval, and for the boot: together they are the setup time.
#[test]
fn waits_for_one_server_that_is_set_up_anew_for_each_busy_period_are_welch_s() {
    const BOOT: Duration = Duration::from_secs(1_500);
    let log_normal = DurationDist::log_normal_of_mean(BOOT, 0.5);
    for (name, boot, relative_square) in [
        ("exponential", DurationDist::Exponential { mean: BOOT }, 2.0),
        ("constant", DurationDist::Constant(BOOT), 1.0),
        ("log-normal", log_normal, 0.25_f64.exp()),
    ] {
        for (load, widest) in [(0.3, 0.01), (0.7, 0.03)] {
            let turn = 0.5;
            let mut config = on_demand_each(1, turn);
            config.workers[0].boot = boot.clone();
            let setup = Setup::of(1.5, relative_square, turn);
            let name = format!("M/M/1 at {load} with {name} setup: Wq");
            let runs = runs(&name, &config, load, exponential(1.0), 50_000);
            agree(&name, welch(load, &setup), runs.iter().map(|run| run.wait), widest);
        }
    }
}

/// First and second moment of a setup time.
struct Setup {
    mean: f64,
    square: f64,
}

impl Setup {
    /// A boot with this mean and E\[B²\] ÷ E\[B\]², after an even wait for an iteration.
    fn of(boot: f64, relative_square: f64, turn: f64) -> Self {
        let square = relative_square * boot * boot + boot * turn + turn * turn / 3.0;
        Self { mean: boot + turn / 2.0, square }
    }
}

/// M/M/1, whose first customer of a busy period also waits for the setup.
fn welch(load: f64, setup: &Setup) -> f64 {
    let first = (2.0 * setup.mean + load * setup.square) / (2.0 * (1.0 + load * setup.mean));
    load / (1.0 - load) + first
}

/// Workers retire with their first task, so each task has an instance of its own and waits for as
/// many setups as it: those under way are an M/G/∞.
#[test]
fn setups_under_way_are_poisson_where_each_task_has_its_own_instance() {
    let (turn, rate) = (0.2, 10.0);
    let mut config = on_demand_each(100_000, turn);
    config.workers[0].boot = DurationDist::log_normal_of_mean(SERVICE, 1.0);
    config.workers[0].uptime_max = Some(Duration::ZERO);
    let setup = Setup::of(1.0, 1.0_f64.exp(), turn);
    let runs = runs("M/G/∞", &config, rate, exponential(1.0), 30_000);
    agree("M/G/∞ setups: wait", setup.mean, runs.iter().map(|run| run.wait), 0.01);
    let under_way = rate * setup.mean;
    agree("M/G/∞ setups: mean", under_way, runs.iter().map(|run| run.pending), 0.03);
    agree("M/G/∞ setups: variance", under_way, runs.iter().map(|run| run.pending_variance), 0.05);
    agree("M/G/∞ busy: mean", rate, runs.iter().map(|run| run.claimed), 0.03);
}

/// Idle servers stop at once; a task that finds fewer setups under way than tasks waiting starts
/// one, up to `c` servers; a setup is never called off, but may find nothing to do. The wait for
/// the iteration, 1 % of a setup, is taken as part of it.
#[test]
fn waits_for_several_servers_with_setup_are_those_of_their_markov_chain() {
    for (servers, load, tasks, widest) in [(2, 0.5, 20_000, 0.03), (5, 0.7, 30_000, 0.04)] {
        let turn = 0.02;
        let mut config = on_demand_each(servers, turn);
        config.workers[0].boot = exponential(1.0 - turn / 2.0);
        let rate = load * f64::from(servers);
        let name = format!("M/M/{servers} at {load} with setup: Wq");
        let runs = runs(&name, &config, rate, exponential(1.0), tasks);
        let expected = SetupChain { servers: servers as usize, rate, setup: 1.0 }.wait();
        agree(&name, expected, runs.iter().map(|run| run.wait), widest);
    }
}

#[test]
fn the_markov_chain_of_setups_has_the_closed_forms_at_its_edges() {
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-6;
    let one = SetupChain { servers: 1, rate: 0.7, setup: 1.5 }.wait();
    assert!(close(one, welch(0.7, &Setup::of(1.5, 2.0, 0.0))), "{one}");
    let no_setup = SetupChain { servers: 5, rate: 3.5, setup: 1e-9 }.wait();
    assert!(close(no_setup, erlang_c(5, 0.7) / 1.5), "{no_setup}");
}

/// States are (busy, in setup, waiting); the mean service time is 1.
struct SetupChain {
    servers: usize,
    rate: f64,
    setup: f64,
}

impl SetupChain {
    /// No more tasks wait than this, which is as good as no limit at the loads above.
    const WAITING_MAX: usize = 200;

    /// Mean wait, by Little's law.
    fn wait(&self) -> f64 {
        let share = self.stationary();
        let waiting = |state: usize| (state % (Self::WAITING_MAX + 1)) as f64;
        let mean: f64 = share.iter().enumerate().map(|(state, share)| waiting(state) * share).sum();
        mean / self.rate
    }

    fn state(&self, busy: usize, setups: usize, waiting: usize) -> usize {
        (busy * (self.servers + 1) + setups) * (Self::WAITING_MAX + 1) + waiting
    }

    /// Where the chain goes from a state, and at what rate.
    fn moves(&self, busy: usize, setups: usize, waiting: usize) -> [(usize, f64); 3] {
        let arrived = (waiting + 1).min(Self::WAITING_MAX);
        let started = setups.max(arrived.min(self.servers - busy));
        let served = if waiting > 0 {
            self.state(busy, setups, waiting - 1)
        } else {
            self.state(busy.max(1) - 1, setups, 0)
        };
        let ready = if waiting > 0 {
            self.state(busy + 1, setups.max(1) - 1, waiting - 1)
        } else {
            self.state(busy, setups.max(1) - 1, 0)
        };
        [
            (self.state(busy, started, arrived), self.rate),
            (served, busy as f64),
            (ready, setups as f64 / self.setup),
        ]
    }

    /// Long-run shares of the states, by Gauss and Seidel's iteration.
    fn stationary(&self) -> Vec<f64> {
        let states = self.state(self.servers, self.servers, Self::WAITING_MAX) + 1;
        let (mut into, mut out_of) = (vec![Vec::new(); states], vec![0.0; states]);
        for busy in 0..=self.servers {
            for setups in 0..=self.servers - busy {
                let least =
                    if setups + busy < self.servers { 0..=setups } else { 0..=Self::WAITING_MAX };
                for waiting in least {
                    let from = self.state(busy, setups, waiting);
                    for (to, rate) in self.moves(busy, setups, waiting) {
                        if to != from && rate > 0.0 {
                            into[to].push((from, rate));
                            out_of[from] += rate;
                        }
                    }
                }
            }
        }
        let mut share: Vec<f64> = out_of.iter().map(|rate| f64::from(*rate > 0.0)).collect();
        for _ in 0..4_000 {
            for state in 0..states {
                if out_of[state] > 0.0 {
                    let inflow: f64 =
                        into[state].iter().map(|(from, rate)| share[*from] * rate).sum();
                    share[state] = inflow / out_of[state];
                }
            }
            let sum: f64 = share.iter().sum();
            share.iter_mut().for_each(|share| *share /= sum);
        }
        share
    }
}

/// Servers that exist only while there is work; `turn` is the time between iterations.
fn on_demand_each(servers: u32, turn: f64) -> SimConfig {
    let mut worker_type = worker_type("t", servers);
    worker_type.idle_timeout = Duration::ZERO;
    let mut config = endless(worker_type);
    config.engine.limits.iteration_interval = services(turn);
    config
}

// ---- measuring ----

/// What one run showed; times in mean services.
struct Run {
    wait: f64,
    p95: f64,
    /// Share of time in which all capacity was busy: by PASTA, of customers who waited.
    all_busy: f64,
    claimed: f64,
    pending: f64,
    pending_variance: f64,
}

fn endless(worker_type: provisioner_engine::worker_type::WorkerType) -> SimConfig {
    let mut config = world(vec![worker_type]);
    config.end = Time::MAX;
    config.warmup = SERVICE * 500;
    // Not a multiple of any iteration interval here.
    config.series_step = Some(Duration::from_ms(1_234_567));
    config
}

/// One run a seed, of so many tasks, `rate` of them a mean service time. The name is part of the
/// seeds, so that no two comparisons share their luck.
fn runs(name: &str, config: &SimConfig, rate: f64, service: DurationDist, tasks: u64) -> Vec<Run> {
    let model = TaskModel::poisson(rate * 3_600.0 / SERVICE.as_secs_f64(), service);
    let capacity = config.engine.worker_types[0].capacity_max;
    let measure = |seed| {
        let seed = Seed(seed).purpose(name);
        let config = SimConfig { seed, ..config.clone() };
        let span = (Time::EPOCH, Time::MAX);
        let mut tasks =
            GeneratedTasks::new(&model, WorkerTypeId::new(0), seed, span).take_at_most(tasks);
        let [mut samples, mut busy, mut claimed, mut pending, mut squares] = [0.0; 5];
        let mut sample = |sample: provisioner_sim::Sample| {
            if sample.at >= config.start + config.warmup {
                let waiting = f64::from(sample.pending);
                samples += 1.0;
                busy += f64::from(u8::from(sample.claimed == capacity));
                claimed += f64::from(sample.claimed);
                pending += waiting;
                squares += waiting * waiting;
            }
        };
        let hooks = Hooks { sample: Some(&mut sample), ..Hooks::default() };
        let wait = run(&config, &mut tasks, hooks).total.wait;
        let mean = pending / samples;
        Run {
            wait: wait.mean_ms / SERVICE_MS,
            p95: wait.p95.ms() as f64 / SERVICE_MS,
            all_busy: busy / samples,
            claimed: claimed / samples,
            pending: mean,
            pending_variance: squares / samples - mean * mean,
        }
    };
    (1..=SEEDS).map(measure).collect()
}

/// The expected value lies in the confidence interval, which is at most `widest` of it to each
/// side.
fn agree(name: &str, expected: f64, measured: impl Iterator<Item = f64>, widest: f64) {
    let measured: Vec<f64> = measured.collect();
    let n = measured.len() as f64;
    let mean = measured.iter().sum::<f64>() / n;
    let variance = measured.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let half = STUDENT * (variance / n).sqrt();
    println!("{name}: expected {expected:.5}, measured {mean:.5} ± {half:.5}");
    assert!((mean - expected).abs() <= half, "{name}: {mean} ± {half} is not {expected}");
    assert!(half <= widest * expected, "{name}: ± {half} of {expected} says little");
}

fn exponential(services_mean: f64) -> DurationDist {
    DurationDist::Exponential { mean: services(services_mean) }
}

#[expect(clippy::cast_possible_truncation, reason = "times here are far below 2^53 ms")]
fn services(n: f64) -> Duration {
    Duration::from_ms((n * SERVICE_MS).round() as i64)
}
