//! Answers of more than one page, and what moto does not show.

use provisioner_engine::inventory::State;
use provisioner_engine::observation::EndCause;
use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_live::cloud::ec2::survey::Quota;
use provisioner_live::cloud::{
    CallErrorKind, Cloud, LaunchLabel, Notice, NoticeKind, PriceRow, Terminated,
};

use crate::REGION;
use crate::server::{Answer, Request, Server};

/// A reservation of one instance.
fn instance(id: &str, state: u8, more: &str) -> String {
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceType>c5.large</instanceType>\
         <launchTime>2026-11-22T10:00:00.000Z</launchTime>\
         <instanceState><code>{}</code></instanceState>\
         <tagSet><item><key>aws-provisioner:provisioner</key><value>prod</value></item></tagSet>{more}\
         </item></instancesSet></item>",
        // The high byte is EC2's own matter.
        u32::from(state) + 0x100,
    )
}

fn reservations(rows: &str, next: &str) -> Answer {
    let content = format!("<reservationSet>{rows}</reservationSet><nextToken>{next}</nextToken>");
    Answer::of("DescribeInstances", &content)
}

#[tokio::test]
async fn a_listing_whose_second_page_fails_is_no_listing() {
    let server = Server::start(|request| match request.field("NextToken") {
        None => reservations(&instance("i-1", 16, ""), "more"),
        Some(_) => Answer::error(400, "AuthFailure", "no longer"),
    });
    let error = server.ec2().await.list(REGION).await.expect_err("half of it is missing");
    assert_eq!(error.code, "AuthFailure");
}

#[tokio::test]
async fn a_listing_that_was_cut_off_is_no_listing() {
    let rows = [instance("i-1", 16, ""), instance("i-2", 16, "")].concat();
    let Answer::Body(whole) = reservations(&rows, "") else { panic!("it is a body") };
    for end in [whole.len() - 1, whole.len() / 2, whole.len() / 4, 0] {
        let cut = whole[..end].to_owned();
        let server = Server::start(move |_| Answer::Body(cut.clone()));
        let error = server.ec2().await.list(REGION).await.expect_err("its end is missing");
        assert_eq!((error.kind, error.code.as_str()), (CallErrorKind::Unanswered, "Unreadable"));
    }
}

#[tokio::test]
async fn an_empty_token_ends_an_answer_and_an_endless_one_is_given_up() {
    let server = Server::start(|_| reservations(&instance("i-1", 16, ""), ""));
    assert_eq!(server.ec2().await.list(REGION).await.expect("it has an end").len(), 1);
    assert_eq!(server.asked().len(), 1);
    let server = Server::start(|_| reservations(&instance("i-1", 16, ""), "the same"));
    let error = server.ec2().await.list(REGION).await.expect_err("it has no end");
    assert_eq!((error.kind, error.code.as_str()), (CallErrorKind::Unanswered, "Unreadable"));
}

#[tokio::test]
async fn an_instance_that_is_on_two_pages_is_listed_once() {
    let server = Server::start(|request| match request.field("NextToken") {
        None => reservations(&instance("i-1", 16, ""), "more"),
        Some(_) => reservations(&[instance("i-1", 16, ""), instance("i-0", 0, "")].concat(), ""),
    });
    let listed = server.ec2().await.list(REGION).await.expect("it has an end");
    let states: Vec<(&str, State)> =
        listed.iter().map(|row| (row.instance.as_str(), row.state)).collect();
    assert_eq!(states, [("i-0", State::Pending), ("i-1", State::Running)]);
}

#[tokio::test]
async fn how_an_instance_ended_is_read_from_whatever_ec2_says_of_it() {
    let reason = |code: &str, message: &str| {
        format!("<stateReason><code>{code}</code><message>{message}</message></stateReason>")
    };
    for (more, cause) in [
        (reason("Server.SpotInstanceTermination", "x"), EndCause::Interruption),
        (reason("Server.SpotInstanceShutdown", "x"), EndCause::Interruption),
        (reason("Client.InstanceInitiatedShutdown", "x"), EndCause::Worker),
        (reason("Client.UserInitiatedShutdown", "x"), EndCause::Provisioner),
        (reason("Client.VolumeLimitExceeded", "x"), EndCause::VolumeLimit),
        (reason("Server.InternalError", "x"), EndCause::LaunchFailed),
        (reason("Client.InvalidSnapshot.NotFound", "x"), EndCause::LaunchFailed),
        (
            "<stateReason><message>Client.InstanceInitiatedShutdown: Instance initiated shutdown\
             </message></stateReason>"
                .to_owned(),
            EndCause::Worker,
        ),
        (
            "<reason>User initiated (2021-10-04 14:13:33 GMT)</reason>".to_owned(),
            EndCause::Provisioner,
        ),
        ("<reason>User initiated</reason>".to_owned(), EndCause::Provisioner),
        (
            "<reason>Service initiated (2021-10-04 14:13:33 GMT)</reason>".to_owned(),
            EndCause::Interruption,
        ),
        (
            format!(
                "{}<reason>Server.InternalError</reason>",
                reason("Client.VolumeLimitExceeded", "x")
            ),
            EndCause::VolumeLimit,
        ),
        (String::new(), EndCause::Vanished),
    ] {
        let told = more.clone();
        let server = Server::start(move |_| reservations(&instance("i-1", 48, &told), ""));
        let listed = server.ec2().await.list(REGION).await.expect("it answers");
        assert_eq!(listed[0].state, State::Terminated(cause), "{more}");
    }
}

