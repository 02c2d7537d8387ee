//! Everything of ours in a region, and the end of it: what teardown needs.
//!
//! Things are found by the provisioner's tag, whatever the store knows, and ended in the order in
//! which they could make new ones: spot requests, instances, launch templates, key pairs. What one
//! thing refuses is noted and stops no other; done again, it ends what is left.

use std::collections::BTreeSet;
use std::fmt;

use provisioner_engine::inventory::State;

use super::actions::Action;
use super::{Ec2, lock};
use crate::cloud::{CallError, CallErrorKind};

/// One bad id fails a whole call: so many at once are looked for one.
const TERMINATED_AT_ONCE: usize = 100;

/// EC2's limit on the rows of a page of launch templates.
const TEMPLATES_PAGE_MAX: i32 = 200;

/// Things of ours in one region, by their ids; launch templates and key pairs by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Spot requests that are not fulfilled.
    pub requests: Vec<String>,
    /// Instances that are not terminated.
    pub instances: Vec<String>,
    /// Launch templates.
    pub templates: Vec<String>,
    /// Key pairs.
    pub key_pairs: Vec<String>,
}

impl Remains {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { requests, instances, templates, key_pairs } = self;
        [requests, instances, templates, key_pairs].iter().all(|kind| kind.is_empty())
    }
}

impl fmt::Display for Remains {
    /// `3 instances, 1 key pair`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, instances, templates, key_pairs } = self;
        let kinds = [
            (instances.len(), "instance"),
            (requests.len(), "spot request"),
            (templates.len(), "launch template"),
            (key_pairs.len(), "key pair"),
        ];
        let there = kinds.iter().filter(|(count, _)| *count > 0);
        let counts = there.map(|(count, kind)| match count {
            1 => format!("1 {kind}"),
            _ => format!("{count} {kind}s"),
        });
        let counts: Vec<String> = counts.collect();
        f.write_str(if counts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&counts.join(", "))
    }
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// What was ended; instances take some minutes to be gone.
    pub ended: Remains,
    /// What could not be.
    pub errors: Vec<CallError>,
}

impl Ec2 {
    /// Everything of ours in a region.
    ///
    /// # Errors
    ///
    /// It could not all be read.
    pub async fn remains(&self, region: &str) -> Result<Remains, CallError> {
        let instances = self.instances(region, None).await?.into_iter();
        let instances = instances.filter(|row| !matches!(row.state, State::Terminated(_)));
        Ok(Remains {
            requests: self.open_requests(region, None).await?,
            instances: instances.map(|row| row.instance).collect(),
            templates: self.our_templates(region).await?,
            key_pairs: self.our_key_pairs(region).await?,
        })
    }

    /// Ends everything of ours in a region, and nothing else.
    ///
    /// # Errors
    ///
    /// It could not all be read; nothing was ended.
    pub async fn sweep(&self, region: &str) -> Result<Swept, CallError> {
        let Remains { requests, instances, templates, key_pairs } = self.remains(region).await?;
        let mut swept = Swept::default();
        match self.cancel_requests(region, &requests).await {
            Ok(_) => swept.ended.requests = requests,
            Err(error) => swept.errors.push(error),
        }
        self.terminate_all(region, &instances, &mut swept).await;
        for name in templates {
            match self.delete_template(region, &name).await {
                Ok(()) => swept.ended.templates.push(name),
                Err(error) => swept.errors.push(error),
            }
        }
        for name in key_pairs {
            match self.delete_key_pair(region, &name).await {
                Ok(()) => swept.ended.key_pairs.push(name),
                Err(error) => swept.errors.push(error),
            }
        }
        Ok(swept)
    }

    /// Ends instances, many at once; where one of them fails a call, its neighbours are ended
    /// without it.
    async fn terminate_all(&self, region: &str, instances: &[String], swept: &mut Swept) {
        let mut left: Vec<&[String]> = instances.chunks(TERMINATED_AT_ONCE).rev().collect();
        while let Some(some) = left.pop() {
            let request = self.clients(region).change.terminate_instances();
            let request = request.set_instance_ids(Some(some.to_vec()));
            match self.call(region, Action::TerminateInstances, request.send()).await {
                Ok(_) => swept.ended.instances.extend_from_slice(some),
                Err(error) if error.code == "InvalidInstanceID.NotFound" && some.len() == 1 => {}
                Err(error) if some.len() > 1 && matches!(error.kind, CallErrorKind::Refused(_)) => {
                    let (first, second) = some.split_at(some.len() / 2);
                    left.extend([second, first]);
                }
                Err(error) => swept.errors.push(error),
            }
        }
    }

    async fn our_templates(&self, region: &str) -> Result<Vec<String>, CallError> {
        let request = self.clients(region).read.describe_launch_templates().filters(self.ours());
        let request = request.max_results(self.page_size().min(TEMPLATES_PAGE_MAX));
        let names = all_rows!(self, region, DescribeLaunchTemplates, request, launch_templates)?
            .into_iter()
            .filter_map(|it| it.launch_template_name);
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn delete_template(&self, region: &str, name: &str) -> Result<(), CallError> {
        let request = self.clients(region).change.delete_launch_template();
        let request = request.launch_template_name(name);
        let deleted = self.call(region, Action::DeleteLaunchTemplate, request.send()).await;
        lock(&self.templates).remove(&(region.to_owned(), name.to_owned()));
        deleted.map(drop)
    }
}
