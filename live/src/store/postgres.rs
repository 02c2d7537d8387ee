//! One database for several hosts, by PostgreSQL.
//!
//! Whoever holds the advisory lock of a provisioner leads. The lock is the connection's, and all that
//! the leader writes goes through that connection: when it ends, so does the lead, and nothing more
//! can be made durable, so that nothing more is done. Each takes the next number of the lead; a write
//! under an older number is refused, whoever believes to hold what.
//!
//! `sslmode` of its address is libpq's: `disable`, `prefer` (if it is not said: TLS if the server has
//! it), `require`. Unlike libpq's, each TLS is checked as by `verify-full`, so that `verify-ca` and
//! `verify-full` mean what `require` does.
//!
//! A host that is gone or cut off says nothing: each side gives the other up after [`SILENCE`], so that
//! the lead of a dead host is free. `keepalives…`, `tcp_user_timeout` and `connect_timeout` of the
//! address say otherwise for this side.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::{Client, Config, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Checkpoint, Entry, Kept, SCHEMA_VERSION, Store, StoreError, StoreErrorKind, read, write,
};
use crate::tls;

/// Ours among the advisory locks of a database.
const LOCKS: i32 = 0x7072_6f76;

/// Whoever is asked and says nothing for so long is gone: asked first after the half of it, and twice
/// more.
pub const SILENCE: Duration = Duration::from_secs(20);

/// Each brings the schema from the version before to the next, the first from nothing to 1.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = ["
    CREATE TABLE provisionerd.provisioner (
        id TEXT PRIMARY KEY,
        lead BIGINT NOT NULL DEFAULT 0,
        checkpoint TEXT
    );
    CREATE TABLE provisionerd.entry (
        provisioner TEXT NOT NULL REFERENCES provisionerd.provisioner,
        seq BIGINT GENERATED ALWAYS AS IDENTITY,
        entry TEXT NOT NULL,
        PRIMARY KEY (provisioner, seq)
    );
"];

/// A store in a database; whoever has one leads.
pub struct PostgresStore {
    client: Client,
    provisioner: String,
    place: String,
    lead: i64,
    backend: i32,
}

/// A connection that does not lead yet.
pub struct Candidate {
    client: Client,
    provisioner: String,
    place: String,
}

impl Candidate {
    /// Connects, and brings an older schema up to date. With TLS, those in `ca_file` are believed,
    /// or whom the system trusts.
    ///
    /// # Errors
    ///
    /// The database cannot be reached or used, or is newer.
    pub fn connect(
        url: &str,
        ca_file: Option<&Path>,
        provisioner: &str,
    ) -> Result<Self, StoreError> {
        let config = config(url)?;
        let place = place(&config);
        let tls = tls::client(ca_file)
            .map_err(|said| StoreError::new(StoreErrorKind::Untrusted, &place, said))?;
        let client = config.connect(MakeRustlsConnect::new(tls));
        let client = client.map_err(|error| told(&place, &error))?;
        let mut candidate = Self { client, provisioner: provisioner.into(), place };
        candidate.be_given_up()?;
        candidate.migrate()?;
        Ok(candidate)
    }

