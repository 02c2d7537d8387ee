//! A journal cut into chapters: each replays, and is read, by itself.

use std::io::Cursor;
use std::sync::LazyLock;

use provisioner_engine::Engine;
use provisioner_engine::decision::Action;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::{Record, replay};
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::explain::life::{Subject, life};
use provisioner_scenarios::explain::summary::summary;
use provisioner_scenarios::journal::{
    Header, JOURNAL_VERSION, Journal, JournalError, JournalWriter,
};
use provisioner_sim::Hooks;

const CHAPTERS: usize = 5;

/// A day of the quickstart, in chapters, and the engine at the end of it.
static BOOK: LazyLock<(Vec<Vec<u8>>, Engine)> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/quickstart.toml");
    let scenario = provisioner_scenarios::load(path.as_ref()).expect("a scenario").scenario;
    let config = scenario.config(scenario.seed());
    let mut records = Vec::new();
    let mut journal = |record| records.push(record);
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let _ = scenario.run(&config, hooks);
    let header = Header {
        journal: JOURNAL_VERSION,
        scenario: scenario.name().to_owned(),
        scenario_hash: scenario.hash().to_owned(),
        seed: scenario.seed().0,
        commit: "none".to_owned(),
        engine: config.engine.clone(),
    };
    let mut engine = Engine::new(config.engine);
    let write = |records: &[Record]| {
        let mut writer = JournalWriter::chapter(Vec::new(), &header, &engine).expect("memory");
        for record in records {
            writer.record(record).expect("memory");
            replay(&mut engine, record.clone()).expect("the engine that wrote it");
        }
        writer.end().expect("memory")
    };
    let chapters = records.chunks(records.len().div_ceil(CHAPTERS)).map(write).collect();
    (chapters, engine)
});

fn open(chapter: &[u8]) -> Result<Journal, JournalError> {
    Journal::read("chapter.jsonl", Cursor::new(chapter.to_vec()))
}

#[test]
fn each_chapter_replays_by_itself_up_to_where_the_next_begins() {
    let (chapters, last) = &*BOOK;
    assert_eq!(chapters.len(), CHAPTERS);
    let first = open(&chapters[0]).expect("a chapter").engine();
    let end = chapters.iter().fold(first, |before, chapter| {
        let journal = open(chapter).expect("a chapter");
        let mut engine = journal.engine();
        let text = |engine: &Engine| serde_json::to_string(engine).expect("text");
        assert!(text(&engine) == text(&before), "a chapter begins where the last one ended");
        for record in journal {
            let divergence = replay(&mut engine, record.expect("a record"));
            assert_eq!(divergence, Ok(()));
        }
        engine
    });
    assert_eq!(end.now(), last.now());
    assert!(end.launches().eq(last.launches()));
}

#[test]
fn a_chapter_answers_questions_as_a_whole_journal_does() {
    let launched = |record: &Record| match record {
        Record::Decided(decision) => decision.actions.iter().find_map(|action| match action {
            Action::Launch { launch, .. } => Some(*launch),
            _ => None,
        }),
        _ => None,
    };
    for chapter in &BOOK.0 {
        let told = summary(|| open(chapter)).expect("an answer");
        assert_eq!(told.walk.parted, None);
        assert!(told.walk.decisions > 100);
        let mut records = open(chapter).expect("a chapter").map(|record| record.expect("sound"));
        let launch: LaunchId = records.find_map(|record| launched(&record)).expect("a launch");
        let answer = life(|| open(chapter), Subject::Launch(launch)).expect("an answer");
        assert_eq!(answer.walk.parted, None);
        let same = diff(open(chapter).expect("a chapter"), open(chapter).expect("a chapter"));
        assert!(same.is_ok_and(|same| same.parting.is_none() && same.fact.is_none()));
    }
}

#[test]
fn a_flipped_byte_of_a_snapshot_is_refused() {
    let chapter = &BOOK.0[2];
    let begin = chapter.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    let length = chapter[begin..].iter().position(|byte| *byte == b'\n').expect("a snapshot");
    for at in (begin..begin + length).step_by(length / 50) {
        let mut damaged = chapter.clone();
        damaged[at] ^= 1;
        let told = open(&damaged).and_then(|journal| journal.last().expect("a record")).err();
        let told = told.unwrap_or_else(|| panic!("byte {at} was not missed")).to_string();
        assert!(told.contains("chapter.jsonl:2"), "{told}");
    }
}

#[test]
fn a_snapshot_of_another_configuration_than_the_headers_is_refused() {
    let text = String::from_utf8(BOOK.0[1].clone()).expect("text");
    let other = text.replacen("\"capacity_max\":", "\"capacity_max\":1", 1);
    let told = open(other.as_bytes()).err().expect("an error").to_string();
    assert!(
        told.starts_with("error: the snapshot's engine goes by another configuration"),
        "{told}"
    );
}
