//! Journal files: what the engine was built from, every fact and every decision, in order.
//!
//! A journal is text, one JSON value a line, packed if its name ends in `.zst` or `.gz`:
//!
//! ```text
//! {"journal":1,"scenario":"quickstart","scenario_hash":"…","seed":1,"commit":"…","engine":{…}}
//! {"observed":{"at":1454284800000,"observation":{"fact":"price-changed","pool":0,…}}}
//! {"configured":{"at":1454284830000,"config":{…}}}
//! {"decided":{"at":1454284860000,"actions":[…],"reasons":[…],"wake_at":1454284920000}}
//! {"end":{"records":2,"decision_digest":"…"}}
//! ```
//!
//! Units are the engine's: milliseconds since the Unix epoch, micro-dollars, millionths; ids count
//! from 0 in the order of the header's tables, or of those of the last configuration since. The last line tells a whole journal from one that
//! was cut short. A version is never changed in place.
//!
//! A long journal can be cut into chapters that replay each by itself. A chapter's second line is the
//! engine as the chapter before left it, with the fingerprint of its text; `engine` in its header is
//! what that engine goes by:
//!
//! ```text
//! {"snapshot":{"version":1,"engine":{…}},"snapshot_hash":"…"}
//! ```
//!
//! A journal that grows while its writer lives has no last line until it is closed; [`mend`] closes
//! one whose writer was killed.
//!
//! A snapshot is for the build that wrote it, and is believed if its text is whole.
//!
//! Reading checks all that the engine takes for granted (ids, the order of time, ranges), so that
//! no file can make it panic. What is decided is not checked: that is what replaying is for.
//!
//! Not here: replaying ([`provisioner_engine::journal::replay`]).

mod chapters;
mod check;
mod mend;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::path::Path;

use provisioner_engine::Engine;
use provisioner_engine::journal::{Digest, Record};
use provisioner_engine::snapshot::Snapshot;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::chapters::{Turned, chapters};
pub use self::mend::mend;
use crate::output::OutFile;

/// The version that is written, and the only one that is read.
pub const JOURNAL_VERSION: u32 = 1;

/// No line is longer: a header with all of EC2's pools and prices has some ten megabytes. A longer
/// one means that this is no journal.
const LINE_BYTES_MAX: u64 = 256 << 20;

/// The first line: the run's name, and what the engine was built from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`JOURNAL_VERSION`] of the program that wrote it.
    pub journal: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's hash, 16 hexadecimal digits.
    pub scenario_hash: String,
    /// The seed of the run.
    pub seed: u64,
    /// The commit of the program that wrote it.
    pub commit: String,
    /// What the engine was built from; in a chapter, what it goes by when the chapter begins.
    pub engine: EngineConfig,
}

/// How the line of a snapshot begins, and what stands between it and its fingerprint.
const SNAPSHOT: &str = r#"{"snapshot":"#;
const SNAPSHOT_HASH: &str = r#","snapshot_hash":""#;
const SNAPSHOT_END: &str = "\"}\n";

fn fingerprint(text: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    records: u64,
    decision_digest: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// A count and fingerprint of the records so far.
#[derive(Debug, Default)]
struct Tally {
    records: u64,
    digest: Digest,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        self.records += 1;
        if let Record::Decided(decision) = record {
            self.digest.add(decision.at, &decision.actions);
        }
    }

    fn digest(&self) -> String {
        format!("{:016x}", self.digest.value())
    }
}

/// Writes a journal; a file is there, under its name, only once it is finished.
#[must_use = "nothing is kept without `finish`"]
pub struct JournalWriter<W: Write = OutFile> {
    out: W,
    tally: Tally,
}

impl JournalWriter {
    /// Starts a journal that will be at `path`, or standard output for `-`.
    ///
    /// # Errors
    ///
    /// It cannot be written there.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        Self::new(OutFile::create(path)?, header)
    }

    /// Adds the last line and gives the file its name.
    ///
    /// # Errors
    ///
    /// It cannot be stored; an older file is still there.
    pub fn finish(self) -> io::Result<()> {
        self.end()?.finish()
    }
}

impl<W: Write> JournalWriter<W> {
    /// Starts a journal.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, tally: Tally::default() };
        writer.line(header)?;
        Ok(writer)
    }

    /// Starts a chapter: a journal that goes on from where that engine is. The header's `engine` is
    /// the engine's own, whatever `header` says.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn chapter(out: W, header: &Header, engine: &Engine) -> io::Result<Self> {
        let header = Header { engine: engine.config().clone(), ..header.clone() };
        let mut writer = Self::new(out, &header)?;
        let text = serde_json::to_string(&Snapshot::of(engine))?;
        let hash = fingerprint(&text);
        write!(writer.out, "{SNAPSHOT}{text}{SNAPSHOT_HASH}{hash}{SNAPSHOT_END}")?;
        Ok(writer)
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// It cannot be stored.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        self.tally.add(record);
        self.line(record)
    }

    /// Hands on what was added: what was flushed outlives the process.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Adds the last line.
    ///
    /// # Errors
    ///
    /// It cannot be stored.
    pub fn end(mut self) -> io::Result<W> {
        let end = End { records: self.tally.records, decision_digest: self.tally.digest() };
        self.line(&EndLine { end })?;
        Ok(self.out)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}

