//! Counts from any address that answers JSON.
//!
//! Where in the answer they are is said by JSON pointers (RFC 6901): `/queue/pending`. A value is a
//! number, or a string that is one. If the answer says when it counted, a third pointer can too:
//! seconds since the epoch, or RFC 3339. What is not there is an error, never zero.
//!
//! Not here: workers. Such a queue does not know them.

use std::path::PathBuf;

use provisioner_engine::units::Time;
use serde_json::Value;

use super::http::{self, Access, Address, Http};
use super::template::{fill, for_url};
use super::{Counts, QueueError};

/// Where an endpoint is, and where in its answer the counts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSettings {
    /// Its address; may say `{taskQueueId}`, `{provisionerId}` and `{workerType}`.
    pub url: Address,
    /// Who asks.
    pub access: Access,
    /// Who may sign its certificate, if not those whom the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Where the tasks are that wait.
    pub pending: String,
    /// Where those are that are held.
    pub claimed: String,
    /// Where it says when it counted, if it does.
    pub as_of: Option<String>,
}

/// An endpoint that answers counts in JSON.
#[derive(Debug)]
pub struct JsonEndpoint {
    settings: JsonSettings,
    http: Http,
}

impl JsonEndpoint {
    /// # Errors
    ///
    /// If the certificates in `ca_file` cannot be read.
    pub fn new(settings: JsonSettings) -> Result<Self, QueueError> {
        Ok(Self {
            http: Http::new(settings.access.clone(), settings.ca_file.as_deref())?,
            settings,
        })
    }

    /// The counts of a worker type's queue.
    ///
    /// # Errors
    ///
    /// If the endpoint does not answer, or not that.
    pub async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        let url = fill(self.settings.url.as_str(), worker_type, for_url);
        let hint = "check the queue's `url` and its credentials";
        let answer = self.http.get(&url, hint).await?;
        let number = |pointer: &str| {
            let value = find(&answer, pointer)?;
            let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            let number = number.ok_or_else(|| {
                QueueError::nonsense(format!(
                    "what is at `{pointer}` is no number: {}",
                    kind(value)
                ))
            })?;
            http::count(number, pointer)
        };
        let as_of = self.settings.as_of.as_deref().map(|pointer| {
            let value = find(&answer, pointer)?;
            time(value).ok_or_else(|| {
                let why = "neither seconds since the epoch nor RFC 3339";
                QueueError::nonsense(format!("what is at `{pointer}` is {why}"))
            })
        });
        Ok(Counts {
            pending: number(&self.settings.pending)?,
            claimed: number(&self.settings.claimed)?,
            as_of: as_of.transpose()?,
        })
    }
}

fn find<'a>(answer: &'a Value, pointer: &str) -> Result<&'a Value, QueueError> {
    answer.pointer(pointer).ok_or_else(|| {
        let hint = "a JSON pointer starts with `/`, as in `/queue/pending`";
        QueueError::nonsense(format!("the answer has nothing at `{pointer}`; {hint}"))
    })
}

fn time(value: &Value) -> Option<Time> {
    match value {
        Value::Number(seconds) => http::time(seconds.as_f64()?),
        Value::String(text) => super::taskcluster::time(text),
        _ => None,
    }
}

/// Values may be secret: only their kind is shown.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
