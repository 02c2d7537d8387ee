//! How our things are named and labelled: tags, client tokens, content names.
//!
//! A tag is how a thing is found again and known as ours; the launch call it came from and its worker
//! type are in tags too, written with the launch itself. A user's own tags never replace ours.

use std::fmt::Write as _;

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use sha2::{Digest, Sha256};

use super::Ec2Error;
use crate::cloud::{LaunchMethod, LaunchOrder};

/// Whose it is: the provisioner's id.
pub(super) const PROVISIONER: &str = "aws-provisioner:provisioner";
/// For which worker type.
pub(super) const WORKER_TYPE: &str = "aws-provisioner:worker-type";
/// By which launch call.
pub(super) const LAUNCH: &str = "aws-provisioner:launch";
/// How it was launched: the instances of a fleet are not numbered.
pub(super) const METHOD: &str = "aws-provisioner:method";
/// What EC2's console shows.
const NAME: &str = "Name";

/// Longest id: it is part of names too, and leaves room in them.
const ID_LENGTH_MAX: usize = 100;

/// Whether a provisioner's id can be a tag, and part of a name.
pub(super) fn check_provisioner(id: &str) -> Result<(), Ec2Error> {
    // EC2's filters read these three as patterns: such an id would find others' things.
    let is_fit = |byte: u8| byte.is_ascii_graphic() && !b"*?\\".contains(&byte);
    match (1..=ID_LENGTH_MAX).contains(&id.len()) && id.bytes().all(is_fit) {
        true => Ok(()),
        false => Err(Ec2Error(format!(
            "`{id}` cannot be a provisioner's id: it is a tag, of 1 to {ID_LENGTH_MAX} ASCII \
             characters without spaces, none of them `*`, `?` or `\\`"
        ))),
    }
}

/// The tags of what a launch call makes.
pub(super) fn of_launch(provisioner: &str, order: &LaunchOrder) -> Vec<Tag> {
    let method = match order.template.method {
        LaunchMethod::RunInstances => "run-instances",
        LaunchMethod::CreateFleet => "create-fleet",
    };
    let ours = [
        (PROVISIONER, provisioner),
        (WORKER_TYPE, &order.worker_type),
        (LAUNCH, &order.label.to_string()),
        (METHOD, method),
    ];
    let mut tags: Vec<Tag> = ours.iter().map(|(key, value)| tag(key, value)).collect();
    let given = order.template.tags.iter();
    let theirs = given.filter(|(key, _)| ours.iter().all(|(ours, _)| ours != key));
    let named = order.template.tags.iter().any(|(key, _)| key == NAME);
    tags.extend((!named).then(|| tag(NAME, &order.worker_type)));
    tags.extend(theirs.map(|(key, value)| tag(key, value)));
    tags
}

/// The tags of what serves several launches.
pub(super) fn of_shared(provisioner: &str) -> Vec<Tag> {
    vec![tag(PROVISIONER, provisioner), tag(NAME, provisioner)]
}

/// Puts the same tags on several kinds of things.
pub(super) fn on(
    kinds: impl IntoIterator<Item = ResourceType>,
    tags: &[Tag],
) -> Vec<TagSpecification> {
    let on = |kind| {
        TagSpecification::builder().resource_type(kind).set_tags(Some(tags.to_vec())).build()
    };
    kinds.into_iter().map(on).collect()
}

/// The value of a tag.
pub(super) fn value<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key))?.value()
}

/// The client token of a launch call: the same for the same call, and another one in another zone,
/// for EC2 keeps tokens by zone where one is named. What else is asked for has no part in it: a call
/// that is made again after its settings changed is then refused, not made twice. 64 letters and
/// digits, EC2's most.
pub(super) fn client_token(provisioner: &str, order: &LaunchOrder) -> String {
    let LaunchOrder { label, region, zone, .. } = order;
    digest(&[provisioner, &label.era, &label.first.to_string(), region, zone])
}

/// A name for exactly these parts, of 64 hexadecimal digits (SHA-256).
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
