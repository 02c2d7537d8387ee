//! Files damaged in every way that we can think of: journals and scenario files give an error with its
//! place, or are read, and nothing panics.
//!
//! What was found once is kept in `fuzz.proptest-regressions`, and has a test of its own.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use provisioner_engine::Engine;
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::replay;
use provisioner_engine::units::Time;
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::explain::Unanswered;
use provisioner_scenarios::explain::life::{Subject, life};
use provisioner_scenarios::explain::summary::summary;
use provisioner_scenarios::explain::turns::{at_time, in_span};
use provisioner_scenarios::explain::waiting::waiting;
use provisioner_scenarios::journal::{Header, JOURNAL_VERSION, Journal, JournalWriter};
use provisioner_scenarios::load_text;
use provisioner_scenarios::storm::compose;
use provisioner_sim::{Hooks, run};

/// What fails is kept in the corpus beside this file.
fn config(cases: u32) -> ProptestConfig {
    let corpus = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(corpus)),
        ..ProptestConfig::with_cases(cases)
    }
}

/// One thing done to a text.
#[derive(Clone, Debug)]
enum Damage {
    Truncated(Index),
    ByteSet(Index, u8),
    LineDropped(Index),
    LineDoubled(Index),
    LinesSwapped(Index, Index),
    LineFrom(Index, Index),
    NumberSet(Index, &'static str),
    WordSet(Index, &'static str),
}

const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "2",
    "255",
    "4294967295",
    "4294967296",
    "253402300799999",
    "9223372036854775807",
    "18446744073709551615",
    "1e300",
    "0.5",
];

const WORDS: [&str; 10] = ["", "true", "\"\"", "[]", "{}", "nan", "null", "\"1 s\"", "inf", "é"];

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        1 => index().prop_map(Damage::Truncated),
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::ByteSet(at, byte)),
        1 => index().prop_map(Damage::LineDropped),
        1 => index().prop_map(Damage::LineDoubled),
        1 => (index(), index()).prop_map(|(a, b)| Damage::LinesSwapped(a, b)),
        1 => (index(), index()).prop_map(|(a, b)| Damage::LineFrom(a, b)),
        6 => (index(), prop::sample::select(&NUMBERS[..]))
            .prop_map(|(at, number)| Damage::NumberSet(at, number)),
        2 => (index(), prop::sample::select(&WORDS[..]))
            .prop_map(|(at, word)| Damage::WordSet(at, word)),
    ]
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec(damage(), 1..4)
}

/// Where the words of these bytes are.
fn words(text: &[u8], of: impl Fn(u8) -> bool) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in text.iter().copied().chain([b' ']).enumerate() {
        match (start, of(byte)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn done_to(text: &[u8], damage: &Damage) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let line = |at: &Index| at.index(lines.len());
    let replace_word = |words: Vec<(usize, usize)>, at: &Index, with: &str| match words.len() {
        0 => text.to_vec(),
        len => {
            let (from, to) = words[at.index(len)];
            [&text[..from], with.as_bytes(), &text[to..]].concat()
        }
    };
    match damage {
        Damage::Truncated(at) => return text[..at.index(text.len())].to_vec(),
        Damage::ByteSet(at, byte) => {
            let mut text = text.to_vec();
            let at = at.index(text.len());
            text[at] = *byte;
            return text;
        }
        Damage::NumberSet(at, number) => {
            return replace_word(words(text, |byte| byte.is_ascii_digit()), at, number);
        }
        Damage::WordSet(at, word) => {
            return replace_word(words(text, |byte| byte.is_ascii_alphanumeric()), at, word);
        }
        Damage::LineDropped(at) => drop(lines.remove(line(at))),
        Damage::LineDoubled(at) => lines.insert(line(at), lines[line(at)]),
        Damage::LinesSwapped(a, b) => {
            let (a, b) = (line(a), line(b));
            lines.swap(a, b);
        }
        Damage::LineFrom(a, b) => {
            let (a, b) = (line(a), line(b));
            lines[a] = lines[b];
        }
    }
    lines.concat()
}

fn damaged(text: &[u8], damages: &[Damage]) -> Vec<u8> {
    damages.iter().fold(text.to_vec(), |text, damage| done_to(&text, damage))
}

/// Journals of the first turns of a few storms.
static JOURNALS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| (0..6).map(journal_of).collect());

const RECORDS: usize = 120;

