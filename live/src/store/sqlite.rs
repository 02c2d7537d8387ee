//! One file, by SQLite.
//!
//! In write-ahead mode with full synchronisation: a transaction that was committed survives the loss
//! of power. Beside it lies `NAME.lock`, which whoever has the store holds, so that a second daemon is
//! refused while anybody may look into the file with `sqlite3`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use rustix::fs::{FlockOperation, flock};

use super::{
    Checkpoint, Entry, Kept, SCHEMA_VERSION, Store, StoreError, StoreErrorKind, read, write,
};

/// `prov`, in a file's header: tells our files from anybody else's.
const APPLICATION_ID: i32 = 0x7072_6f76;

/// Each brings the schema from the version before to the next, the first from nothing to 1.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = ["
    CREATE TABLE provisioner (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL) STRICT;
    CREATE TABLE checkpoint (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        checkpoint TEXT NOT NULL
    ) STRICT;
    CREATE TABLE entry (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
"];

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    place: String,
    _held: Held,
}

/// The lock beside the file, held while this lives.
#[derive(Debug)]
struct Held(File);

impl Drop for Held {
    /// To close the file is not enough: a process that is being started has it too, until it runs its
    /// own program.
    fn drop(&mut self) {
        // What cannot be given back is given back by the end of the process.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl SqliteStore {
    /// Opens the store of that provisioner, or makes it. Looks whether the file is sound, and brings
    /// an older one up to date.
    ///
    /// # Errors
    ///
    /// Somebody has it, it is another's, newer, damaged, or cannot be written.
    pub fn open(path: &Path, provisioner: &str) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let held = hold(path, &place)?;
        let connection = Connection::open(path).map_err(|error| told(&place, &error))?;
        let mut store = Self { connection, place, _held: held };
        store.prepare(provisioner)?;
        Ok(store)
    }

    /// What that provisioner's store has, without having the store: whoever has it goes on. `None` if
    /// there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is another's.
    pub fn peek(path: &Path, provisioner: &str) -> Result<Option<Kept>, StoreError> {
        let place = path.display().to_string();
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| told(&place, &error))?;
        let id: String = connection
            .query_row("SELECT id FROM provisioner", [], |row| row.get(0))
            .map_err(|error| told(&place, &error))?;
        if id != provisioner {
            let said = format!("it is `{id}`'s, not `{provisioner}`'s");
            return Err(StoreError::new(StoreErrorKind::OtherProvisioner, &place, said));
        }
        load(&connection, &place)
    }

    /// The file grows to so many pages at most.
    ///
    /// # Errors
    ///
    /// SQLite does not take it.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        let limit = self.connection.pragma_update(None, "max_page_count", pages);
        limit.map_err(|error| told(&self.place, &error))
    }

    fn prepare(&mut self, provisioner: &str) -> Result<(), StoreError> {
        let place = &self.place;
        let refuse = |kind, said: String| Err(StoreError::new(kind, place, said));
        let failed = |error: rusqlite::Error| told(place, &error);
        let number = |name| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(failed)
        };
        let (application, version) = (number("application_id")?, number("user_version")?);
        let is_new = number("schema_version")? == 0;
        if !is_new && application != i64::from(APPLICATION_ID) {
            return refuse(StoreErrorKind::Foreign, format!("its application id is {application}"));
        }
        if version > i64::from(SCHEMA_VERSION) {
            let said = format!("its schema is {version}, this program's {SCHEMA_VERSION}");
            return refuse(StoreErrorKind::Newer, said);
        }
        let sound: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if sound != "ok" {
            return refuse(StoreErrorKind::Corrupt, sound);
        }
        self.connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .map_err(failed)?;
        let change = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        for (migration, to) in
            MIGRATIONS.iter().zip(1..).skip(usize::try_from(version).unwrap_or(0))
        {
            change.execute_batch(migration).map_err(failed)?;
            change.pragma_update(None, "user_version", to).map_err(failed)?;
        }
        change.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        change
            .execute("INSERT OR IGNORE INTO provisioner VALUES (1, ?)", params![provisioner])
            .map_err(failed)?;
        let id: String =
            change.query_row("SELECT id FROM provisioner", [], |row| row.get(0)).map_err(failed)?;
        if id != provisioner {
            let said = format!("it is `{id}`'s, not `{provisioner}`'s");
            return refuse(StoreErrorKind::OtherProvisioner, said);
        }
        change.commit().map_err(failed)
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Option<Kept>, StoreError> {
        load(&self.connection, &self.place)
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let Self { connection, place, .. } = self;
        let failed = |error: rusqlite::Error| told(place, &error);
        let change = connection.transaction().map_err(failed)?;
        {
            let mut insert =
                change.prepare("INSERT INTO entry (entry) VALUES (?)").map_err(failed)?;
            for entry in entries {
                insert.execute(params![write(entry)]).map_err(failed)?;
            }
        }
        change.commit().map_err(failed)
    }

    fn replace(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Self { connection, place, .. } = self;
        let failed = |error: rusqlite::Error| told(place, &error);
        let change = connection.transaction().map_err(failed)?;
        change
            .execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", params![write(checkpoint)])
            .map_err(failed)?;
        change.execute("DELETE FROM entry", []).map_err(failed)?;
        change.commit().map_err(failed)
    }
}

fn load(connection: &Connection, place: &str) -> Result<Option<Kept>, StoreError> {
    let failed = |error: rusqlite::Error| told(place, &error);
    let checkpoint: Option<String> = connection
        .query_row("SELECT checkpoint FROM checkpoint", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    let Some(checkpoint) = checkpoint else { return Ok(None) };
    let checkpoint = read(&checkpoint, place, "the checkpoint")?;
    let mut query =
        connection.prepare("SELECT seq, entry FROM entry ORDER BY seq").map_err(failed)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let since = rows.map(|row| {
        let (seq, entry): (i64, String) = row.map_err(failed)?;
        read(&entry, place, &format!("entry {seq}"))
    });
    Ok(Some(Kept { checkpoint, since: since.collect::<Result<_, _>>()? }))
}

/// Takes the lock beside the file; says who has it if somebody does.
fn hold(path: &Path, place: &str) -> Result<Held, StoreError> {
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let unreachable = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull => StoreErrorKind::Full,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                StoreErrorKind::ReadOnly
            }
            _ => StoreErrorKind::Unreachable,
        };
        StoreError::new(kind, place, error)
    };
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(beside);
    let mut lock = open.map_err(unreachable)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // Who it is, is a help only.
        let _ = lock.read_to_string(&mut holder);
        return Err(StoreError::new(StoreErrorKind::InUse, place, holder.trim()));
    }
    let note = |lock: &mut File| -> std::io::Result<()> {
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        writeln!(lock, "process {}", std::process::id())
    };
    note(&mut lock).map_err(unreachable)?;
    Ok(Held(lock))
}

/// SQLite's word for it, as ours.
fn told(place: &str, error: &rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreErrorKind::ReadOnly,
        Some(ErrorCode::CannotOpen) => StoreErrorKind::Unreachable,
        Some(ErrorCode::DatabaseCorrupt) => StoreErrorKind::Corrupt,
        Some(ErrorCode::NotADatabase) => StoreErrorKind::Foreign,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreErrorKind::InUse,
        _ => StoreErrorKind::Failed,
    };
    StoreError::new(kind, place, error)
}
