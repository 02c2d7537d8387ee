//! What is shipped, under the auditor's eyes.

use std::fs;
use std::path::{Path, PathBuf};

use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::Record;
use provisioner_engine::units::{Duration, Ratio};
use provisioner_scenarios::audit::{JournalAudit, Note, Rule, audited_run};
use provisioner_scenarios::{Profile, load};
use provisioner_sim::{Hooks, run};

/// A shipped scenario, run as ours, gives these notes.
fn notes(file: &Path) -> Vec<Note> {
    let scenario = load(file).expect("a shipped scenario loads").scenario.run_by(Profile::Ours);
    let (seed, hooks) = (scenario.seed(), Hooks::default());
    audited_run(&scenario.config(seed), &mut *scenario.tasks(seed), hooks).1
}

fn shipped(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

#[test]
fn nothing_is_noted_of_any_accident() {
    let entries = fs::read_dir(shipped("incidents")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    assert!(files.len() >= 30, "{} accidents", files.len());
    let mut noted = Vec::new();
    for file in files {
        let of_file = notes(&file);
        noted.extend(of_file.into_iter().map(|note| (file.clone(), note)));
    }
    // Unlabelled instances are ended without asking whether they hold a task.
    noted.retain(|(file, note)| {
        !(file.ends_with("orphans.toml") && note.rule == Rule::StrayClaimed)
    });
    assert!(noted.is_empty(), "{noted:#?}");
}

#[test]
fn nothing_is_noted_of_the_first_example() {
    assert_eq!(notes(&shipped("quickstart.toml")), []);
}

#[test]
fn a_run_that_is_audited_goes_as_it_goes_without() {
    for file in ["incidents/crash-mid-batch.toml", "incidents/throttled-burst.toml"] {
        let scenario = load(&shipped(file)).expect("a shipped scenario loads").scenario;
        let seed = scenario.seed();
        let config = scenario.config(seed);
        let (mut journal, mut truths) = (0, 0);
        let hooks = Hooks {
            journal: Some(&mut |_| journal += 1),
            truth: Some(&mut |_, _| truths += 1),
            ..Hooks::default()
        };
        let (outcome, _) = audited_run(&config, &mut *scenario.tasks(seed), hooks);
        assert_eq!(outcome, run(&config, &mut *scenario.tasks(seed), Hooks::default()));
        assert!(journal > 0 && truths > 0, "others hear of it too");
    }
}

/// The journal of a shipped scenario, and the engine before it.
fn journal(file: &str) -> (Engine, Vec<Record>) {
    let scenario = load(&shipped(file)).expect("a shipped scenario loads").scenario;
    let seed = scenario.seed();
    let config = scenario.config(seed);
    let mut records = Vec::new();
    let mut keep = |record: Record| records.push(record);
    let hooks = Hooks { journal: Some(&mut keep), ..Hooks::default() };
    let _ = run(&config, &mut *scenario.tasks(seed), hooks);
    (Engine::new(config.engine), records)
}

fn judged(engine: &Engine, records: &[Record]) -> Vec<Note> {
    let mut audit = JournalAudit::new(engine.config());
    assert!(records.iter().all(|record| audit.judge(record)), "its pools stay");
    audit.into_notes()
}

#[test]
fn a_journal_is_judged_by_what_was_told_and_decided() {
    let (engine, records) = journal("incidents/crash-mid-batch.toml");
    assert_eq!(judged(&engine, &records), []);
    // A launch more than anybody wanted.
    let mut bad = records;
    let order = bad.iter().find_map(|record| match record {
        Record::Decided(decision) => {
            decision.actions.iter().find(|it| matches!(it, Action::Launch { .. })).copied()
        }
        _ => None,
    });
    let Some(Action::Launch { worker_type, pool, market, .. }) = order else {
        panic!("something was bought")
    };
    let last = bad.iter_mut().rev().find_map(|record| match record {
        Record::Decided(decision) => Some(decision),
        _ => None,
    });
    let count = engine.config().limits.launches_per_call_max;
    let launch = LaunchId(1_000_000);
    let order = Action::Launch { launch, count, worker_type, pool, market };
    last.expect("it decided").actions.push(order);
    assert!(!judged(&engine, &bad).is_empty(), "nobody noted it");
}

/// A journal is judged before its end says whether it is whole: whatever its numbers, none overflows.
#[test]
fn spans_and_shares_beyond_all_measure_are_judged_too() {
    let (engine, records) = journal("incidents/crash-mid-batch.toml");
    let mut config = engine.config().clone();
    for worker_type in &mut config.worker_types {
        worker_type.lifetime_max = Duration::MAX;
        worker_type.request_timeout = Duration::MAX;
        worker_type.idle_timeout = Duration::MAX;
    }
    let breaker = config.guards.breaker.as_mut().expect("it has one");
    (breaker.boot_max, breaker.probe_max) = (Duration::MAX, Duration::MAX);
    let share = config.guards.share.as_mut().expect("it has one");
    share.share_max = Ratio::from_millionths(u64::MAX);
    let mut audit = JournalAudit::new(&config);
    assert!(records.iter().all(|record| audit.judge(record)), "its pools stay");
}

#[test]
fn where_pools_are_others_the_judging_ends() {
    let (engine, records) = journal("incidents/one-task.toml");
    let mut config = engine.config().clone();
    config.catalog.zone("eu-west-1", "eu-west-1a");
    let at = records[0].at();
    let mut audit = JournalAudit::new(engine.config());
    assert!(audit.judge(&Record::Configured { at, config: Box::new(engine.config().clone()) }));
    assert!(!audit.judge(&Record::Configured { at, config: Box::new(config) }));
}
