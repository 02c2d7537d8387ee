//! The stand-in as its callers meet it: over HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::{Duration, Time};
use provisioner_stand_in::ec2::Moto;
use provisioner_stand_in::{Faults, Fleet, FleetOptions, Instance, PlayedEc2, Settings, StandIn};
use serde_json::{Value, json};

const QUEUE: &str = "proj/ci";

fn start() -> StandIn {
    StandIn::start(Settings::default()).expect("a port is free")
}

fn call<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Status and JSON of a path of Taskcluster's.
fn get(stand_in: &StandIn, path: &str) -> (u16, Value) {
    let url = format!("{}/api/{path}", stand_in.root_url());
    call(async {
        let answer = reqwest::get(url).await.expect("it answers");
        (answer.status().as_u16(), answer.json().await.expect("in JSON"))
    })
}

fn post(stand_in: &StandIn, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/{path}", stand_in.root_url());
    call(async {
        let answer = reqwest::Client::new().post(url).json(body).send().await;
        let answer = answer.expect("it answers");
        (answer.status().as_u16(), answer.json().await.expect("in JSON"))
    })
}

fn claim(stand_in: &StandIn, worker: &str, tasks: u32) -> Value {
    let body = json!({ "workerGroup": "us-east-1", "workerId": worker, "tasks": tasks });
    post(stand_in, "api/queue/v1/claim-work/proj%2Fci", &body).1
}

#[test]
fn counts_are_taskclusters_and_an_unused_queue_has_none() {
    let stand_in = start();
    stand_in.add(QUEUE, 3, Duration::MINUTE);
    claim(&stand_in, "i-1", 1);
    let (status, counts) = get(&stand_in, "queue/v1/task-queues/proj%2Fci/counts");
    assert_eq!(status, 200);
    assert_eq!(
        counts,
        json!({
            "provisionerId": "proj",
            "workerType": "ci",
            "taskQueueId": "proj/ci",
            "pendingTasks": 2,
            "claimedTasks": 1,
        })
    );
    let (status, counts) = get(&stand_in, "queue/v1/pending/never%2Fused");
    assert_eq!((status, &counts["pendingTasks"]), (200, &json!(0)));
}

