//! The view as metrics. [`METRICS`] is the whole list, and `docs/metrics.md` says the same.
//!
//! What is unknown is left out, never zero. Counters begin anew with the process. In OpenMetrics'
//! form, which Prometheus reads; series stand in the view's order.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use provisioner_engine::units::Time;

use super::view::{CallsView, View, WorkerTypeView};

/// A metric.
pub struct Metric {
    /// Its name; a counter's is served with `_total` behind it.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Whether it only grows.
    pub counter: bool,
    /// What its series are told apart by.
    pub labels: &'static [&'static str],
    /// Its series: the labels' values, and the value.
    of: fn(&View, Time) -> Series,
}

/// Values, each with those of its labels.
type Series = Vec<(Vec<String>, f64)>;

/// Everything that is served.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "provisioner_info",
        help: "Always 1: which provisioner, which version, and whether it carries nothing out",
        counter: false,
        labels: &["provisioner", "version", "shadow"],
        of: |view, _| {
            let labels = [&view.provisioner, &view.version, &view.shadow.to_string()];
            vec![(labels.map(String::clone).to_vec(), 1.0)]
        },
    },
    Metric {
        name: "provisioner_pending_tasks",
        help: "Tasks that wait",
        counter: false,
        labels: &["worker_type"],
        of: |view, _| by_worker_type(view, |it| it.pending.map(f64::from)),
    },
    Metric {
        name: "provisioner_claimed_tasks",
        help: "Tasks that workers hold",
        counter: false,
        labels: &["worker_type"],
        of: |view, _| by_worker_type(view, |it| it.claimed.map(f64::from)),
    },
    Metric {
        name: "provisioner_demand_counted_timestamp_seconds",
        help: "When the queue counted them",
        counter: false,
        labels: &["worker_type"],
        of: |view, _| by_worker_type(view, |it| it.counted.map(seconds)),
    },
    Metric {
        name: "provisioner_wait_seconds",
        help: "For how long some task has waited at any time: at most so long has one of them waited",
        counter: false,
        labels: &["worker_type"],
        of: |view, now| {
            by_worker_type(view, |it| {
                let known = it.pending.is_some();
                known.then(|| it.pending_since.map_or(0.0, |since| now.since(since).as_secs_f64()))
            })
        },
    },
    Metric {
        name: "provisioner_capacity",
        help: "Tasks that can run at once, by the state of their instances",
        counter: false,
        labels: &["worker_type", "state"],
        of: |view, _| {
            let states = view.worker_types.iter().flat_map(|it| {
                [
                    ("requested", it.capacity.requested),
                    ("pending", it.capacity.pending),
                    ("running", it.capacity.running),
                    ("stopping", it.capacity.stopping),
                ]
                .map(|(state, value)| (vec![it.name.clone(), state.into()], f64::from(value)))
            });
            states.collect()
        },
    },
    Metric {
        name: "provisioner_capacity_max",
        help: "The most capacity that it is given",
        counter: false,
        labels: &["worker_type"],
        of: |view, _| by_worker_type(view, |it| Some(f64::from(it.capacity_max))),
    },
    Metric {
        name: "provisioner_spend_usd_per_hour",
        help: "What running instances cost now",
        counter: false,
        labels: &["worker_type", "lifecycle"],
        of: |view, _| {
            let lifecycles = view.worker_types.iter().flat_map(|it| {
                [("spot", it.spend.spot), ("on-demand", it.spend.on_demand)]
                    .map(|(what, value)| (vec![it.name.clone(), what.into()], value.as_f64()))
            });
            lifecycles.collect()
        },
    },
    Metric {
        name: "provisioner_launches",
        help: "Launches decided",
        counter: true,
        labels: &["worker_type"],
        of: |view, _| by_worker_type(view, |it| Some(float(it.launches))),
    },
    Metric {
        name: "provisioner_refusals",
        help: "Launches that EC2 refused",
        counter: true,
        labels: &["worker_type", "reason"],
        of: |view, _| {
            let reasons = view.worker_types.iter().flat_map(|it| {
                let of = |(reason, &count): (&String, _)| {
                    (vec![it.name.clone(), reason.clone()], float(count))
                };
                it.refusals.iter().map(of)
            });
            reasons.collect()
        },
    },
    Metric {
        name: "provisioner_api_calls",
        help: "Calls of EC2's API",
        counter: true,
        labels: &["region", "action"],
        of: |view, _| by_action(view, |it| it.made),
    },
    Metric {
        name: "provisioner_api_throttles",
        help: "Calls of EC2's API that were throttled",
        counter: true,
        labels: &["region", "action"],
        of: |view, _| by_action(view, |it| it.throttled),
    },
    Metric {
        name: "provisioner_api_errors",
        help: "Calls of EC2's API that failed otherwise",
        counter: true,
        labels: &["region", "action"],
        of: |view, _| by_action(view, |it| it.failed),
    },
    Metric {
        name: "provisioner_passes",
        help: "Passes that were completed",
        counter: true,
        labels: &[],
        of: |view, _| alone(float(view.passes.completed)),
    },
    Metric {
        name: "provisioner_pass_seconds",
        help: "How long the last completed pass took",
        counter: false,
        labels: &[],
        of: |view, _| match view.passes.last_completed {
            Some(_) => alone(view.passes.last_took.as_secs_f64()),
            None => Vec::new(),
        },
    },
    Metric {
        name: "provisioner_last_completed_pass_timestamp_seconds",
        help: "When the last pass was completed",
        counter: false,
        labels: &[],
        of: |view, _| view.passes.last_completed.map(seconds).into_iter().flat_map(alone).collect(),
    },
    Metric {
        name: "provisioner_ready",
        help: "1 if a pass was completed lately and nothing hinders the next, else 0: as /ready",
        counter: false,
        labels: &[],
        of: |view, now| alone(f64::from(u8::from(view.ready(now).is_ok()))),
    },
    Metric {
        name: "provisioner_ledger_unknown_launches",
        help: "Launches of which nobody knows whether they exist",
        counter: false,
        labels: &[],
        of: |view, _| alone(float(view.ledger_unknown)),
    },
    Metric {
        name: "provisioner_store_bytes",
        help: "How much the store takes up",
        counter: false,
        labels: &[],
        of: |view, _| alone(float(view.store_bytes)),
    },
    Metric {
        name: "provisioner_journal_records",
        help: "Records written to the journal",
        counter: true,
        labels: &[],
        of: |view, _| alone(float(view.journal_records)),
    },
];

