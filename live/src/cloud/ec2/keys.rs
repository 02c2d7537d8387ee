//! The key pair that a provisioner's instances are opened with.
//!
//! It is named by the key itself, so that another key is another pair: the new one is there before the
//! old one is taken away. Instances keep the key they were launched with.

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{Filter, ResourceType};

use super::actions::Action;
use super::{Ec2, filter, tags};
use crate::cloud::CallError;

/// So many digits of the key's digest are in its name.
const DIGITS: usize = 16;

impl Ec2 {
    /// Sees to it that the public key, as OpenSSH writes it, is there; gives the pair's name.
    ///
    /// # Errors
    ///
    /// EC2 does not take the key, or nobody answered.
    pub async fn ensure_key_pair(
        &self,
        region: &str,
        public_key: &str,
    ) -> Result<String, CallError> {
        let name = key_pair_name(self.provisioner(), public_key);
        if !self.key_pairs(region, filter("key-name", [name.as_str()])).await?.is_empty() {
            return Ok(name);
        }
        let shared = tags::of_shared(self.provisioner());
        let request = self.clients(region).change.import_key_pair();
        let request = request
            .key_name(&name)
            .public_key_material(Blob::new(public_key))
            .set_tag_specifications(Some(tags::on([ResourceType::KeyPair], &shared)));
        match self.call(region, Action::ImportKeyPair, request.send()).await {
            Err(error) if error.code != "InvalidKeyPair.Duplicate" => Err(error),
            // Whoever was first brought the same key.
            _ => Ok(name),
        }
    }

    /// Removes all key pairs of ours but these; says which.
    ///
    /// # Errors
    ///
    /// Some may still be there: it can be done again.
    pub async fn remove_key_pairs(
        &self,
        region: &str,
        keep: &[String],
    ) -> Result<Vec<String>, CallError> {
        let mut removed = self.our_key_pairs(region).await?;
        removed.retain(|name| !keep.contains(name));
        for name in &removed {
            self.delete_key_pair(region, name).await?;
        }
        Ok(removed)
    }

    pub(super) async fn our_key_pairs(&self, region: &str) -> Result<Vec<String>, CallError> {
        self.key_pairs(region, self.ours()).await
    }

    pub(super) async fn delete_key_pair(&self, region: &str, name: &str) -> Result<(), CallError> {
        let request = self.clients(region).change.delete_key_pair().key_name(name);
        self.call(region, Action::DeleteKeyPair, request.send()).await.map(drop)
    }

    /// The names of the key pairs that pass the filter. EC2 tells all at once.
    pub(super) async fn key_pairs(
        &self,
        region: &str,
        which: Filter,
    ) -> Result<Vec<String>, CallError> {
        let request = self.clients(region).read.describe_key_pairs().filters(which);
        let answer = self.call(region, Action::DescribeKeyPairs, request.send()).await?;
        let pairs = answer.key_pairs.unwrap_or_default().into_iter();
        let mut names: Vec<String> = pairs.filter_map(|pair| pair.key_name).collect();
        names.sort();
        Ok(names)
    }
}

/// The same name for the same key, whatever is remarked after it.
fn key_pair_name(provisioner: &str, public_key: &str) -> String {
    let key: Vec<&str> = public_key.split_whitespace().take(2).collect();
    let digest = tags::digest(&key);
    format!("aws-provisioner-{provisioner}-{}", &digest[..DIGITS])
}
