//! A worker type on its way to being a file of ours.

use std::collections::BTreeMap;

use provisioner_files::file::{kind, quantity};
use serde_json::{Map, Value};

use super::{
    ImportError, Imported, Remark, RemarkKind, take, take_object, take_objects, take_text,
};

/// What a file will say.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) name: String,
    /// Stand above it.
    pub(super) comments: Vec<String>,
    pub(super) product: Option<&'static str>,
    /// Keys of the worker type, as TOML.
    pub(super) keys: Vec<(&'static str, String)>,
    pub(super) instance_types: BTreeMap<String, Keys>,
    pub(super) regions: Vec<String>,
    pub(super) zones: Vec<String>,
    pub(super) images: BTreeMap<String, String>,
    pub(super) security_groups: BTreeMap<String, Vec<String>>,
    pub(super) subnets: BTreeMap<String, String>,
    pub(super) instance_profile: Option<String>,
    pub(super) root_volume_gib: Option<u64>,
    pub(super) user_data: Option<Value>,
    pub(super) remarks: Vec<(RemarkKind, String)>,
}

/// Keys of an instance type, as TOML.
pub(super) type Keys = Vec<(&'static str, String)>;

/// Names of root devices, as Amazon's and Canonical's images have them.
const ROOT_DEVICES: [&str; 2] = ["/dev/sda1", "/dev/xvda"];

impl Draft {
    pub(super) fn carried(&mut self, what: impl Into<String>) {
        self.remarks.push((RemarkKind::Carried, what.into()));
    }

    pub(super) fn changed(&mut self, what: impl Into<String>) {
        self.remarks.push((RemarkKind::Changed, what.into()));
    }

    pub(super) fn no_place(&mut self, what: impl Into<String>) {
        self.remarks.push((RemarkKind::NoPlace, what.into()));
    }

    pub(super) fn missing(&mut self, what: impl Into<String>) {
        self.remarks.push((RemarkKind::Missing, what.into()));
    }

    /// What was not understood of `whose`, by name; values may be secret.
    pub(super) fn left(&mut self, whose: &str, rest: &Map<String, Value>) {
        if !rest.is_empty() {
            let mut names: Vec<String> = rest.keys().map(|key| format!("`{key}`")).collect();
            names.sort();
            self.no_place(format!("{} of {whose}", names.join(", ")));
        }
    }

    /// A number as money or a ratio, so far as it can be written exactly.
    pub(super) fn number(&mut self, key: &str, value: &Value, is_price: bool) -> Option<String> {
        let number = value.as_number().map(ToString::to_string).unwrap_or_default();
        let text = if is_price { format!("${number}/h") } else { number };
        let is_sound = match is_price {
            true => quantity::usd_per_hour(&text).is_ok(),
            false => quantity::ratio(&text).is_ok(),
        };
        if !is_sound {
            self.missing(format!("`{key}` is {value}, which cannot be written in millionths"));
            return None;
        }
        Some(if is_price { quoted(&text) } else { text })
    }

    /// What EC2 launches with, for the regions and zones it is said of.
    pub(super) fn launch_spec(
        &mut self,
        whose: &str,
        mut spec: Map<String, Value>,
        regions: &[String],
        zone: Option<&str>,
    ) {
        if let Some(image) = take_text(&mut spec, "ImageId") {
            for region in regions {
                let known = self.images.entry(region.clone()).or_insert_with(|| image.clone());
                if *known != image {
                    let known = known.clone();
                    let what = format!(
                        "{image} in {region}: a worker type has one image there, and {known} stands; \
                         make two of it"
                    );
                    self.missing(what);
                }
            }
        }
        if let Some(Value::Array(groups)) = take(&mut spec, "SecurityGroupIds") {
            let groups: Vec<String> =
                groups.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect();
            for region in regions {
                self.security_groups.insert(region.clone(), groups.clone());
            }
        }
        match (take_text(&mut spec, "SubnetId"), zone) {
            (Some(subnet), Some(zone)) => drop(self.subnets.insert(zone.to_owned(), subnet)),
            (Some(subnet), None) => {
                self.missing(format!("{subnet} of {whose}: say its zone, under `subnets`"));
            }
            (None, _) => {}
        }
        let mut profile = take_object(&mut spec, "IamInstanceProfile");
        let profile = take_text(&mut profile, "Arn").or_else(|| take_text(&mut profile, "Name"));
        self.instance_profile = profile.or(self.instance_profile.take());
        for mut volume in take_objects(&mut spec, "BlockDeviceMappings") {
            let device = take_text(&mut volume, "DeviceName").unwrap_or_default();
            let size = take_object(&mut volume, "Ebs").get("VolumeSize").and_then(Value::as_u64);
            match size.filter(|_| ROOT_DEVICES.contains(&device.as_str())) {
                Some(size) => self.root_volume_gib = Some(size),
                None => self.no_place(format!("the volume {device} of {whose}")),
            }
        }
        if take(&mut spec, "SecurityGroups").is_some() {
            let what =
                format!("security groups of {whose} by name: write ids, under `security_groups`");
            self.missing(what);
        }
        self.left(whose, &spec);
    }

    /// Writes the file, which is called as the last part of the worker type's name or, where there is
    /// one of that name, as all of it; hands on the remarks.
    ///
    /// # Errors
    ///
    /// A file of either name is there.
    pub(super) fn finish(self, queue: &str, imported: &mut Imported) -> Result<(), ImportError> {
        let stem_of = |name: &str| -> String {
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
        };
        let is_free = |stem: &String| {
            let file = format!("{stem}.toml");
            imported.files.iter().all(|(name, _)| *name != file)
        };
        let last = self.name.rsplit('/').next().unwrap_or_default();
        let stem = [last, &self.name].map(stem_of).into_iter().find(is_free).ok_or_else(|| {
            ImportError::new(
                format!("`{}` and another would both be `{}.toml`", self.name, stem_of(&self.name)),
                "import one of them by itself, into a folder of its own",
            )
        })?;
        let user_data = format!("{stem}.user-data.json");
        imported.files.push((format!("{stem}.toml"), self.text(queue, &user_data)));
        if let Some(data) = &self.user_data {
            imported.files.push((user_data, format!("{data:#}\n")));
        }
        let mut remarks = self.remarks;
        remarks.sort_by_key(|(kind, _)| *kind);
        let worker_type = self.name;
        imported.remarks.extend(remarks.into_iter().map(|(kind, what)| Remark {
            worker_type: worker_type.clone(),
            kind,
            what,
        }));
        Ok(())
    }

    fn text(&self, queue: &str, user_data: &str) -> String {
        let mut text = String::new();
        for line in self.comments.iter().flat_map(|comment| comment.lines()) {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            text += &format!("# {line}\n");
        }
        let mut line = |key: &str, value: &str| text += &format!("{key} = {value}\n");
        line("name", &quoted(&self.name));
        line("queue", &quoted(queue));
        self.product.iter().for_each(|product| line("product", &quoted(product)));
        self.keys.iter().for_each(|(key, value)| line(key, value));
        line("regions", &list(&self.regions));
        if !self.zones.is_empty() {
            line("zones", &list(&self.zones));
        }
        for (name, keys) in &self.instance_types {
            text += &format!("\n[instance_types.{}]\n", quoted(name));
            keys.iter().for_each(|(key, value)| text += &format!("{key} = {value}\n"));
        }
        text += "\n[launch]\n";
        let mut line = |key: &str, value: String| text += &format!("{key} = {value}\n");
        let table = |rows: Vec<String>| format!("{{ {} }}", rows.join(", "));
        let texts = |rows: &BTreeMap<String, String>| {
            table(rows.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect())
        };
        line("images", texts(&self.images));
        if !self.security_groups.is_empty() {
            let rows = self.security_groups.iter();
            let rows = rows.map(|(region, groups)| format!("{region} = {}", list(groups)));
            line("security_groups", table(rows.collect()));
        }
        if !self.subnets.is_empty() {
            line("subnets", texts(&self.subnets));
        }
        self.instance_profile.iter().for_each(|name| line("instance_profile", quoted(name)));
        self.root_volume_gib.iter().for_each(|size| line("root_volume_gib", size.to_string()));
        if self.user_data.is_some() {
            line("user_data_file", quoted(user_data));
        }
        text
    }
}

/// A text as TOML.
pub(super) fn quoted(text: &str) -> String {
    kind::text().show(&text.to_owned())
}

fn list(texts: &[String]) -> String {
    kind::list(kind::text()).show(&texts.to_vec())
}
