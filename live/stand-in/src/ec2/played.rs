//! The instances of an EC2 that somebody plays on this machine (moto), for a [`Fleet`](crate::Fleet).
//!
//! It refuses every address but this machine's: no fake worker ever ends a real instance.

use std::collections::BTreeMap;
use std::io;

use reqwest::Url;

use super::{Judge, MotoInstance};
use crate::fleet::Instance;

/// A played EC2, and how its instances become workers.
#[derive(Clone, Debug)]
pub struct PlayedEc2 {
    judge: Judge,
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
        let is_here = Url::parse(endpoint)
            .is_ok_and(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")));
        if !is_here {
            let why = "a played EC2 is on this machine";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let worker_type_tag = worker_type_tag.to_owned();
        Ok(Self { judge: Judge::of(endpoint), regions, worker_type_tag, capacities })
    }

    /// All running instances; `None` if a region does not answer.
    pub async fn running(&self) -> Option<Vec<Instance>> {
        let mut running = Vec::new();
        for region in &self.regions {
            let listed = self.judge.running(region).await.ok()?;
            running.extend(listed.into_iter().filter_map(|it| self.instance(it)));
        }
        Some(running)
    }

    /// Ends an instance, as its own shutdown would.
    pub async fn terminate(&self, instance: &Instance) {
        // One that could not be ended is listed again, and gets a worker again.
        let _ = self.judge.end(&instance.region, &instance.id).await;
    }

    fn instance(&self, mut it: MotoInstance) -> Option<Instance> {
        Some(Instance {
            worker_type: it.tags.remove(&self.worker_type_tag)?,
            capacity: self.capacities.get(&it.instance_type).copied().unwrap_or(1),
            id: it.id,
            region: it.region,
            zone: it.zone,
        })
    }
}
