//! What is wrong with EC2's answers: rules, each about some calls, in the order in which they were
//! made.

use std::time::Duration as Span;

use axum::http::StatusCode;
use serde::Deserialize;

use super::call::{Answer, Call, Pool};

/// A rule: calls that it is about are answered otherwise. Nothing said is about all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens to them.
    pub what: What,
    /// Actions: `RunInstances`, …
    #[serde(default)]
    pub actions: Vec<String>,
    /// Regions.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Zones of launches.
    #[serde(default)]
    pub zones: Vec<String>,
    /// Instance types of launches.
    #[serde(default)]
    pub instance_types: Vec<String>,
    /// Each so-manieth of them only.
    #[serde(default = "one")]
    pub every: u32,
    /// How often at most.
    #[serde(default = "no_end")]
    pub left: u32,
    /// Calls that it was about.
    #[serde(skip)]
    met: u32,
}

const fn one() -> u32 {
    1
}

const fn no_end() -> u32 {
    u32::MAX
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The pool has no more instances than this for the call.
    Capacity(u32),
    /// It is refused, with this status, code and message.
    Refused(u16, String, String),
    /// `InternalError`, and it was carried out all the same, or not.
    Fails(Done),
    /// The connection is reset without an answer.
    Reset(Done),
    /// It is carried out, and half of the answer comes.
    Truncated,
    /// It takes so many milliseconds longer; whatever else is wrong follows.
    Late(u32),
}

/// Whether a call that was not answered was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// It was.
    Yes,
    /// It was not.
    No,
}

impl Fault {
    /// That, of all calls.
    #[must_use]
    pub const fn new(what: What) -> Self {
        Self {
            what,
            actions: Vec::new(),
            regions: Vec::new(),
            zones: Vec::new(),
            instance_types: Vec::new(),
            every: one(),
            left: no_end(),
            met: 0,
        }
    }

    /// `RequestLimitExceeded`.
    #[must_use]
    pub fn throttled() -> Self {
        Self::refused(503, "RequestLimitExceeded", "Request limit exceeded.")
    }

    /// A clock that is wrong by more than five minutes.
    #[must_use]
    pub fn expired() -> Self {
        Self::refused(400, "RequestExpired", "Request has expired.")
    }

    /// Refused with that status and code.
    #[must_use]
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self::new(What::Refused(status, code.to_owned(), message.to_owned()))
    }

    /// Of these actions only.
    #[must_use]
    pub fn of(mut self, actions: &[&str]) -> Self {
        self.actions = actions.iter().map(|&it| it.to_owned()).collect();
        self
    }

    /// Of launches only.
    #[must_use]
    pub fn of_launches(self) -> Self {
        self.of(&["RunInstances", "CreateFleet"])
    }

    /// In these zones only.
    #[must_use]
    pub fn in_zones(mut self, zones: &[&str]) -> Self {
        self.zones = zones.iter().map(|&it| it.to_owned()).collect();
        self
    }

    /// In these regions only.
    #[must_use]
    pub fn in_regions(mut self, regions: &[&str]) -> Self {
        self.regions = regions.iter().map(|&it| it.to_owned()).collect();
        self
    }

    /// Each so-manieth call only.
    #[must_use]
    pub const fn every(mut self, nth: u32) -> Self {
        self.every = nth;
        self
    }

    /// So often at most.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.left = times;
        self
    }

    /// What it does to a call; a launch's zone is given beside it.
    pub(super) fn meet(&mut self, call: &Call, zone: Option<&str>) -> Option<What> {
        let Pool { instance_type, .. } = call.pool();
        let among = |list: &[String], it: Option<&str>| {
            list.is_empty() || it.is_some_and(|it| list.iter().any(|known| known == it))
        };
        let is_met = among(&self.actions, Some(&call.action))
            && among(&self.regions, Some(&call.region))
            && among(&self.zones, zone)
            && among(&self.instance_types, instance_type)
            && (call.is_launch() || !matches!(self.what, What::Capacity(_)));
        self.met += u32::from(is_met);
        if !is_met || self.left == 0 || !self.met.is_multiple_of(self.every.max(1)) {
            return None;
        }
        self.left -= u32::from(self.left != no_end());
        Some(self.what.clone())
    }
}

impl What {
    /// How much longer it takes.
    pub(super) fn delay(&self) -> Option<Span> {
        match self {
            Self::Late(ms) => Some(Span::from_millis(u64::from(*ms))),
            _ => None,
        }
    }

    /// The answer, if it is not EC2's own.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        match self {
            Self::Capacity(0) => Some(Answer::no_capacity(call)),
            Self::Refused(status, code, message) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
                Some(Answer::error(status, code, message))
            }
            Self::Fails(_) => Some(Answer::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "An internal error has occurred",
            )),
            Self::Capacity(_) | Self::Reset(_) | Self::Truncated | Self::Late(_) => None,
        }
    }

    /// Whether it is carried out.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Capacity(room) => *room > 0,
            Self::Refused(..) | Self::Fails(Done::No) | Self::Reset(Done::No) => false,
            Self::Fails(Done::Yes) | Self::Reset(Done::Yes) | Self::Truncated | Self::Late(_) => {
                true
            }
        }
    }
}
