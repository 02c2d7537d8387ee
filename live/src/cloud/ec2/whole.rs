//! Answers that were cut off are no answers.
//!
//! The SDK reads XML as far as it goes: of an answer whose end is missing it makes a shorter list, or
//! none. Half a listing would be machines that have vanished, half the answer to a launch would be
//! machines nobody knows of. So an answer counts only if its last tag is there.

use aws_sdk_ec2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;

/// Looks at each answer of EC2 that says it was successful.
#[derive(Debug)]
pub(super) struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let body = answer.body().bytes().unwrap_or_default();
        match answer.status().is_success() && !body.trim_ascii_end().ends_with(b"Response>") {
            true => Err("the answer was cut off".into()),
            false => Ok(()),
        }
    }
}
