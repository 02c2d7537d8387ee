//! Networks that fail.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as Span;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use provisioner_engine::observation::Refusal;
use provisioner_engine::units::Duration;
use provisioner_live::cloud::ec2::{Ec2, Ec2Config};
use provisioner_live::cloud::{CallErrorKind, Cloud, LaunchMethod, LaunchOrder};

use crate::server::{Answer, Server, config};
use crate::{REGION, order};

fn launch() -> LaunchOrder {
    order(LaunchMethod::RunInstances)
}

#[tokio::test]
async fn a_launch_whose_answer_is_lost_is_unanswered_and_not_made_again() {
    let good = "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>";
    let Answer::Body(good) = Answer::of("RunInstances", good) else { panic!("it is a body") };
    let half = good[..good.len() / 2].to_owned();
    for (answer, code) in [
        (Answer::Reset, "NoAnswer"),
        (Answer::Half(good), "Unreadable"),
        (Answer::Body(half), "Unreadable"),
        (Answer::of("RunInstances", ""), "Unreadable"),
        (Answer::Silence, "Timeout"),
    ] {
        let told = answer.clone();
        let server = Server::start(move |_| told.clone());
        let error = server.ec2().await.launch(&launch()).await.expect_err("it is an error");
        assert_eq!(error.kind, CallErrorKind::Unanswered, "{answer:?}: {error}");
        assert_eq!(error.code, code, "{answer:?}: {error}");
        assert_eq!(server.asked().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_launch_that_never_left_is_one_that_ec2_took_no_notice_of() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = format!("http://{}", free.local_addr().expect("it has one"));
    drop(free);
    // No name has so long a part: it is not even looked up.
    let nowhere = format!("http://{}/", "x".repeat(70));
    for url in [nobody, nowhere] {
        let ec2 = Ec2::new(config(&url)).await.expect("it has credentials");
        let error = ec2.launch(&launch()).await.expect_err("nobody is there");
        assert_eq!((error.kind, error.code.as_str()), (CallErrorKind::Throttled, "NotSent"));
        assert!(error.message.contains("that `us-east-1` is a region"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_region_is_said_and_nothing_is_sent() {
    let ec2 = Ec2::new(Ec2Config { endpoint: None, ..config("") }).await;
    let region = "no region at all";
    let order = LaunchOrder { region: region.to_owned(), ..launch() };
    let error = ec2.expect("it has credentials").launch(&order).await.expect_err("nowhere");
    let rejected = CallErrorKind::Refused(Refusal::Rejected);
    assert_eq!((error.kind, error.code.as_str()), (rejected, "NotWritten"));
    assert!(error.message.contains("that `no region at all` is a region"), "{error}");
}

/// Has credentials once, and none from then on.
#[derive(Debug)]
struct Once(AtomicBool);

impl ProvideCredentials for Once {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(match self.0.swap(true, Ordering::Relaxed) {
            true => Err(CredentialsError::not_loaded("the role is gone")),
            false => Ok(Credentials::new("testing", "testing", None, None, "tests")),
        })
    }
}

#[tokio::test]
async fn a_launch_that_could_not_be_signed_never_left() {
    let server = Server::start(|_| Answer::Reset);
    let credentials = SharedCredentialsProvider::new(Once(AtomicBool::new(false)));
    let config = Ec2Config { credentials: Some(credentials), ..server.config() };
    let ec2 = Ec2::new(config).await.expect("it has some yet");
    let error = ec2.launch(&launch()).await.expect_err("it has none any more");
    assert_eq!((error.kind, error.code.as_str()), (CallErrorKind::Throttled, "NotSent"));
    assert!(error.message.contains("check that there are credentials"), "{error}");
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn how_wrong_this_clock_is_is_seen_from_any_answer() {
    let server = Server::start(|_| Answer::error(400, "RequestExpired", "Request has expired"));
    let ec2 = server.ec2().await;
    assert_eq!(ec2.clock_skew(), None);
    ec2.list(REGION).await.expect_err("it is an error");
    let ahead = ec2.clock_skew().expect("the answer has a date");
    assert!(ahead > Duration::from_hours(24 * 365), "the server lives in {ahead}");
}

#[tokio::test]
async fn without_credentials_it_is_said_where_to_put_them() {
    let nobody = ProfileFileCredentialsProvider::builder().profile_name("nobody has this one");
    let config = Ec2Config {
        credentials: Some(SharedCredentialsProvider::new(nobody.build())),
        ..config("http://127.0.0.1:1")
    };
    let error = Ec2::new(config).await.err().expect("there are none").to_string();
    assert!(error.starts_with("no AWS credentials: "), "{error}");
    assert!(error.contains("give this machine a role, or set AWS_PROFILE"), "{error}");
}

#[tokio::test]
async fn an_id_that_would_find_others_things_is_refused() {
    for id in ["", "prod*", "pro?", "a\\b", "two words", "é", &"x".repeat(101)] {
        let config = Ec2Config { provisioner: id.to_owned(), ..config("http://127.0.0.1:1") };
        let error = Ec2::new(config).await.err().expect("it is refused").to_string();
        assert!(error.contains("cannot be a provisioner's id"), "{error}");
    }
}

#[tokio::test]
async fn reading_is_tried_twice_and_what_changes_anything_once() {
    let server = Server::start(|_| Answer::error(503, "RequestLimitExceeded", "slower"));
    let ec2 = server.ec2().await;
    let error = ec2.list(REGION).await.expect_err("it is throttled");
    assert_eq!(error.kind, CallErrorKind::Throttled);
    assert_eq!(server.asked().len(), 2);
    ec2.launch(&launch()).await.expect_err("it is throttled");
    assert_eq!(server.asked().len(), 3);
    ec2.remove_key_pairs(REGION, &[]).await.expect_err("it is throttled");
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn one_region_that_does_not_answer_delays_no_other() {
    let server = Server::start(|_| Answer::Silence);
    let slow = Ec2Config { answer_timeout: Span::from_secs(20), ..server.config() };
    let slow = Ec2::new(slow).await.expect("it has credentials");
    let quick = Server::start(|_| Answer::of("DescribeInstances", "<reservationSet/>"));
    let quick = quick.ec2().await;
    tokio::select! {
        listed = quick.list("eu-west-1") => assert_eq!(listed, Ok(Vec::new())),
        _ = slow.list(REGION) => panic!("it has no answer"),
    }
}