#[test]
fn tasks_can_be_added_over_http() {
    let stand_in = start();
    let body = json!({ "taskQueueId": QUEUE, "count": 2, "durationSeconds": 60 });
    let (status, added) = post(&stand_in, "stand-in/tasks", &body);
    assert_eq!((status, added["tasks"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(stand_in.counts(QUEUE).pending, 2);
}

#[test]
fn a_claimed_task_is_listed_with_who_holds_it_page_by_page() {
    let stand_in = start();
    stand_in.add(QUEUE, 3, Duration::MINUTE);
    claim(&stand_in, "i-1", 2);
    claim(&stand_in, "i-2", 1);
    let mut holders = Vec::new();
    let mut token = String::new();
    for page in 0.. {
        assert!(page < 5, "the pages end");
        let path = format!("queue/v1/task-queues/proj%2Fci/claimed?limit=2{token}");
        let (_, listed) = get(&stand_in, &path);
        let tasks = listed["tasks"].as_array().expect("tasks").clone();
        holders.extend(tasks.iter().map(|task| task["workerId"].as_str().unwrap().to_owned()));
        let Some(next) = listed["continuationToken"].as_str() else { break };
        token = format!("&continuationToken={next}");
    }
    assert_eq!(holders, ["i-1", "i-1", "i-2"]);
}

#[test]
fn workers_are_told_by_both_services_page_by_page() {
    let stand_in = start();
    for worker in ["i-1", "i-2", "i-3"] {
        claim(&stand_in, worker, 1);
    }
    for service in ["queue", "worker-manager"] {
        let path = format!("{service}/v1/provisioners/proj/worker-types/ci/workers");
        let (_, first) = get(&stand_in, &format!("{path}?limit=2"));
        assert_eq!(first["workers"].as_array().map(Vec::len), Some(2));
        let token = first["continuationToken"].as_str().expect("there are more");
        let token = token.replace('/', "%2F");
        let (_, rest) = get(&stand_in, &format!("{path}?limit=2&continuationToken={token}"));
        assert_eq!(rest["workers"][0]["workerId"], "i-3");
        assert_eq!(rest["continuationToken"], Value::Null);
        assert_eq!(get(&stand_in, &format!("{path}/us-east-1/i-1")).1["workerId"], "i-1");
        assert_eq!(get(&stand_in, &format!("{path}/us-east-1/i-9")).0, 404);
    }
}

#[test]
fn a_claim_runs_out_by_the_given_clock() {
    let minutes = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&minutes);
    let clock = move || Time::EPOCH + Duration::from_mins(read.load(Ordering::Relaxed));
    let settings = Settings { clock: Arc::new(clock), ..Settings::default() };
    let stand_in = StandIn::start(settings).expect("a port is free");
    let id = stand_in.add(QUEUE, 1, Duration::MINUTE).remove(0);
    claim(&stand_in, "i-1", 1);
    minutes.store(20, Ordering::Relaxed);
    let path = format!("api/queue/v1/task/{id}/runs/0/completed");
    assert_eq!(post(&stand_in, &path, &json!({})).0, 409);
    assert_eq!(stand_in.counts(QUEUE).pending, 1);
}

#[test]
fn it_misbehaves_as_told_and_recovers() {
    let mut stand_in = start();
    stand_in.add(QUEUE, 3, Duration::MINUTE);
    let path = "queue/v1/task-queues/proj%2Fci/counts";

    stand_in.misbehave(Faults::next(2, 500));
    assert_eq!(get(&stand_in, path).0, 500);
    assert_eq!(get(&stand_in, path).0, 500);
    assert_eq!(get(&stand_in, path).0, 200);

    stand_in.misbehave(Faults { stale: true, ..Faults::default() });
    get(&stand_in, path);
    claim(&stand_in, "i-1", 3);
    assert_eq!(get(&stand_in, path).1["pendingTasks"], 3);

    stand_in.misbehave(Faults { delay: Span::from_millis(300), ..Faults::default() });
    let asked = Instant::now();
    assert_eq!(get(&stand_in, path).1["pendingTasks"], 0);
    assert!(asked.elapsed() >= Span::from_millis(300));

    stand_in.down();
    let url = format!("{}/api/{path}", stand_in.root_url());
    assert!(call(reqwest::get(&url)).expect_err("nobody listens").is_connect());
    stand_in.up().expect("its port is free");
    assert_eq!(get(&stand_in, path).0, 200);
}

#[test]
fn it_can_want_to_know_who_asks() {
    let settings = Settings { client_id: Some("prov".to_owned()), ..Settings::default() };
    let stand_in = StandIn::start(settings).expect("a port is free");
    let (status, error) = get(&stand_in, "queue/v1/ping");
    assert_eq!((status, &error["code"]), (401, &json!("AuthenticationFailed")));
}

/// Instances that anybody can list and end.
type Cloud = Arc<Mutex<BTreeMap<String, Instance>>>;

fn cloud(instances: usize, capacity: usize) -> Cloud {
    let of = (1..=instances).map(|number| {
        let instance = Instance {
            id: format!("i-{number}"),
            region: "us-east-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            worker_type: QUEUE.to_owned(),
            capacity,
        };
        (instance.id.clone(), instance)
    });
    Arc::new(Mutex::new(of.collect()))
}

fn fleet(options: FleetOptions, cloud: &Cloud) -> Fleet {
    let (listed, ended) = (Arc::clone(cloud), Arc::clone(cloud));
    Fleet::watch(
        options,
        async move || Some(listed.lock().expect("it is whole").values().cloned().collect()),
        async move |instance: &Instance| {
            ended.lock().expect("it is whole").remove(&instance.id);
        },
    )
    .expect("a thread")
}

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let since = Instant::now();
    while !is() {
        assert!(since.elapsed() < Span::from_secs(20), "not within 20 s: {what}");
        thread::sleep(Span::from_millis(20));
    }
}

#[test]
fn workers_do_all_tasks_once_and_then_shut_their_instances_down() {
    let stand_in = start();
    stand_in.add(QUEUE, 40, Duration::MINUTE);
    let cloud = cloud(3, 4);
    let fleet = fleet(FleetOptions::quick(stand_in.root_url()), &cloud);
    wait_until("all done", || stand_in.totals().completed == 40);
    wait_until("all gone", || cloud.lock().unwrap().is_empty());
    let counters = fleet.counters();
    assert_eq!((counters.booted, counters.done, counters.idled_out), (3, 40, 3));
    assert_eq!((counters.again, counters.late, counters.killed), (0, 0, 0));
    assert_eq!(stand_in.totals().run_twice, 0);
}

#[test]
fn what_a_worker_held_when_its_instance_went_is_run_again_by_another() {
    let settings = Settings { claim_timeout: Duration::SECOND, ..Settings::default() };
    let stand_in = StandIn::start(settings).expect("a port is free");
    stand_in.add(QUEUE, 2, Duration::HOUR);
    let cloud = cloud(1, 2);
    let fleet = fleet(FleetOptions::quick(stand_in.root_url()), &cloud);
    wait_until("both held", || stand_in.counts(QUEUE).claimed == 2);
    let mut another = cloud.lock().unwrap().pop_first().expect("it is there").1;
    another.id = "i-9".to_owned();
    let options = FleetOptions {
        speed: 36_000,
        reclaim: Span::from_millis(300),
        ..FleetOptions::quick(stand_in.root_url())
    };
    wait_until("the worker is gone", || fleet.counters().killed == 1);
    drop(fleet);
    cloud.lock().unwrap().insert(another.id.clone(), another);
    let second = self::fleet(options, &cloud);
    wait_until("both done", || stand_in.totals().completed == 2);
    let totals = stand_in.totals();
    assert_eq!((totals.run_twice, totals.expired_claims), (2, 2));
    wait_until("both reported", || second.counters().done == 2);
    assert_eq!(second.counters().again, 2);
}

#[test]
fn workers_outlive_a_queue_that_is_down_for_a_while() {
    let mut stand_in = start();
    let cloud = cloud(1, 1);
    let options = FleetOptions {
        idle_timeout: Span::from_secs(60),
        ..FleetOptions::quick(stand_in.root_url())
    };
    let fleet = fleet(options, &cloud);
    wait_until("booted", || fleet.counters().booted == 1);
    stand_in.down();
    thread::sleep(Span::from_millis(200));
    stand_in.up().expect("its port is free");
    stand_in.add(QUEUE, 2, Duration::SECOND);
    wait_until("both done", || stand_in.totals().completed == 2);
}

#[test]
fn an_ec2_elsewhere_is_refused() {
    for address in ["https://ec2.us-east-1.amazonaws.com", "http://10.0.0.1:5000", "moto"] {
        let played = PlayedEc2::new(address, vec!["us-east-1".into()], "tag", BTreeMap::new());
        assert!(played.is_err(), "{address}");
    }
}

#[test]
fn workers_come_and_go_with_the_instances_of_somebody_elses_ec2() {
    let moto = Moto::start().expect("moto's server");
    let judge = moto.judge();
    let image = call(judge.image("eu-west-1")).expect("moto has images");
    let run = |tag: &str| {
        let fields = [
            ("ImageId", image.as_str()),
            ("InstanceType", "c5.large"),
            ("MinCount", "2"),
            ("MaxCount", "2"),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", tag),
            ("TagSpecification.1.Tag.1.Value", QUEUE),
        ];
        call(judge.call("eu-west-1", "RunInstances", &fields, |_| ())).expect("room");
    };
    run("worker-type");
    run("somebody-elses");
    let capacities = BTreeMap::from([("c5.large".to_owned(), 3)]);
    let regions = vec!["us-east-1".to_owned(), "eu-west-1".to_owned()];
    let ec2 = PlayedEc2::new(moto.url(), regions, "worker-type", capacities).expect("it is here");
    let running = || call(ec2.running()).expect("it answers");
    let here: Vec<Instance> = running();
    assert_eq!(here.len(), 2, "{here:?}");
    assert_eq!((here[0].region.as_str(), here[0].capacity), ("eu-west-1", 3));
    assert!(here[0].zone.starts_with("eu-west-1"), "{here:?}");
    assert_eq!(here[0].worker_type, QUEUE);

    let stand_in = start();
    stand_in.add(QUEUE, 20, Duration::MINUTE);
    let (listed, ended) = (ec2.clone(), ec2.clone());
    let _fleet = Fleet::watch(
        FleetOptions::quick(stand_in.root_url()),
        async move || listed.running().await,
        async move |instance| ended.terminate(instance).await,
    )
    .expect("a thread");
    wait_until("all done", || stand_in.totals().completed == 20);
    wait_until("all gone", || running().is_empty());
}
