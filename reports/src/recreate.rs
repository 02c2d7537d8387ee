//! What a journal saw, and what its recreated scenario comes to beside it, in words and as JSON.
//!
//! Both columns of the comparison are read from journals by the same rules; what their units hide
//! is said in `provisioner_scenarios::recreate`.

use std::fmt::{self, Display, Write};

use provisioner_engine::units::{Duration, Time};
use provisioner_scenarios::diff::Setting;
use provisioner_scenarios::recreate::Recreated;
use provisioner_scenarios::recreate::figures::{Figures, quantile};
use provisioner_scenarios::recreate::tasks::Reconstructed;
use serde_json::{Value, json};

use crate::explain::{STILL_GROWING, between_chapters};
use crate::table::Table;
use crate::text::{clock, count, decimal, grouped, in_words, printable};
use crate::{Look, show_time};

/// No more pools or worker types are listed than these.
const LISTED_MAX: usize = 12;

/// What was found, as `import` tells it.
#[must_use]
pub fn findings(recreated: &Recreated) -> impl Display + '_ {
    Found(recreated)
}

struct Found<'a>(&'a Recreated);

impl Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recreated { seen, actual, .. } = self.0;
        let (from, until) = self.0.span();
        writeln!(f, "{}: journal", printable(&self.0.name))?;
        let (first, last) = (show_time(from), show_time(until));
        writeln!(f, "  span       {first} .. {last} ({})", until.since(from))?;
        self.chapters(f)?;
        let facts: u64 = seen.facts.values().sum();
        writeln!(f, "  facts      {}, {}", grouped(facts), count(seen.decisions, "decision"))?;
        for (kind, number) in &seen.facts {
            item(f, grouped(*number), kind)?;
        }
        let refused = grouped(actual.refused);
        writeln!(f, "  launches   {} ordered, {refused} refused", grouped(actual.launches))?;
        for (refusal, number) in &self.0.refusals {
            item(f, grouped(*number), refusal)?;
        }
        let hours = decimal(actual.instance_time.as_hours_f64(), 1);
        let instances = grouped(actual.instances);
        writeln!(f, "  instances  {instances}, for {hours} h, about ${}", cost(actual))?;
        self.pools(f)?;
        self.delays(f)?;
        self.tasks(f)?;
        writeln!(f, "  to be known")?;
        self.0.unknowns().iter().try_for_each(|it| writeln!(f, "    {}", printable(it)))
    }
}

/// A figure under its title.
fn item(f: &mut fmt::Formatter<'_>, figure: impl Display, what: &str) -> fmt::Result {
    writeln!(f, "  {figure:>16}  {}", printable(what))
}

fn cost(figures: &Figures) -> String {
    decimal(figures.cost.as_f64(), 2)
}