fn journal_of(seed: u64) -> Vec<u8> {
    let scenario = load_text(Path::new("storm.toml"), &compose(seed)).expect("a storm").scenario;
    let config = scenario.config(scenario.seed());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.jsonl");
    let header = Header {
        journal: JOURNAL_VERSION,
        scenario: "storm".to_owned(),
        scenario_hash: "0123456789abcdef".to_owned(),
        seed,
        commit: "0123456789ab".to_owned(),
        engine: config.engine.clone(),
    };
    let mut writer = JournalWriter::create(&path, &header).expect("a file");
    let mut left = RECORDS;
    let mut journal = |record| {
        if left > 0 {
            left -= 1;
            writer.record(&record).expect("a line");
        }
    };
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let _ = run(&config, &mut *scenario.tasks(scenario.seed()), hooks);
    writer.finish().expect("an end");
    fs::read(path).expect("a journal")
}

/// Reads and replays; the error, if there is one.
fn replayed(bytes: Vec<u8>) -> Result<(), String> {
    let mut journal =
        Journal::read("journal.jsonl", Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut engine = Engine::new(journal.header().engine.clone());
    engine.explain(true);
    journal.try_for_each(|record| {
        let record = record.map_err(|error| error.to_string())?;
        replay(&mut engine, record).map_err(|divergence| format!("{divergence:?}"))
    })
}

/// Asks a journal everything; the first error, if there is one, that is the journal's.
fn asked(bytes: &[u8]) -> Result<(), String> {
    let open = || Journal::read("journal.jsonl", Cursor::new(bytes.to_vec()));
    let journal = |error: Unanswered| match error {
        Unanswered::Journal(error) => Some(error.to_string()),
        Unanswered::Absent { .. } => None,
    };
    let told = summary(open).map_err(|error| error.to_string())?;
    let name = told.worker_types.keys().next().cloned().unwrap_or_default();
    let at = told.walk.span.map_or(Time::EPOCH, |(_, last)| last);
    let same = diff(open().map_err(|error| error.to_string())?, open().expect("as before"));
    assert!(same.is_ok_and(|same| same.parting.is_none() && same.fact.is_none()));
    let errors = [
        life(open, Subject::Launch(LaunchId(1))).err(),
        at_time(open, at).err(),
        in_span(open, None, None, Some(&name)).err(),
        waiting(open, &name, at).err(),
    ];
    errors.into_iter().flatten().find_map(journal).map_or(Ok(()), Err)
}

/// Whether it says `--> file:line:column`.
fn has_line(told: &str) -> bool {
    let place = told.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
    let numbers = place.and_then(|place| place.rsplit_once(".toml:"));
    numbers.is_some_and(|(_, at)| at.bytes().all(|byte| byte == b':' || byte.is_ascii_digit()))
}

/// What is shipped, and a few storms.
static SCENARIOS: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = [root.to_path_buf(), root.join("incidents")].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("a file").path())
    });
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .filter(|path| !path.ends_with("Cargo.toml"))
        .collect();
    files.sort();
    let shipped = files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        (path, text)
    });
    let storms = (0..12).map(|seed| (PathBuf::from("storm.toml"), compose(seed)));
    shipped.chain(storms).collect()
});

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn no_damaged_journal_panics_and_each_error_has_its_place(
        which in any::<Index>(),
        damages in damages(),
    ) {
        let journal = which.get(&JOURNALS);
        let journal = damaged(journal, &damages);
        if let Err(error) = asked(&journal) {
            prop_assert!(error.contains("--> journal.jsonl:"), "{}", error);
        }
        if let Err(error) = replayed(journal) {
            let has_place = error.contains("--> journal.jsonl:");
            prop_assert!(has_place || error.starts_with("Divergence"), "{}", error);
        }
    }
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn no_damaged_scenario_panics_and_each_error_has_file_line_and_hint(
        which in any::<Index>(),
        damages in damages(),
    ) {
        let (path, text) = which.get(&SCENARIOS);
        let text = damaged(text.as_bytes(), &damages);
        let text = String::from_utf8_lossy(&text);
        match load_text(path, &text) {
            Ok(loaded) => drop(loaded.scenario.config(loaded.scenario.seed())),
            Err(issues) => for issue in issues.iter() {
                let told = issue.to_string();
                // What is missing with its whole section is nowhere in the file.
                let is_nowhere = ["error: missing ", "error: the scenario has no "]
                    .iter()
                    .any(|start| told.starts_with(start));
                prop_assert!(has_line(&told) || is_nowhere, "{}", told);
                prop_assert!(told.contains("\nhint: "), "{}", told);
            },
        }
    }
}

#[test]
fn journals_of_storms_are_sound_before_they_are_damaged() {
    for (seed, journal) in JOURNALS.iter().enumerate() {
        assert_eq!(replayed(journal.clone()), Ok(()), "storm {seed}");
    }
}