    /// What the provisioner's store has, whoever leads; `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn peek(mut self) -> Result<Option<Kept>, StoreError> {
        load(&mut self.client, &self.provisioner, &self.place)
    }

    /// Takes the lead if nobody has it.
    ///
    /// # Errors
    ///
    /// The database does not answer.
    pub fn try_lead(mut self) -> Result<Result<PostgresStore, Self>, StoreError> {
        let failed = |error: postgres::Error| told(&self.place, &error);
        let leads: bool = self
            .client
            .query_one(
                "SELECT pg_try_advisory_lock($1, hashtext($2))",
                &[&LOCKS, &self.provisioner],
            )
            .map_err(failed)?
            .get(0);
        if !leads {
            return Ok(Err(self));
        }
        let row = self
            .client
            .query_one(
                "INSERT INTO provisionerd.provisioner (id, lead) VALUES ($1, 1)
                 ON CONFLICT (id) DO UPDATE SET lead = provisioner.lead + 1
                 RETURNING lead, pg_backend_pid()",
                &[&self.provisioner],
            )
            .map_err(failed)?;
        let (lead, backend) = (row.get(0), row.get(1));
        let Self { client, provisioner, place } = self;
        Ok(Ok(PostgresStore { client, provisioner, place, lead, backend }))
    }

    /// Waits for the lead, asking that often; says so each time that it was answered.
    ///
    /// # Errors
    ///
    /// The database does not answer any more.
    pub fn lead(
        self,
        every: Duration,
        mut answered: impl FnMut(),
    ) -> Result<PostgresStore, StoreError> {
        let mut candidate = self;
        loop {
            match candidate.try_lead()? {
                Ok(store) => return Ok(store),
                Err(waiting) => candidate = waiting,
            }
            answered();
            std::thread::sleep(every);
        }
    }

    /// Has the server give this connection, and its lock, up when this host is gone; by itself it
    /// takes two hours.
    fn be_given_up(&mut self) -> Result<(), StoreError> {
        let (idle, interval) = (SILENCE.as_secs() / 2, SILENCE.as_secs() / 4);
        let limits = format!(
            "SELECT set_config(name, value, false)
             FROM (VALUES ('tcp_keepalives_idle', '{idle}'), ('tcp_keepalives_interval', '{interval}'),
                 ('tcp_keepalives_count', '2'), ('tcp_user_timeout', '{}')) AS wanted (name, value)
             JOIN pg_settings USING (name)",
            SILENCE.as_millis(),
        );
        self.client.batch_execute(&limits).map_err(|error| told(&self.place, &error))
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let place = &self.place;
        let failed = |error: postgres::Error| told(place, &error);
        let mut change = self.client.transaction().map_err(failed)?;
        // One at a time, whoever starts together.
        change.execute("SELECT pg_advisory_xact_lock($1, 0)", &[&LOCKS]).map_err(failed)?;
        let exists: bool = change
            .query_one("SELECT to_regclass('provisionerd.schema_version') IS NOT NULL", &[])
            .map_err(failed)?
            .get(0);
        if !exists {
            change
                .batch_execute(
                    "CREATE SCHEMA IF NOT EXISTS provisionerd;
                     CREATE TABLE provisionerd.schema_version (version INTEGER NOT NULL);
                     INSERT INTO provisionerd.schema_version VALUES (0);",
                )
                .map_err(failed)?;
        }
        let version: i32 = change
            .query_one("SELECT version FROM provisionerd.schema_version", &[])
            .map_err(failed)?
            .get(0);
        let version = u32::try_from(version).unwrap_or(0);
        if version > SCHEMA_VERSION {
            let said = format!("its schema is {version}, this program's {SCHEMA_VERSION}");
            return Err(StoreError::new(StoreErrorKind::Newer, place, said));
        }
        if version < SCHEMA_VERSION {
            for migration in &MIGRATIONS[version as usize..] {
                change.batch_execute(migration).map_err(failed)?;
            }
            let now = i32::try_from(SCHEMA_VERSION).expect("versions are few");
            change
                .execute("UPDATE provisionerd.schema_version SET version = $1", &[&now])
                .map_err(failed)?;
        }
        change.commit().map_err(failed)
    }
}

impl PostgresStore {
    /// The number of this lead: each that follows has a higher one.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.lead
    }

    /// The process that serves this connection, as `pg_stat_activity` names it.
    #[must_use]
    pub const fn backend(&self) -> i32 {
        self.backend
    }

    /// A change that is made only while this leads.
    fn change(
        &mut self,
        make: impl FnOnce(&mut Transaction<'_>, &str) -> Result<(), postgres::Error>,
    ) -> Result<(), StoreError> {
        let Self { client, provisioner, place, lead, .. } = self;
        let failed = |error: postgres::Error| told(place, &error);
        let mut change = client.transaction().map_err(failed)?;
        let now: i64 = change
            .query_one(
                "SELECT lead FROM provisionerd.provisioner WHERE id = $1 FOR UPDATE",
                &[provisioner],
            )
            .map_err(failed)?
            .get(0);
        if now != *lead {
            let said = format!("lead {now} has followed lead {lead}");
            return Err(StoreError::new(StoreErrorKind::LostLead, place, said));
        }
        make(&mut change, provisioner).map_err(failed)?;
        change.commit().map_err(failed)
    }
}

