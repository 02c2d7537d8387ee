//! How EC2 answers calls.

use provisioner_files::engine::some_time;
use provisioner_sim::config::api::{ApiBuckets, ApiModel, Fulfilment, TokenBucket};

use super::delay::delay;
use crate::file::{Section, kind};

const BUCKETS: &str = "EC2 Developer Guide, \"Request throttling for the Amazon EC2 API\"; the \
                       same numbers are in aws/karpenter-provider-aws, kwok/ec2/ratelimiting.go";
const LOST: &str = "assumed: one answer in a thousand with behaviour = \"full\", else none";
const NONE: &str = "none, as no rate is published";

pub(super) fn api(s: &mut Section<'_>, base: &ApiModel) -> ApiModel {
    let probability = || kind::float().within(0.0..=1.0);
    let throttles = s.defaulted(
        "throttles",
        kind::boolean(),
        "Whether calls beyond the token buckets are throttled.",
        base.buckets.is_some(),
        "EC2 does, so it is on with behaviour = \"full\"",
    );
    let buckets = s.section("buckets", "What may be called how often, in each region.", buckets);
    ApiModel {
        buckets: throttles.then_some(buckets),
        lost_request: s.defaulted(
            "lost_request",
            probability(),
            "Chance that a call never arrives.",
            base.lost_request,
            NONE,
        ),
        lost_response: s.defaulted(
            "lost_response",
            probability(),
            "Chance that a call is carried out and its answer is lost.",
            base.lost_response,
            LOST,
        ),
        duplicated_response: s.defaulted(
            "duplicated_response",
            probability(),
            "Chance that an answer arrives twice.",
            base.duplicated_response,
            NONE,
        ),
        internal_error: s.defaulted(
            "internal_error",
            probability(),
            "Chance that a call is answered by an internal error (5xx).",
            base.internal_error,
            NONE,
        ),
        internal_error_done: s.defaulted(
            "internal_error_done",
            probability(),
            "Chance that such a call was carried out nevertheless.",
            base.internal_error_done,
            "assumed: EC2 says only that it may have been",
        ),
        error_answer: delay(
            s,
            "error_answer",
            "From a call to an answer that says no: throttled, or an internal error.",
            &base.error_answer,
            "daemonology ec2-boot-bench, 2021: a launch call takes 1.5 s",
        ),
        call_timeout: s.defaulted(
            "call_timeout",
            some_time(),
            "From a call to the caller's belief that no answer will come.",
            base.call_timeout,
            "the AWS SDKs wait for an answer for a minute",
        ),
        fulfilment: s.defaulted(
            "fulfilment",
            kind::choice(&[
                ("partial", Fulfilment::Partial),
                ("all-or-nothing", Fulfilment::AllOrNothing),
            ]),
            "What a launch call gets where there is room for some of its instances only.",
            base.fulfilment,
            "RunInstances with MinCount = 1 gives as many as there are",
        ),
    }
}

fn buckets(s: &mut Section<'_>) -> ApiBuckets {
    let base = ApiBuckets::default();
    ApiBuckets {
        launch: s.section("launch", "Launch calls.", |s| bucket(s, base.launch)),
        launch_instances: s.section(
            "launch_instances",
            "Instances that launch calls ask for.",
            |s| bucket(s, base.launch_instances),
        ),
        terminate: s.section("terminate", "`TerminateInstances`.", |s| bucket(s, base.terminate)),
        terminate_instances: s.section("terminate_instances", "Instances that those name.", |s| {
            bucket(s, base.terminate_instances)
        }),
        cancel: s.section("cancel", "`CancelSpotInstanceRequests`.", |s| bucket(s, base.cancel)),
        describe: s.section("describe", "`Describe…`; each page is a call.", |s| {
            bucket(s, base.describe)
        }),
    }
}

fn bucket(s: &mut Section<'_>, base: TokenBucket) -> TokenBucket {
    TokenBucket {
        capacity: s.defaulted(
            "capacity",
            kind::integer().within(1..=1_000_000),
            "Tokens it holds when full.",
            base.capacity,
            BUCKETS,
        ),
        refill_per_second: s.defaulted(
            "refill_per_second",
            kind::ratio(),
            "Tokens it gains each second.",
            base.refill_per_second,
            BUCKETS,
        ),
    }
}
