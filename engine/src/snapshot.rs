//! A snapshot: an engine written down whole, and how it comes back after its process died.
//!
//! What an engine knows is its last snapshot and the journal since. A driver that may die at any
//! moment keeps to this, and `live` and the simulator are such drivers:
//!
//! 1. Facts are folded in and decisions taken in memory.
//! 2. Before a decision is carried out, all records up to it are durable: intent before the call.
//!    A decision whose record is not durable was never taken, and what was folded in since the
//!    last durable record was never heard.
//! 3. Now and then a snapshot takes the place of the records before it.
//! 4. After a death the driver restores snapshot and records, tells
//!    [`Restarted`](crate::observation::Observation::Restarted), which is a fact like any other
//!    and stands in the journal, and tells all counts and prices anew.
//!
//! The form is serde's, and exact in text as well: all of an engine's state is whole numbers, words
//! and maps whose keys are numbers, so JSON gives back the same engine to the bit.
//!
//! Not here: where it is written, and how often (the driver knows what its store costs); what a
//! restart puts in doubt (`engine::restart`).

use alloc::boxed::Box;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Engine;
use crate::journal::{Divergence, Record, replay};
use crate::worker_type::EngineConfig;

/// The form that this engine writes and reads. It changes with the engine's state: a snapshot is
/// for the same build, the journal is for ever.
pub const SNAPSHOT_VERSION: u32 = 2;

/// An engine, written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Stands first, so that another version is refused by its name.
    #[serde(deserialize_with = "known_version")]
    version: u32,
    engine: Engine,
}

/// The engine does not decide what the journal says it decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreError {
    /// Which record since the snapshot, counted from zero.
    pub record: usize,
    /// What it says, and what the engine says.
    pub divergence: Box<Divergence>,
}

impl Snapshot {
    /// Of that engine, as it is now.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self { version: SNAPSHOT_VERSION, engine: engine.clone() }
    }

    /// What the engine was configured with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        self.engine.config()
    }

    /// The engine as it was after the last of the records since: facts are folded in again,
    /// decisions are taken again and must be those that were recorded.
    ///
    /// # Errors
    ///
    /// If one is not: the records do not follow this snapshot, or another engine wrote them.
    pub fn restore(self, since: impl IntoIterator<Item = Record>) -> Result<Engine, RestoreError> {
        let Self { mut engine, .. } = self;
        for (record, written) in since.into_iter().enumerate() {
            replay(&mut engine, written)
                .map_err(|divergence| RestoreError { record, divergence })?;
        }
        Ok(engine)
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, divergence } = self;
        let Divergence { recorded, replayed } = &**divergence;
        let (was, is) = (recorded.actions.len(), replayed.actions.len());
        write!(
            f,
            "record {record} since the snapshot, at {}, has {was} orders; the restored engine \
             gives {is}, or others: restore with the engine that wrote them",
            recorded.at
        )
    }
}

impl core::error::Error for RestoreError {}

fn known_version<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(from)?;
    if version == SNAPSHOT_VERSION {
        return Ok(version);
    }
    Err(de::Error::custom(format_args!(
        "a snapshot of version {version}; this engine reads version {SNAPSHOT_VERSION}: replay the \
         whole journal instead"
    )))
}
