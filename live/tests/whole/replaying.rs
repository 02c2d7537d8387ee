//! The journal of a run decides the same again.

use std::fs;
use std::path::{Path, PathBuf};

use provisioner_engine::journal::{Record, replay};
use provisioner_files::journal::Journal;
use provisioner_live::daemon::Folder;

/// How many records and orders the ended chapters of a journal have; each replays by itself.
#[track_caller]
pub(crate) fn replayed(folder: &Path) -> (usize, usize) {
    let chapters = Folder { path: folder.to_owned(), kept: 0 }.ended().expect("it is read");
    assert!(!chapters.is_empty(), "no chapter has ended in {}", folder.display());
    let (mut records, mut orders) = (0, 0);
    for chapter in chapters {
        let journal = Journal::open(&chapter).expect("a journal");
        let mut engine = journal.engine();
        for record in journal {
            let record = record.expect("a record");
            records += 1;
            if let Record::Decided(decision) = &record {
                orders += decision.actions.len();
            }
            replay(&mut engine, record).expect("it decides the same");
        }
    }
    (records, orders)
}

/// The same of a journal that begins with nothing launched. A copy stays in the folder of
/// `KEEP_JOURNALS`, if that is set: `.ci/live` has each judged by `provisioner replay --audit`.
#[track_caller]
pub(crate) fn judged(folder: &Path, name: &str) -> (usize, usize) {
    if let Some(keep) = std::env::var_os("KEEP_JOURNALS") {
        let kept = PathBuf::from(keep).join(name);
        fs::create_dir_all(&kept).expect("a folder");
        for chapter in fs::read_dir(folder).expect("it is read").flatten() {
            fs::copy(chapter.path(), kept.join(chapter.file_name())).expect("it is copied");
        }
    }
    replayed(folder)
}
