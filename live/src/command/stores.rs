//! The store that settings name: led, held or looked at.

use std::any::Any;
use std::time::Duration as Span;

use provisioner_live::settings::{PostgresSettings, Settings, StoreSettings};
use provisioner_live::store::postgres::{Candidate, PostgresStore};
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::store::{Kept, StoreError};

/// How often whoever waits for the lead asks for it.
const LEAD_EVERY: Span = Span::from_millis(500);

/// Waits until it may act.
pub(super) fn lead(database: &PostgresSettings, id: &str) -> Result<PostgresStore, String> {
    connect(database, id)?.lead(LEAD_EVERY).map_err(|error| error.to_string())
}

/// Keeps a daemon from running on the same store.
pub(super) fn hold(settings: &Settings) -> Result<Box<dyn Any>, String> {
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