/// Reads a journal: a header, then an iterator over its records that ends with the journal, or
/// with an error.
pub struct Journal {
    header: Header,
    /// Where a chapter begins.
    first: Option<Engine>,
    lines: Lines,
    tables: check::Tables,
    tally: Tally,
    /// The fingerprint of all decisions, whatever the chapter.
    digest: Digest,
    now: Time,
    ended: bool,
    /// It is read in chapters.
    book: Option<chapters::Book>,
}

impl Journal {
    /// Opens a journal and reads its header; of a folder, all [`chapters`] in it. Packed files are
    /// recognised by their bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or does not begin as a journal of this version does.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_all(&[path.to_owned()])
    }

    fn open_file(path: &Path) -> Result<Self, JournalError> {
        let name = path.to_string_lossy();
        match File::open(path) {
            Ok(file) => Self::read(&name, file),
            Err(error) => {
                let what = format!("the journal cannot be opened: {error}");
                Err(Lines::of(&name, io::empty()).error(what, "check the path"))
            }
        }
    }

    /// Reads a journal that is called `name` in errors, and its header now.
    ///
    /// # Errors
    ///
    /// It does not begin as a journal of this version does.
    pub fn read(name: &str, input: impl Read + 'static) -> Result<Self, JournalError> {
        let mut lines = Lines::unpack(name, input)?;
        let Some(line) = lines.next()? else {
            return Err(lines.error("the journal is empty", WRITE_AGAIN));
        };
        let version =
            serde_json::from_str::<Version>(line).map(|version| version.journal).map_err(|_| {
                let what = "this is not a journal: its first line has no `journal` version";
                lines.error(what, "write one with `provisioner simulate --journal FILE`")
            })?;
        if version != JOURNAL_VERSION {
            let what =
                format!("a journal of version {version}; this program reads {JOURNAL_VERSION}");
            return Err(lines.error(what, "replay it with the program that wrote it"));
        }
        let header: Header = lines.parse()?;
        let tables = check::Tables::of(&header.engine)
            .map_err(|what| lines.error(format!("`engine` is not sound: {what}"), WRITE_AGAIN))?;
        let first = lines.snapshot()?;
        if first.as_ref().is_some_and(|engine| *engine.config() != header.engine) {
            let what = "the snapshot's engine goes by another configuration than the header's";
            return Err(lines.error(what, WRITE_AGAIN));
        }
        let now = first.as_ref().map_or(Time::from_ms(i64::MIN), Engine::now);
        let (tally, digest) = (Tally::default(), Digest::new());
        Ok(Self { header, first, lines, tables, tally, digest, now, ended: false, book: None })
    }

    /// What the journal was written from.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The engine that the records are for, as it was before the first of them.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.first {
            Some(engine) => engine.clone(),
            None => Engine::new(self.header.engine.clone()),
        }
    }

    /// The line of the last record; of chapters, as if they were one file.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.lines.number + self.book.as_ref().map_or(0, |book| book.lines_before)
    }

    /// The fingerprint of the decisions read so far.
    #[must_use]
    pub fn decision_digest(&self) -> String {
        format!("{:016x}", self.digest.value())
    }

    fn next_record(&mut self) -> Result<Option<Record>, JournalError> {
        let Some(line) = self.lines.next()? else {
            if self.turn()? {
                return self.next_record();
            }
            if let Some(book) = &mut self.book {
                book.is_growing = true;
                return Ok(None);
            }
            let what = format!("the journal was cut short after {} records", self.tally.records);
            return Err(self.lines.error(what, WRITE_AGAIN));
        };
        if line.starts_with(r#"{"end""#) {
            let EndLine { end } = self.lines.parse()?;
            self.check_end(&end)?;
            return if self.turn()? { self.next_record() } else { Ok(None) };
        }
        let record: Record = self.lines.parse()?;
        let at = match &record {
            Record::Observed { at, .. } | Record::Configured { at, .. } => *at,
            Record::Decided(decision) => decision.at,
        };
        self.tables
            .check(&record)
            .and_then(|()| self.tables.follow(&record))
            .and_then(|()| {
                let before = self.now.ms();
                if at < self.now {
                    return Err(format!("time runs backwards: {before} ms, then {} ms", at.ms()));
                }
                Ok(())
            })
            .map_err(|what| self.lines.error(what, WRITE_AGAIN))?;
        self.now = at;
        self.tally.add(&record);
        if let Record::Decided(decision) = &record {
            self.digest.add(decision.at, &decision.actions);
        }
        Ok(Some(record))
    }

    fn check_end(&mut self, end: &End) -> Result<(), JournalError> {
        let (records, digest) = (self.tally.records, self.tally.digest());
        if end.records != records {
            let what = format!("the journal has {records} records and says {}", end.records);
            return Err(self.lines.error(what, WRITE_AGAIN));
        }
        if end.decision_digest != digest {
            let said = &end.decision_digest;
            let what =
                format!("the decisions have the digest {digest} and the journal says {said}");
            return Err(self.lines.error(what, WRITE_AGAIN));
        }
        if self.lines.next()?.is_some() {
            return Err(self.lines.error("the journal goes on after its end", WRITE_AGAIN));
        }
        Ok(())
    }
}

