//! The canonical form of a trace: compact, fast, checked.
//!
//! All numbers are little-endian. A file is
//!
//! ```text
//! magic 8 | version u16 | kind u8 | columns u8 | rows u64
//! name tables: count u32, then of each name its length u32 and its UTF-8 bytes
//! xxh3 of all that u64
//! blocks of 4096 rows, the last one shorter: of each column its least value i64 and the width
//!     of a cell u8 (0 to 8 bytes); then of each column its cells, less the least value
//! xxh3 of everything before u64
//! ```
//!
//! Equal traces give equal bytes. Reading checks everything: sizes, both checksums, that ids have
//! names, that numbers are in range and that times do not go back; nothing may follow. A version
//! is never changed in place: a reader refuses what is newer than itself. Version 1 lacked the widths
//! 3, 5, 6 and 7; what it wrote is read as ever.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::columns::Columns;
use super::error::{Place, TraceError};
use super::findings::Log;
use super::packed::{BLOCK_ROWS, Block, Chunk, Rows};
use super::source::Source;
use super::tasks::TaskTally;
use super::{
    AdvisorTable, AvailabilityTrace, Format, Imported, InstanceTypeTable, OfferingTable,
    OnDemandTable, Options, PriceTrace, TaskTrace, Trace,
};

/// What a canonical file starts with; no text does, and line-end translation breaks it.
pub const MAGIC: &[u8] = b"\x89pTrace\n";
/// The version written, and the newest read.
pub const VERSION: u16 = 2;

const READ_AHEAD_BYTES: usize = 256 << 10;

/// Writes a trace to a file of its own.
///
/// # Errors
///
/// Whatever the file system says.
pub fn write_file(trace: &Trace, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write(trace, &mut out)?;
    out.flush()
}

/// Writes a trace.
///
/// # Errors
///
/// Whatever `out` says.
pub fn write(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    match trace {
        Trace::Tasks(trace) => write_columns(trace, out),
        Trace::Prices(trace) => write_columns(trace, out),
        Trace::Availability(trace) => write_columns(trace, out),
        Trace::OnDemand(table) => write_columns(table, out),
        Trace::InstanceTypes(table) => write_columns(table, out),
        Trace::Offerings(table) => write_columns(table, out),
        Trace::Advisor(table) => write_columns(table, out),
    }
}

fn write_columns<const K: usize, T: Columns<K>>(trace: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([T::KIND, u8::try_from(K).expect("a handful of columns")]);
    bytes.extend((trace.rows().row_count() as u64).to_le_bytes());
    let length = |n: usize| u32::try_from(n).expect("under four billion names").to_le_bytes();
    for names in trace.names() {
        bytes.extend(length(names.len()));
        for name in names {
            bytes.extend(length(name.len()));
            bytes.extend(name.as_bytes());
        }
    }
    let mut hash = Xxh3::new();
    hash.update(&bytes);
    let header = hash.digest().to_le_bytes();
    hash.update(&header);
    bytes.extend(header);
    out.write_all(&bytes)?;
    for block in trace.rows().blocks(T::pack) {
        bytes.clear();
        for (least, width) in block.least.iter().zip(block.widths) {
            bytes.extend(least.to_le_bytes());
            bytes.push(u8::try_from(width).expect("at most 8"));
        }
        bytes.extend(&block.bytes);
        hash.update(&bytes);
        out.write_all(&bytes)?;
    }
    out.write_all(&hash.digest().to_le_bytes())
}

/// Reads canonical bytes that are called `name`, which may be packed, without looking for
/// findings.
///
/// # Errors
///
/// They are not exactly what [`write()`] wrote.
pub fn read(name: &str, bytes: impl Read) -> Result<Trace, TraceError> {
    read_source(Source::unpack(name, bytes)?).map(|(trace, _)| trace)
}

/// A trace, and what was counted if it is one of tasks.
fn read_source(source: Source<'_>) -> Result<(Trace, TaskTally), TraceError> {
    let problems = source.problems();
    let mut input = Input {
        input: BufReader::with_capacity(READ_AHEAD_BYTES, source.bytes),
        hash: Xxh3::new(),
        at: 0,
    };
    let mut tally = TaskTally::default();
    read_any(&mut input, &mut tally).map(|trace| (trace, tally)).map_err(|why| {
        let (what, hint) = match why {
            Broken::NotCanonical => ("this is no canonical trace".to_owned(), "import it first"),
            Broken::Newer(version) => (
                format!("the trace has version {version}; this program reads up to {VERSION}"),
                "update this program, or import the original file again",
            ),
            Broken::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                ("the trace is truncated".to_owned(), "import the original file again")
            }
            Broken::Io(error) => {
                (format!("the file cannot be read to its end: {error}"), "try again")
            }
            Broken::Damaged(what) => {
                (format!("the trace is damaged: {what}"), "import the original file again")
            }
        };
        problems.fatal(Place::Byte(input.at), what, hint)
    })
}

const OUT_OF_RANGE: Broken = Broken::Damaged("a number is out of range");

/// Why bytes are no trace.
enum Broken {
    NotCanonical,
    Newer(u16),
    Damaged(&'static str),
    Io(io::Error),
}

struct Input<'a> {
    input: BufReader<Box<dyn Read + 'a>>,
    hash: Xxh3,
    at: u64,
}

