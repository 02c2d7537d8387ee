//! The canonical form of a trace: compact, fast, checked.
//!
//! All numbers are little-endian. A file is
//!
//! ```text
//! magic 8 | version u16 | kind u8 | columns u8 | rows u64
//! name tables: count u32, then of each name its length u32 and its UTF-8 bytes
//! xxh3 of all that u64
//! blocks of 4096 rows, the last one shorter: of each column its least value i64 and the width
//!     of a cell u8 (0, 1, 2, 4 or 8 bytes); then of each column its cells, less the least value
//! xxh3 of everything before u64
//! ```
//!
//! Equal traces give equal bytes. Reading checks everything: sizes, both checksums, that ids have
//! names, that numbers are in range and that times do not go back; nothing may follow. A version
//! is never changed in place: a reader refuses what is newer than itself.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::columns::Columns;
use super::error::{Place, TraceError};
use super::findings::Log;
use super::source::Source;
use super::{
    AdvisorTable, AvailabilityTrace, Format, Imported, InstanceTypeTable, OfferingTable,
    OnDemandTable, Options, PriceTrace, TaskTrace, Trace,
};

/// What a canonical file starts with; no text does, and line-end translation breaks it.
pub const MAGIC: &[u8] = b"\x89pTrace\n";
/// The version written, and the newest read.
pub const VERSION: u16 = 1;

const BLOCK_ROWS: usize = 4096;
/// Rows that are decoded together: their cells stay in the nearest cache.
const CHUNK_ROWS: usize = 256;
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
    bytes.extend((trace.rows().len() as u64).to_le_bytes());
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
    for rows in trace.rows().chunks(BLOCK_ROWS) {
        bytes.clear();
        write_block(rows, T::pack, &mut bytes);
        hash.update(&bytes);
        out.write_all(&bytes)?;
    }
    out.write_all(&hash.digest().to_le_bytes())
}

fn write_block<const K: usize, R>(rows: &[R], pack: impl Fn(&R) -> [i64; K], bytes: &mut Vec<u8>) {
    let (mut least, mut most) = ([i64::MAX; K], [i64::MIN; K]);
    for row in rows {
        for (column, cell) in pack(row).into_iter().enumerate() {
            least[column] = least[column].min(cell);
            most[column] = most[column].max(cell);
        }
    }
    let widths: [usize; K] = std::array::from_fn(|column| {
        match most[column].wrapping_sub(least[column]).cast_unsigned() {
            0 => 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        }
    });
    for (least, width) in least.iter().zip(widths) {
        bytes.extend(least.to_le_bytes());
        bytes.push(u8::try_from(width).expect("at most 8"));
    }
    for (column, width) in widths.into_iter().enumerate().filter(|(_, width)| *width > 0) {
        for row in rows {
            let cell = pack(row)[column].wrapping_sub(least[column]);
            bytes.extend(&cell.to_le_bytes()[..width]);
        }
    }
}

/// Reads a canonical file without looking for findings: the fast way in. It may be packed.
///
/// # Errors
///
/// The file cannot be opened or is not exactly what [`write_file`] wrote.
pub fn read_file(path: &Path) -> Result<Trace, TraceError> {
    let name = path.to_string_lossy();
    let file = File::open(path).map_err(|error| super::not_opened(&name, &error))?;
    read(&name, file)
}

/// Reads canonical bytes that are called `name`, which may be packed.
///
/// # Errors
///
/// They are not exactly what [`write()`] wrote.
pub fn read(name: &str, bytes: impl Read) -> Result<Trace, TraceError> {
    read_source(Source::unpack(name, bytes)?)
}

