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

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_sim::input::Priority;
use xxhash_rust::xxh3::Xxh3;

use super::error::{Place, TraceError};
use super::findings::Log;
use super::source::Source;
use super::{
    AdvisorRow, AdvisorTable, AvailabilityPool, AvailabilityRow, AvailabilityTrace, Format,
    Imported, InstanceTypeRow, InstanceTypeTable, Market, OfferingRow, OfferingTable, OnDemandRow,
    OnDemandTable, Options, PriceRow, PriceTrace, TaskRow, TaskTrace, Trace,
};

/// What a canonical file starts with; no text does, and line-end translation breaks it.
pub const MAGIC: &[u8] = b"\x89pTrace\n";
/// The version written, and the newest read.
pub const VERSION: u16 = 1;

const BLOCK_ROWS: usize = 4096;
const READ_AHEAD_BYTES: usize = 256 << 10;

/// A trace as tables of names and rows of `K` numbers.
trait Columns<const K: usize>: Sized {
    const KIND: u8;
    type Row: Copy;

    fn rows(&self) -> &[Self::Row];
    fn names(&self) -> Vec<Vec<String>>;
    /// The number that must not go back; the same for all rows where there is none.
    fn order(row: &Self::Row) -> i64;
    fn pack(row: &Self::Row) -> [i64; K];
    /// The row, if all numbers are in range; `limits` are the lengths of the name tables.
    fn unpack(cells: [i64; K], limits: &[u32]) -> Option<Self::Row>;
    /// The trace, if the names are what they should be.
    fn build(names: Vec<Vec<String>>, rows: Vec<Self::Row>) -> Option<Self>;
}

fn id(cell: i64, limit: u32) -> Option<u32> {
    u32::try_from(cell).ok().filter(|id| *id < limit)
}

fn price(cell: i64) -> Option<UsdPerHour> {
    (cell >= 0).then(|| UsdPerHour::from_micros(cell))
}

impl Columns<6> for TaskTrace {
    const KIND: u8 = 1;
    type Row = TaskRow;

    fn rows(&self) -> &[TaskRow] {
        &self.tasks
    }
    fn names(&self) -> Vec<Vec<String>> {
        vec![self.queues.clone()]
    }
    fn order(row: &TaskRow) -> i64 {
        row.submitted.ms()
    }
    fn pack(row: &TaskRow) -> [i64; 6] {
        let (queue, priority) = (i64::from(row.queue), row.priority as i64);
        let (submitted, duration) = (row.submitted.ms(), row.duration.ms());
        [
            submitted,
            duration,
            row.deadline.ms(),
            queue,
            priority,
            i64::from(row.retries),
        ]
    }
    #[inline]
    fn unpack(
        [submitted, duration, deadline, queue, priority, retries]: [i64; 6],
        limits: &[u32],
    ) -> Option<TaskRow> {
        Some(TaskRow {
            submitted: Time::from_ms(submitted),
            duration: (duration >= 0).then(|| Duration::from_ms(duration))?,
            deadline: Time::from_ms(deadline),
            queue: id(queue, limits[0])?,
            priority: *Priority::ALL.get(usize::try_from(priority).ok()?)?,
            retries: u8::try_from(retries).ok()?,
        })
    }
    fn build(names: Vec<Vec<String>>, tasks: Vec<TaskRow>) -> Option<Self> {
        let [queues] = names.try_into().ok()?;
        Some(Self { queues, tasks })
    }
}

impl Columns<3> for PriceTrace {
    const KIND: u8 = 2;
    type Row = PriceRow;

    fn rows(&self) -> &[PriceRow] {
        &self.changes
    }
    fn names(&self) -> Vec<Vec<String>> {
        let joined = |m: &Market| format!("{}\t{}\t{}", m.zone, m.instance_type, m.product);
        vec![self.markets.iter().map(joined).collect()]
    }
    fn order(row: &PriceRow) -> i64 {
        row.at.ms()
    }
    fn pack(row: &PriceRow) -> [i64; 3] {
        [row.at.ms(), i64::from(row.market), row.price.micros()]
    }
    #[inline]
    fn unpack([at, market, cell]: [i64; 3], limits: &[u32]) -> Option<PriceRow> {
        let (at, market) = (Time::from_ms(at), id(market, limits[0])?);
        Some(PriceRow {
            at,
            market,
            price: price(cell)?,
        })
    }
    fn build(names: Vec<Vec<String>>, changes: Vec<PriceRow>) -> Option<Self> {
        let [names] = names.try_into().ok()?;
        let market = |name: String| {
            let mut parts = name.split('\t').map(str::to_owned);
            let (zone, instance_type) = (parts.next()?, parts.next()?);
            let product = parts.next()?;
            parts.next().is_none().then_some(Market {
                zone,
                instance_type,
                product,
            })
        };
        let markets = names.into_iter().map(market).collect::<Option<_>>()?;
        Some(Self { markets, changes })
    }
}