impl Store for PostgresStore {
    fn load(&mut self) -> Result<Option<Kept>, StoreError> {
        load(&mut self.client, &self.provisioner, &self.place)
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let texts: Vec<String> = entries.iter().map(write).collect();
        self.change(|change, provisioner| {
            // `unnest` gives them in their order, and numbers are given in that of the rows.
            change.execute(
                "INSERT INTO provisionerd.entry (provisioner, entry)
                 SELECT $1, entry FROM unnest($2::text[]) WITH ORDINALITY AS r (entry, n) ORDER BY n",
                &[&provisioner, &texts],
            )?;
            Ok(())
        })
    }

    fn replace(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let text = write(checkpoint);
        self.change(|change, provisioner| {
            change.execute(
                "UPDATE provisionerd.provisioner SET checkpoint = $2 WHERE id = $1",
                &[&provisioner, &text],
            )?;
            change.execute(
                "DELETE FROM provisionerd.entry WHERE provisioner = $1",
                &[&provisioner],
            )?;
            Ok(())
        })
    }
}

fn load(client: &mut Client, provisioner: &str, place: &str) -> Result<Option<Kept>, StoreError> {
    let failed = |error: postgres::Error| told(place, &error);
    let checkpoint: Option<String> = client
        .query_opt("SELECT checkpoint FROM provisionerd.provisioner WHERE id = $1", &[&provisioner])
        .map_err(failed)?
        .and_then(|row| row.get(0));
    let Some(checkpoint) = checkpoint else { return Ok(None) };
    let checkpoint = read(&checkpoint, place, "the checkpoint")?;
    let rows = client
        .query(
            "SELECT seq, entry FROM provisionerd.entry WHERE provisioner = $1 ORDER BY seq",
            &[&provisioner],
        )
        .map_err(failed)?;
    let since = rows.iter().map(|row| {
        let (seq, entry): (i64, String) = (row.get(0), row.get(1));
        read(&entry, place, &format!("entry {seq}"))
    });
    Ok(Some(Kept { checkpoint, since: since.collect::<Result<_, _>>()? }))
}

/// What an address says. What the parser says of one could show a part of its password.
fn config(url: &str) -> Result<Config, StoreError> {
    let verified = ["sslmode=verify-full", "sslmode=verify-ca"];
    let url = verified.iter().fold(url.to_owned(), |url, it| url.replace(it, "sslmode=require"));
    let config: Result<Config, postgres::Error> = url.parse();
    let mut config = config.map_err(|error| {
        let said = format!(
            "{error}: write postgres://user:password@host/database, perhaps with ?sslmode=disable, \
             prefer or require; certificates go into `ca_file`"
        );
        StoreError::new(StoreErrorKind::Unreachable, "the database's address", said)
    })?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(SILENCE / 2);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if !url.contains("keepalives_idle") {
        config.keepalives_idle(SILENCE / 2);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(SILENCE / 4);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(2);
    }
    Ok(config)
}

/// The database's address, without a password.
fn place(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            postgres::config::Host::Tcp(name) => name.clone(),
            postgres::config::Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

/// The server's word for it, as ours.
fn told(place: &str, error: &postgres::Error) -> StoreError {
    let kind = match error.code() {
        Some(&SqlState::DISK_FULL | &SqlState::OUT_OF_MEMORY) => StoreErrorKind::Full,
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::INSUFFICIENT_PRIVILEGE) => {
            StoreErrorKind::ReadOnly
        }
        Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => StoreErrorKind::Corrupt,
        Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION | &SqlState::INVALID_PASSWORD) => {
            StoreErrorKind::Refused
        }
        Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN) => StoreErrorKind::LostLead,
        Some(_) => StoreErrorKind::Failed,
        None if error.is_closed() => StoreErrorKind::LostLead,
        None if cause(error).is_some_and(tls::is_distrust) => StoreErrorKind::Untrusted,
        None => StoreErrorKind::Unreachable,
    };
    let said = error.as_db_error().map_or_else(
        || error.source().map_or_else(|| error.to_string(), |why| format!("{error}: {why}")),
        |error| error.message().into(),
    );
    StoreError::new(kind, place, said)
}

fn cause(error: &postgres::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}