#[tokio::test]
async fn an_instance_that_vanishes_between_look_and_act_is_missing() {
    let server = Server::start(|request| match request.action.as_str() {
        "DescribeInstances" => reservations(&instance("i-1", 16, ""), ""),
        _ => {
            Answer::error(400, "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist")
        }
    });
    assert_eq!(server.ec2().await.terminate(REGION, "i-1").await, Ok(Terminated::Missing));
}

#[tokio::test]
async fn only_the_open_spot_requests_of_that_call_are_cancelled() {
    let server = Server::start(|request| match request.action.as_str() {
        "DescribeSpotInstanceRequests" => Answer::of(
            "DescribeSpotInstanceRequests",
            "<spotInstanceRequestSet>\
             <item><spotInstanceRequestId>sir-1</spotInstanceRequestId><state>open</state></item>\
             <item><spotInstanceRequestId>sir-2</spotInstanceRequestId><state>open</state></item>\
             </spotInstanceRequestSet>",
        ),
        _ => Answer::of(
            "CancelSpotInstanceRequests",
            "<spotInstanceRequestSet>\
             <item><spotInstanceRequestId>sir-1</spotInstanceRequestId><state>cancelled</state></item>\
             <item><spotInstanceRequestId>sir-2</spotInstanceRequestId><state>cancelled</state></item>\
             </spotInstanceRequestSet>",
        ),
    });
    let label = LaunchLabel { era: "e1".to_owned(), first: 7 };
    assert_eq!(server.ec2().await.cancel(REGION, &label).await, Ok(2));
    let asked = server.asked();
    let filters = asked[0].values("Filter.");
    assert_eq!(
        filters,
        [
            "tag:aws-provisioner:provisioner",
            "prod",
            "state",
            "open",
            "tag:aws-provisioner:launch",
            "e1-7"
        ]
    );
    assert_eq!(asked[1].values("SpotInstanceRequestId"), ["sir-1", "sir-2"]);
}

#[tokio::test]
async fn where_no_queue_is_configured_spot_requests_tell_of_interruptions_once() {
    let server = Server::start(|_| {
        Answer::of(
            "DescribeSpotInstanceRequests",
            "<spotInstanceRequestSet><item><instanceId>i-1</instanceId><status>\
             <code>instance-terminated-no-capacity</code>\
             <updateTime>2026-11-22T10:00:00.000Z</updateTime></status></item></spotInstanceRequestSet>",
        )
    });
    let ec2 = server.ec2().await;
    let ends_at = Time::from_ms(1_795_341_720_000);
    let notice = Notice { instance: "i-1".to_owned(), what: NoticeKind::Interruption { ends_at } };
    assert_eq!(ec2.notices(REGION).await, Ok(vec![notice]));
    assert_eq!(ec2.notices(REGION).await, Ok(Vec::new()));
    let filters = server.asked()[0].values("Filter.2.").join(" ");
    assert!(filters.contains("status-code marked-for-termination instance-terminated-no-capacity"));
    assert!(!filters.contains("by-user"), "what we ended is no interruption");
}

