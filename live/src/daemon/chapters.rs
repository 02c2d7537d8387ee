//! The journal in chapters: a file for each checkpoint and what followed it.
//!
//! The store is the truth, and a chapter what people and `provisioner replay` read of it: it begins
//! with the engine of the store's checkpoint and has the records since, and nothing that the store
//! has not. A process that died may leave the last chapter behind the store, or cut short; whoever
//! comes next writes it again from the store. The chapter that grows is plain text; one that has
//! ended is packed.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use provisioner_engine::Engine;
use provisioner_engine::journal::Record;
use provisioner_engine::units::Time;
use provisioner_files::journal::{Header, JOURNAL_VERSION, JournalWriter};

use crate::store::{Checkpoint, Entry};

/// How hard ended chapters are packed: about a twentieth is left of them.
const PACKING: i32 = 3;

const PREFIX: &str = "chapter-";
const GROWING: &str = ".jsonl";
const PACKED: &str = ".jsonl.zst";

/// Where chapters are kept.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder; it is made if it is not there.
    pub path: PathBuf,
    /// So many ended chapters are kept; older ones are removed.
    pub kept: usize,
}

/// The chapter that grows.
pub(super) struct Chapters {
    folder: Folder,
    provisioner: String,
    growing: Option<(PathBuf, JournalWriter<BufWriter<File>>)>,
}

impl Folder {
    /// Begins, or goes on with, the chapter of that checkpoint.
    pub(super) fn begin(
        &self,
        provisioner: &str,
        checkpoint: &Checkpoint,
        engine: &Engine,
        since: &[Record],
    ) -> io::Result<Chapters> {
        fs::create_dir_all(&self.path)?;
        let (folder, provisioner) = (self.clone(), provisioner.to_owned());
        let mut chapters = Chapters { folder, provisioner, growing: None };
        chapters.next(checkpoint.begun, engine)?;
        let records = since.iter().cloned().map(Entry::Engine);
        chapters.append(&records.collect::<Vec<_>>())?;
        Ok(chapters)
    }

    /// All ended chapters, oldest first.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn ended(&self) -> io::Result<Vec<PathBuf>> {
        let mut ended = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(PREFIX) && name.ends_with(PACKED) {
                ended.push(path);
            }
        }
        ended.sort();
        Ok(ended)
    }
}

impl Chapters {
    /// Adds what the store has taken.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let Some((_, writer)) = &mut self.growing else { return Ok(()) };
        for entry in entries {
            if let Entry::Engine(record) = entry {
                writer.record(record)?;
            }
        }
        writer.flush()
    }

    /// Ends the chapter and packs it.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some((path, writer)) = self.growing.take() else { return Ok(()) };
        writer.end()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let packed = path.with_extension("jsonl.zst");
        let unnamed = path.with_extension("jsonl.zst.new");
        let out = File::create(&unnamed)?;
        zstd::stream::copy_encode(File::open(&path)?, &out, PACKING)?;
        out.sync_all()?;
        fs::rename(unnamed, packed)?;
        fs::remove_file(path)?;
        let ended = self.folder.ended()?;
        let surplus = ended.len().saturating_sub(self.folder.kept);
        ended[..surplus].iter().try_for_each(fs::remove_file)
    }

    /// Begins the chapter of a checkpoint that was made then, of an engine as it is.
    pub(super) fn next(&mut self, begun: Time, engine: &Engine) -> io::Result<()> {
        let path = self.folder.path.join(format!("{PREFIX}{}{GROWING}", moment(begun)));
        let config = engine.config();
        let header = Header {
            journal: JOURNAL_VERSION,
            scenario: self.provisioner.clone(),
            scenario_hash: "0".repeat(16),
            seed: config.seed.0,
            commit: env!("PROVISIONER_COMMIT").to_owned(),
            engine: config.clone(),
        };
        remove_if_there(&path.with_extension("jsonl.zst"))?;
        let out = BufWriter::new(File::create(&path)?);
        let mut writer = JournalWriter::chapter(out, &header, engine)?;
        writer.flush()?;
        self.growing = Some((path, writer));
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A time that sorts as text and is a file's name anywhere.
fn moment(at: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(at.ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y%m%dT%H%M%S%.3fZ").to_string()
}
