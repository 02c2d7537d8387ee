//! One random bad day: a scenario of a few worker types, some pools, and whatever may go wrong.
//!
//! A seed decides first how bad the day is, then switches each kind of fault on or off, and gives
//! those that are on very different weights: rare faults show only where nothing louder drowns
//! them (cf. swarm testing, Groce et al., ISSTA 2012; TigerBeetle's `vopr`). After some hours the
//! storm is over (`time.calm_from`). Work that a calm fleet has time to do must then be done, and
//! the last tasks come hours later, so that nothing can hide in the end of the run.
//!
//! Not here: what must hold (see `verdict`). Ranges are chosen to be far worse than anything
//! published; what is published stands beside each key in `PARAMETERS.md`.

use std::collections::BTreeSet;

use provisioner_engine::random::{Seed, Stream};
use rand::RngExt;
use toml::{Table, Value};

/// How long the fleet has after the storm for all it owes; see `verdict` for what that is.
const RECOVERY_HOURS: i64 = 5;
/// How long the last task may take, an hour of work at most.
const LAST_TASK_HOURS: i64 = 3;

/// What can be had: vCPUs, and $/h on demand.
const INSTANCE_TYPES: [(&str, i64, f64); 6] = [
    ("c5.large", 2, 0.085),
    ("c5.xlarge", 4, 0.17),
    ("c5.4xlarge", 16, 0.68),
    ("m5.xlarge", 4, 0.192),
    ("r5.2xlarge", 8, 0.504),
    ("g4dn.xlarge", 4, 0.526),
];

/// The dearest of them, $/h.
const DEAREST: f64 = 0.68;

const SHARED_IMAGE: &str = "shared";

const ZONES: [&str; 6] =
    ["us-east-1a", "us-east-1b", "us-east-1c", "us-west-2a", "us-west-2b", "eu-central-1a"];

/// What can happen by chance, from hardly ever to far too often.
const CHANCES: [(&str, f64, f64); 21] = [
    ("cloud.api.lost_request", 0.001, 0.3),
    ("cloud.api.lost_response", 0.001, 0.3),
    ("cloud.api.duplicated_response", 0.001, 0.5),
    ("cloud.api.internal_error", 0.001, 0.3),
    ("cloud.listing.event_lost", 0.001, 0.5),
    ("cloud.listing.event_duplicated", 0.001, 0.5),
    ("cloud.listing.stale_read", 0.01, 0.5),
    ("cloud.listing.page_failed", 0.001, 0.3),
    ("cloud.listing.label_missing", 0.001, 0.3),
    ("cloud.launch.early_death", 0.001, 0.5),
    ("cloud.interruption_hazard", 0.01, 2.0),
    ("cloud.notice_missing", 0.01, 1.0),
    ("cloud.interruption.burst", 0.1, 1.0),
    ("cloud.interruption.tie_kill", 0.1, 1.0),
    ("cloud.interruption.notice_late", 0.01, 1.0),
    ("cloud.interruption.notice_duplicated", 0.01, 1.0),
    ("cloud.interruption.notice_after_death", 0.01, 0.5),
    ("cloud.interruption.rebalance_before_kill", 0.1, 1.0),
    ("queue.count_error", 0.01, 0.9),
    ("queue.count_failure", 0.01, 0.7),
    ("engine_process.crash_rate", 0.1, 20.0),
];

/// What can happen to a worker by chance.
const WORKER_CHANCES: [(&str, f64, f64); 5] = [
    ("never_registers", 0.01, 0.5),
    ("never_claims", 0.01, 0.5),
    ("ignores_idle", 0.01, 0.7),
    ("hang_hazard", 0.01, 2.0),
    ("death_hazard", 0.01, 2.0),
];

/// Delays that vary, from their usual length to far too long, in seconds.
const DELAYS: [(&str, f64, f64); 9] = [
    ("cloud.answer", 0.5, 300.0),
    ("cloud.pending_to_running", 5.0, 600.0),
    ("cloud.termination", 10.0, 1_200.0),
    ("cloud.observation_lag", 0.1, 120.0),
    ("cloud.listing.visibility_lag", 0.1, 600.0),
    ("cloud.listing.page_answer", 0.1, 3.0),
    ("cloud.listing.staleness", 1.0, 900.0),
    ("cloud.quotas.release_lag", 1.0, 600.0),
    ("queue.check_answer", 0.05, 30.0),
];

