//! What each kind of queue says, and what it means when it does not.

mod broker;
#[path = "../support/ca.rs"]
mod ca;
mod http;
mod pulse;
mod served;
mod sqs;
mod taskcluster;

use provisioner_live::queue::{QueueError, QueueErrorKind};

const WORKER_TYPE: &str = "proj/ci";

/// That it failed so, and that what it says helps and gives nothing away.
fn assert_failed<T: std::fmt::Debug>(
    answer: Result<T, QueueError>,
    kind: QueueErrorKind,
    says: &str,
) {
    let error = answer.expect_err("it fails");
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(says), "`{says}` is not in: {error}");
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("hunter2"), "a secret: {shown}");
    }
}
