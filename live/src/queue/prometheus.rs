//! Counts from Prometheus, or what speaks its API: one expression says how many tasks wait, another
//! how many are held.
//!
//! Each is asked as an instant query and has to give exactly one value. No value is an error, never
//! zero: a metric that is gone looks the same as one that was never there. Who knows that absent
//! means none writes `… or vector(0)`.
//!
//! Prometheus stamps an instant query's value with the time of the question and answers with samples
//! up to five minutes old. When the tasks were counted is told by a third expression:
//! `min(timestamp(tasks_pending))`. Without it, counts are as of the question, and their age is not
//! known.
//!
//! Not here: workers. A metric does not know them.
//! Source: Prometheus, "HTTP API", instant queries, read 2026-11-22.

use std::path::PathBuf;

use serde_json::Value;

use super::http::{self, Access, Address, Http};
use super::template::{fill, for_promql, for_url};
use super::{Counts, QueueError, QueueErrorKind};

/// Where Prometheus is, and what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusSettings {
    /// Its address, before `/api/v1`.
    pub url: Address,
    /// Who asks.
    pub access: Access,
    /// Who may sign its certificate, if not those whom the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Tasks that wait; may say `{taskQueueId}`, `{provisionerId}` and `{workerType}`, as may the
    /// others.
    pub pending: String,
    /// Tasks that are held.
    pub claimed: String,
    /// When they were counted, in seconds since the epoch.
    pub as_of: Option<String>,
}

/// A Prometheus that knows counts.
#[derive(Debug)]
pub struct Prometheus {
    settings: PrometheusSettings,
    http: Http,
}

/// A value, and when Prometheus says that it was so.
struct Sample {
    value: f64,
    at: f64,
}

impl Prometheus {
    /// # Errors
    ///
    /// If the certificates in `ca_file` cannot be read.
    pub fn new(settings: PrometheusSettings) -> Result<Self, QueueError> {
        Ok(Self {
            http: Http::new(settings.access.clone(), settings.ca_file.as_deref())?,
            settings,
        })
    }

    /// The counts of a worker type's queue.
    ///
    /// # Errors
    ///
    /// If Prometheus does not answer, or not with one value each.
    pub async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        let pending = self.query(&self.settings.pending, worker_type).await?;
        let claimed = self.query(&self.settings.claimed, worker_type).await?;
        let counted = match &self.settings.as_of {
            Some(expression) => self.query(expression, worker_type).await?.value,
            None => pending.at.min(claimed.at),
        };
        let as_of = http::time(counted).ok_or_else(|| {
            QueueError::nonsense(format!("{counted} is no time at which tasks were counted"))
        })?;
        Ok(Counts {
            pending: http::count(pending.value, "the number of pending tasks")?,
            claimed: http::count(claimed.value, "the number of claimed tasks")?,
            as_of: Some(as_of),
        })
    }

    async fn query(&self, expression: &str, worker_type: &str) -> Result<Sample, QueueError> {
        let expression = fill(expression, worker_type, for_promql);
        let base = self.settings.url.as_str().trim_end_matches('/');
        let url = format!("{base}/api/v1/query?query={}", for_url(&expression));
        let hint = "check the queue's `url`, its credentials, and its expressions";
        let answer = self.http.get(&url, hint).await?;
        let result = &answer["data"]["result"];
        let sample = match answer["data"]["resultType"].as_str() {
            Some("scalar") => result,
            Some("vector") => match result.as_array().map(Vec::as_slice) {
                Some([one]) => &one["value"],
                Some([]) => {
                    let why = "has no data; if that means none, say `… or vector(0)`";
                    let kind = QueueErrorKind::NotFound;
                    return Err(QueueError::new(kind, format!("`{expression}` {why}")));
                }
                Some(many) => {
                    let why = format!("has {} values, not one; say `sum(…)`", many.len());
                    return Err(QueueError::nonsense(format!("`{expression}` {why}")));
                }
                None => &Value::Null,
            },
            _ => &Value::Null,
        };
        read(sample).ok_or_else(|| {
            QueueError::nonsense(format!("`{expression}` was not answered as Prometheus would"))
        })
    }
}

/// `[time, "value"]`.
fn read(sample: &Value) -> Option<Sample> {
    let value = sample.get(1)?.as_str()?.parse().ok()?;
    Some(Sample { value, at: sample.get(0)?.as_f64()? })
}
