//! What machines are launched with: `[launch]` of a worker type.
//!
//! Not here: whether EC2 has it (`doctor` asks).

use std::collections::BTreeMap;
use std::fs;

use provisioner_files::engine::At;
use provisioner_files::file::{Issue, Place, Section, kind};

use super::secret::Secret;
use crate::cloud::{LaunchMethod, LaunchTemplate};

/// EC2's limit on user data, before it is encoded.
/// Source: EC2 User Guide, "Run commands when you launch an EC2 instance with user data input".
pub const USER_DATA_BYTES_MAX: usize = 16 << 10;

/// What machines are launched with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Where the section stands.
    pub here: Place,
    /// Which call launches, if not the usual one.
    pub method: Option<LaunchMethod>,
    /// `ami-…`, by region.
    pub images: BTreeMap<String, At<String>>,
    /// `sg-…`, by region.
    pub security_groups: BTreeMap<String, At<Vec<String>>>,
    /// `subnet-…`, by zone.
    pub subnets: BTreeMap<String, At<String>>,
    /// The name of a key pair, in all regions.
    pub key_pair: Option<String>,
    /// The name or ARN of an instance profile.
    pub instance_profile: Option<String>,
    /// As the instance is to have it.
    pub user_data: Option<Secret>,
    /// Size of the root volume in GiB.
    pub root_volume_gib: Option<u32>,
    /// Besides our own.
    pub tags: BTreeMap<String, String>,
}

impl Launch {
    /// The template of a region and zone; `None` if it has no image there.
    #[must_use]
    pub fn template(
        &self,
        region: &str,
        zone: &str,
        usual: LaunchMethod,
    ) -> Option<LaunchTemplate> {
        let groups = self.security_groups.get(region);
        Some(LaunchTemplate {
            method: self.method.unwrap_or(usual),
            image: self.images.get(region)?.value.clone(),
            subnet: self.subnets.get(zone).map(|subnet| subnet.value.clone()),
            security_groups: groups.map_or_else(Vec::new, |groups| groups.value.clone()),
            key_pair: self.key_pair.clone(),
            instance_profile: self.instance_profile.clone(),
            user_data: self.user_data.as_ref().map(|data| data.reveal().to_owned()),
            root_volume_gib: self.root_volume_gib,
            tags: self.tags.clone().into_iter().collect(),
        })
    }
}

pub(super) fn launch(s: &mut Section<'_>) -> Launch {
    let methods = [
        ("run-instances", LaunchMethod::RunInstances),
        ("create-fleet", LaunchMethod::CreateFleet),
    ];
    let launch = Launch {
        here: s.here(),
        method: s.optional(
            "method",
            kind::choice(&methods),
            "Which call launches; that of [aws] in the settings if left out.",
        ),
        images: by_name(s.named_values(
            "images",
            kind::text(),
            "The image of each region it may use: `ami-…`.",
        )),
        security_groups: by_name(s.named_values(
            "security_groups",
            kind::list(kind::text()),
            "Security groups by region, `sg-…`; the default one where there are none at all.",
        )),
        subnets: by_name(s.named_values(
            "subnets",
            kind::text(),
            "The subnet of each zone, `subnet-…`; the default ones if there are none at all.",
        )),
        key_pair: s.optional(
            "key_pair",
            kind::text(),
            "The name of a key pair, the same in all regions.",
        ),
        instance_profile: s.optional(
            "instance_profile",
            kind::text(),
            "The name or ARN of an instance profile.",
        ),
        user_data: user_data(s),
        root_volume_gib: s.optional(
            "root_volume_gib",
            kind::integer().within(1..=16_384),
            "Size of the root volume in GiB; the image's own if left out.",
        ),
        tags: s
            .named_values("tags", kind::text(), "Tags besides our own.")
            .into_iter()
            .map(|(key, value, _)| (key, value))
            .collect(),
    };
    check(s, &launch);
    launch
}

fn by_name<T>(values: Vec<(String, T, Place)>) -> BTreeMap<String, At<T>> {
    values.into_iter().map(|(name, value, place)| (name, At { value, place })).collect()
}

/// What begins with the wrong letters was written under the wrong key.
fn check(s: &mut Section<'_>, launch: &Launch) {
    let images = launch.images.values().map(|it| ("ami-", &it.value, &it.place));
    let subnets = launch.subnets.values().map(|it| ("subnet-", &it.value, &it.place));
    let groups = launch.security_groups.values();
    let groups = groups.flat_map(|it| it.value.iter().map(|id| ("sg-", id, &it.place)));
    let wrong =
        images.chain(subnets).chain(groups).filter(|(prefix, id, _)| !id.starts_with(prefix));
    for (prefix, id, place) in wrong.collect::<Vec<_>>() {
        let issue = Issue::new(format!("`{id}` is not an id of that kind"), place.clone());
        s.report(issue.hint(format!("it begins with `{prefix}`")));
    }
    for key in launch.tags.keys().filter(|key| key.starts_with("aws:")) {
        let issue = Issue::new(format!("the tag `{key}` is AWS's own"), s.place("tags"));
        s.report(issue.hint("leave it out: EC2 refuses tags that begin with `aws:`"));
    }
}

/// What stands in the file, or in one that it names.
fn user_data(s: &mut Section<'_>) -> Option<Secret> {
    let doc = "What the instance is told at boot, if that is no secret: a wrong line is shown.";
    let inline = s.optional("user_data", kind::text(), doc);
    let doc = "The same in a file, for anything else; it is never shown.";
    let path = s.optional("user_data_file", kind::path(), doc);
    let key = if path.is_some() { "user_data_file" } else { "user_data" };
    let (problem, hint) = match (inline, path) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            let what = "`user_data` and `user_data_file` say the same";
            (what.to_owned(), "leave one of them out".to_owned())
        }
        (Some(text), None) => match fits(text) {
            Ok(secret) => return Some(secret),
            Err(problem) => problem,
        },
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) => match fits(text) {
                Ok(secret) => return Some(secret),
                Err(problem) => problem,
            },
            Err(error) => {
                let what = format!("the user data in {} cannot be read: {error}", path.display());
                (what, "paths are relative to the file they are written in".to_owned())
            }
        },
    };
    let place = s.place(key);
    s.report(Issue::new(problem, place).hint(hint));
    None
}

fn fits(text: String) -> Result<Secret, (String, String)> {
    match text.len() {
        0..=USER_DATA_BYTES_MAX => Ok(Secret::new(text)),
        bytes => Err((
            format!("the user data has {bytes} bytes"),
            format!("EC2 takes {USER_DATA_BYTES_MAX}: let the instance fetch the rest"),
        )),
    }
}
