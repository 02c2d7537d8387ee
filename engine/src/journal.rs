//! The journal: the timed sequence of facts and decisions of a run, live or simulated.
//!
//! A journal begins with what the engine was built from; feeding its facts to such an engine must
//! give its decisions again. Reasons are for the reader: two decisions are the same if they order
//! the same, and an engine that explains gives the same reasons for them.
//!
//! Not here: files and their format (the edges write one record a line).

use alloc::boxed::Box;
use core::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::decision::{Action, Decision};
use crate::observation::Observation;
use crate::units::Time;
use crate::worker_type::EngineConfig;

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// A fact was folded in.
    Observed {
        /// When.
        at: Time,
        /// Which.
        observation: Observation,
    },
    /// The engine went over to another configuration.
    Configured {
        /// When.
        at: Time,
        /// Which.
        config: Box<EngineConfig>,
    },
    /// A turn was taken.
    Decided(Decision),
}

impl Record {
    /// When it was made.
    #[must_use]
    pub const fn at(&self) -> Time {
        match self {
            Self::Observed { at, .. } | Self::Configured { at, .. } => *at,
            Self::Decided(decision) => decision.at,
        }
    }
}

/// A replayed decision that is not the recorded one, or not for the same reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What the journal says.
    pub recorded: Decision,
    /// What the engine says now.
    pub replayed: Decision,
}

impl Divergence {
    /// Whether something else is ordered now, and not only the same for other reasons.
    #[must_use]
    pub fn is_of_orders(&self) -> bool {
        !self.replayed.orders_as(&self.recorded)
    }
}

/// Feeds one record to the engine.
///
/// # Errors
///
/// If the engine decides otherwise than the record says; it has then taken its own decision.
pub fn replay(engine: &mut Engine, record: Record) -> Result<(), Box<Divergence>> {
    retell(engine, record).filter(|it| it.is_of_orders()).map_or(Ok(()), Err)
}

/// Feeds one record to the engine. Says if it decides otherwise than the record says, or the same
/// for other reasons.
pub fn retell(engine: &mut Engine, record: Record) -> Option<Box<Divergence>> {
    match record {
        Record::Observed { at, observation } => engine.observe(at, observation),
        Record::Configured { at, config } => engine.configure(at, *config),
        Record::Decided(recorded) => {
            let replayed = engine.decide(recorded.at);
            return (replayed != recorded).then(|| Box::new(Divergence { recorded, replayed }));
        }
    }
    None
}

/// A fingerprint of all orders of a run, in order: equal runs have equal digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Of a run without orders.
    #[must_use]
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes in what was ordered.
    pub fn add(&mut self, at: Time, actions: &[Action]) {
        if !actions.is_empty() {
            at.hash(self);
            actions.hash(self);
        }
    }

    /// The fingerprint so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// FNV-1a over whole words rather than bytes: the same on every platform, whatever its byte
/// order and pointer width.
impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }

    fn write_isize(&mut self, word: isize) {
        self.write_i64(word as i64);
    }
}