fn read_source(source: Source<'_>) -> Result<Trace, TraceError> {
    let problems = source.problems();
    let mut input = Input {
        bytes: BufReader::with_capacity(READ_AHEAD_BYTES, source.bytes),
        hash: Xxh3::new(),
        at: 0,
    };
    read_any(&mut input).map_err(|why| {
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

/// Why bytes are no trace.
enum Broken {
    NotCanonical,
    Newer(u16),
    Damaged(&'static str),
    Io(io::Error),
}

struct Input<'a> {
    bytes: BufReader<Box<dyn Read + 'a>>,
    hash: Xxh3,
    at: u64,
}

impl Input<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        self.bytes.read_exact(buffer).map_err(Broken::Io)?;
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

    fn name(&mut self) -> Result<String, Broken> {
        let length = u64::from(self.u32()?);
        let mut name = Vec::new();
        (&mut self.bytes).take(length).read_to_end(&mut name).map_err(Broken::Io)?;
        self.hash.update(&name);
        self.at += name.len() as u64;
        if name.len() as u64 != length {
            return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        String::from_utf8(name).map_err(|_| Broken::Damaged("a name is no text"))
    }

    fn checksum(&mut self) -> Result<(), Broken> {
        let expected = self.hash.digest();
        match u64::from_le_bytes(self.array()?) == expected {
            true => Ok(()),
            false => Err(Broken::Damaged("a checksum is wrong")),
        }
    }
}

fn read_any(input: &mut Input<'_>) -> Result<Trace, Broken> {
    if input.array::<8>()? != MAGIC {
        return Err(Broken::NotCanonical);
    }
    let version = u16::from_le_bytes(input.array()?);
    if version > VERSION {
        return Err(Broken::Newer(version));
    }
    let [kind, columns] = input.array()?;
    match (kind, columns) {
        (TaskTrace::KIND, 6) => read_columns(input, 1).map(Trace::Tasks),
        (PriceTrace::KIND, 3) => read_columns(input, 1).map(Trace::Prices),
        (AvailabilityTrace::KIND, 3) => read_columns(input, 1).map(Trace::Availability),
        (OnDemandTable::KIND, 5) => read_columns(input, 3).map(Trace::OnDemand),
        (InstanceTypeTable::KIND, 6) => read_columns(input, 2).map(Trace::InstanceTypes),
        (OfferingTable::KIND, 4) => read_columns(input, 3).map(Trace::Offerings),
        (AdvisorTable::KIND, 5) => read_columns(input, 3).map(Trace::Advisor),
        _ => Err(Broken::Damaged("no trace is of this kind")),
    }
}

fn read_columns<const K: usize, T: Columns<K>>(
    input: &mut Input<'_>,
    name_tables: usize,
) -> Result<T, Broken> {
    let row_count = u64::from_le_bytes(input.array()?);
    let (mut names, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..name_tables {
        let count = input.u32()?;
        names.push((0..count).map(|_| input.name()).collect::<Result<Vec<_>, _>>()?);
        limits.push(count);
    }
    input.checksum()?;
    let mut rows = Vec::new();
    let row_count = usize::try_from(row_count).ok();
    let row_count = row_count.filter(|count| rows.try_reserve_exact(*count).is_ok());
    let row_count = row_count.ok_or(Broken::Damaged("it has more rows than fit in memory"))?;
    let mut block = Block { least: [0; K], widths: [0; K], rows: 0, bytes: Vec::new() };
    let mut cells = [[0; K]; CHUNK_ROWS];
    let mut last = i64::MIN;
    while rows.len() < row_count {
        block.read(input, BLOCK_ROWS.min(row_count - rows.len()))?;
        for from in (0..block.rows).step_by(CHUNK_ROWS) {
            let cells = &mut cells[..CHUNK_ROWS.min(block.rows - from)];
            block.decode(from, cells);
            for &mut cells in cells {
                let row = T::unpack(cells, &limits);
                let row = row.ok_or(Broken::Damaged("a number is out of range"))?;
                if T::order(&row) < last {
                    return Err(Broken::Damaged("time goes back"));
                }
                last = T::order(&row);
                rows.push(row);
            }
        }
    }
    input.checksum()?;
    if input.bytes.read(&mut [0]).map_err(Broken::Io)? != 0 {
        return Err(Broken::Damaged("something follows its end"));
    }
    T::build(names, rows).ok_or(Broken::Damaged("a name is not what it should be"))
}

/// The columns of some rows, as they are stored.
struct Block<const K: usize> {
    least: [i64; K],
    widths: [usize; K],
    rows: usize,
    bytes: Vec<u8>,
}

impl<const K: usize> Block<K> {
    /// Reads the next block, which has that many rows.
    fn read(&mut self, input: &mut Input<'_>, rows: usize) -> Result<(), Broken> {
        for column in 0..K {
            self.least[column] = i64::from_le_bytes(input.array()?);
            let [width] = input.array()?;
            self.widths[column] = usize::from(width);
            if !matches!(width, 0 | 1 | 2 | 4 | 8) {
                return Err(Broken::Damaged("a column has no such width"));
            }
        }
        self.rows = rows;
        self.bytes.resize(self.widths.iter().sum::<usize>() * rows, 0);
        input.fill(&mut self.bytes)
    }

    /// The cells of as many rows as `cells` has, from one on.
    fn decode(&self, from: usize, cells: &mut [[i64; K]]) {
        let mut column_at = 0;
        for column in 0..K {
            let (width, least) = (self.widths[column], self.least[column]);
            let bytes = &self.bytes[column_at + width * from..][..width * cells.len()];
            column_at += width * self.rows;
            let rows = cells.iter_mut();
            macro_rules! cells_of {
                ($number:ty) => {
                    for (row, cell) in rows.zip(bytes.as_chunks::<{ size_of::<$number>() }>().0) {
                        let offset = u64::from(<$number>::from_le_bytes(*cell));
                        row[column] = least.wrapping_add_unsigned(offset);
                    }
                };
            }
            match width {
                0 => rows.for_each(|row| row[column] = least),
                1 => cells_of!(u8),
                2 => cells_of!(u16),
                4 => cells_of!(u32),
                _ => cells_of!(u64),
            }
        }
    }
}

pub(super) fn import(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let trace = read_source(source)?;
    let mut log = Log::new(options.now);
    let format = Format::Canonical;
    log.rows = trace.row_count();
    let findings = match &trace {
        Trace::Tasks(trace) => trace.findings(log, &file, format),
        Trace::Prices(trace) => trace.findings(log, options, &file, format),
        Trace::Availability(trace) => trace.findings(log, &file, format),
        Trace::OnDemand(table) => table.findings(log, &file, format),
        Trace::InstanceTypes(table) => table.findings(log, &file, format),
        Trace::Offerings(table) => table.findings(log, &file, format),
        Trace::Advisor(table) => table.findings(log, &file, format),
    };
    Ok(Imported { trace, findings })
}