#[tokio::test]
async fn prices_come_oldest_first_each_once_and_with_the_one_that_held_before() {
    let row = |zone: &str, product: &str, price: &str, at: &str| {
        format!(
            "<item><availabilityZone>{zone}</availabilityZone><instanceType>c5.large</instanceType>\
             <productDescription>{product}</productDescription><spotPrice>{price}</spotPrice>\
             <timestamp>2026-11-22T{at}:00.000Z</timestamp></item>"
        )
    };
    let linux = "Linux/UNIX";
    let pages = [
        [
            row("a", linux, "0.050000", "12:00"),
            row("a", linux, "0.040000", "11:00"),
            row("b", "Linux/UNIX (Amazon VPC)", "1.0000001", "11:30"),
        ],
        [
            row("a", linux, "0.040000", "11:00"),
            row("a", linux, "0.030000", "09:00"),
            row("a", linux, "0.020000", "08:00"),
        ],
    ]
    .map(|page| page.concat());
    let server = Server::start(move |request| {
        let (page, next) = match request.field("NextToken") {
            None => (&pages[0], "more"),
            Some(_) => (&pages[1], ""),
        };
        let content = format!(
            "<spotPriceHistorySet>{page}</spotPriceHistorySet><nextToken>{next}</nextToken>"
        );
        Answer::of("DescribeSpotPriceHistory", &content)
    });
    let hour = 3_600_000;
    let noon = 1_795_348_800_000;
    let since = Time::from_ms(noon - 2 * hour);
    let types = ["c5.large".to_owned()];
    let rows = server.ec2().await.prices(REGION, &types, &[linux.to_owned()], since).await;
    let expected = |zone: &str, micros, since| PriceRow {
        zone: zone.to_owned(),
        instance_type: "c5.large".to_owned(),
        product: linux.to_owned(),
        price: UsdPerHour::from_micros(micros),
        since: Time::from_ms(since),
    };
    assert_eq!(
        rows,
        Ok(vec![
            expected("a", 30_000, noon - 3 * hour),
            expected("a", 40_000, noon - hour),
            expected("b", 1_000_001, noon - hour / 2),
            expected("a", 50_000, noon),
        ])
    );
}

#[tokio::test]
async fn a_price_that_cannot_be_read_makes_the_answer_an_error() {
    for price in ["", "-0.1", "free", "0.1e3"] {
        let content = format!(
            "<spotPriceHistorySet><item><availabilityZone>a</availabilityZone>\
             <instanceType>c5.large</instanceType><productDescription>Linux/UNIX</productDescription>\
             <spotPrice>{price}</spotPrice><timestamp>2026-11-22T10:00:00.000Z</timestamp></item>\
             </spotPriceHistorySet>"
        );
        let server = Server::start(move |_| Answer::of("DescribeSpotPriceHistory", &content));
        let (types, products) = (["c5.large".to_owned()], ["Linux/UNIX".to_owned()]);
        let error = server.ec2().await.prices(REGION, &types, &products, Time::EPOCH).await;
        assert_eq!(error.expect_err(price).code, "Unreadable");
    }
}

#[tokio::test]
async fn quotas_are_those_on_vcpus() {
    let server = Server::start(|_| {
        Answer::Body(
            r#"{"Quotas": [
                {"QuotaCode": "L-34B43A08", "Value": 640.0,
                 "QuotaName": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"},
                {"QuotaCode": "L-1216C47A", "Value": 1152.0,
                 "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"},
                {"QuotaCode": "L-0263D0A3", "Value": 5.0, "QuotaName": "EC2-VPC Elastic IPs"}
            ]}"#
            .to_owned(),
        )
    });
    let quotas = server.ec2().await.quotas(REGION).await.expect("it answers");
    let read: Vec<(&str, u64)> =
        quotas.iter().map(|Quota { code, vcpus, .. }| (code.as_str(), *vcpus)).collect();
    assert_eq!(read, [("L-1216C47A", 1152), ("L-34B43A08", 640)]);
}

#[tokio::test]
async fn a_sweep_ends_the_neighbours_of_an_instance_that_fails_the_call() {
    let protected = |request: &Request| request.values("InstanceId").contains(&"i-3");
    let server = Server::start(move |request| match request.action.as_str() {
        "DescribeInstances" => {
            let rows = (0..8).map(|n| instance(&format!("i-{n}"), 16, ""));
            reservations(&rows.collect::<String>(), "")
        }
        "TerminateInstances" if protected(request) => {
            Answer::error(400, "OperationNotPermitted", "The instance 'i-3' may not be terminated")
        }
        other => Answer::of(other, ""),
    });
    let swept = server.ec2().await.sweep(REGION).await.expect("it answers");
    let ended = ["i-0", "i-1", "i-2", "i-4", "i-5", "i-6", "i-7"].map(str::to_owned).to_vec();
    assert_eq!(swept.ended.instances, ended);
    assert_eq!(swept.errors.len(), 1);
    assert_eq!(swept.errors[0].code, "OperationNotPermitted");
}
