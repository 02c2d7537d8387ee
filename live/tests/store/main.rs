//! What both stores keep, and what each refuses.

#[path = "../support/ca.rs"]
mod ca;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration as Span;

use provisioner_engine::Engine;
use provisioner_engine::ids::{InstanceId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::{Duration, Time};
use provisioner_live::store::postgres::{Candidate, PostgresStore};
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::store::{Checkpoint, Entry, Store, StoreError, StoreErrorKind};
use provisioner_stand_in::config::on_demand;
use tempfile::TempDir;

use self::ca::Ca;
use self::server::{Place, Server};

const ID: &str = "prod";

/// One worker type, bought on demand.
fn engine() -> Engine {
    Engine::new(on_demand(&[("proj/ci", &["us-east-1a"])]))
}

/// The entries of a turn in that minute, with so many tasks waiting.
fn turn(engine: &mut Engine, minute: i64, pending: u32) -> Vec<Entry> {
    let at = Time::EPOCH + Duration::from_mins(minute);
    let worker_type = WorkerTypeId::new(0);
    let facts = [
        Observation::DemandCounted { worker_type, pending, claimed: 0, as_of: at },
        Observation::QueuesRead { as_of: at },
    ];
    let name = format!("i-{minute:017x}");
    let instance = InstanceId(minute.cast_unsigned());
    let mut entries = vec![Entry::Named(instance, name)];
    for observation in facts {
        engine.observe(at, observation);
        entries.push(Entry::Engine(Record::Observed { at, observation }));
    }
    entries.push(Entry::Engine(Record::Decided(engine.decide(at))));
    entries
}

fn checkpoint(engine: &Engine) -> Checkpoint {
    Checkpoint {
        begun: Time::EPOCH,
        era: "e1".into(),
        instances: BTreeMap::from([(InstanceId(7), "i-0123456789abcdef0".into())]),
        next_instance: InstanceId(8),
        snapshot: Snapshot::of(engine),
    }
}

fn text(engine: &Engine) -> String {
    serde_json::to_string(&Snapshot::of(engine)).expect("an engine can be written")
}

/// An engine whose process ends after each turn goes on as if it had not.
fn it_keeps_an_engine<S: Store>(mut open: impl FnMut() -> S) {
    assert!(open().load().expect("it is read").is_none(), "there is nothing at first");
    let mut living = engine();
    open().replace(&checkpoint(&living)).expect("it is kept");
    let mut ordered = 0;
    for minute in 0..20 {
        let pending = u32::try_from(minute * 3 % 7).expect("small");
        let entries = turn(&mut living, minute, pending);
        ordered += entries.iter().filter(|entry| orders(entry)).count();
        open().append(&entries).expect("they are kept");
        let is_time = minute % 6 == 5;
        if is_time {
            open().replace(&checkpoint(&living)).expect("it is kept");
        }
        let kept = open().load().expect("it is read").expect("there is something");
        assert_eq!(kept.since.is_empty(), is_time, "a snapshot stands for what was before");
        assert_eq!(kept.checkpoint.instances, checkpoint(&living).instances);
        let names = kept.since.iter().filter(|entry| matches!(entry, Entry::Named(..)));
        assert_eq!(names.count() * 4, kept.since.len(), "a name a turn is kept");
        let since = kept.since.into_iter().filter_map(|entry| match entry {
            Entry::Engine(record) => Some(record),
            Entry::Named(..) => None,
        });
        let restored = kept.checkpoint.snapshot.restore(since).expect("it decides the same");
        assert_eq!(text(&restored), text(&living));
    }
    assert!(ordered > 3, "it bought {ordered} times");
}

fn orders(entry: &Entry) -> bool {
    matches!(entry, Entry::Engine(Record::Decided(decision)) if !decision.actions.is_empty())
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn sqlite(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, ID)
}

/// Why it is refused; the file is as it was.
fn refused(path: &Path, provisioner: &str) -> StoreErrorKind {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(path, provisioner).expect_err("it is refused");
    assert_eq!(fs::read(path).ok(), before, "{error}");
    let said = error.to_string();
    assert!(said.contains(path.to_str().expect("a plain name")) && said.contains("; "), "{said}");
    error.kind
}

#[test]
fn sqlite_keeps_an_engine() {
    let folder = folder();
    it_keeps_an_engine(|| sqlite(&folder.path().join("store")).expect("it opens"));
}

#[test]
fn one_file_serves_one_daemon_at_a_time() {
    let folder = folder();
    let path = folder.path().join("store");
    let first = sqlite(&path).expect("it opens");
    let error = sqlite(&path).expect_err("the first has it");
    assert_eq!(error.kind, StoreErrorKind::InUse);
    assert!(error.said.contains(&std::process::id().to_string()), "{error}");
    drop(first);
    sqlite(&path).expect("nobody has it");
}

/// A process that is being started has its parent's files until it runs its own program: the lock
/// must not outlive the store in it.
#[test]
fn a_file_is_free_when_its_store_is_gone_while_programs_are_started() {
    let folder = folder();
    let path = folder.path().join("store");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    Command::new("true").status().expect("it runs");
                }
            });
        }
        let taken = (0..400).map(|_| sqlite(&path).map(drop)).find(Result::is_err);
        is_over.store(true, Ordering::Relaxed);
        assert!(taken.is_none(), "{taken:?}");
    });
}