/// The scenario of a seed, as the text of a file.
#[must_use]
pub fn compose(seed: u64) -> String {
    let mut storm = Composer {
        random: Seed(seed).purpose("storm").stream(),
        file: Table::new(),
        wildness: 0.0,
        zones: Vec::new(),
        instance_types: Vec::new(),
        wanted: BTreeSet::new(),
        worker_types: Vec::new(),
        dear: 0.0,
        floors: 0,
        hours: 0,
        start_hour: 0,
        is_tight: false,
    };
    (storm.hours, storm.start_hour) = (storm.between(2, 8), storm.between(0, 23));
    storm.wildness = storm.one_of(&[0.05, 0.2, 0.5, 0.8]);
    let description = format!("Storm {seed}: everything may go wrong, then nothing does");
    storm.set("description", description);
    storm.set("seed", i64::try_from(seed >> 1).expect("half of an unsigned number is signed"));
    storm.market();
    storm.engine();
    storm.worker_types();
    storm.spend();
    storm.cloud();
    storm.offers();
    storm.queue_and_process();
    storm.windows();
    storm.time();
    storm.checks();
    toml::to_string(&storm.file).expect("a table of plain values")
}

struct Composer {
    random: Stream,
    file: Table,
    /// The chance that a kind of fault is on.
    wildness: f64,
    zones: Vec<&'static str>,
    instance_types: Vec<&'static str>,
    /// Those of them that a worker type wants.
    wanted: BTreeSet<&'static str>,
    worker_types: Vec<String>,
    /// What all their capacity costs an hour at most.
    dear: f64,
    /// Capacity that stands all day, of all worker types.
    floors: i64,
    /// How long it storms.
    hours: i64,
    /// The hour of the day in which it begins.
    start_hour: i64,
    /// A worker type has a [tight day](Composer::tight_day).
    is_tight: bool,
}

impl Composer {
    fn market(&mut self) {
        let outbid = self.chance(0.3);
        self.set("market.regime", if outbid { "outbid" } else { "capacity" });
        self.zones = self.some_of(&ZONES);
        self.set("market.zones", self.zones.clone());
        let types = self.some_of(&INSTANCE_TYPES);
        self.instance_types = types.iter().map(|(name, ..)| *name).collect();
        for (name, vcpus, price) in types {
            self.set_in("market.on_demand", name, format!("${price}/h"));
            self.set_in("market.vcpus", name, vcpus);
        }
        if self.chance(0.5) {
            let prices = self.one_of(&["modern", "bid-era", "bid-era"]);
            self.set("market.prices", prices);
        }
        if self.is_on() {
            let (up, down) = (self.about(600.0, 36_000.0), self.about(300.0, 14_400.0));
            self.set("market.availability.generated.up.exponential.mean", up);
            self.set("market.availability.generated.down.exponential.mean", down);
            if self.chance(0.5) {
                let available = self.between(1, 40);
                self.set("market.availability.generated.available", available);
            }
        }
        if self.chance(0.5) {
            let (interval, rows) = (self.between(30, 1_800), self.between(1, 50));
            let order = self.one_of(&["newest-first", "oldest-first", "shuffled"]);
            self.set("market.feed.polled.interval", format!("{interval} s"));
            self.set("market.feed.polled.page_rows", rows);
            self.set("market.feed.polled.order", order);
            self.chance_key("market.feed.polled.duplicates", 0.01, 0.5);
        }
    }

    fn engine(&mut self) {
        let interval = self.one_of(&[10, 30, 60, 60, 60, 120]);
        self.set("engine.iteration_interval", format!("{interval} s"));
        let per_call = self.one_of(&[1, 3, 10, 50, 50]);
        self.set("engine.launches_per_call_max", per_call);
        if self.chance(0.3) {
            let per_decision = self.between(1, 20);
            self.set("engine.launches_per_decision_max", per_decision);
        }
        self.sometimes_seconds("engine.demand_stale_after", 120, 900);
        self.sometimes_seconds("engine.guard_rules.prices_stale_after", 600, 3_600);
        if self.is_on() {
            for call in ["launch", "terminate", "cancel", "list"] {
                let (tokens, refill) = (self.between(1, 5), self.log_between(0.05, 1.0));
                let bucket = format!("engine.guard_rules.api.on.{call}");
                self.set(&format!("{bucket}.capacity"), tokens);
                self.set(&format!("{bucket}.refill_per_second"), refill);
            }
        }
        if self.is_on() {
            let unproven_max = self.between(1, 10);
            self.set("engine.guard_rules.breaker.on.unproven_max", unproven_max);
        }
    }

