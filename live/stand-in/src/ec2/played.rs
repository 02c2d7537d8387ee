//! The instances of an EC2 that somebody plays on this machine (moto), for a [`Fleet`](crate::Fleet).
//!
//! Speaks as much of EC2's query API as it takes to list running instances and to end one, unsigned.
//! It refuses every address but this machine's: no fake worker ever ends a real instance.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use reqwest::{Client, Url, header};
use roxmltree::{Document, Node};

use crate::fleet::Instance;

/// A played EC2, and how its instances become workers.
#[derive(Clone, Debug)]
pub struct PlayedEc2 {
    client: Client,
    endpoint: Url,
    regions: Vec<String>,
    worker_type_tag: String,
    capacities: BTreeMap<String, usize>,
}

impl PlayedEc2 {
    /// The EC2 at that address, in those regions. Instances without the tag that names a worker type
    /// have no worker; one of a type that is not in `capacities` runs one task at once.
    ///
    /// # Errors
    ///
    /// If the address is not one of this machine.
    pub fn new(
        endpoint: &str,
        regions: Vec<String>,
        worker_type_tag: &str,
        capacities: BTreeMap<String, usize>,
    ) -> io::Result<Self> {
        let endpoint = Url::parse(endpoint)
            .ok()
            .filter(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")));
        let endpoint = endpoint.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a played EC2 is on this machine")
        })?;
        let worker_type_tag = worker_type_tag.to_owned();
        Ok(Self { client: Client::new(), endpoint, regions, worker_type_tag, capacities })
    }

    /// All running instances; `None` if a region does not answer.
    pub async fn running(&self) -> Option<Vec<Instance>> {
        let mut running = Vec::new();
        for region in &self.regions {
            let filter = "Filter.1.Name=instance-state-name&Filter.1.Value.1=running";
            let listed = self.call(region, "DescribeInstances", filter).await?;
            let listed = Document::parse(&listed).ok()?;
            let items = listed.descendants().filter(|node| node.has_tag_name("instanceId"));
            running.extend(items.filter_map(|id| self.instance(region, id.parent()?)));
        }
        Some(running)
    }

    /// Ends an instance, as its own shutdown would.
    pub async fn terminate(&self, instance: &Instance) {
        let which = format!("InstanceId.1={}", instance.id);
        // One that could not be ended is listed again, and gets a worker again.
        let _ = self.call(&instance.region, "TerminateInstances", &which).await;
    }

    fn instance(&self, region: &str, item: Node<'_, '_>) -> Option<Instance> {
        let text = |of: Node<'_, '_>, name: &str| {
            let found = of.descendants().find(|node| node.has_tag_name(name));
            found.and_then(|node| node.text()).map(str::to_owned)
        };
        let tags = item.children().find(|node| node.has_tag_name("tagSet"))?;
        let tag = tags
            .children()
            .find(|tag| text(*tag, "key").as_ref() == Some(&self.worker_type_tag))?;
        let capacity = self.capacities.get(&text(item, "instanceType")?);
        Some(Instance {
            id: text(item, "instanceId")?,
            region: region.to_owned(),
            zone: text(item, "availabilityZone")?,
            worker_type: text(tag, "value")?,
            capacity: capacity.copied().unwrap_or(1),
        })
    }

    async fn call(&self, region: &str, action: &str, arguments: &str) -> Option<String> {
        // The region is read from what would be the signature.
        let scope = format!("none/20260101/{region}/ec2/aws4_request");
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=none");
        let request = self
            .client
            .post(self.endpoint.clone())
            .header(header::AUTHORIZATION, signature)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("Action={action}&Version=2016-11-15&{arguments}"))
            .timeout(Duration::from_secs(10));
        request.send().await.ok()?.error_for_status().ok()?.text().await.ok()
    }
}