#[test]
fn a_file_that_is_not_this_provisioners_is_left_as_it_is() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    drop(sqlite(&at("store")).expect("it opens"));
    assert_eq!(refused(&at("store"), "staging"), StoreErrorKind::OtherProvisioner);

    fs::write(at("notes"), "buy milk").expect("it is written");
    assert_eq!(refused(&at("notes"), ID), StoreErrorKind::Foreign);

    let other = rusqlite::Connection::open(at("other")).expect("it opens");
    other.execute_batch("CREATE TABLE song (name TEXT)").expect("it is made");
    drop(other);
    assert_eq!(refused(&at("other"), ID), StoreErrorKind::Foreign);

    assert_eq!(
        SqliteStore::open(&at("nowhere/store"), ID).expect_err("no such folder").kind,
        StoreErrorKind::Unreachable
    );
}

#[test]
fn a_newer_file_is_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("store");
    drop(sqlite(&path).expect("it opens"));
    let newer = rusqlite::Connection::open(&path).expect("it opens");
    newer.pragma_update(None, "user_version", 99).expect("it is set");
    newer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("it is written");
    drop(newer);
    assert_eq!(refused(&path, ID), StoreErrorKind::Newer);
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("store");
    let mut store = sqlite(&path).expect("it opens");
    store.replace(&checkpoint(&engine())).expect("it is kept");
    drop(store);
    let mut bytes = fs::read(&path).expect("it is read");
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xa5);
    fs::write(&path, bytes).expect("it is written");
    assert_eq!(refused(&path, ID), StoreErrorKind::Corrupt);
}

#[test]
fn what_does_not_fit_is_refused_and_what_was_there_stays() {
    let folder = folder();
    let path = folder.path().join("store");
    let mut living = engine();
    let mut store = sqlite(&path).expect("it opens");
    store.replace(&checkpoint(&living)).expect("it is kept");
    store.limit_pages(40).expect("it is limited");
    let mut kept = 0;
    let error = loop {
        let entries = turn(&mut living, kept, 3);
        match store.append(&entries) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, StoreErrorKind::Full);
    assert!(kept > 3, "{kept} turns were kept");
    drop(store);
    let there = sqlite(&path).expect("it opens").load().expect("it is read").expect("something");
    assert_eq!(there.since.len(), 4 * usize::try_from(kept).expect("few"));
}

fn lead(server: &Server, database: &str) -> PostgresStore {
    let follower = Candidate::connect(&server.url(database), None, ID).expect("it connects");
    follower.lead(Span::from_millis(10), || ()).expect("it leads")
}

