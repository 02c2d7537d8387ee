//! How EC2 answers calls: token buckets, client tokens, lost answers.
//!
//! Tokens are whole and refilled once a second, in millionths, so fractional rates are exact.
//! Not here: how long launches take and whether there is capacity ([`super::CloudModel`]).
//! Source: EC2 Developer Guide, "Request throttling" and "Ensuring idempotency"; the same buckets
//! are in aws/karpenter-provider-aws, `kwok/ec2/ratelimiting.go`.

use provisioner_engine::units::{Duration, Ratio};

use crate::dist::DurationDist;

/// How EC2 answers calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiModel {
    /// What may be called how often; `None` never throttles.
    pub buckets: Option<ApiBuckets>,
    /// Chance that a call never arrives.
    pub lost_request: f64,
    /// Chance that a call is carried out and its answer is lost.
    pub lost_response: f64,
    /// Chance that an answer arrives twice.
    pub duplicated_response: f64,
    /// Chance that a call is answered by an internal error (5xx).
    pub internal_error: f64,
    /// Chance that such a call was carried out nevertheless.
    pub internal_error_done: f64,
    /// From a call to an answer that says no: throttled, or an internal error.
    pub error_answer: DurationDist,
    /// From a call to the caller's belief that no answer will come.
    pub call_timeout: Duration,
    /// What a launch call gets where there is room for some of its instances only.
    pub fulfilment: Fulfilment,
}

/// Token buckets of one region, by action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiBuckets {
    /// `RunInstances` or `RequestSpotInstances`, calls.
    pub launch: TokenBucket,
    /// The same, instances.
    pub launch_instances: TokenBucket,
    /// `TerminateInstances`, calls.
    pub terminate: TokenBucket,
    /// The same, instances.
    pub terminate_instances: TokenBucket,
    /// `CancelSpotInstanceRequests`, calls.
    pub cancel: TokenBucket,
    /// `Describe…`, calls; each page is one.
    pub describe: TokenBucket,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    /// Tokens it holds when full.
    pub capacity: u32,
    /// Tokens it gains at each full second.
    pub refill_per_second: Ratio,
}

/// What a launch call gets where there is room for some of its instances only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fulfilment {
    /// Those; the others are refused (`MinCount` = 1).
    #[default]
    Partial,
    /// None (`MinCount` = `MaxCount`).
    AllOrNothing,
}

impl Default for ApiModel {
    /// Every call arrives, and so does its answer, however many there are.
    fn default() -> Self {
        Self {
            buckets: None,
            lost_request: 0.0,
            lost_response: 0.0,
            duplicated_response: 0.0,
            internal_error: 0.0,
            internal_error_done: 0.5,
            error_answer: super::log_normal(1_500, 0.4),
            call_timeout: Duration::MINUTE,
            fulfilment: Fulfilment::Partial,
        }
    }
}

impl ApiModel {
    /// EC2 as it is: throttled as published, and one answer in a thousand lost (assumed).
    #[must_use]
    pub fn full() -> Self {
        Self { buckets: Some(ApiBuckets::default()), lost_response: 0.001, ..Self::default() }
    }

    /// Whether a call can ever go wrong.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Self { lost_request, lost_response, duplicated_response, internal_error, .. } = self;
        let chances = [lost_request, lost_response, duplicated_response, internal_error];
        self.buckets.is_none() && chances.iter().all(|chance| **chance == 0.0)
    }
}

impl Default for ApiBuckets {
    fn default() -> Self {
        let bucket = |capacity, refill: u64| TokenBucket {
            capacity,
            refill_per_second: Ratio::from_millionths(refill * 1_000_000),
        };
        Self {
            launch: bucket(5, 2),
            launch_instances: bucket(1_000, 2),
            terminate: bucket(100, 5),
            terminate_instances: bucket(1_000, 20),
            cancel: bucket(50, 5),
            describe: bucket(100, 20),
        }
    }
}
