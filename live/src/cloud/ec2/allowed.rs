//! Whether EC2 would let us end, import and read what we have to: asked with `DryRun`, which is answered
//! by permissions alone.
//!
//! Permissions to end are bound to our tag, so that they can only be tried on something of ours that is
//! there. Launches are tried by `Ec2::dry_run`.

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::ResourceType;

use super::actions::Action;
use super::keys::key_pair_name;
use super::sweep::Remains;
use super::{Ec2, errors, tags};
use crate::cloud::CallError;

impl Ec2 {
    /// Whether one of each kind could be ended; nothing is. Kinds of which there is none are left
    /// out.
    pub async fn may_end(
        &self,
        region: &str,
        remains: &Remains,
    ) -> Vec<(Action, Result<(), CallError>)> {
        let Remains { requests, instances, templates, key_pairs } = remains;
        let change = self.clients(region).change;
        let mut tried = Vec::new();
        if let Some(instance) = instances.first() {
            let request = change.terminate_instances().instance_ids(instance).dry_run(true);
            let action = Action::TerminateInstances;
            tried.push((action, self.call(region, action, request.send()).await.map(drop)));
        }
        if let Some(spot) = requests.first() {
            let request = change.cancel_spot_instance_requests().spot_instance_request_ids(spot);
            let (request, action) = (request.dry_run(true), Action::CancelSpotInstanceRequests);
            tried.push((action, self.call(region, action, request.send()).await.map(drop)));
        }
        if let Some(name) = templates.first() {
            let request = change.delete_launch_template().launch_template_name(name).dry_run(true);
            let action = Action::DeleteLaunchTemplate;
            tried.push((action, self.call(region, action, request.send()).await.map(drop)));
        }
        if let Some(name) = key_pairs.first() {
            let request = change.delete_key_pair().key_name(name).dry_run(true);
            let action = Action::DeleteKeyPair;
            tried.push((action, self.call(region, action, request.send()).await.map(drop)));
        }
        tried.into_iter().map(|(action, answer)| (action, allowed(answer))).collect()
    }

    /// Whether the public key could be brought to a region; it is not.
    ///
    /// # Errors
    ///
    /// It could not, or nobody answered.
    pub async fn may_import_key_pair(
        &self,
        region: &str,
        public_key: &str,
    ) -> Result<(), CallError> {
        let shared = tags::of_shared(self.provisioner());
        let request = self
            .clients(region)
            .change
            .import_key_pair()
            .key_name(key_pair_name(self.provisioner(), public_key))
            .public_key_material(Blob::new(public_key))
            .set_tag_specifications(Some(tags::on([ResourceType::KeyPair], &shared)))
            .dry_run(true);
        allowed(self.call(region, Action::ImportKeyPair, request.send()).await.map(drop))
    }
}

/// EC2 says "no" to every dry run; the kind of no tells.
pub(super) fn allowed(answer: Result<(), CallError>) -> Result<(), CallError> {
    match answer {
        Err(error) if error.code == errors::DRY_RUN => Ok(()),
        answer => answer,
    }
}