impl Input<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        self.input.read_exact(buffer).map_err(Broken::Io)?;
        self.hash.update(buffer);
        self.at += buffer.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// So many bytes. A wrong length costs no memory.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Broken> {
        let mut bytes = Vec::with_capacity(length.min(READ_AHEAD_BYTES));
        let input = &mut self.input;
        input.take(length as u64).read_to_end(&mut bytes).map_err(Broken::Io)?;
        self.hash.update(&bytes);
        self.at += bytes.len() as u64;
        if bytes.len() != length {
            return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes)
    }

    fn name(&mut self) -> Result<String, Broken> {
        let length = self.u32()? as usize;
        String::from_utf8(self.bytes(length)?).map_err(|_| Broken::Damaged("a name is no text"))
    }

    fn checksum(&mut self) -> Result<(), Broken> {
        let expected = self.hash.digest();
        match u64::from_le_bytes(self.array()?) == expected {
            true => Ok(()),
            false => Err(Broken::Damaged("a checksum is wrong")),
        }
    }
}

fn read_any(input: &mut Input<'_>, tally: &mut TaskTally) -> Result<Trace, Broken> {
    if input.array::<8>()? != MAGIC {
        return Err(Broken::NotCanonical);
    }
    let version = u16::from_le_bytes(input.array()?);
    if version > VERSION {
        return Err(Broken::Newer(version));
    }
    let [kind, columns] = input.array()?;
    match (kind, columns) {
        (TaskTrace::KIND, 6) => read_columns(input, 1, |chunk| tally.add(chunk)).map(Trace::Tasks),
        (PriceTrace::KIND, 3) => read_columns(input, 1, |_| ()).map(Trace::Prices),
        (AvailabilityTrace::KIND, 3) => read_columns(input, 1, |_| ()).map(Trace::Availability),
        (OnDemandTable::KIND, 5) => read_columns(input, 3, |_| ()).map(Trace::OnDemand),
        (InstanceTypeTable::KIND, 6) => read_columns(input, 2, |_| ()).map(Trace::InstanceTypes),
        (OfferingTable::KIND, 4) => read_columns(input, 3, |_| ()).map(Trace::Offerings),
        (AdvisorTable::KIND, 5) => read_columns(input, 3, |_| ()).map(Trace::Advisor),
        _ => Err(Broken::Damaged("no trace is of this kind")),
    }
}

fn read_columns<const K: usize, T: Columns<K>>(
    input: &mut Input<'_>,
    name_tables: usize,
    mut seen: impl FnMut(&Chunk<K>),
) -> Result<T, Broken> {
    let row_count = u64::from_le_bytes(input.array()?);
    let (mut names, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..name_tables {
        let count = input.u32()?;
        names.push((0..count).map(|_| input.name()).collect::<Result<Vec<_>, _>>()?);
        limits.push(count);
    }
    input.checksum()?;
    let row_count = usize::try_from(row_count).ok();
    let room = row_count.and_then(|count| T::Rows::with_room(count).zip(Some(count)));
    let too_many = Broken::Damaged("it has more rows than fit in memory");
    let (mut rows, mut unread) = room.ok_or(too_many)?;
    let mut last = i64::MIN;
    while unread > 0 {
        let block = read_block(input, BLOCK_ROWS.min(unread))?;
        unread -= block.rows;
        let unpack = |cells| T::unpack(cells, &limits).ok_or(OUT_OF_RANGE);
        // If the least and the greatest number of a column are in its range, so are all.
        unpack(block.least)?;
        let tops = match block.ceiling().filter(|tops| unpack(*tops).is_ok()) {
            Some(tops) => tops,
            None => block.most().ok_or(OUT_OF_RANGE)?,
        };
        unpack(tops)?;
        let check = |chunk: &Chunk<K>| {
            let mut goes_back = false;
            for at in chunk.column(0) {
                goes_back |= *at < last;
                last = *at;
            }
            if goes_back && T::ORDERED {
                return Err(Broken::Damaged("time goes back"));
            }
            seen(chunk);
            Ok(())
        };
        rows.add(block.narrowed(&tops), check, unpack)?;
    }
    input.checksum()?;
    if input.input.read(&mut [0]).map_err(Broken::Io)? != 0 {
        return Err(Broken::Damaged("something follows its end"));
    }
    T::build(names, rows).ok_or(Broken::Damaged("a name is not what it should be"))
}

fn read_block<const K: usize>(input: &mut Input<'_>, rows: usize) -> Result<Block<K>, Broken> {
    let (mut least, mut widths) = ([0; K], [0; K]);
    for column in 0..K {
        least[column] = i64::from_le_bytes(input.array()?);
        let [width] = input.array()?;
        widths[column] = usize::from(width);
        if width > 8 {
            return Err(Broken::Damaged("a column has no such width"));
        }
    }
    let bytes = input.bytes(widths.iter().sum::<usize>() * rows)?;
    Ok(Block { rows, least, widths, bytes })
}

pub(super) fn import(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let (trace, tally) = read_source(source)?;
    let mut log = Log::new(options.now);
    let format = Format::Canonical;
    log.rows = trace.row_count();
    let findings = match &trace {
        Trace::Tasks(trace) => trace.findings(log, tally, &file, format),
        Trace::Prices(trace) => trace.findings(log, options, &file, format),
        Trace::Availability(trace) => trace.findings(log, &file, format),
        Trace::OnDemand(table) => table.findings(log, &file, format),
        Trace::InstanceTypes(table) => table.findings(log, &file, format),
        Trace::Offerings(table) => table.findings(log, &file, format),
        Trace::Advisor(table) => table.findings(log, &file, format),
    };
    Ok(Imported { trace, findings })
}
