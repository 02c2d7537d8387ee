//! JSON over HTTP: what the sources have in common that are asked by address.
//!
//! A question takes at most [`TIME_LIMIT`], repetitions included, and its answer at most
//! [`SIZE_LIMIT`]; redirects are not
//! followed, so that credentials go nowhere else. What is shown of an address is its host: paths and
//! queries may hold tokens.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use provisioner_engine::units::Time;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{QueueError, QueueErrorKind};
use crate::tls;

/// How long a question may take.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait before each further try.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// How many bytes an answer may have.
pub const SIZE_LIMIT: usize = 1 << 20;

/// How a server is told who asks. The files are read each time, so that they can be replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Not at all.
    #[default]
    Open,
    /// By the token in that file.
    Bearer(PathBuf),
    /// By the `user:password` in that file.
    Basic(PathBuf),
}

/// An address that may hold a secret: of it, only the host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl From<&str> for Address {
    fn from(address: &str) -> Self {
        Self(address.to_owned())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.0).ok();
        f.write_str(url.as_ref().and_then(Url::host_str).unwrap_or("no URL"))
    }
}

impl Address {
    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Asks servers.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    access: Access,
}

impl Http {
    /// # Errors
    ///
    /// If the certificates in `ca_file` cannot be read.
    pub(crate) fn new(access: Access, ca_file: Option<&Path>) -> Result<Self, QueueError> {
        let tls = tls::client(ca_file)
            .map_err(|error| QueueError::new(QueueErrorKind::Unavailable, error))?;
        let client = Client::builder().redirect(redirect::Policy::none());
        let client = client.tls_backend_preconfigured(tls);
        let client = client.build().map_err(|error| failed("the HTTP client", &error))?;
        Ok(Self { client, access })
    }

    /// What is at that address. Why somebody may be refused is for `hint` to say.
    pub(crate) async fn get(&self, url: &str, hint: &str) -> Result<Value, QueueError> {
        let url = Url::parse(url).map_err(|error| {
            QueueError::new(QueueErrorKind::NotFound, format!("the address is no URL: {error}"))
        })?;
        let host = url.host_str().unwrap_or("the server");
        let tries = async {
            for pause in PAUSES {
                let answer = self.get_once(&url, host, hint).await;
                if !matches!(&answer, Err(error) if error.kind == QueueErrorKind::Unavailable) {
                    return answer;
                }
                sleep(pause).await;
            }
            self.get_once(&url, host, hint).await
        };
        within_limit(host, tries).await
    }

    async fn get_once(&self, url: &Url, host: &str, hint: &str) -> Result<Value, QueueError> {
        let request = self.authorized(self.client.get(url.clone()))?;
        let answer = request.send().await.map_err(|error| failed(host, &error))?;
        if !answer.status().is_success() {
            return Err(refused(host, answer.status(), hint));
        }
        serde_json::from_slice(&body(host, answer).await?)
            .map_err(|error| QueueError::nonsense(format!("{host} did not answer JSON: {error}")))
    }

    fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, QueueError> {
        Ok(match &self.access {
            Access::Open => request,
            Access::Bearer(file) => request.bearer_auth(read(file)?),
            Access::Basic(file) => {
                let read = read(file)?;
                let (user, password) = read.split_once(':').ok_or_else(|| {
                    let why = format!("{} does not hold user:password", file.display());
                    QueueError::new(QueueErrorKind::Unauthorized, why)
                })?;
                request.basic_auth(user, Some(password))
            }
        })
    }
}

/// What a file of credentials holds, without its line end.
fn read(file: &PathBuf) -> Result<String, QueueError> {
    let text = fs::read_to_string(file).map_err(|error| {
        let why = format!("the credentials in {} cannot be read: {error}", file.display());
        QueueError::new(QueueErrorKind::Unauthorized, why)
    })?;
    Ok(text.trim_end().to_owned())
}

async fn body(host: &str, mut answer: Response) -> Result<Vec<u8>, QueueError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(host, &error))? {
        body.extend_from_slice(&chunk);
        if body.len() > SIZE_LIMIT {
            let why = format!("{host} answered more than {SIZE_LIMIT} bytes");
            return Err(QueueError::nonsense(why));
        }
    }
    Ok(body)
}

/// Waits no longer than is sensible.
pub(crate) async fn within_limit<T>(
    host: &str,
    answer: impl Future<Output = Result<T, QueueError>>,
) -> Result<T, QueueError> {
    timeout(TIME_LIMIT, answer).await.unwrap_or_else(|_| {
        let why = format!("{host} took more than {} s", TIME_LIMIT.as_secs());
        Err(QueueError::new(QueueErrorKind::Unavailable, why))
    })
}

/// An answer that is no answer.
pub(crate) fn refused(host: &str, status: StatusCode, hint: &str) -> QueueError {
    let kind = match status {
        StatusCode::UNAUTHORIZED => QueueErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => QueueErrorKind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => QueueErrorKind::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => QueueErrorKind::Unavailable,
        _ if status.is_server_error() => QueueErrorKind::Unavailable,
        _ => QueueErrorKind::Nonsense,
    };
    QueueError::new(kind, format!("{host} answered {status}: {hint}"))
}

/// A question that was not answered. The address, which reqwest would show, is left out.
pub(crate) fn failed(host: &str, error: &reqwest::Error) -> QueueError {
    let what = if error.is_connect() { "cannot be reached" } else { "broke off" };
    let mut why = what.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        if inner.downcast_ref().is_some_and(tls::is_distrust) {
            why += "; the system has to trust who signs its certificate, or `ca_file` (of `http` and \
                    `prometheus`) to name them, and the certificate to be for that host";
        }
        cause = inner.source();
    }
    QueueError::new(QueueErrorKind::Unavailable, format!("{host} {why}"))
}

/// A number of tasks; what is not whole is rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was looked at, and a count beyond u32 is its maximum"
)]
pub(crate) fn count(value: f64, what: &str) -> Result<u32, QueueError> {
    if !value.is_finite() || value < 0.0 {
        return Err(QueueError::nonsense(format!(
            "{what} is {value}, which is no number of tasks"
        )));
    }
    Ok(value.ceil() as u32)
}

/// A point in time from seconds since the epoch, before the year 10,000.
#[expect(clippy::cast_possible_truncation, reason = "the range was looked at")]
pub(crate) fn time(seconds: f64) -> Option<Time> {
    const END_S: f64 = 253_402_300_800.0;
    (0.0..END_S).contains(&seconds).then(|| Time::from_ms((seconds * 1_000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_number_of_tasks_is_one() {
        assert_eq!(count(0.0, "pending").expect("none"), 0);
        assert_eq!(count(2.1, "pending").expect("an average"), 3);
        assert_eq!(count(1e12, "pending").expect("very many"), u32::MAX);
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            let error = count(value, "pending").expect_err("it is no number of tasks");
            assert_eq!(error.kind, QueueErrorKind::Nonsense);
        }
    }

    #[test]
    fn a_time_is_within_what_calendars_can_say() {
        assert_eq!(time(1.5), Some(Time::from_ms(1_500)));
        for odd in [-1.0, 1e12, f64::NAN, f64::INFINITY] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }
}
