//! What survives the daemon: a checkpoint, and every entry since.
//!
//! An entry that [`Store::append`] took is durable when it returns, so that an intent is written
//! before its call is made. A checkpoint takes the place of all entries before it, or nothing changes.
//!
//! SQLite by default ([`sqlite`]): one file, which one process at a time may open. PostgreSQL
//! ([`postgres`]) where several hosts share one provisioner: one leads, and the others wait until its
//! connection ends. Both keep the same, as JSON in the engine's own form, and are held to the same
//! tests (`tests/store.rs`).
//!
//! Not here: when a checkpoint is made; the journal that people read.

pub mod memory;
pub mod postgres;
pub mod sqlite;

use std::collections::BTreeMap;
use std::fmt;

use provisioner_engine::ids::InstanceId;
use provisioner_engine::journal::Record;
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The schema that this program writes. Each older one is brought up to it; a newer one is refused.
pub const SCHEMA_VERSION: u32 = 1;

/// Where state survives.
pub trait Store: Send {
    /// What was kept; `None` if nothing was yet.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not what this program wrote.
    fn load(&mut self) -> Result<Option<Kept>, StoreError>;

    /// Keeps entries after those there are, all or none.
    ///
    /// # Errors
    ///
    /// None of them may be durable: nothing that they intend is to be done.
    fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError>;

    /// Keeps a checkpoint in place of all there is.
    ///
    /// # Errors
    ///
    /// What there was is still there.
    fn replace(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError>;
}

/// What a daemon goes on from.
#[derive(Debug)]
pub struct Kept {
    /// The last checkpoint.
    pub checkpoint: Checkpoint,
    /// All entries since, in order.
    pub since: Vec<Entry>,
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn load(&mut self) -> Result<Option<Kept>, StoreError> {
        (**self).load()
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        (**self).append(entries)
    }

    fn replace(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        (**self).replace(checkpoint)
    }
}

impl Kept {
    /// What the engine was last configured with.
    #[must_use]
    pub fn config(&self) -> EngineConfig {
        let since = self.since.iter().rev().find_map(|entry| match entry {
            Entry::Engine(Record::Configured { config, .. }) => Some((**config).clone()),
            Entry::Engine(_) | Entry::Named(..) => None,
        });
        since.unwrap_or_else(|| self.checkpoint.snapshot.config().clone())
    }
}

/// All that there was to know at a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// When it was made: the journal's chapter that begins with it is named by this.
    pub begun: Time,
    /// Names this store among all that a provisioner ever had: part of every launch's label.
    pub era: String,
    /// EC2's names of instances, by the engine's numbers for them.
    pub instances: BTreeMap<InstanceId, String>,
    /// The number of the next instance that is heard of.
    pub next_instance: InstanceId,
    /// The engine.
    pub snapshot: Snapshot,
}

/// One thing more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// An instance got a number.
    Named(InstanceId, String),
    /// The engine was told or decided something.
    Engine(Record),
}

/// Why a store does not serve, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What went wrong.
    pub kind: StoreErrorKind,
    /// Where: the file, or the database without its password.
    pub place: String,
    /// What it says of it itself.
    pub said: String,
}

/// What can go wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// It is not there, or cannot be reached.
    Unreachable,
    /// Its server's certificate is not believed.
    Untrusted,
    /// It does not let us in.
    Refused,
    /// Someone else has it.
    InUse,
    /// It belongs to another program.
    Foreign,
    /// It belongs to another provisioner.
    OtherProvisioner,
    /// A newer program wrote it.
    Newer,
    /// It contradicts itself.
    Corrupt,
    /// There is no room.
    Full,
    /// It may not be written.
    ReadOnly,
    /// Another one leads, or may.
    LostLead,
    /// Anything else.
    Failed,
}

impl StoreErrorKind {
    const fn what(self) -> &'static str {
        match self {
            Self::Unreachable => "the store cannot be opened",
            Self::Untrusted => "the store's server is not trusted",
            Self::Refused => "the store lets nobody in so",
            Self::InUse => "another provisionerd has the store",
            Self::Foreign => "this is not a store of provisionerd",
            Self::OtherProvisioner => "the store belongs to another provisioner",
            Self::Newer => "a newer provisionerd wrote the store",
            Self::Corrupt => "the store is damaged",
            Self::Full => "there is no room for the store",
            Self::ReadOnly => "the store may not be written",
            Self::LostLead => "the lead is lost",
            Self::Failed => "the store failed",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "check that its folder or server is there and that this user may use it"
            }
            Self::Untrusted => {
                "no password was sent; name in `ca_file` of [store.postgres] who signs its \
                 certificate, and in the address the host as its certificate does, or write \
                 sslmode=disable for no TLS at all"
            }
            Self::Refused => {
                "check user, password and `sslmode` of its address: who does not let in without \
                 encryption wants sslmode=require"
            }
            Self::InUse => {
                "stop the other one, or give this one a store of its own: two on one would buy twice"
            }
            Self::Foreign => "nothing was changed; name another one in the settings",
            Self::OtherProvisioner => {
                "nothing was changed; use the id it was made with, or another store"
            }
            Self::Newer => "nothing was changed; run the newer program, or restore a backup",
            Self::Corrupt => {
                "nothing was changed; restore a backup, or move it away: instances are found again \
                 by their tags"
            }
            Self::Full => {
                "nothing is bought until there is; what was kept is still there: make room and start \
                 again"
            }
            Self::ReadOnly => "nothing is bought until it may; check its permissions and its mount",
            Self::LostLead => "nothing more is done here; start again to wait for the lead",
            Self::Failed => "nothing is bought until it serves; start again when it does",
        }
    }
}

impl StoreError {
    fn new(kind: StoreErrorKind, place: &str, said: impl fmt::Display) -> Self {
        Self { kind, place: place.into(), said: said.to_string() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, said } = self;
        write!(f, "{place}: {} ({said}); {}", kind.what(), kind.advice())
    }
}

impl std::error::Error for StoreError {}

fn write<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("whole numbers, words and maps with keys of numbers")
}

fn read<T: DeserializeOwned>(text: &str, place: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        StoreError::new(StoreErrorKind::Corrupt, place, format!("{what}: {error}"))
    })
}