/// The view in OpenMetrics' text form.
///
/// # Errors
///
/// If it cannot be written, which is a bug.
pub fn text(view: &Arc<View>, now: Time) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collected { view: Arc::clone(view), now }));
    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Collected {
    view: Arc<View>,
    now: Time,
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for metric in METRICS {
            let kind = if metric.counter { MetricType::Counter } else { MetricType::Gauge };
            let help = metric.help;
            let mut encoder = encoder.encode_descriptor(metric.name, help, None, kind)?;
            for (values, value) in (metric.of)(&self.view, self.now) {
                let labels: Vec<(&str, String)> =
                    metric.labels.iter().copied().zip(values).collect();
                match labels.is_empty() {
                    true => put(&mut encoder, metric.counter, value)?,
                    false => put(&mut encoder.encode_family(&labels)?, metric.counter, value)?,
                }
            }
        }
        Ok(())
    }
}

fn put(encoder: &mut MetricEncoder<'_>, counter: bool, value: f64) -> fmt::Result {
    match counter {
        true => encoder.encode_counter::<NoLabelSet, f64, f64>(&value, None),
        false => encoder.encode_gauge(&value),
    }
}

fn alone(value: f64) -> Series {
    vec![(Vec::new(), value)]
}

fn by_worker_type(view: &View, value: impl Fn(&WorkerTypeView) -> Option<f64>) -> Series {
    let known = view.worker_types.iter();
    known.filter_map(|it| Some((vec![it.name.clone()], value(it)?))).collect()
}

fn by_action(view: &View, value: impl Fn(&CallsView) -> u64) -> Series {
    let known = view.calls.iter();
    known.map(|it| (vec![it.region.clone(), it.action.clone()], float(value(it)))).collect()
}

fn seconds(at: Time) -> f64 {
    at.since(Time::EPOCH).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}