impl Found<'_> {
    fn chapters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recreated { chapters, gaps, is_growing, seen, .. } = self.0;
        let restarts = seen.facts.get("restarted").copied().unwrap_or_default();
        let (gaps_told, restarts) = (count(gaps.len() as u64, "gap"), count(restarts, "restart"));
        writeln!(f, "  chapters   {}, {gaps_told}, {restarts}", grouped(*chapters))?;
        for gap in gaps.iter().take(LISTED_MAX) {
            writeln!(f, "    {}", between_chapters(*gap))?;
        }
        match is_growing {
            true => writeln!(f, "    {STILL_GROWING}"),
            false => Ok(()),
        }
    }

    fn pools(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interruptions = count(self.0.actual.interruptions, "interruption");
        let hazard = self.0.hazard();
        let hazard = hazard.map(|it| format!(", {it:.5} an hour of a spot instance"));
        writeln!(
            f,
            "  pools      {interruptions}{}; launches by pool:",
            hazard.unwrap_or_default()
        )?;
        let mut pools: Vec<_> = self.0.pools.iter().collect();
        pools.sort_by_key(|(name, pool)| (std::cmp::Reverse(pool.launches), *name));
        for (name, pool) in pools.iter().take(LISTED_MAX) {
            let mut what = (*name).clone();
            if pool.spot_time > Duration::ZERO {
                let _ = write!(what, ": {} h of spot", hours(pool.spot_time));
            }
            if pool.interruptions > 0 {
                let _ = write!(what, ", {}", count(pool.interruptions, "interruption"));
            }
            if pool.dry > 0 {
                let times = count(pool.dry_spells.len() as u64, "time");
                let _ = write!(what, ", refused {}, dry {times}", grouped(pool.dry));
            }
            item(f, grouped(pool.launches), &what)?;
        }
        match pools.len().saturating_sub(LISTED_MAX) {
            0 => Ok(()),
            more => item(f, "", &format!("and {more} more")),
        }
    }

    fn delays(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delays = &self.0.delays;
        let steps = [("answer", &delays.answer), ("start", &delays.start)].into_iter();
        let boots = delays.boot.iter().take(LISTED_MAX).map(|(name, boots)| (name.as_str(), boots));
        writeln!(f, "  delays     p50 and p95: EC2's answer, its start, then boots")?;
        for (name, values) in steps.chain(boots) {
            if let (Some(p50), Some(p95)) = (quantile(values, 500), quantile(values, 950)) {
                let figures = format!("{} {}", clock(p50), clock(p95));
                item(f, figures, &format!("{name} ({})", grouped(values.len() as u64)))?;
            }
        }
        Ok(())
    }

    fn tasks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recreated { tasks, actual, .. } = self.0;
        let (all, done) = (grouped(actual.arrivals), grouped(actual.done));
        writeln!(f, "  tasks      {all} at least, {done} of them done")?;
        let mut queues: Vec<(&String, &Reconstructed)> = tasks.iter().collect();
        queues.sort_by_key(|(name, queue)| (std::cmp::Reverse(queue.tasks.len()), *name));
        for (name, queue) in queues.iter().take(LISTED_MAX) {
            let mean = queue.mean_duration().map(|it| format!(", {} each", in_words(it)));
            let what = format!("{name}{}", mean.unwrap_or_default());
            item(f, grouped(queue.tasks.len() as u64), &what)?;
        }
        match queues.len().saturating_sub(LISTED_MAX) {
            0 => Ok(()),
            more => item(f, "", &format!("and {more} more")),
        }
    }
}

fn hours(time: Duration) -> String {
    decimal(time.as_hours_f64(), 1)
}