    fn worker_types(&mut self) {
        let count = self.one_of(&[1, 1, 2, 2, 3, 5]);
        for number in 1..=count {
            let name = format!("storm/w{number}");
            let keys = self.worker_type();
            self.set_in("worker_types", &name, keys);
            self.worker_types.push(name);
        }
    }

    /// Ceilings on what all worker types cost together.
    fn spend(&mut self) {
        if self.chance(0.3) {
            let hourly = self.dear * self.log_between(0.4, 1.5);
            self.set("engine.spend.hourly_max", format!("${hourly:.2}/h"));
        }
        if self.chance(0.2) {
            // What stands all day leaves something for the last task.
            let stands = DEAREST * real(self.floors * (RECOVERY_HOURS + LAST_TASK_HOURS));
            let daily = stands + self.dear * self.log_between(0.7, 3.0);
            self.set("engine.spend.daily_max", format!("${daily:.2}"));
        }
    }

    fn worker_type(&mut self) -> Table {
        let outer = std::mem::take(&mut self.file);
        let capacity_max = self.log_between(2.0, 60.0).round();
        self.set("capacity_max", whole(capacity_max));
        let scaling =
            self.one_of(&["target", "target", "target", "estimator", "estimator", "scaling-ratio"]);
        self.set("scaling", scaling);
        let placement = self.one_of(&[
            "spread",
            "spread",
            "spread",
            "cheapest",
            "random",
            "weighted",
            "on-demand",
        ]);
        self.set("placement", placement);
        let is_tight = self.chance(0.12);
        let mut types = self.some_of(&self.instance_types.clone());
        types.truncate(if is_tight { 1 } else { types.len() });
        let mut cheapest = f64::MAX;
        for name in &types {
            self.wanted.insert(name);
            let (capacity, utility) = (self.one_of(&[1, 1, 1, 2, 4]), self.log_between(0.5, 2.0));
            let capacity = capacity.min(whole(capacity_max));
            let keys = [("capacity", capacity.into()), ("utility", utility.into())];
            let mut keys = table(keys);
            if placement == "weighted" && self.chance(0.5) {
                keys.insert("capacity_max".to_owned(), whole((capacity_max / 2.0).ceil()).into());
            }
            self.set_in("instance_types", name, keys);
            cheapest = cheapest.min(price_of(name) / utility);
        }
        // What `cheapest` holds against a pool for a day counts into its price.
        if placement != "cheapest" && self.chance(0.2) {
            let price_max = cheapest * self.log_between(1.0, 3.0);
            self.set("price_max", format!("${price_max:.4}/h"));
        }
        let idle = self.between(60, 1_800);
        self.set("idle_timeout", format!("{idle} s"));
        self.sometimes_seconds("request_timeout", 300, 3_600);
        self.sometimes_seconds("registration_timeout", 900, 5_400);
        // A task that takes longer than its machine lives is never done.
        let lives = if self.chance(0.3) { self.between(2_400, 28_800) } else { 28_800 };
        self.set("lifetime_max", format!("{lives} s"));
        self.sometimes_seconds("on_demand_after", 0, 3_600);
        if self.chance(0.5) {
            let asks = self.between(30, 600);
            self.set("workers.asks", format!("{asks} s"));
        }
        self.sometimes_seconds("workers.uptime_max", 1_800, 14_400);
        self.sometimes_seconds("workers.between_tasks", 1, 60);
        if self.chance(0.3) {
            self.set("image", SHARED_IMAGE);
        }
        if self.chance(0.2) {
            let floor = self.between(1, 3).min(whole(capacity_max));
            self.set("capacity_min", floor);
            self.floors += floor;
        }
        // For less, some of its machines could never be bought.
        let dear = capacity_max.max(4.0) * DEAREST;
        if self.chance(0.2) {
            let hourly = dear * self.log_between(0.4, 1.5);
            self.set("spend.hourly_max", format!("${hourly:.2}/h"));
        }
        self.dear += dear;
        if self.chance(0.3) {
            let boot = self.about(20.0, 900.0);
            self.set("workers.boot.exponential.mean", boot);
        }
        let claim_order = self.one_of(&["random-poll", "last-idled", "longest-idle"]);
        self.set("workers.claim_order", claim_order);
        for (key, low, high) in WORKER_CHANCES {
            self.chance_key(&format!("workers.{key}"), low, high);
        }
        let batches = self.batches(capacity_max, f64::from(i32::try_from(lives / 8).unwrap_or(60)));
        self.set("tasks.listed.batches", batches);
        if is_tight {
            self.tight_day(types[0], whole(capacity_max));
        }
        std::mem::replace(&mut self.file, outer)
    }