impl Columns<3> for AvailabilityTrace {
    const KIND: u8 = 3;
    type Row = AvailabilityRow;

    fn rows(&self) -> &[AvailabilityRow] {
        &self.changes
    }
    fn names(&self) -> Vec<Vec<String>> {
        let joined = |pool: &AvailabilityPool| format!("{}\t{}", pool.name, pool.end.ms());
        vec![self.pools.iter().map(joined).collect()]
    }
    fn order(row: &AvailabilityRow) -> i64 {
        row.at.ms()
    }
    fn pack(row: &AvailabilityRow) -> [i64; 3] {
        [row.at.ms(), i64::from(row.pool), i64::from(row.available)]
    }
    #[inline]
    fn unpack([at, pool, available]: [i64; 3], limits: &[u32]) -> Option<AvailabilityRow> {
        let (at, pool) = (Time::from_ms(at), id(pool, limits[0])?);
        Some(AvailabilityRow {
            at,
            pool,
            available: u32::try_from(available).ok()?,
        })
    }
    fn build(names: Vec<Vec<String>>, changes: Vec<AvailabilityRow>) -> Option<Self> {
        let [names] = names.try_into().ok()?;
        let pool = |joined: String| {
            let (name, end) = joined.split_once('\t')?;
            let end = Time::from_ms(end.parse().ok()?);
            Some(AvailabilityPool {
                name: name.to_owned(),
                end,
            })
        };
        let pools = names.into_iter().map(pool).collect::<Option<_>>()?;
        Some(Self { pools, changes })
    }
}

/// A catalogue table: its name tables are its fields, and so are its columns.
macro_rules! table {
    ($table:ident, $kind:literal, $row:ident, [$($names:ident),*], order $order:expr,
     $columns:literal: |$packed:ident| $pack:expr, |$cells:pat_param, $limits:ident| $unpack:expr) => {
        impl Columns<$columns> for $table {
            const KIND: u8 = $kind;
            type Row = $row;

            fn rows(&self) -> &[$row] {
                &self.rows
            }
            fn names(&self) -> Vec<Vec<String>> {
                vec![$(self.$names.clone()),*]
            }
            fn order(row: &$row) -> i64 {
                let order: fn(&$row) -> i64 = $order;
                order(row)
            }
            fn pack($packed: &$row) -> [i64; $columns] {
                $pack
            }
            fn unpack($cells: [i64; $columns], $limits: &[u32]) -> Option<$row> {
                Some($unpack)
            }
            fn build(names: Vec<Vec<String>>, rows: Vec<$row>) -> Option<Self> {
                let [$($names),*] = names.try_into().ok()?;
                Some(Self { $($names,)* rows })
            }
        }
    };
}

table!(OnDemandTable, 4, OnDemandRow, [regions, instance_types, products],
order |row| row.since.ms(),
5: |row| [row.since.ms(), row.region.into(), row.instance_type.into(), row.product.into(),
    row.price.micros()],
|[since, region, instance_type, product, cell], limits| OnDemandRow {
    since: Time::from_ms(since),
    region: id(region, limits[0])?,
    instance_type: id(instance_type, limits[1])?,
    product: id(product, limits[2])?,
    price: price(cell)?,
});

table!(InstanceTypeTable, 5, InstanceTypeRow, [instance_types, architectures], order |_| 0,
6: |row| [row.instance_type, row.architecture, row.vcpus, row.memory_mib, row.gpus,
    u32::from(row.spot)].map(i64::from),
|[instance_type, architecture, vcpus, memory_mib, gpus, spot], limits| InstanceTypeRow {
    instance_type: id(instance_type, limits[0])?,
    architecture: id(architecture, limits[1])?,
    vcpus: u32::try_from(vcpus).ok()?,
    memory_mib: u32::try_from(memory_mib).ok()?,
    gpus: u32::try_from(gpus).ok()?,
    spot: id(spot, 2)? == 1,
});

