//! Whatever a journal of a storm is asked, there is an answer or a reason why not, and nothing
//! panics; what differs first is found first.

use std::fs;
use std::io::Cursor;

use proptest::prelude::*;
use proptest::sample::Index;
use provisioner_engine::ids::{InstanceId, LaunchId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Time};
use provisioner_reports::{Look, diff as parts, explain as pages};
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::explain::life::{Subject, life};
use provisioner_scenarios::explain::summary::summary;
use provisioner_scenarios::explain::turns::{at_time, in_span};
use provisioner_scenarios::explain::waiting::waiting;
use provisioner_scenarios::explain::{Unanswered, worst_wait};
use provisioner_scenarios::journal::{
    Header, JOURNAL_VERSION, Journal, JournalError, JournalWriter,
};
use provisioner_scenarios::load_text;
use provisioner_scenarios::storm::compose;
use provisioner_sim::{Hooks, run};

/// So much of a storm is enough to launch, lose, restart and be configured anew.
const RECORDS: usize = 3_000;

/// The beginning of a storm, and what it was built from.
fn storm(seed: u64) -> (Header, Vec<Record>) {
    let path = std::path::Path::new("storm.toml");
    let scenario = load_text(path, &compose(seed)).expect("a storm").scenario;
    let config = scenario.config(scenario.seed());
    let header = Header {
        journal: JOURNAL_VERSION,
        scenario: "storm".to_owned(),
        scenario_hash: scenario.hash().to_owned(),
        seed,
        commit: "0123456789ab".to_owned(),
        engine: config.engine.clone(),
    };
    let mut records = Vec::new();
    let mut journal = |record| {
        if records.len() < RECORDS {
            records.push(record);
        }
    };
    let hooks = Hooks { journal: Some(&mut journal), ..Hooks::default() };
    let _ = run(&config, &mut *scenario.tasks(scenario.seed()), hooks);
    (header, records)
}

fn written(header: &Header, records: &[Record]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.jsonl");
    let mut writer = JournalWriter::create(&path, header).expect("a file");
    records.iter().for_each(|record| writer.record(record).expect("a line"));
    writer.finish().expect("an end");
    fs::read(path).expect("a journal")
}

fn open(bytes: &[u8]) -> impl Fn() -> Result<Journal, JournalError> {
    let bytes = bytes.to_vec();
    move || Journal::read("journal.jsonl", Cursor::new(bytes.clone()))
}

fn read(bytes: &[u8]) -> Journal {
    open(bytes)().expect("a journal")
}

/// What is said, in words; absences have a hint.
fn said<T>(answer: Result<T, Unanswered>, page: impl Fn(&T) -> provisioner_reports::Page) -> bool {
    match answer {
        Ok(answer) => {
            let page = page(&answer);
            assert!(!page.show(Look::default()).to_string().is_empty());
            assert!(serde_json::to_string(&page).is_ok());
            true
        }
        Err(Unanswered::Absent { what, hint }) => {
            assert!(!what.is_empty() && !hint.is_empty());
            false
        }
        Err(Unanswered::Journal(error)) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_question_to_a_storm_has_an_answer(
        seed in 0_u64..5_000,
        places in prop::collection::vec(any::<Index>(), 6),
        numbers in prop::collection::vec(0_u64..60, 6),
    ) {
        let (header, records) = storm(seed);
        let bytes = written(&header, &records);
        prop_assert!(said(summary(open(&bytes)), |it| pages::summary(it, "journal.jsonl")));
        for (place, number) in places.iter().zip(numbers) {
            let at = place.get(&records).at();
            prop_assert!(said(at_time(open(&bytes), at), pages::at_time));
            for subject in
                [Subject::Launch(LaunchId(number)), Subject::Instance(InstanceId(number))]
            {
                said(life(open(&bytes), subject), pages::life);
            }
            let name = &place.get(&header.engine.worker_types).name;
            prop_assert!(said(waiting(open(&bytes), name, at), pages::waiting));
            let later = Some(at + Duration::HOUR).filter(|to| *to <= records[records.len() - 1].at());
            prop_assert!(said(in_span(open(&bytes), Some(at), later, Some(name)), pages::in_span));
            if let Ok(worst) = worst_wait(open(&bytes), name) {
                let answer = waiting(open(&bytes), name, worst).expect("an answer");
                prop_assert!(answer.wait.is_some(), "{} waited most at {}", name, worst);
            }
        }
    }

    #[test]
    fn a_launch_that_was_ordered_has_a_life_with_reasons(seed in 0_u64..5_000) {
        let (header, records) = storm(seed);
        let bytes = written(&header, &records);
        let ordered = records.iter().find_map(|record| match record {
            Record::Decided(decision) => {
                let launches = |id: &LaunchId| decision.actions.iter().any(|it| it.launches(*id));
                Some(LaunchId(1)).filter(launches)
            }
            _ => None,
        });
        if let Some(launch) = ordered {
            let answer = life(open(&bytes), Subject::Launch(launch)).expect("it is there");
            let ordered = answer.ordered.expect("it was ordered");
            prop_assert!(!ordered.reasons.is_empty());
            prop_assert!(!ordered.alternatives.is_empty());
            prop_assert_eq!(answer.walk.parted, None);
        }
    }

    #[test]
    fn a_journal_does_not_differ_from_itself_and_what_differs_first_is_found(
        seed in 0_u64..5_000,
        decision in any::<Index>(),
        fact in any::<Index>(),
    ) {
        let (header, records) = storm(seed);
        let bytes = written(&header, &records);
        let same = diff(read(&bytes), read(&bytes)).expect("two journals");
        let decisions = records.iter().filter(|it| matches!(it, Record::Decided(_))).count();
        prop_assert!(same.parting.is_none() && same.fact.is_none() && same.settings.is_empty());
        prop_assert_eq!(same.equal_decisions, decisions as u64);
        prop_assert_eq!(same.equal_facts + decisions as u64, records.len() as u64);

        let nth = decision.index(decisions);
        let mut altered = records.clone();
        // This one and all later ones; a fact at any place, too.
        let decided = altered.iter_mut().filter_map(|record| match record {
            Record::Decided(decision) => Some(decision),
            Record::Observed { .. } | Record::Configured { .. } => None,
        });
        decided.skip(nth).for_each(|decision| decision.wake_at = decision.wake_at + Duration::SECOND);
        let facts: Vec<usize> = (0..records.len())
            .filter(|place| matches!(records[*place], Record::Observed { .. }))
            .collect();
        let place = *fact.get(&facts);
        if let Record::Observed { observation, .. } = &mut altered[place] {
            *observation = Observation::PricesRead { as_of: Time::from_ms(1) };
        }
        let found = diff(read(&bytes), read(&written(&header, &altered))).expect("two journals");
        let parting = found.parting.as_ref().expect("they differ");
        prop_assert_eq!(parting.nth, nth as u64 + 1);
        let until = |place: usize| {
            records[..place].iter().filter(|it| matches!(it, Record::Decided(_))).count()
        };
        if until(place) <= nth {
            prop_assert_eq!(found.equal_facts, (place - until(place)) as u64);
            prop_assert!(found.fact.is_some());
        } else {
            prop_assert!(found.fact.is_none());
        }
        let page = parts::diff(&found, ["a", "b"], None);
        prop_assert!(!page.show(Look::default()).to_string().is_empty());
    }
}
