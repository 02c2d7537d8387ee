//! What is seen of each answer besides what it says: whether it is whole, and what time it is at AWS.
//!
//! The SDK reads XML as far as it goes: of an answer whose end is missing it makes a shorter list, or
//! none. Half a listing would be machines that have vanished, half the answer to a launch would be
//! machines nobody knows of. So an answer counts only if its last tag is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_ec2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use provisioner_engine::units::Duration;

/// How far this machine's clock is ahead of AWS's.
#[derive(Clone, Debug)]
pub(super) struct Skew(Arc<AtomicI64>);

impl Default for Skew {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(Self::UNKNOWN)))
    }
}

impl Skew {
    const UNKNOWN: i64 = i64::MIN;

    pub(super) fn get(&self) -> Option<Duration> {
        let ms = self.0.load(Ordering::Relaxed);
        (ms != Self::UNKNOWN).then(|| Duration::from_ms(ms))
    }

    fn set(&self, theirs: Timestamp) {
        let ahead = Timestamp::now().as_millisecond() - theirs.as_millisecond();
        self.0.store(ahead, Ordering::Relaxed);
    }
}

/// Looks at each answer of EC2.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) skew: Skew,
}

impl Intercept for Answers {
    fn name(&self) -> &'static str {
        "Answers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let date = answer.headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        if let Some(date) = date {
            self.skew.set(date.timestamp());
        }
        let body = answer.body().bytes().unwrap_or_default();
        match answer.status().is_success() && !body.trim_ascii_end().ends_with(b"Response>") {
            true => Err("the answer was cut off".into()),
            false => Ok(()),
        }
    }
}