    /// A worker type whose tasks run for longer than the day's money lasts, on machines of one price,
    /// and others that come when it is spent.
    fn tight_day(&mut self, name: &str, capacity_max: i64) {
        self.is_tight = true;
        self.set_in("instance_types", name, Table::new());
        for key in ["capacity_min", "spend", "price_max"] {
            self.file.remove(key);
        }
        let placement = self.one_of(&["spread", "on-demand"]);
        self.set("placement", placement);
        self.set("lifetime_max", "8 h");
        let machines = self.between(1, capacity_max.min(10));
        // Enough for the others and, an hour ahead, for the last task.
        let daily = real(machines) * price_of(name) * self.log_between(2.2, 2.9);
        self.set("spend.daily_max", format!("${daily:.4}"));
        let (at, hours) = (self.between(0, self.hours * 1_200), self.between(4, 6));
        let batch = |at: i64, number: i64, duration: String| {
            let at = format!("{at} s");
            let keys = [("at", at.into()), ("number", number.into()), ("retries", 0.into())];
            let mut batch = table(keys);
            batch.insert("duration".to_owned(), duration.into());
            Value::from(batch)
        };
        let (later, minutes) = (at + self.between(3_600, 10_800), self.between(1, 10));
        let long = batch(at, machines, format!("{hours} h"));
        let short = batch(later, machines, format!("{minutes} min"));
        self.set("tasks.listed.batches", vec![long, short]);
    }

    /// Work that a third of the capacity does in two hours, and two last tasks (see [`Self::time`]).
    fn batches(&mut self, capacity_max: f64, longest: f64) -> Vec<Value> {
        let mut seconds_left = capacity_max * 7_200.0 / 3.0;
        let mut batches = Vec::new();
        for _ in 0..self.between(1, 8) {
            let duration = self.log_between(10.0, longest);
            let number = self.log_between(1.0, 200.0).min(seconds_left / duration).floor();
            if number < 1.0 {
                continue;
            }
            seconds_left -= number * duration;
            let spacing = if self.chance(0.5) { self.between(1, 120) } else { 0 };
            batches.push(Value::from(table([
                ("at", format!("{} s", self.between(0, self.hours * 3_600)).into()),
                ("number", whole(number).into()),
                ("duration", format!("{duration:.0} s").into()),
                ("spacing", format!("{spacing} s").into()),
                ("retries", self.one_of(&[0, 1, 5, 5, 5, 10]).into()),
            ])));
        }
        batches
    }

    fn cloud(&mut self) {
        let behaviour = if self.chance(0.5) { "full" } else { "plain" };
        self.set("cloud.behaviour", behaviour);
        for (key, low, high) in CHANCES {
            self.chance_key(key, low, high);
        }
        for (key, usual, longest) in DELAYS {
            if self.is_on() {
                let mean = self.about(usual, longest);
                self.set(&format!("{key}.exponential.mean"), mean);
            }
        }
        if self.is_on() {
            self.set("cloud.listing.events", false);
        }
        if self.chance(0.5) {
            let (page, others) = (self.one_of(&[1, 2, 5, 100]), self.between(0, 20));
            self.set("cloud.listing.page_size", page);
            self.set("cloud.listing.others", others);
        }
        if self.is_on() {
            self.set("cloud.api.fulfilment", "all-or-nothing");
        }
        self.set("cloud.api.throttles", self.wildness > 0.3);
        if self.is_on() {
            let (calls, instances) = (self.between(1, 5), self.between(1, 50));
            self.set("cloud.api.buckets.launch.capacity", calls);
            self.set("cloud.api.buckets.launch_instances.capacity", instances.max(50));
        }
        if self.is_on() {
            let (spot, on_demand) = (self.between(64, 400), self.between(64, 400));
            self.set("cloud.quotas.spot_vcpus.standard", spot);
            self.set("cloud.quotas.on_demand_vcpus.standard", on_demand);
        }
        if self.is_on() {
            let (lead, dry) = (self.between(0, 120), self.about(60.0, 7_200.0));
            self.set("cloud.notice_lead", format!("{lead} s"));
            self.set("cloud.interruption.dry_after_burst.exponential.mean", dry);
        }
    }

