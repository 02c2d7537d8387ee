//! moto's server, and what it has: the judge of everything that ran against it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration as Span;

use form_urlencoded::Serializer;
use reqwest::header;
use roxmltree::Node;

use super::call::VERSION;
use super::xml::{self, element, items, text};

const HOW: &str = "install it by `pip install 'moto[server]'`, and name its `moto_server` in \
                   MOTO_SERVER or have it in PATH";

/// What a program finds in its environment to reach it: credentials that open nothing.
pub const ENVIRONMENT: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "testing"),
    ("AWS_SECRET_ACCESS_KEY", "testing"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// A running moto, until it is dropped; images, types and key pairs are validated.
pub struct Moto {
    child: Child,
    url: String,
}

/// An instance, as moto has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MotoInstance {
    /// `i-…`
    pub id: String,
    /// `us-east-1`
    pub region: String,
    /// `us-east-1a`
    pub zone: String,
    /// `c5.large`
    pub instance_type: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, …
    pub state: String,
    /// `AmiLaunchIndex`
    pub index: u32,
    /// By key.
    pub tags: BTreeMap<String, String>,
}

impl MotoInstance {
    /// Whether it costs money.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "running")
    }

    /// The value of a tag; empty if there is none.
    #[must_use]
    pub fn tag(&self, key: &str) -> &str {
        self.tags.get(key).map_or("", String::as_str)
    }
}

