//! What occurred in storms, and what never did.

use std::collections::BTreeMap;

use provisioner_engine::decision::{Action, Reason};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_sim::config::{Fault, FaultKind};
use strum::VariantNames;

/// How often each thing of note occurred, by kind. What never did stands there with zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    kinds: BTreeMap<Kind, BTreeMap<&'static str, Count>>,
}

/// What occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What went wrong at stated times.
    Faults,
    /// What the engine was told.
    Facts,
    /// Why launches were refused.
    Refusals,
    /// Who ended instances.
    Ends,
    /// What the engine ordered.
    Orders,
    /// Why, and why not: each is a branch of the engine.
    Reasons,
}

/// What no storm reaches, and why.
const UNREACHABLE: [(Kind, &str, &str); 3] = [
    (
        Kind::Refusals,
        "rejected",
        "EC2 rejects no call of ours: tokens are never used for another call",
    ),
    (Kind::Refusals, "volume-limit", "EC2 tells it as the end of an instance"),
    (Kind::Ends, "vanished", "nobody tells it: the engine concludes it, see the reason `gone`"),
];

/// How often something occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In all storms together.
    pub times: u64,
    /// Storms in which it did.
    pub storms: u64,
}

impl Kind {
    const ALL: [(Self, &'static [&'static str]); 6] = [
        (Self::Faults, FaultKind::VARIANTS),
        (Self::Facts, Observation::VARIANTS),
        (Self::Refusals, Refusal::VARIANTS),
        (Self::Ends, EndCause::VARIANTS),
        (Self::Orders, Action::VARIANTS),
        (Self::Reasons, Reason::VARIANTS),
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Facts => "facts",
            Self::Refusals => "refusals",
            Self::Ends => "ends",
            Self::Orders => "orders",
            Self::Reasons => "reasons",
        }
    }
}

impl Coverage {
    /// Nothing occurred yet.
    #[must_use]
    pub fn none() -> Self {
        let kinds = Kind::ALL.map(|(kind, names)| {
            (kind, names.iter().map(|name| (*name, Count::default())).collect())
        });
        Self { kinds: kinds.into() }
    }

    /// By kind, and within it by name.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &'static str, Count)> {
        let flat = |(kind, counts): (&Kind, &BTreeMap<&'static str, Count>)| {
            let kind = *kind;
            counts.clone().into_iter().map(move |(name, count)| (kind, name, count))
        };
        self.kinds.iter().flat_map(flat)
    }

    /// Why something cannot occur, if it is known not to.
    #[must_use]
    pub fn unreachable(kind: Kind, name: &str) -> Option<&'static str> {
        let known = UNREACHABLE.iter().find(|(of, it, _)| (*of, *it) == (kind, name));
        known.map(|(.., why)| *why)
    }

    /// What never occurred though it could, by kind and name.
    pub fn never(&self) -> impl Iterator<Item = (Kind, &'static str)> {
        let never = self.iter().filter(|(kind, name, count)| {
            count.times == 0 && Self::unreachable(*kind, name).is_none()
        });
        never.map(|(kind, name, _)| (kind, name))
    }

    /// What goes wrong in a storm.
    pub(super) fn note_faults(&mut self, faults: &[Fault]) {
        faults.iter().for_each(|fault| self.occurs(Kind::Faults, (&fault.what).into()));
    }

    /// One more record of a storm.
    pub(super) fn note(&mut self, record: &Record) {
        match record {
            Record::Observed { observation, .. } => {
                self.occurs(Kind::Facts, observation.into());
                match observation {
                    Observation::LaunchRefused { refusal, .. } => {
                        self.occurs(Kind::Refusals, refusal.into());
                    }
                    Observation::InstanceEnded { cause, .. } => {
                        self.occurs(Kind::Ends, cause.into());
                    }
                    _ => {}
                }
            }
            Record::Configured { .. } => {}
            Record::Decided(decision) => {
                decision.actions.iter().for_each(|it| self.occurs(Kind::Orders, it.into()));
                decision.reasons.iter().for_each(|it| self.occurs(Kind::Reasons, it.into()));
            }
        }
    }

    fn occurs(&mut self, kind: Kind, name: &'static str) {
        let count = self.kinds.entry(kind).or_default().entry(name).or_default();
        (count.times, count.storms) = (count.times + 1, 1);
    }

    /// Adds what occurred in other storms.
    pub fn add(&mut self, other: &Self) {
        for (kind, name, count) in other.iter() {
            let sum = self.kinds.entry(kind).or_default().entry(name).or_default();
            (sum.times, sum.storms) = (sum.times + count.times, sum.storms + count.storms);
        }
    }
}
