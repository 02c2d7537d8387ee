//! What a fleet's answer comes to.

use provisioner_engine::observation::Refusal;
use provisioner_live::cloud::{CallError, CallErrorKind, Cloud, LaunchMethod, Launched};

use crate::order;
use crate::server::{Answer, Server};

/// Launches three by a fleet that answers with these instances and errors.
async fn fleet(
    instances: &'static [&'static str],
    errors: &'static [&'static str],
) -> Result<Launched, CallError> {
    let server = Server::start(move |request| {
        let ids: String = instances.iter().map(|id| format!("<item>{id}</item>")).collect();
        let errors = errors.iter().map(|code| {
            format!("<item><errorCode>{code}</errorCode><errorMessage>why</errorMessage></item>")
        });
        let errors: String = errors.collect();
        let instances = match ids.is_empty() {
            true => String::new(),
            false => format!("<item><instanceIds>{ids}</instanceIds></item>"),
        };
        let content = format!(
            "<fleetId>fleet-1</fleetId><fleetInstanceSet>{instances}</fleetInstanceSet>\
             <errorSet>{errors}</errorSet>"
        );
        Answer::of(&request.action, &content)
    });
    server.ec2().await.launch(&order(LaunchMethod::CreateFleet)).await
}

#[tokio::test]
async fn an_error_beside_all_that_was_asked_for_is_no_shortage() {
    let given = fleet(&["i-3", "i-1", "i-2"], &["InsufficientInstanceCapacity"]).await;
    let instances = ["i-1", "i-2", "i-3"].map(str::to_owned).to_vec();
    assert_eq!(given, Ok(Launched { instances, short: None }));
}

#[tokio::test]
async fn of_several_reasons_the_most_frequent_is_told() {
    let errors =
        &["VcpuLimitExceeded", "InsufficientInstanceCapacity", "InsufficientInstanceCapacity"];
    let short = fleet(&["i-1"], errors).await.expect("one was given").short;
    let (refusal, said) = short.expect("two were not");
    assert_eq!(refusal, Refusal::InsufficientCapacity);
    assert!(said.contains("InsufficientInstanceCapacity") && said.contains("why"), "{said}");
}

#[tokio::test]
async fn a_fleet_that_gave_nothing_failed_as_its_errors_say() {
    let meant = CallErrorKind::Refused;
    for (errors, kind) in [
        (&["UnfulfillableCapacity"][..], meant(Refusal::InsufficientCapacity)),
        (&["InvalidFleetConfiguration"], meant(Refusal::Unsupported)),
        (&["RequestLimitExceeded"], CallErrorKind::Throttled),
        (&["InternalError"], CallErrorKind::Unanswered),
        (&["SomethingNew"], meant(Refusal::Rejected)),
        (&[], meant(Refusal::InsufficientCapacity)),
    ] {
        let error = fleet(&[], errors).await.expect_err("it gave nothing");
        assert_eq!(error.kind, kind, "{errors:?}");
    }
}

#[tokio::test]
async fn a_partial_answer_that_was_throttled_blames_no_pool() {
    let short = fleet(&["i-1"], &["RequestLimitExceeded"]).await.expect("one was given").short;
    assert_eq!(short.expect("two were not").0, Refusal::Cancelled);
}

#[tokio::test]
async fn a_template_whose_making_has_no_answer_is_made_again_and_nothing_is_launched() {
    let server = Server::start(|_| Answer::error(500, "InternalError", "oops"));
    let ec2 = server.ec2().await;
    let order = order(LaunchMethod::CreateFleet);
    for _ in 0..2 {
        let error = ec2.launch(&order).await.expect_err("it is an error");
        assert_eq!(error.kind, CallErrorKind::Throttled, "no launch call was made");
    }
    let asked = server.asked();
    assert!(asked.iter().all(|request| request.action == "CreateLaunchTemplate"), "{asked:?}");
}