    /// One zone does not offer everything that it is said to.
    fn offers(&mut self) {
        if self.zones.len() > 1 && self.is_on() {
            let pools = pools_of(&self.wanted, &self.zones[..1]);
            let not_offered = self.some_of(&pools);
            self.set("cloud.launch.not_offered", not_offered);
        }
    }

    fn queue_and_process(&mut self) {
        self.sometimes_seconds("queue.claim_expiry", 120, 2_400);
        self.sometimes_seconds("queue.count_lag", 1, 300);
        let (down, every) = (self.between(1, 1_800), self.between(1, 100));
        self.set("engine_process.downtime", format!("{down} s"));
        self.set("engine_process.snapshot_every", every);
    }

    /// What goes wrong at stated times.
    fn windows(&mut self) {
        let count = if self.chance(0.6) { self.between(1, 8) } else { 0 };
        for number in 1..=count {
            let (at, length) =
                (self.between(0, self.hours * 3_600 - 60), self.about(60.0, 10_800.0));
            let fault = format!("faults.f{number}");
            self.set(&format!("{fault}.from"), format!("{at} s"));
            self.set(&format!("{fault}.length"), length);
            let what = self.what();
            self.set(&format!("{fault}.what"), what);
        }
    }

    fn what(&mut self) -> Value {
        let share = self.one_of(&[0.2, 0.5, 0.9, 1.0]);
        let shared = |name| named(name, [("share", share.into())]);
        match self.between(0, 30) {
            0..=2 => named("crash", [("step", self.crash_step())]),
            3 => shared("calls-throttled"),
            4 => shared("requests-lost"),
            5 => shared("responses-lost"),
            6 => shared("internal-errors"),
            7 | 23 => "queue-down".into(),
            8 => "queue-zero".into(),
            9 => {
                let (pending, claimed) = (self.between(0, 10_000), self.between(0, 1_000));
                named("queue-says", [("pending", pending.into()), ("claimed", claimed.into())])
            }
            10 => named("broken-image", [("registers", self.chance(0.5).into())]),
            11 => named("boot-slow", [("factor", self.log_between(2.0, 60.0).into())]),
            12 => named("pool-dry", [("pools", self.pools())]),
            13 | 28 | 30 => {
                let lives = format!("{} s", self.between(30, 1_800));
                named("pool-oversubscribed", [("pools", self.pools()), ("lives", lives.into())])
            }
            14 => "all-dry".into(),
            15 => {
                let zone = self.one_of(&self.zones.clone());
                named("volume-limit", [("region", zone[..zone.len() - 1].into())])
            }
            16 => named("image-unusable", [("images", self.images())]),
            17 | 25 => self.one_of(&["feed-down", "feed-first-page"]).into(),
            18 | 24 | 29 => {
                let factor = self.one_of(&[0.0, 3.0, 100.0, 1_000.0]);
                named("feed-scaled", [("factor", factor.into())])
            }
            19 => "listing-down".into(),
            20 => "listing-frozen".into(),
            21 => shared("told-ended"),
            26 => {
                let claimed = self.between(1, 9);
                named("queue-says-of-workers", [("claimed", claimed.into())])
            }
            _ => named("configured", [self.configuration()]),
        }
    }

    fn crash_step(&mut self) -> Value {
        let steps = ["between", "before-facts", "after-facts", "after-decision"];
        match self.between(0, 5) {
            step @ 0..=3 => steps[usize::try_from(step).expect("few")].into(),
            _ => named("after-orders", [("orders", self.between(0, 5).into())]),
        }
    }

    fn configuration(&mut self) -> (&'static str, Value) {
        let removed = self.some_of(&self.worker_types.clone());
        if removed.len() == self.worker_types.len() {
            ("empty", true.into())
        } else {
            ("worker_types_removed", removed.into())
        }
    }

    fn images(&mut self) -> Value {
        let worker_types = self.some_of(&self.worker_types.clone());
        let all = &self.file["worker_types"];
        let image = |name: &String| {
            all[name].get("image").and_then(Value::as_str).unwrap_or(name).to_owned()
        };
        let images: BTreeSet<String> = worker_types.iter().map(image).collect();
        images.into_iter().map(Value::from).collect::<Vec<_>>().into()
    }

