//! How the task queue behaves.

use provisioner_engine::units::Duration;
use provisioner_files::engine::{duration, some_time};
use provisioner_sim::config::QueueModel;

use super::delay::delay;
use crate::file::{Section, kind};

const CLAIM: &str = "Taskcluster's queue: claims last 20 minutes";
const CACHED: &str = "none; Taskcluster's queue caches its counts for twenty seconds";

pub(super) fn queue(s: &mut Section<'_>, base: &QueueModel) -> QueueModel {
    let probability = || kind::float().within(0.0..=1.0);
    QueueModel {
        claim_expiry: s.defaulted(
            "claim_expiry",
            some_time(),
            "A task whose worker vanished or hangs without notice runs again this long after.",
            base.claim_expiry,
            CLAIM,
        ),
        count_lag: s.defaulted(
            "count_lag",
            duration().within(..=Duration::DAY),
            "Counts are told as they were this long ago, as if they were of now.",
            base.count_lag,
            CACHED,
        ),
        count_error: s.defaulted(
            "count_error",
            probability(),
            "Counts are told wrong by up to this share, up or down, anew at each read.",
            base.count_error,
            "none; Taskcluster's API calls its counts approximate",
        ),
        count_failure: s.defaulted(
            "count_failure",
            probability(),
            "Chance that a read of one worker type's counts fails.",
            base.count_failure,
            "assumed: none, or one in a thousand where everything happens that happens",
        ),
        check_answer: delay(
            s,
            "check_answer",
            "From asking what a worker holds to the answer.",
            &base.check_answer,
            "assumed: a web service in the same cloud",
        ),
    }
}
