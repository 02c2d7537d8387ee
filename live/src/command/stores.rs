//! The store that settings name: led, held or looked at.

use std::any::Any;
use std::time::Duration as Span;

use provisioner_live::daemon::Watchdog;
use provisioner_live::settings::{PostgresSettings, Settings, StoreSettings};
use provisioner_live::store::postgres::{Candidate, PostgresStore};
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::store::{Kept, StoreError};

/// How often whoever waits for the lead asks for it.
const LEAD_EVERY: Span = Span::from_millis(500);

/// Whoever looks once waits no longer for the store.
const LOOK_MAX: Span = Span::from_secs(30);

/// What the database has, and then the wait for the lead. A database that says nothing for so long
/// ends the process.
pub(super) struct Waiting<'a> {
    database: &'a PostgresSettings,
    id: &'a str,
    patience: Span,
}

impl<'a> Waiting<'a> {
    pub(super) const fn new(database: &'a PostgresSettings, id: &'a str, patience: Span) -> Self {
        Self { database, id, patience }
    }

    fn watchdog(&self) -> Watchdog {
        Watchdog::start(self.patience, "the database")
    }

    /// What it has, whoever leads.
    pub(super) fn peek(&self) -> Result<Option<Kept>, String> {
        let _watchdog = self.watchdog();
        connect(self.database, self.id)?.peek().map_err(|error| error.to_string())
    }

    /// Waits until it may act.
    pub(super) fn lead(&self) -> Result<PostgresStore, String> {
        let watchdog = self.watchdog();
        let candidate = connect(self.database, self.id)?;
        candidate.lead(LEAD_EVERY, || watchdog.beat()).map_err(|error| error.to_string())
    }
}

/// Keeps a daemon from running on the same store.
pub(super) fn hold(settings: &Settings) -> Result<Box<dyn Any>, String> {
    let _watchdog = Watchdog::start(LOOK_MAX, "the store");
    let provisioner = &settings.provisioner;
    match &settings.store {
        StoreSettings::Sqlite(path) if !path.exists() => Ok(Box::new(())),
        StoreSettings::Sqlite(path) => match SqliteStore::open(path, provisioner) {
            Ok(store) => Ok(Box::new(store)),
            Err(error) => Err(error.to_string()),
        },
        StoreSettings::Postgres(database) => {
            let candidate = connect(database, provisioner)?;
            match candidate.try_lead().map_err(|error| error.to_string())? {
                Ok(store) => Ok(Box::new(store)),
                Err(_) => Err("a provisionerd leads on this database: stop it first".into()),
            }
        }
    }
}

/// What the store has, whoever has the store.
pub(super) fn peek(settings: &Settings) -> Result<Option<Kept>, String> {
    let _watchdog = Watchdog::start(LOOK_MAX, "the store");
    let provisioner = &settings.provisioner;
    let kept = match &settings.store {
        StoreSettings::Sqlite(path) => SqliteStore::peek(path, provisioner),
        StoreSettings::Postgres(database) => connect(database, provisioner)?.peek(),
    };
    kept.map_err(|error: StoreError| error.to_string())
}

fn connect(database: &PostgresSettings, provisioner: &str) -> Result<Candidate, String> {
    let url = database.url.read(|name| std::env::var(name).ok())?;
    let candidate = Candidate::connect(url.reveal(), database.ca_file.as_deref(), provisioner);
    candidate.map_err(|error| error.to_string())
}