    fn pools(&mut self) -> Value {
        let pools = pools_of(&self.wanted, &self.zones);
        self.some_of(&pools).into()
    }

    /// Time to storm, to recover, and to do one last task of each worker type. A day's ceiling on
    /// spending may hold everything up for two nights, and a tight one for three.
    fn time(&mut self) {
        let hour = self.start_hour;
        self.set("time.start", format!("2021-03-02T{hour:02}:00:00Z"));
        self.set("time.calm_from", format!("{} h", self.hours));
        let waits =
            self.file["engine"].get("spend").is_some_and(|it| it.get("daily_max").is_some());
        let midnight = 24 - (hour + self.hours) % 24;
        let waiting = if waits || self.is_tight { midnight } else { 0 };
        let waiting = if self.is_tight { waiting + 24 } else { waiting };
        let last = self.hours + waiting + RECOVERY_HOURS;
        self.set("time.length", format!("{} min", last * 60 + 1));
        self.set("time.drain", format!("{LAST_TASK_HOURS} h"));
        for name in &self.worker_types {
            let batches = &mut self.file["worker_types"][name]["tasks"]["listed"]["batches"];
            let last_task =
                table([("at", format!("{last} h").into()), ("duration", "5 min".into())]);
            batches.as_array_mut().expect("it was made so").push(last_task.into());
        }
    }

    fn checks(&mut self) {
        for (name, measure, because) in super::verdict::MUST_BE_ZERO {
            self.set(&format!("checks.{name}.measure"), measure);
            self.set(&format!("checks.{name}.because"), because);
            self.set(&format!("checks.{name}.equals"), 0);
        }
    }

    // ---- chance ----

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// Whether this kind of fault is on.
    fn is_on(&mut self) -> bool {
        self.chance(self.wildness)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.random.random_range(low..=high)
    }

    /// Each order of magnitude is as likely; two digits.
    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        let exponent: f64 = self.random.random_range(low.ln()..=high.ln());
        let value = exponent.exp();
        let digits = 10_f64.powf(1.0 - value.log10().floor());
        (value * digits).round() / digits
    }

    /// A duration of so many seconds.
    fn about(&mut self, low: f64, high: f64) -> String {
        format!("{:.0} ms", self.log_between(low, high) * 1_000.0)
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())].clone()
    }

    /// At least one, in order.
    fn some_of<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let sure = self.random.random_range(0..of.len());
        let mut taken = |place: usize| place == sure || self.random.random_bool(0.4);
        of.iter().enumerate().filter(|(place, _)| taken(*place)).map(|(_, it)| it.clone()).collect()
    }

    // ---- the file ----

    fn chance_key(&mut self, key: &str, low: f64, high: f64) {
        if self.is_on() {
            let chance = self.log_between(low, high).min(high);
            self.set(key, chance);
        }
    }

    fn sometimes_seconds(&mut self, key: &str, low: i64, high: i64) {
        if self.chance(0.3) {
            let seconds = self.between(low, high);
            self.set(key, format!("{seconds} s"));
        }
    }

    /// Sets a key whose parts have dots between them.
    fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.set_in(table, key, value);
    }

    /// Sets a key, which may have dots in it, in the table at that path.
    fn set_in(&mut self, path: &str, key: &str, value: impl Into<Value>) {
        let mut table = &mut self.file;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let entry = table.entry(part).or_insert_with(|| Table::new().into());
            table = entry.as_table_mut().expect("no value stands above a table");
        }
        table.insert(key.to_owned(), value.into());
    }
}

fn named<const N: usize>(name: &str, keys: [(&str, Value); N]) -> Value {
    table([(name, table(keys).into())]).into()
}

fn table<const N: usize>(keys: [(&str, Value); N]) -> Table {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn pools_of<'a>(
    instance_types: impl IntoIterator<Item = &'a &'static str>,
    zones: &[&str],
) -> Vec<String> {
    let in_zones = |it: &'a &str| zones.iter().map(move |zone| format!("{it}/{zone}"));
    instance_types.into_iter().flat_map(in_zones).collect()
}

/// What a machine of that type costs on demand, $/h.
fn price_of(instance_type: &str) -> f64 {
    let known = INSTANCE_TYPES.iter().find(|(name, ..)| *name == instance_type);
    known.expect("it is one of them").2
}

fn real(number: i64) -> f64 {
    f64::from(i32::try_from(number).expect("it is small"))
}

#[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
fn whole(number: f64) -> i64 {
    number as i64
}
