//! What the daemon wants of EC2, in its own words.
//!
//! [`Cloud`] is all that the loop knows of it: launch, end, list, prices, notices. [`ec2`] is the
//! real one. An answer says what happened in terms that become facts for the engine at once; what
//! EC2 itself said of it is kept beside it, whole, for people.
//!
//! Not here: when anything is called, or what follows from an answer.

pub mod ec2;

use std::fmt;
use std::future::Future;

use provisioner_engine::decision::Market;
use provisioner_engine::inventory::State;
use provisioner_engine::observation::Refusal;
use provisioner_engine::units::{Time, UsdPerHour};

/// EC2, as far as the loop needs it. Every call is about one region, waits for its answer at most
/// as long as it says itself, and is not repeated by anybody but the engine if it changes anything.
pub trait Cloud: Send + Sync + 'static {
    /// Makes one launch call. Made again with the same token, it is the same call.
    fn launch(
        &self,
        order: &LaunchOrder,
    ) -> impl Future<Output = Result<Launched, CallError>> + Send;

    /// The instances that a launch call gave, as far as EC2 shows them; terminated ones too.
    fn find(
        &self,
        region: &str,
        label: &LaunchLabel,
    ) -> impl Future<Output = Result<Vec<Listed>, CallError>> + Send;

    /// Ends an instance, if it is there, is ours, and is not on its way out: that is looked up just
    /// before.
    fn terminate(
        &self,
        region: &str,
        instance: &str,
    ) -> impl Future<Output = Result<Terminated, CallError>> + Send;

    /// Withdraws the spot requests of that launch call that were not fulfilled; says how many.
    fn cancel(
        &self,
        region: &str,
        label: &LaunchLabel,
    ) -> impl Future<Output = Result<u32, CallError>> + Send;

    /// All instances of ours in a region, every page of them; terminated ones as long as EC2 shows
    /// them.
    fn list(&self, region: &str) -> impl Future<Output = Result<Vec<Listed>, CallError>> + Send;

    /// Spot prices of these instance types since then, every page, oldest first. The first of each
    /// pool is the one that held at `since`.
    fn prices(
        &self,
        region: &str,
        instance_types: &[String],
        products: &[String],
        since: Time,
    ) -> impl Future<Output = Result<Vec<PriceRow>, CallError>> + Send;

    /// What EC2 has announced in a region since the last time it was asked: each notice at least
    /// once.
    fn notices(&self, region: &str) -> impl Future<Output = Result<Vec<Notice>, CallError>> + Send;
}

/// One launch call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchOrder {
    /// Which call: becomes the client token, and a tag of what it makes.
    pub label: LaunchLabel,
    /// How many instances at most; any number of them is welcome.
    pub count: u32,
    /// For whom, in words: a tag.
    pub worker_type: String,
    /// Where.
    pub region: String,
    /// In which zone.
    pub zone: String,
    /// What.
    pub instance_type: String,
    /// In which market, at what price.
    pub market: Market,
    /// With what.
    pub template: LaunchTemplate,
}

/// What an instance is launched with, in one region. What a zone decides is by zone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// How it is asked for.
    pub method: LaunchMethod,
    /// `ami-…`.
    pub image: String,
    /// `subnet-…`; the zone's default one if there is none.
    pub subnet: Option<String>,
    /// `sg-…`.
    pub security_groups: Vec<String>,
    /// The name of a key pair.
    pub key_pair: Option<String>,
    /// The name or ARN of an instance profile.
    pub instance_profile: Option<String>,
    /// As it is given to the instance, not encoded. Secret: never shown.
    pub user_data: Option<String>,
    /// Size of the root volume in GiB; the image's own if not said.
    pub root_volume_gib: Option<u32>,
    /// Besides our own.
    pub tags: Vec<(String, String)>,
}

