//! The engine's process that dies, as files say it, and journals of such runs.

use std::io::Cursor;

use provisioner_engine::Engine;
use provisioner_engine::journal::replay;
use provisioner_sim::config::FaultKind;
use provisioner_sim::config::process::{CrashStep, ProcessModel};

use super::*;
use crate::journal::{Header, Journal, JournalWriter};

const PROCESS: &str = "
[engine_process]
crash_rate = 2
downtime = \"90 s\"
snapshot_every = 7
";

#[test]
fn each_key_of_the_process_arrives_and_left_out_it_never_dies() {
    let process = |text: &str| {
        let loaded = load_text(&format!("{WEEK}{text}")).expect("a good file");
        loaded.scenario.config(Seed(1)).process
    };
    assert_eq!(process(""), ProcessModel::default());
    assert!(process("").crash_rate <= 0.0);
    let downtime = Duration::from_secs(90);
    assert_eq!(process(PROCESS), ProcessModel { crash_rate: 2.0, downtime, snapshot_every: 7 });
}

#[test]
fn a_process_dies_at_every_step_that_has_a_name() {
    let steps = [
        ("\"between\"", CrashStep::Between),
        ("\"before-facts\"", CrashStep::BeforeFacts),
        ("\"after-facts\"", CrashStep::AfterFacts),
        ("\"after-decision\"", CrashStep::AfterDecision),
        ("{ after-orders = { orders = 3 } }", CrashStep::AfterOrders(3)),
    ];
    for (written, step) in steps {
        let fault = format!(
            "[faults.f]\nlength = \"1 min\"\nwhat = {{ crash = {{ step = {written} }} }}\n"
        );
        let loaded = load_text(&format!("{WEEK}{fault}")).expect("a good file");
        let config = loaded.scenario.config(Seed(1));
        assert_eq!(config.faults[0].what, FaultKind::Crash { step });
        assert_eq!(config.faults[0].until, config.start + Duration::MINUTE);
        assert_eq!(outcome(&loaded.scenario, 1).restarts, 1, "{written}");
    }
}

#[test]
fn runs_with_crashes_come_out_the_same_twice_and_their_journals_replay() {
    let loaded = load_text(&format!("{WEEK}{PROCESS}")).expect("a good file");
    let scenario = &loaded.scenario;
    let journalled = |seed: u64| {
        let config = scenario.config(Seed(seed));
        let header = Header {
            journal: crate::journal::JOURNAL_VERSION,
            scenario: scenario.name().to_owned(),
            scenario_hash: scenario.hash().to_owned(),
            seed,
            commit: "none".to_owned(),
            engine: config.engine.clone(),
        };
        let folder = TempDir::new().expect("a folder for temporary files");
        let path = folder.path().join("run.jsonl");
        let mut writer = JournalWriter::create(&path, &header).expect("a file");
        let mut journal = |record| writer.record(&record).expect("a line");
        let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
        let outcome = run(&config, &mut *scenario.tasks(Seed(seed)), hooks);
        writer.finish().expect("a line");
        (outcome, std::fs::read(&path).expect("it was written"))
    };
    for seed in 1..4 {
        let (outcome, bytes) = journalled(seed);
        assert!(outcome.restarts > 3, "{} restarts", outcome.restarts);
        assert_eq!(journalled(seed), (outcome, bytes.clone()));
        let journal = Journal::read("run.jsonl", Cursor::new(bytes)).expect("a journal");
        let mut engine = Engine::new(journal.header().engine.clone());
        engine.explain(true);
        for record in journal {
            assert_eq!(replay(&mut engine, record.expect("a record")), Ok(()));
        }
    }
}