/// A figure of the comparison, as a number.
struct Measure {
    name: &'static str,
    unit: &'static str,
    key: &'static str,
    decimals: usize,
    of: fn(&Figures) -> Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 of anything")]
const MEASURES: [Measure; 12] = {
    const fn measure(
        (name, unit): (&'static str, &'static str),
        key: &'static str,
        decimals: usize,
        of: fn(&Figures) -> Option<f64>,
    ) -> Measure {
        Measure { name, unit, key, decimals, of }
    }
    fn seconds(time: Option<Duration>) -> Option<f64> {
        time.map(Duration::as_secs_f64)
    }
    [
        measure(("tasks", ""), "tasks", 0, |it| Some(it.arrivals as f64)),
        measure(("tasks done", ""), "tasks_done", 0, |it| Some(it.done as f64)),
        measure(("mean pending", "tasks"), "pending_mean", 2, |it| Some(it.pending_mean)),
        measure(("launches", ""), "launches", 0, |it| Some(it.launches as f64)),
        measure(("refused", ""), "launches_refused", 0, |it| Some(it.refused as f64)),
        measure(("instances", ""), "instances", 0, |it| Some(it.instances as f64)),
        measure(("instance time", "h"), "instance_hours", 1, |it| {
            Some(it.instance_time.as_hours_f64())
        }),
        measure(("cost", "$"), "cost_usd", 2, |it| Some(it.cost.as_f64())),
        measure(("cost an hour", "$"), "cost_usd_per_instance_hour", 4, |it| {
            let hours = it.instance_time.as_hours_f64();
            (hours > 0.0).then(|| it.cost.as_f64() / hours)
        }),
        measure(("interruptions", ""), "interruptions", 0, |it| Some(it.interruptions as f64)),
        measure(("boot p50", "s"), "boot_s_p50", 0, |it| seconds(it.boot_p50)),
        measure(("boot p95", "s"), "boot_s_p95", 0, |it| seconds(it.boot_p95)),
    ]
};

/// What was beside what is simulated, over some seeds.
#[must_use]
pub fn comparison(actual: &Figures, simulated: &[Figures], look: Look) -> impl Display {
    let row = |measure: &Measure| {
        let figure = |value: Option<f64>| {
            value.map_or_else(|| "?".to_owned(), |value| decimal(value, measure.decimals))
        };
        let was = (measure.of)(actual);
        let is = mean(simulated, measure);
        let difference = match (was, is) {
            (Some(was), Some(is)) if was != 0.0 => {
                format!("{:+.1}", (is / was - 1.0) * 100.0)
            }
            (Some(_), Some(0.0)) => "+0.0".to_owned(),
            _ => "?".to_owned(),
        };
        let unit =
            if measure.unit.is_empty() { String::new() } else { format!(", {}", measure.unit) };
        let spread = match (spread(simulated, measure), is) {
            (Some(spread), Some(_)) => format!("± {}", decimal(spread, measure.decimals)),
            _ => String::new(),
        };
        (format!("{}{unit}", measure.name), vec![figure(was), figure(is), spread, difference])
    };
    let columns = vec![("actual", ""), ("simulated", "mean"), ("", ""), ("difference", "%")];
    let rows = MEASURES.iter().map(row).collect();
    let title = "Predicted against actual";
    let mut text = String::new();
    let table = Table { title, columns, rows, sums: false };
    Table::render_all(&[table], look, &mut text).expect("a string takes all");
    text.trim_end().to_owned()
}

fn mean(figures: &[Figures], measure: &Measure) -> Option<f64> {
    let values: Vec<f64> = figures.iter().filter_map(measure.of).collect();
    #[expect(clippy::cast_precision_loss, reason = "a number of seeds")]
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation over seeds.
fn spread(figures: &[Figures], measure: &Measure) -> Option<f64> {
    let mean = mean(figures, measure)?;
    let squares: Vec<f64> =
        figures.iter().filter_map(measure.of).map(|it| (it - mean).powi(2)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a number of seeds")]
    (squares.len() > 1).then(|| (squares.iter().sum::<f64>() / (squares.len() - 1) as f64).sqrt())
}

/// What the scenario's engine goes by otherwise than the journal's, a line each.
#[must_use]
pub fn differences((settings, more): &(Vec<Setting>, usize)) -> Vec<String> {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let line = |Setting { path, values: [was, is] }: &Setting| {
        format!("the scenario's engine differs: {path} was {}, is {}", shown(was), shown(is))
    };
    let more = (*more > 0).then(|| format!("and in {more} more settings"));
    settings.iter().map(line).chain(more).collect()
}

/// All of it as JSON. `simulated` are seeds and what they came to.
#[must_use]
pub fn json(recreated: &Recreated, simulated: &[(u64, Figures)], differs: &[String]) -> Value {
    let (from, until) = recreated.span();
    let gap = |(from, to): &(Time, Time)| json!({ "from": show_time(*from), "to": show_time(*to) });
    let figures = |figures: &Figures| -> Value {
        let pairs = MEASURES.iter().map(|it| (it.key.to_owned(), (it.of)(figures).into()));
        Value::Object(pairs.collect())
    };
    let run = |(seed, it): &(u64, Figures)| json!({ "seed": seed, "figures": figures(it) });
    let pool = |(name, pool): (&String, &provisioner_scenarios::recreate::PoolFigures)| {
        let value = json!({
            "launches": pool.launches,
            "launches_dry": pool.dry,
            "dry": pool.dry_spells.iter().map(gap).collect::<Vec<_>>(),
            "spot_hours": pool.spot_time.as_hours_f64(),
            "interruptions": pool.interruptions,
        });
        (name.clone(), value)
    };
    let all: Vec<Figures> = simulated.iter().map(|(_, it)| it.clone()).collect();
    let means = MEASURES.iter().map(|it| (it.key.to_owned(), mean(&all, it).into()));
    json!({
        "recreated": RECREATED_VERSION,
        "name": recreated.name,
        "from": show_time(from),
        "until": show_time(until),
        "chapters": recreated.chapters,
        "gaps": recreated.gaps.iter().map(gap).collect::<Vec<_>>(),
        "is_growing": recreated.is_growing,
        "facts": recreated.seen.facts,
        "decisions": recreated.seen.decisions,
        "refusals": recreated.refusals,
        "instances_before": recreated.inherited,
        "interruption_hazard": recreated.hazard(),
        "pools": recreated.pools.iter().map(pool).collect::<serde_json::Map<_, _>>(),
        "to_be_known": recreated.unknowns(),
        "engine_differs": differs,
        "actual": figures(&recreated.actual),
        "simulated_mean": means.collect::<serde_json::Map<_, _>>(),
        "simulated": simulated.iter().map(run).collect::<Vec<_>>(),
    })
}

/// The form of that.
const RECREATED_VERSION: u32 = 1;