impl fmt::Debug for LaunchTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, image, subnet, security_groups, key_pair, .. } = self;
        let Self { instance_profile, user_data, root_volume_gib, tags, .. } = self;
        f.debug_struct("LaunchTemplate")
            .field("method", method)
            .field("image", image)
            .field("subnet", subnet)
            .field("security_groups", security_groups)
            .field("key_pair", key_pair)
            .field("instance_profile", instance_profile)
            .field("user_data", &user_data.as_ref().map(|_| "(secret)"))
            .field("root_volume_gib", root_volume_gib)
            .field("tags", tags)
            .finish()
    }
}

/// Which EC2 call launches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LaunchMethod {
    /// `RunInstances`.
    #[default]
    RunInstances,
    /// `CreateFleet` of type `instant`. EC2 takes launch templates only there: one is made for each
    /// form of [`LaunchTemplate`], named by its content.
    CreateFleet,
}

/// Names a launch call for ever: the store that decided it, and its first launch there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaunchLabel {
    /// Names the store, so that a lost one's launches are not taken for its successor's.
    pub era: String,
    /// The call's first launch.
    pub first: u64,
}

impl fmt::Display for LaunchLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.era, self.first)
    }
}

impl LaunchLabel {
    /// The label that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (era, first) = text.rsplit_once('-')?;
        Some(Self { era: era.to_owned(), first: first.parse().ok()? })
    }
}

/// What a launch call gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launched {
    /// EC2's ids, always in the same order however often the call is made: the n-th is the call's
    /// n-th launch.
    pub instances: Vec<String>,
    /// Why it gave fewer than were asked for, if it did: of several reasons, the one that most
    /// instances were not given for.
    pub short: Option<(Refusal, String)>,
}

/// What became of an order to end an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminated {
    /// EC2 took it.
    Ordered,
    /// It was on its way out already.
    Already,
    /// There is no such instance now, or not yet.
    Missing,
    /// It lacks our tags: it was left alone.
    NotOurs,
}

/// Why a call did not do what it was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// What that means.
    pub kind: CallErrorKind,
    /// EC2's error code, or a word for how the connection failed.
    pub code: String,
    /// What it said.
    pub message: String,
}

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// EC2 took no notice of it.
    Throttled,
    /// Nobody knows whether it was carried out.
    Unanswered,
    /// It was not carried out, and is not worth repeating as it is.
    Refused(Refusal),
}

impl CallError {
    /// Whether the same call may go well in a while: it was throttled, or nobody answered.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.kind, CallErrorKind::Throttled | CallErrorKind::Unanswered)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for CallError {}

/// One instance of ours, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `i-…`.
    pub instance: String,
    /// The call it is labelled with, if the label is there.
    pub label: Option<LaunchLabel>,
    /// Which of the call's instances it is (`AmiLaunchIndex`), if that tells.
    pub index: Option<u32>,
    /// The worker type it is labelled with, if the label is there.
    pub worker_type: Option<String>,
    /// Its zone; not known of some terminated ones.
    pub zone: Option<String>,
    /// `c5.large`.
    pub instance_type: String,
    /// `Linux/UNIX`, `Windows`, …, if EC2 tells.
    pub product: Option<String>,
    /// Whether it was bought on the spot market.
    pub spot: bool,
    /// Where it is.
    pub state: State,
    /// When EC2 launched it.
    pub launched: Time,
}

/// A market price of a pool from a time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// `us-east-1a`.
    pub zone: String,
    /// `c5.large`.
    pub instance_type: String,
    /// `Linux/UNIX`, …
    pub product: String,
    /// The price.
    pub price: UsdPerHour,
    /// From when it holds.
    pub since: Time,
}

/// Something EC2 announced about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `i-…`.
    pub instance: String,
    /// What.
    pub what: NoticeKind,
}

/// What EC2 announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// It takes the instance back.
    Interruption {
        /// When it will be gone.
        ends_at: Time,
    },
    /// Its risk of interruption is elevated.
    Rebalance,
    /// Its state changed: a listing will show which it is in.
    StateChanged,
}
