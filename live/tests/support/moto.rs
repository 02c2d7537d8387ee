//! moto, somebody else's EC2, as a server of a test's own: on a free port of 127.0.0.1, with image,
//! type and key-pair validation on, gone when it is dropped.
//!
//! It is also the judge: [`Moto::instances`] asks it with the plain SDK, past everything of ours.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_ec2::types::{Filter, Instance, Reservation};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use provisioner_live::cloud::ec2::Ec2Config;
use serde_json::Value;
use tempfile::TempDir;

const HOW: &str = "moto's server does not start: install it by `pip install 'moto[server]'`, and name \
                   its `moto_server` in MOTO_SERVER or have it in PATH";

/// What a daemon finds in its environment to reach it: credentials that open nothing.
pub(crate) const ENVIRONMENT: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "testing"),
    ("AWS_SECRET_ACCESS_KEY", "testing"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// A running server.
pub(crate) struct Moto {
    child: Child,
    url: String,
    /// Holds what it was asked.
    folder: TempDir,
    /// By region.
    images: Mutex<BTreeMap<String, String>>,
}

impl Moto {
    /// A new one, with nothing in it but what moto itself puts there.
    pub(crate) fn start() -> Self {
        let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let folder = TempDir::new().expect("a folder");
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("MOTO_ENABLE_RECORDING", "true")
            .env("MOTO_RECORDER_FILEPATH", folder.path().join("requests"))
            .envs([
                ("MOTO_ENABLE_AMI_VALIDATION", "true"),
                ("MOTO_ENABLE_KEYPAIR_VALIDATION", "true"),
                ("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true"),
            ])
            .envs(ENVIRONMENT)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; {HOW}"));
        let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let url = said.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, url) = line.split_once("Running on ")?;
            Some(url.trim().to_owned())
        });
        // It logs each request, and stands still if nobody reads that.
        thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        let url = url.unwrap_or_else(|| panic!("{program}: {HOW}"));
        Self { child, url, folder, images: Mutex::default() }
    }

    /// The one that other tests of this program use now, or a new one.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// `http://127.0.0.1:…`
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The API actions that it was asked for by programs of that name.
    pub(crate) fn actions(&self, program: &str) -> BTreeSet<String> {
        let requests = fs::read_to_string(self.folder.path().join("requests"));
        let requests = requests.expect("it writes them down");
        let header = |request: &Value, name: &str| {
            let headers = request["headers"].as_object().cloned().unwrap_or_default();
            let mut headers = headers.into_iter();
            let value = headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|it| it.1);
            value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let asked = requests.lines().filter_map(|line| {
            let request: Value = serde_json::from_str(line).expect("JSON in each line");
            if !header(&request, "x-amz-user-agent").contains(&format!("app/{program}")) {
                return None;
            }
            let target = header(&request, "x-amz-target");
            if let Some((_, action)) = target.split_once('.') {
                return Some(action.to_owned());
            }
            let body = BASE64.decode(request["body"].as_str()?).expect("base64");
            let body = String::from_utf8(body).expect("a form");
            let action = body.split('&').find_map(|field| field.strip_prefix("Action="));
            Some(action.expect("each names its action").to_owned())
        });
        asked.collect()
    }

    /// How a provisioner reaches it.
    pub(crate) fn config(&self, provisioner: &str) -> Ec2Config {
        Ec2Config {
            endpoint: Some(self.url.clone()),
            credentials: Some(SharedCredentialsProvider::new(credentials())),
            // It launches the least it must.
            all_or_none: true,
            ..Ec2Config::new(provisioner, "us-east-1")
        }
    }

    /// The plain SDK.
    pub(crate) fn client(&self, region: &str) -> Client {
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials());
        Client::from_conf(config.build())
    }

    /// The plain SDK, for queues.
    pub(crate) fn sqs(&self, region: &str) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// All instances of a region, whosever they are.
    pub(crate) async fn instances(&self, region: &str) -> Vec<Instance> {
        let request = self.client(region).describe_instances().max_results(1_000);
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let answer = request.clone().set_next_token(token).send().await.expect("it answers");
            all.extend(answer.reservations().iter().flat_map(Reservation::instances).cloned());
            token = answer.next_token;
            if token.is_none() {
                return all;
            }
        }
    }

    /// Those of them that cost money and carry a tag.
    pub(crate) async fn alive(&self, region: &str, key: &str, value: &str) -> Vec<String> {
        let all = self.instances(region).await;
        let tagged = |it: &&Instance| tag(it, key) == Some(value);
        let alive = |it: &&Instance| it.state().and_then(|it| it.code()) == Some(16);
        let ours = all.iter().filter(alive).filter(tagged);
        let mut ids: Vec<String> = ours.filter_map(|it| it.instance_id.clone()).collect();
        ids.sort();
        ids
    }

    /// An image for `x86_64` that moto knows in that region.
    pub(crate) async fn image(&self, region: &str) -> String {
        let known = || self.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = known().get(region) {
            return image.clone();
        }
        let built = Filter::builder().name("architecture").values("x86_64").build();
        let images = self.client(region).describe_images().filters(built).send().await;
        let images = images.expect("it answers");
        let mut ids: Vec<&str> = images.images().iter().filter_map(|it| it.image_id()).collect();
        ids.sort_unstable();
        let image = (*ids.first().expect("moto has images")).to_owned();
        known().insert(region.to_owned(), image.clone());
        image
    }

    /// The subnet that is a zone's default.
    pub(crate) async fn subnet(&self, region: &str, zone: &str) -> String {
        let of_zone = Filter::builder().name("availability-zone").values(zone).build();
        let request = self.client(region).describe_subnets().filters(of_zone);
        let subnets = request.send().await.expect("it answers");
        let subnet = subnets.subnets().first().and_then(|subnet| subnet.subnet_id());
        subnet.expect("moto has a subnet in each zone").to_owned()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a tag.
pub(crate) fn tag<'a>(instance: &'a Instance, key: &str) -> Option<&'a str> {
    instance.tags().iter().find(|tag| tag.key() == Some(key))?.value()
}

fn credentials() -> Credentials {
    let [(_, id), (_, secret), _] = ENVIRONMENT;
    Credentials::new(id, secret, None, None, "tests")
}
