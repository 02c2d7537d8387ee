//! A journal cut into chapters: each replays, and is read, by itself; all of them are read as one.

use std::fs;
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

/// Chapters in a folder, as the daemon names them.
fn folder(chapters: &[&[u8]]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.txt"), "no chapter").expect("a file");
    for (index, chapter) in chapters.iter().enumerate() {
        let name = format!("chapter-2026112{index}T000000.000Z.jsonl");
        fs::write(folder.path().join(name), chapter).expect("a file");
    }
    folder
}

/// How many records follow one another as the engine that read them decides, the gaps between
/// them, and whether the last chapter has an end.
fn followed(mut journal: Journal) -> Result<(usize, usize, bool), JournalError> {
    let mut engine = journal.engine();
    let (mut records, mut gaps) = (0, 0);
    while let Some(record) = journal.next() {
        let record = record?;
        for turned in journal.turned() {
            if turned.gap.is_some() {
                (engine, gaps) = (turned.engine, gaps + 1);
            }
        }
        assert_eq!(replay(&mut engine, record), Ok(()));
        records += 1;
    }
    Ok((records, gaps, journal.is_growing()))
}

fn all_chapters() -> Vec<&'static [u8]> {
    BOOK.0.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_folder_of_chapters_is_one_journal() {
    let folder = folder(&all_chapters());
    let whole = BOOK.0.iter().map(|chapter| open(chapter).expect("a chapter").count()).sum();
    let journal = Journal::open(folder.path()).expect("a journal");
    assert_eq!(followed(journal), Ok((whole, 0, false)));
    let told = summary(|| Journal::open(folder.path())).expect("an answer");
    assert_eq!((told.walk.parted, told.walk.gaps.len()), (None, 0));
    let lines: usize = BOOK.0.iter().map(|it| it.iter().filter(|it| **it == b'\n').count()).sum();
    let mut journal = Journal::open(folder.path()).expect("a journal");
    let mut last = 0;
    while let Some(record) = journal.next() {
        assert!(record.is_ok());
        last = journal.line();
    }
    assert_eq!(last, lines as u64 - 1, "lines count through all chapters, up to the end's");
}

#[test]
fn a_missing_chapter_is_told_and_those_after_it_replay() {
    let mut chapters = all_chapters();
    chapters.remove(2);
    let folder = folder(&chapters);
    let left: usize = chapters.iter().map(|it| open(it).expect("a chapter").count()).sum();
    let journal = Journal::open(folder.path()).expect("a journal");
    assert_eq!(followed(journal), Ok((left, 1, false)));
    let told = summary(|| Journal::open(folder.path())).expect("an answer");
    assert_eq!((told.walk.parted, told.walk.gaps.len()), (None, 1));
}

#[test]
fn a_chapter_that_still_grows_ends_where_it_is() {
    let mut chapters = all_chapters();
    let last = chapters[CHAPTERS - 1];
    chapters[CHAPTERS - 1] = &last[..last.len() * 2 / 3];
    let folder = folder(&chapters);
    let whole: usize = BOOK.0.iter().map(|it| open(it).expect("a chapter").count()).sum();
    let told = followed(Journal::open(folder.path()).expect("a journal"));
    assert!(matches!(told, Ok((read, 0, true)) if read < whole), "{told:?}");
    let twice = folder.path().join("chapter-20261124T000000.000Z.jsonl.zst");
    fs::write(&twice, zstd::encode_all(last, 3).expect("packed")).expect("a file");
    let journal = Journal::open(folder.path()).expect("a journal");
    assert_eq!(followed(journal), Ok((whole, 0, false)), "of two forms, the packed one counts");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let chapters = all_chapters();
    let told = |folder: &tempfile::TempDir| {
        let journal = Journal::open(folder.path());
        journal.and_then(followed).expect_err("an error").to_string()
    };
    let backwards = told(&folder(&[chapters[3], chapters[1]]));
    assert!(backwards.contains("and the one before ends at"), "{backwards}");
    let text = String::from_utf8(chapters[1].to_vec()).expect("text");
    let other = text.replacen("\"scenario\":\"quickstart\"", "\"scenario\":\"another\"", 1);
    let other = told(&folder(&[chapters[0], other.as_bytes()]));
    assert!(other.contains("a chapter of `another`"), "{other}");
    let empty = told(&folder(&[]));
    assert!(empty.starts_with("error: there are no chapters of a journal"), "{empty}");
}