impl Iterator for Journal {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Why a journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalError {
    what: String,
    file: String,
    line: u64,
    column: Option<usize>,
    hint: String,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n --> {}", self.what, self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, "\nhint: {}", self.hint)
    }
}

impl std::error::Error for JournalError {}

/// What to do about a journal that is not as it was written.
const WRITE_AGAIN: &str = "it was altered or is damaged; write it again with `--journal`";

/// As much of a header as every version has.
#[derive(Deserialize)]
struct Version {
    journal: u32,
}

/// The lines of a file, unpacked, with their numbers.
struct Lines {
    file: String,
    input: Box<dyn BufRead>,
    text: String,
    number: u64,
    /// The current line was looked at and is still the next.
    held: bool,
    /// A line that was cut short is none.
    is_forgiving: bool,
}

impl Lines {
    fn of(name: &str, input: impl BufRead + 'static) -> Self {
        Self {
            file: name.to_owned(),
            input: Box::new(input),
            text: String::new(),
            number: 0,
            held: false,
            is_forgiving: false,
        }
    }

    fn unpack(name: &str, input: impl Read + 'static) -> Result<Self, JournalError> {
        let mut packed = buffered(input);
        let unpacked = match packed.fill_buf() {
            Ok([0x1f, 0x8b, ..]) => {
                return Ok(Self::of(name, buffered(flate2::bufread::MultiGzDecoder::new(packed))));
            }
            Ok([0x28, 0xb5, 0x2f, 0xfd, ..]) => zstd::Decoder::with_buffer(packed),
            Ok(_) => return Ok(Self::of(name, packed)),
            Err(error) => Err(error),
        };
        unpacked.map(|input| Self::of(name, buffered(input))).map_err(|error| {
            let what = format!("the journal cannot be read: {error}");
            Self::of(name, io::empty()).error(what, WRITE_AGAIN)
        })
    }

    fn next(&mut self) -> Result<Option<&str>, JournalError> {
        if mem::take(&mut self.held) {
            return Ok((!self.text.is_empty()).then_some(&self.text));
        }
        self.number += 1;
        self.text.clear();
        match (&mut self.input).take(LINE_BYTES_MAX).read_line(&mut self.text) {
            Ok(0) => Ok(None),
            Ok(_) if self.text.ends_with('\n') => Ok(Some(&self.text)),
            Ok(_) if self.is_forgiving => Ok(None),
            Ok(_) => Err(self.error("the journal was cut short within a line", WRITE_AGAIN)),
            Err(error) => {
                let what = format!("the journal cannot be read on: {error}");
                Err(self.error(what, WRITE_AGAIN))
            }
        }
    }

    /// The engine of the next line, if that is a snapshot.
    fn snapshot(&mut self) -> Result<Option<Engine>, JournalError> {
        let Some(line) = self.next()?.and_then(|line| line.strip_prefix(SNAPSHOT)) else {
            self.held = true;
            return Ok(None);
        };
        let parts =
            line.strip_suffix(SNAPSHOT_END).and_then(|line| line.rsplit_once(SNAPSHOT_HASH));
        let Some((text, _)) = parts.filter(|(text, hash)| fingerprint(text) == *hash) else {
            let what = "the snapshot is not what was written: its fingerprint differs";
            return Err(self.error(what, "read another chapter; each replays by itself"));
        };
        let snapshot: Result<Snapshot, _> = serde_json::from_str(text);
        let engine = snapshot
            .map_err(|error| error.to_string())
            .and_then(|snapshot| snapshot.restore([]).map_err(|error| error.to_string()));
        engine.map(Some).map_err(|what| {
            let what = format!("the snapshot cannot be read: {what}");
            self.error(what, "replay it with the program that wrote it")
        })
    }

    /// The current line as a value.
    fn parse<T: DeserializeOwned>(&self) -> Result<T, JournalError> {
        serde_json::from_str(&self.text).map_err(|error| {
            let text = error.to_string();
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            let place = (error.column() > 0).then(|| error.column());
            JournalError { column: place, ..self.error(what, WRITE_AGAIN) }
        })
    }

    fn error(&self, what: impl Into<String>, hint: &str) -> JournalError {
        let (file, line, hint) = (self.file.clone(), self.number, hint.to_owned());
        JournalError { what: what.into(), file, line, column: None, hint }
    }
}

fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(READ_AHEAD_BYTES, input)
}

const READ_AHEAD_BYTES: usize = 256 << 10;
