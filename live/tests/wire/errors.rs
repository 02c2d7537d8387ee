//! EC2's error codes, from the answer to what they mean.

use provisioner_engine::observation::Refusal;
use provisioner_live::cloud::{CallErrorKind, Cloud, LaunchMethod};

use crate::order;
use crate::server::{Answer, Server};

/// Each code with the status it comes with, and what it means.
const TABLE: &str = "
    500 InsufficientInstanceCapacity        insufficient-capacity
    400 UnfulfillableCapacity               insufficient-capacity
    400 InsufficientFreeAddressesInSubnet   insufficient-capacity
    400 SpotMaxPriceTooLow                  max-price-too-low
    400 MaxSpotInstanceCountExceeded        quota-reached
    400 VcpuLimitExceeded                   quota-reached
    400 InstanceLimitExceeded               quota-reached
    400 MaxFleetCountExceeded               quota-reached
    400 RequestResourceCountExceeded        quota-reached
    400 ResourceCountExceeded               quota-reached
    503 RequestLimitExceeded                throttled
    400 Throttling                          throttled
    400 Unsupported                         unsupported
    400 InvalidFleetConfiguration           unsupported
    400 InvalidAMIID.NotFound               image-unusable
    400 InvalidAMIID.Malformed              image-unusable
    400 InvalidAMIID.Unavailable            image-unusable
    400 InvalidGroup.NotFound               image-unusable
    400 InvalidSubnetID.NotFound            image-unusable
    400 InvalidKeyPair.NotFound             image-unusable
    400 VolumeLimitExceeded                 volume-limit
    400 MaxIOPSLimitExceeded                volume-limit
    400 InvalidParameterValue               rejected
    400 IdempotentParameterMismatch         rejected
    401 AuthFailure                         rejected
    403 UnauthorizedOperation               rejected
    400 PendingVerification                 rejected
    401 OptInRequired                       rejected
    400 RequestExpired                      rejected
    500 InternalError                       unanswered
    500 InternalFailure                     unanswered
    503 ServiceUnavailable                  unanswered
    503 Unavailable                         unanswered
    400 SomethingNew                        rejected
    500 SomethingNewAndWorse                unanswered
";

fn word(kind: CallErrorKind) -> &'static str {
    match kind {
        CallErrorKind::Throttled => "throttled",
        CallErrorKind::Unanswered => "unanswered",
        CallErrorKind::Refused(refusal) => refusal.into(),
    }
}

#[tokio::test]
async fn each_code_of_a_launch_means_what_the_table_says_and_is_asked_for_once() {
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()) {
        let mut words = row.split_whitespace();
        let [status, code, meaning] = [words.next(), words.next(), words.next()];
        let status: u16 = status.and_then(|it| it.parse().ok()).expect("a status");
        let (code, meaning) = (code.expect("a code").to_owned(), meaning.expect("a meaning"));
        let told = code.clone();
        let server = Server::start(move |_| Answer::error(status, &told, "EC2's own words"));
        let order = order(LaunchMethod::RunInstances);
        let error = server.ec2().await.launch(&order).await.expect_err("it is an error");
        assert_eq!((error.code.as_str(), word(error.kind)), (code.as_str(), meaning));
        assert!(error.message.contains("EC2's own words"), "{error}");
        assert_eq!(server.asked().len(), 1, "{code}: the engine repeats, nobody else");
    }
}

#[tokio::test]
async fn what_a_person_must_do_is_said() {
    let encoded = "You are not authorized to perform this operation. Encoded authorization failure \
                   message: 4lY0nc";
    for (code, message, said) in [
        ("UnauthorizedOperation", encoded, "allow ec2:RunInstances to these credentials"),
        ("RequestExpired", "Request has expired.", "set this machine's clock, by NTP"),
        ("AuthFailure", "AWS was not able to validate", "check the credentials"),
        ("OptInRequired", "You are not subscribed", "enable `us-east-1`"),
        ("VcpuLimitExceeded", "You have requested more", "ask for more in Service Quotas"),
        ("MaxFleetCountExceeded", "Too many", "launch by RunInstances"),
        ("InvalidAMIID.NotFound", "The image id", "each region has its own"),
    ] {
        let server = Server::start(move |_| Answer::error(400, code, message));
        let order = order(LaunchMethod::RunInstances);
        let error = server.ec2().await.launch(&order).await.expect_err("it is an error");
        let shown = error.to_string();
        assert!(shown.contains(said) && shown.contains("RunInstances in us-east-1"), "{shown}");
        assert!(!shown.contains("4lY0nc"), "{shown}");
    }
}

#[tokio::test]
async fn no_secret_is_in_an_error_or_in_what_is_shown_of_an_order() {
    let server = Server::start(|_| Answer::error(400, "InvalidParameterValue", "what you sent"));
    for method in [LaunchMethod::RunInstances, LaunchMethod::CreateFleet] {
        let order = order(method);
        let error = server.ec2().await.launch(&order).await.expect_err("it is an error");
        for shown in [format!("{error}"), format!("{error:?}"), format!("{order:?}")] {
            assert!(!shown.contains("xyzzy") && !shown.contains("a-secret-key"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_refusal_without_a_code_is_told_by_its_status() {
    let page = "<html><body>502 Bad Gateway</body></html>".to_owned();
    let server = Server::start(move |_| Answer::Status(502, page.clone()));
    let order = order(LaunchMethod::RunInstances);
    let error = server.ec2().await.launch(&order).await.expect_err("it is an error");
    assert_eq!(error.kind, CallErrorKind::Unanswered);
    assert_ne!(error.kind, CallErrorKind::Refused(Refusal::Rejected));
    assert_eq!(error.code, "HTTP 502");
}