impl Moto {
    /// A new one on a free port of 127.0.0.1, with nothing in it but what moto puts there.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not start.
    pub fn start() -> io::Result<Self> {
        let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let failed = |why: &str| io::Error::other(format!("{program}: {why}; {HOW}"));
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .envs([
                ("MOTO_ENABLE_AMI_VALIDATION", "true"),
                ("MOTO_ENABLE_KEYPAIR_VALIDATION", "true"),
                ("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true"),
            ])
            .envs(ENVIRONMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let mut said = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let url = said.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, url) = line.split_once("Running on ")?;
            Some(url.trim().to_owned())
        });
        // It logs each request, and stands still if nobody reads that.
        thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        let moto = Self { child, url: url.unwrap_or_default() };
        match moto.url.is_empty() {
            true => Err(failed("it does not say where it runs")),
            false => Ok(moto),
        }
    }

    /// The one that others in this program use now, or a new one.
    ///
    /// # Errors
    ///
    /// As [`Moto::start`].
    pub fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.upgrade() {
            Some(running) => Ok(running),
            None => {
                let started = Arc::new(Self::start()?);
                *shared = Arc::downgrade(&started);
                Ok(started)
            }
        }
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Somebody who can ask it, wherever that is.
    #[must_use]
    pub fn judge(&self) -> Judge {
        Judge::of(&self.url)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks moto itself, past everything else.
#[derive(Clone, Debug)]
pub struct Judge {
    url: String,
    client: reqwest::Client,
}

impl Judge {
    /// Asks whoever speaks EC2's language there.
    ///
    /// # Panics
    ///
    /// If no client can be made, which needs nothing.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy();
        let client = client.timeout(Span::from_secs(60)).build();
        Self { url: url.to_owned(), client: client.expect("it needs nothing") }
    }

    /// Makes a call in a region, and reads the answer.
    ///
    /// # Errors
    ///
    /// There is no answer, or it is an error; what moto said.
    pub async fn call<T>(
        &self,
        region: &str,
        action: &str,
        fields: &[(&str, &str)],
        read: impl FnOnce(Node<'_, '_>) -> T,
    ) -> Result<T, String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", VERSION).extend_pairs(fields);
        let by = format!(
            "AWS4-HMAC-SHA256 Credential=testing/20260101/{region}/ec2/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let request = self.client.post(&self.url).header(header::AUTHORIZATION, by);
        let request = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.finish());
        let failed = |error: reqwest::Error| format!("{action} in {region}: {error}");
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let body = answer.text().await.map_err(failed)?;
        let answer = if status.is_success() { xml::read(body.as_bytes(), read) } else { None };
        answer.ok_or_else(|| format!("{action} in {region}: {status}: {body}"))
    }

    /// All instances of a region, whosever they are, terminated ones too, in the order of their ids.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`].
    pub async fn instances(&self, region: &str) -> Result<Vec<MotoInstance>, String> {
        self.listed(region, &[]).await
    }

    /// Those that run.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`].
    pub async fn running(&self, region: &str) -> Result<Vec<MotoInstance>, String> {
        let running = [("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "running")];
        self.listed(region, &running).await
    }

    async fn listed(
        &self,
        region: &str,
        filter: &[(&str, &str)],
    ) -> Result<Vec<MotoInstance>, String> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let mut fields = vec![("MaxResults", "1000")];
            fields.extend(filter);
            if !token.is_empty() {
                fields.push(("NextToken", &token));
            }
            let page = |answer: Node<'_, '_>| {
                let rows = items(answer, "reservationSet").flat_map(|it| items(it, "instancesSet"));
                all.extend(rows.map(|row| instance(region, row)));
                text(answer, "nextToken").unwrap_or_default().to_owned()
            };
            token = self.call(region, "DescribeInstances", &fields, page).await?;
            if token.is_empty() {
                all.sort_by(|one: &MotoInstance, other| one.id.cmp(&other.id));
                return Ok(all);
            }
        }
    }

    /// All instances of all regions that moto has.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`].
    pub async fn everywhere(&self) -> Result<Vec<MotoInstance>, String> {
        let names = |answer: Node<'_, '_>| -> Vec<String> {
            let rows = items(answer, "regionInfo").filter_map(|it| text(it, "regionName"));
            rows.map(str::to_owned).collect()
        };
        let mut all = Vec::new();
        for region in self.call("us-east-1", "DescribeRegions", &[], names).await? {
            all.extend(self.instances(&region).await?);
        }
        Ok(all)
    }

    /// An image of Linux for `x86_64` that moto knows in that region.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`], or there is none.
    pub async fn image(&self, region: &str) -> Result<String, String> {
        let least = |answer: Node<'_, '_>| {
            let linux = items(answer, "imagesSet").filter(|it| element(*it, "platform").is_none());
            linux.filter_map(|it| text(it, "imageId")).min().map(str::to_owned)
        };
        let fields = [("Filter.1.Name", "architecture"), ("Filter.1.Value.1", "x86_64")];
        let image = self.call(region, "DescribeImages", &fields, least).await?;
        image.ok_or_else(|| format!("no image of Linux for x86_64 in {region}"))
    }

    /// The subnet that is a zone's default.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`], or there is none.
    pub async fn subnet(&self, region: &str, zone: &str) -> Result<String, String> {
        let fields = [("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", zone)];
        let first = |answer: Node<'_, '_>| {
            items(answer, "subnetSet").find_map(|it| text(it, "subnetId")).map(str::to_owned)
        };
        let subnet = self.call(region, "DescribeSubnets", &fields, first).await?;
        subnet.ok_or_else(|| format!("no subnet in {zone}"))
    }

    /// Ends an instance.
    ///
    /// # Errors
    ///
    /// As [`Judge::call`].
    pub async fn end(&self, region: &str, id: &str) -> Result<(), String> {
        self.call(region, "TerminateInstances", &[("InstanceId.1", id)], |_| ()).await
    }
}

fn instance(region: &str, row: Node<'_, '_>) -> MotoInstance {
    let say = |name| text(row, name).unwrap_or_default().to_owned();
    let inner =
        |of, name| element(row, of).and_then(|it| text(it, name)).unwrap_or_default().to_owned();
    let tag = |it| Some((text(it, "key")?.to_owned(), text(it, "value")?.to_owned()));
    MotoInstance {
        id: say("instanceId"),
        region: region.to_owned(),
        zone: inner("placement", "availabilityZone"),
        instance_type: say("instanceType"),
        state: inner("instanceState", "name"),
        index: say("amiLaunchIndex").parse().unwrap_or_default(),
        tags: items(row, "tagSet").filter_map(tag).collect(),
    }
}
