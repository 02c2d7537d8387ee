//! The proxy before moto: what moto lacks is there, what it is told to break is broken, and all else
//! passes as it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration as Span, Instant};

use provisioner_stand_in::ec2::{Done, Fault, Judge, Lag, Moto, MotoInstance, Proxy, What};
use roxmltree::Node;

const REGION: &str = "us-east-1";

/// The moto that all tests share, and a proxy and a name of a test's own.
struct Scene {
    moto: Arc<Moto>,
    proxy: Proxy,
    through: Judge,
    name: String,
}

impl Scene {
    fn start(name: &str) -> Self {
        let moto = Moto::shared().expect("moto's server");
        let proxy = Proxy::start(moto.url()).expect("a port is free");
        let through = Judge::of(&proxy.url());
        Self { moto, proxy, through, name: name.to_owned() }
    }

    /// Launches through the proxy; gives the instances, or what was said.
    async fn run(&self, token: &str, zone: &str, most: u32) -> Result<Vec<String>, String> {
        let image = self.moto.judge().image(REGION).await.expect("moto has images");
        let most = most.to_string();
        let fields = [
            ("ClientToken", token),
            ("ImageId", &image),
            ("InstanceType", "c5.large"),
            ("MinCount", "1"),
            ("MaxCount", &most),
            ("Placement.AvailabilityZone", zone),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "test"),
            ("TagSpecification.1.Tag.1.Value", &self.name),
        ];
        self.through.call(REGION, "RunInstances", &fields, ids).await
    }

    /// What the judge says is there of this test's.
    async fn there(&self) -> Vec<String> {
        let all = self.moto.judge().instances(REGION).await.expect("moto answers");
        all.into_iter().filter(|it| it.tag("test") == self.name).map(|it| it.id).collect()
    }

    /// What a listing through the proxy shows of it.
    async fn shown(&self) -> usize {
        let all = self.through.instances(REGION).await.expect("it answers");
        all.iter().filter(|it| it.tag("test") == self.name).count()
    }
}