#[test]
fn postgresql_keeps_an_engine_for_whoever_leads_and_one_leads() {
    let Some(server) = Server::start() else { return };
    let url = server.database("keeps");
    it_keeps_an_engine(|| lead(&server, "keeps"));

    let mut first = lead(&server, "keeps");
    let follow = || Candidate::connect(&url, None, ID).expect("it connects");
    assert!(follow().try_lead().expect("it answers").is_err(), "the first leads");
    let other = Candidate::connect(&url, None, "staging").expect("it connects");
    assert!(other.try_lead().expect("it answers").is_ok(), "another provisioner is led apart");

    // The first is cut off: it keeps nothing more, and the next one leads.
    server.cut_off(first.backend());
    let mut second = lead(&server, "keeps");
    assert!(second.number() > first.number());
    let entries = turn(&mut engine(), 1, 1);
    let error = first.append(&entries).expect_err("it was cut off");
    assert_eq!(error.kind, StoreErrorKind::LostLead, "{error}");
    let before = second.load().expect("it is read").expect("something is kept").since.len();
    second.append(&entries).expect("it leads");
    let after = second.load().expect("it is read").expect("something is kept").since.len();
    assert_eq!(after, before + entries.len());

    // A lead that somebody followed without the lock keeps nothing either.
    server.run("keeps", "UPDATE provisionerd.provisioner SET lead = lead + 1");
    let error = second.append(&entries).expect_err("its number is old");
    assert_eq!(error.kind, StoreErrorKind::LostLead, "{error}");

    // A newer schema is refused.
    server.run("keeps", "UPDATE provisionerd.schema_version SET version = 99");
    let error = Candidate::connect(&url, None, ID).map(|_| ()).expect_err("it is newer");
    assert_eq!(error.kind, StoreErrorKind::Newer);
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = Candidate::connect("postgres://nobody@127.0.0.1:1/x", None, ID).map(|_| ());
    assert_eq!(error.expect_err("nobody answers").kind, StoreErrorKind::Unreachable);
}

/// Why it does not connect; nothing secret is told.
fn cannot_connect(url: &str, ca_file: Option<&Path>) -> StoreError {
    let error = Candidate::connect(url, ca_file, ID).map(|_| ()).expect_err("it is refused");
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(":secret") && !shown.contains("hunter2"), "{shown}");
    }
    error
}

#[test]
fn postgresql_keeps_an_engine_over_tls_for_whoever_believes_its_certificate() {
    let (folder, ca) = (folder(), Ca::new("ours"));
    let identity = ca.signs(folder.path(), "127.0.0.1");
    let identity = Some((identity.certificate.as_path(), identity.key.as_path()));
    let place = Place { identity, ..Place::default() };
    let Some(server) = Server::start_at(&place) else { return };
    let url = server.database("keeps");
    let ca_file = ca.file(folder.path(), "ca.pem");
    let with = |mode: &str| format!("{url}?sslmode={mode}");
    let mut modes = ["require", "prefer", "verify-ca", "verify-full"].iter().cycle();
    it_keeps_an_engine(|| {
        let url = with(modes.next().expect("they go round"));
        let follower = Candidate::connect(&url, Some(&ca_file), ID).expect("it connects");
        follower.lead(Span::from_millis(10), || ()).expect("it leads")
    });

    // Somebody else could have signed that: no password is sent, and nothing is tried without TLS.
    let stranger = Ca::new("somebody else").file(folder.path(), "stranger.pem");
    for url in [url.clone(), with("prefer"), with("require"), with("verify-full")] {
        for ca_file in [Some(stranger.as_path()), None] {
            let error = cannot_connect(&url, ca_file);
            assert_eq!(error.kind, StoreErrorKind::Untrusted, "{error}");
            assert!(error.to_string().contains("UnknownIssuer"), "{error}");
            assert!(error.to_string().contains("`ca_file`"), "{error}");
        }
    }
    // It is not certified by that name.
    let error = cannot_connect(&with("require").replace("127.0.0.1", "localhost"), Some(&ca_file));
    assert_eq!(error.kind, StoreErrorKind::Untrusted, "{error}");
    assert!(error.to_string().contains("localhost"), "{error}");
    let error = cannot_connect(&with("require"), Some(&folder.path().join("none.pem")));
    assert!(error.to_string().contains("none.pem"), "{error}");

    let error = cannot_connect(&with("disable"), Some(&ca_file));
    assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
    let said = error.to_string();
    assert!(said.contains("no encryption") && said.contains("sslmode=require"), "{said}");
    let wrong = with("require").replace(":secret@", ":hunter2@");
    assert_eq!(cannot_connect(&wrong, Some(&ca_file)).kind, StoreErrorKind::Refused);
}

#[test]
fn postgresql_without_tls_is_believed_only_if_tls_is_not_required() {
    let Some(server) = Server::start() else { return };
    let url = server.database("plain");
    for mode in ["disable", "prefer"] {
        Candidate::connect(&format!("{url}?sslmode={mode}"), None, ID).expect("it connects");
    }
    for mode in ["require", "verify-full"] {
        let error = cannot_connect(&format!("{url}?sslmode={mode}"), None);
        assert!(error.to_string().contains("server does not support TLS"), "{error}");
    }
    let error = cannot_connect(&format!("{url}?sslmode=never"), None);
    assert!(error.to_string().contains("sslmode=disable, prefer or require"), "{error}");
}