table!(OfferingTable, 6, OfferingRow, [regions, zones, instance_types], order |_| 0,
4: |row| [row.region, row.zone, u32::from(row.is_zone_id), row.instance_type].map(i64::from),
|[region, zone, is_zone_id, instance_type], limits| OfferingRow {
    region: id(region, limits[0])?,
    zone: id(zone, limits[1])?,
    is_zone_id: id(is_zone_id, 2)? == 1,
    instance_type: id(instance_type, limits[2])?,
});

table!(AdvisorTable, 7, AdvisorRow, [regions, products, instance_types], order |_| 0,
5: |row| [row.region.into(), row.product.into(), row.instance_type.into(), row.band.into(),
    row.savings_percent.into()],
|[region, product, instance_type, band, savings], limits| AdvisorRow {
    region: id(region, limits[0])?,
    product: id(product, limits[1])?,
    instance_type: id(instance_type, limits[2])?,
    band: u8::try_from(band).ok().filter(|band| *band <= 4)?,
    savings_percent: i16::try_from(savings).ok()?,
});

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
    let length = |n: usize| {
        u32::try_from(n)
            .expect("under four billion names")
            .to_le_bytes()
    };
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
    for (column, width) in widths
        .into_iter()
        .enumerate()
        .filter(|(_, width)| *width > 0)
    {
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
            Broken::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => (
                "the trace is truncated".to_owned(),
                "import the original file again",
            ),
            Broken::Io(error) => (
                format!("the file cannot be read to its end: {error}"),
                "try again",
            ),
            Broken::Damaged(what) => (
                format!("the trace is damaged: {what}"),
                "import the original file again",
            ),
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
        (&mut self.bytes)
            .take(length)
            .read_to_end(&mut name)
            .map_err(Broken::Io)?;
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
        names.push(
            (0..count)
                .map(|_| input.name())
                .collect::<Result<Vec<_>, _>>()?,
        );
        limits.push(count);
    }
    input.checksum()?;
    let mut rows = Vec::new();
    let row_count = usize::try_from(row_count).ok();
    let row_count = row_count.filter(|count| rows.try_reserve_exact(*count).is_ok());
    let row_count = row_count.ok_or(Broken::Damaged("it has more rows than fit in memory"))?;
    let (mut block, mut cells) = (Vec::new(), vec![[0; K]; BLOCK_ROWS.min(row_count)]);
    while rows.len() < row_count {
        let count = BLOCK_ROWS.min(row_count - rows.len());
        read_block(input, &mut block, &mut cells[..count])?;
        let mut last = rows.last().map_or(i64::MIN, T::order);
        for &cells in &cells[..count] {
            let row =
                T::unpack(cells, &limits).ok_or(Broken::Damaged("a number is out of range"))?;
            if T::order(&row) < last {
                return Err(Broken::Damaged("time goes back"));
            }
            last = T::order(&row);
            rows.push(row);
        }
    }
    input.checksum()?;
    if input.bytes.read(&mut [0]).map_err(Broken::Io)? != 0 {
        return Err(Broken::Damaged("something follows its end"));
    }
    T::build(names, rows).ok_or(Broken::Damaged("a name is not what it should be"))
}

/// Reads the cells of as many rows as `cells` has.
fn read_block<const K: usize>(
    input: &mut Input<'_>,
    block: &mut Vec<u8>,
    cells: &mut [[i64; K]],
) -> Result<(), Broken> {
    let (mut least, mut widths) = ([0; K], [0; K]);
    for column in 0..K {
        least[column] = i64::from_le_bytes(input.array()?);
        let [width] = input.array()?;
        widths[column] = usize::from(width);
        if !matches!(width, 0 | 1 | 2 | 4 | 8) {
            return Err(Broken::Damaged("a column has no such width"));
        }
    }
    block.resize(widths.iter().sum::<usize>() * cells.len(), 0);
    input.fill(block)?;
    let mut rest = block.as_slice();
    for column in 0..K {
        let (bytes, later) = rest.split_at(widths[column] * cells.len());
        rest = later;
        let rows = cells.iter_mut();
        macro_rules! cells_of {
            ($number:ty) => {
                for (row, cell) in rows.zip(bytes.as_chunks::<{ size_of::<$number>() }>().0) {
                    let offset = u64::from(<$number>::from_le_bytes(*cell));
                    row[column] = least[column].wrapping_add_unsigned(offset);
                }
            };
        }
        match widths[column] {
            0 => rows.for_each(|row| row[column] = least[column]),
            1 => cells_of!(u8),
            2 => cells_of!(u16),
            4 => cells_of!(u32),
            _ => cells_of!(u64),
        }
    }
    Ok(())
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