fn ids(answer: Node<'_, '_>) -> Vec<String> {
    let ids = answer.descendants().filter(|it| it.has_tag_name("instanceId"));
    ids.filter_map(|it| it.text()).map(str::to_owned).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn as_many_are_launched_as_are_asked_for() {
    let scene = Scene::start("many");
    let given = scene.run("", "us-east-1a", 5).await.expect("room");
    assert_eq!(given.len(), 5);
    assert_eq!(scene.there().await, sorted(given.clone()));
    let [change] = &scene.proxy.changes()[..] else { panic!("one change") };
    assert_eq!((change.action.as_str(), &change.instances), ("RunInstances", &given));
}

#[tokio::test]
async fn a_token_in_a_zone_is_one_launch_and_in_another_zone_another() {
    let scene = Scene::start("token");
    let first = scene.run("t", "us-east-1a", 2).await.expect("room");
    assert_eq!(scene.run("t", "us-east-1a", 2).await.as_ref(), Ok(&first));
    assert_eq!(scene.there().await, sorted(first.clone()));
    let other = scene.run("t", "us-east-1b", 2).await.expect("room");
    assert_ne!(first, other);
    assert_eq!(scene.there().await.len(), 4);
}

#[tokio::test]
async fn a_token_with_other_parameters_is_refused() {
    let scene = Scene::start("mismatch");
    scene.run("t", "us-east-1a", 2).await.expect("room");
    let said = scene.run("t", "us-east-1a", 3).await.expect_err("another call");
    assert!(said.contains("IdempotentParameterMismatch") && said.contains("400"), "{said}");
    assert_eq!(scene.there().await.len(), 2);
}

#[tokio::test]
async fn calls_by_one_token_at_the_same_time_are_one() {
    let scene = Scene::start("at-once");
    let run = || scene.run("t", "us-east-1a", 3);
    let answers = tokio::join!(run(), run(), run(), run());
    let answers = [answers.0, answers.1, answers.2, answers.3];
    let given: BTreeSet<Vec<String>> = answers.into_iter().map(|it| it.expect("room")).collect();
    assert_eq!(given.len(), 1);
    assert_eq!(scene.there().await.len(), 3);
}

#[tokio::test]
async fn a_refused_call_has_not_used_its_token() {
    let scene = Scene::start("unused");
    let dry = Fault::new(What::Capacity(0)).in_zones(&["us-east-1a"]).times(1);
    scene.proxy.misbehave(vec![dry]);
    let said = scene.run("t", "us-east-1a", 2).await.expect_err("no room");
    assert!(said.contains("<Code>InsufficientInstanceCapacity</Code>"), "{said}");
    assert_eq!(scene.there().await.len(), 0);
    assert_eq!(scene.run("t", "us-east-1a", 2).await.expect("room").len(), 2);
}

#[tokio::test]
async fn a_pool_with_little_room_gives_what_it_has() {
    let scene = Scene::start("little");
    scene.proxy.misbehave(vec![Fault::new(What::Capacity(3)).in_zones(&["us-east-1a"])]);
    assert_eq!(scene.run("t", "us-east-1a", 5).await.expect("some room").len(), 3);
    assert_eq!(scene.run("t", "us-east-1a", 5).await.expect("the same").len(), 3);
    assert_eq!(scene.run("t", "us-east-1b", 5).await.expect("room").len(), 5);
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_its_token_finds_it() {
    for (name, what) in [
        ("reset", What::Reset(Done::Yes)),
        ("fails", What::Fails(Done::Yes)),
        ("truncated", What::Truncated),
    ] {
        let scene = Scene::start(name);
        scene.proxy.misbehave(vec![Fault::new(what).of_launches().times(1)]);
        let said = scene.run("t", "us-east-1a", 2).await.expect_err("no answer");
        let there = scene.there().await;
        assert_eq!(there.len(), 2, "{name}: {said}");
        assert_eq!(sorted(scene.run("t", "us-east-1a", 2).await.expect("it is found")), there);
        assert_eq!(scene.there().await, there, "{name}");
    }
}

#[tokio::test]
async fn a_call_that_did_not_arrive_did_nothing() {
    for (name, what) in [("not-reset", What::Reset(Done::No)), ("not-fails", What::Fails(Done::No))]
    {
        let scene = Scene::start(name);
        scene.proxy.misbehave(vec![Fault::new(what).of_launches().times(1)]);
        scene.run("t", "us-east-1a", 2).await.expect_err("no answer");
        assert_eq!(scene.there().await.len(), 0, "{name}");
        assert_eq!(scene.proxy.changes(), [], "{name}");
    }
}

#[tokio::test]
async fn throttling_is_of_the_actions_it_is_told_of_and_of_each_nth_call() {
    let scene = Scene::start("throttled");
    scene.proxy.misbehave(vec![Fault::throttled().of(&["RunInstances"]).every(2)]);
    let mut given = Vec::new();
    for token in ["a", "b", "c", "d"] {
        given.push(scene.run(token, "us-east-1a", 1).await.is_ok());
    }
    assert_eq!(given, [true, false, true, false]);
    assert_eq!(scene.shown().await, 2, "listings are let through");
    assert_eq!(scene.proxy.calls()["RunInstances"], 4);
}

#[tokio::test]
async fn listings_lag_behind_and_catch_up() {
    let scene = Scene::start("lag");
    let given = sorted(scene.run("t", "us-east-1a", 2).await.expect("room"));
    let listed = async |unseen, untagged| -> Vec<MotoInstance> {
        scene.proxy.lag(Lag { unseen, untagged });
        let all = scene.through.instances(REGION).await.expect("it answers");
        all.into_iter().filter(|it| given.contains(&it.id)).collect()
    };
    let hour = Span::from_secs(3_600);
    assert_eq!(listed(hour, hour).await, []);
    let untagged = listed(Span::ZERO, hour).await;
    assert_eq!(
        untagged.iter().map(|it| &it.id).collect::<Vec<_>>(),
        given.iter().collect::<Vec<_>>()
    );
    let is_bare = |it: &MotoInstance| it.tags.is_empty() && it.instance_type == "c5.large";
    assert!(untagged.iter().all(is_bare), "{untagged:?}");
    tokio::time::sleep(Span::from_millis(300)).await;
    let caught_up = listed(Span::from_millis(300), Span::from_millis(300)).await;
    assert!(caught_up.iter().all(|it| it.tag("test") == "lag"), "{caught_up:?}");
    assert_eq!(scene.shown().await, 2);
}

#[tokio::test]
async fn faults_can_be_told_over_http() {
    let scene = Scene::start("told");
    let faults = r#"[{"what": {"late": 300}}, {"what": {"capacity": 0}, "zones": ["us-east-1a"]}]"#;
    let client = reqwest::Client::new();
    let told = client.post(format!("{}/stand-in/faults", scene.proxy.url()));
    let told = told.header("content-type", "application/json").body(faults).send().await;
    assert_eq!(told.expect("it answers").status(), 204);
    let began = Instant::now();
    scene.run("t", "us-east-1a", 1).await.expect_err("no room");
    assert!(began.elapsed() >= Span::from_millis(300), "{:?}", began.elapsed());
    let calls = client.get(format!("{}/stand-in/calls", scene.proxy.url())).send().await;
    let calls: serde_json::Value = calls.expect("it answers").json().await.expect("JSON");
    assert_eq!(calls["RunInstances"], 1);
}
