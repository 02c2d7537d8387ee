//! The stand-in's moto, reached as the adapter reaches it and by the plain SDK, past everything of
//! ours.

use std::sync::Arc;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use provisioner_live::cloud::ec2::Ec2Config;
use provisioner_stand_in::ec2::{ENVIRONMENT, Judge, Moto as Server};

/// A moto of a test's own, or of several.
pub(crate) struct Moto {
    server: Arc<Server>,
    judge: Judge,
}

impl Moto {
    /// A new one.
    pub(crate) fn start() -> Self {
        Self::at(Arc::new(Server::start().expect("moto's server")))
    }

    /// The one that other tests of this program use now, or a new one.
    pub(crate) fn shared() -> Self {
        Self::at(Server::shared().expect("moto's server"))
    }

    fn at(server: Arc<Server>) -> Self {
        Self { judge: server.judge(), server }
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// How a provisioner reaches it.
    pub(crate) fn config(&self, provisioner: &str) -> Ec2Config {
        Ec2Config {
            endpoint: Some(self.url().to_owned()),
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
            .endpoint_url(self.url())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials());
        Client::from_conf(config.build())
    }

    /// The plain SDK, for queues.
    pub(crate) fn sqs(&self, region: &str) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.url())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// The instances of a region that cost money and carry a tag, in order.
    pub(crate) async fn alive(&self, region: &str, key: &str, value: &str) -> Vec<String> {
        let all = self.judge.instances(region).await.expect("moto answers");
        let ours = all.into_iter().filter(|it| it.is_alive() && it.tag(key) == value);
        ours.map(|it| it.id).collect()
    }

    /// An image that moto knows in that region.
    pub(crate) async fn image(&self, region: &str) -> String {
        self.judge.image(region).await.expect("moto has images")
    }

    /// The subnet that is a zone's default.
    pub(crate) async fn subnet(&self, region: &str, zone: &str) -> String {
        self.judge.subnet(region, zone).await.expect("moto has a subnet in each zone")
    }
}

fn credentials() -> Credentials {
    let [(_, id), (_, secret), _] = ENVIRONMENT;
    Credentials::new(id, secret, None, None, "tests")
}
