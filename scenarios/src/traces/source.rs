//! Bytes of a file, unpacked, and the records of delimited text in them.
//!
//! `.gz` and `.zst` are recognised by their first bytes, whatever the name says, also one inside
//! the other; concatenated members are read as one. Files are streamed: memory does not grow
//! with the file. A byte order mark is no part of what follows it. Errors: a stream that ends early
//! or is damaged is an error, never a short file.

use std::io::{self, Cursor, Read};

use super::error::{Place, Problems, TraceError};
use super::format::{delimiter, first_line, header_name};

/// What some programs begin UTF-8 with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How much of a file is looked at to tell its format.
const HEAD_BYTES: usize = 64 << 10;
/// As much as `zstd --long=31` needs to be unpacked.
const ZSTD_WINDOW_LOG_MAX: u32 = 31;
/// How much is read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// How much is searched for delimiters at a time: a bit for each byte.
const WINDOW_BYTES: usize = 64;
/// How far ahead delimiters are searched: what is found stays in the nearest cache.
const MARKED_BYTES: usize = 64 * WINDOW_BYTES;
/// No line of a recorded table is longer; a longer one means that this is no text.
const LINE_BYTES_MAX: usize = 4 << 20;

/// An opened file: its name, its first bytes, and all of its bytes.
pub(super) struct Source<'a> {
    /// As the caller gave it.
    pub(super) name: String,
    /// Unpacked.
    pub(super) head: Vec<u8>,
    /// All unpacked bytes, the head included.
    pub(super) bytes: Box<dyn Read + 'a>,
}

impl<'a> Source<'a> {
    pub(super) fn unpack(name: &str, packed: impl Read + 'a) -> Result<Self, TraceError> {
        let mut bytes: Box<dyn Read + 'a> = Box::new(packed);
        for _ in 0..3 {
            let mut head = Vec::new();
            let fill = HEAD_BYTES as u64;
            (&mut bytes)
                .take(fill)
                .read_to_end(&mut head)
                .map_err(|error| unreadable(name, &error))?;
            if let Some((what, hint)) = packed_otherwise(&head) {
                return Err(Problems::in_file(name).fatal(Place::File, what, hint));
            }
            let marked = head.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec);
            let head = marked.unwrap_or(head);
            let whole = Cursor::new(head.clone()).chain(bytes);
            bytes = match head.as_slice() {
                [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
                // A frame, or one to be passed over, with which parallel packers begin.
                [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                    let unpacked = zstd::Decoder::new(whole).and_then(|mut unpacked| {
                        unpacked.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                        Ok(unpacked)
                    });
                    Box::new(unpacked.map_err(|error| unreadable(name, &error))?)
                }
                _ => {
                    let name = name.to_owned();
                    return Ok(Self { name, head, bytes: Box::new(whole) });
                }
            };
        }
        Err(Problems::in_file(name).fatal(
            Place::File,
            "the file is packed more than twice",
            "unpack it first",
        ))
    }

    pub(super) fn problems(&self) -> Problems {
        Problems::in_file(&self.name)
    }

    /// All bytes at once, for formats that are one document.
    pub(super) fn read_all(self) -> Result<Vec<u8>, TraceError> {
        let (mut bytes, mut all) = (self.bytes, Vec::new());
        bytes.read_to_end(&mut all).map_err(|error| unreadable(&self.name, &error))?;
        Ok(all)
    }

    /// The lines of the text, split at that delimiter.
    pub(super) fn records(self, delimiter: u8) -> Result<Records<'a>, TraceError> {
        if self.head.contains(&b'\r') && !self.head.contains(&b'\n') {
            let what = "lines end in a carriage return alone";
            let hint = "write line ends as `\\n`, for example with `tr '\\r' '\\n'`";
            return Err(self.problems().fatal(Place::Line(1), what, hint));
        }
        Ok(Records {
            name: self.name,
            input: self.bytes,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            ended: false,
            lines_read: 0,
            line: Line::default(),
            delimiter,
            has_quoting: matches!(delimiter, b',' | b';'),
            may_be_quoted: false,
            marks: vec![0; MARKED_BYTES + WINDOW_BYTES],
            passed: 0,
            marked: 0,
            unquoted: Vec::new(),
        })
    }
}

/// How a file is packed or written that is not read here, and what to do about it.
fn packed_otherwise(head: &[u8]) -> Option<(String, String)> {
    const PACKERS: [(&[u8], &str, &str); 5] = [
        (b"PK\x03\x04", "zip", "unzip"),
        (b"\xfd7zXZ\0", "xz", "unxz"),
        (b"\x04\x22\x4d\x18", "lz4", "unlz4"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
        (b"\x1f\x9d", "compress", "uncompress"),
    ];
    const BZIP2: (&[u8], &str, &str) = (b"BZh", "bzip2", "bunzip2");
    const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
    if UTF_16.iter().any(|mark| head.starts_with(mark)) {
        let hint = "write it as UTF-8, for example with `iconv --from-code utf-16 --to-code utf-8`";
        return Some(("this is text in UTF-16".to_owned(), hint.to_owned()));
    }
    let is_bzip2 = head.starts_with(BZIP2.0) && head.get(4..10) == Some(b"1AY&SY");
    let (_, packer, program) = match is_bzip2 {
        true => &BZIP2,
        false => PACKERS.iter().find(|(magic, ..)| head.starts_with(magic))?,
    };
    let hint =
        format!("unpack it first, for example with `{program}`; gzip and zstd are read as is");
    Some((format!("the file is packed with {packer}"), hint))
}

pub(super) fn unreadable(name: &str, error: &io::Error) -> TraceError {
    Problems::in_file(name).fatal(
        Place::File,
        format_args!("the file cannot be read to its end: {error}"),
        "it may be truncated or damaged; fetch or pack it again",
    )
}

/// The records of a delimited file, one after the other. Empty lines are passed over; line ends
/// are `\n` or `\r\n`. Between commas and semicolons fields may be quoted as in RFC 4180, and
/// between tabs in tables whose header is quoted, as R writes them.
pub(super) struct Records<'a> {
    name: String,
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    ended: bool,
    lines_read: u64,
    line: Line,
    delimiter: u8,
    /// Quotes mean something.
    has_quoting: bool,
    /// There are such quotes in the buffer.
    may_be_quoted: bool,
    /// Where fields end in the buffer; those from `passed` to `marked` are of lines to come.
    marks: Vec<u32>,
    passed: usize,
    marked: usize,
    unquoted: Vec<u8>,
}

/// One record: its fields, and the line on which it starts.
pub(super) struct Record<'r> {
    pub(super) line: u64,
    text: &'r [u8],
    start: usize,
    /// Where each field ends in the text; the next starts one later.
    ends: &'r [u32],
}

impl<'r> Record<'r> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field with this index, which is less than `len`.
    #[inline]
    pub(super) fn field(&self, index: usize) -> &'r [u8] {
        let start = if index == 0 { self.start } else { self.ends[index - 1] as usize + 1 };
        &self.text[start..self.ends[index] as usize]
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &'r [u8]> + '_ {
        (0..self.len()).map(|index| self.field(index))
    }
}

/// A line in the buffer, without its end, and the first of its marks.
#[derive(Default)]
struct Line {
    start: usize,
    end: usize,
    number: u64,
    marks: usize,
    has_quotes: bool,
}

impl Records<'_> {
    /// The next record, or `None` after the last.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, TraceError> {
        if !self.advance()? {
            return Ok(None);
        }
        let line = &self.line;
        let (text, start) = match line.has_quotes {
            true => (&self.unquoted, 0),
            false => (&self.buffer, line.start),
        };
        let ends = &self.marks[line.marks..self.passed];
        Ok(Some(Record { line: line.number, text, start, ends }))
    }

    /// Goes to the next line that is not empty, if there is one. A record given back from here
    /// would be copied while it is still being written, which costs as much as finding it; so
    /// this part stays apart, and the record is put together where it is used.
    #[inline(never)]
    fn advance(&mut self) -> Result<bool, TraceError> {
        loop {
            self.line = match self.split_line() {
                Some(line) => line,
                None => match self.next_line()? {
                    Some(line) => line,
                    None => return Ok(false),
                },
            };
            if self.line.start < self.line.end {
                return Ok(true);
            }
        }
    }

    /// Splits the next line, if the buffer goes on well after it and nothing can be quoted.
    #[inline]
    fn split_line(&mut self) -> Option<Line> {
        if self.may_be_quoted {
            return None;
        }
        let is_line_end = |at: &u32| self.buffer[*at as usize] == b'\n';
        let last = self.marks[self.passed..self.marked].iter().position(is_line_end);
        let last = last.or_else(|| self.mark())? + self.passed;
        let (start, at) = (self.start, self.marks[last] as usize);
        let end = at - usize::from(self.buffer[start..at].ends_with(b"\r"));
        self.marks[last] -= u32::from(end < at);
        let marks = std::mem::replace(&mut self.passed, last + 1);
        self.start = at + 1;
        self.lines_read += 1;
        Some(Line { start, end, number: self.lines_read, marks, has_quotes: false })
    }

    /// Marks the next lines, and says at which mark the first one ends.
    #[cold]
    fn mark(&mut self) -> Option<usize> {
        let unmarked = &self.buffer[self.start..self.filled];
        (self.passed, self.marked) = (0, 0);
        let windows = unmarked.as_chunks().0.iter().take(MARKED_BYTES / WINDOW_BYTES);
        for (window, at) in windows.zip((position(self.start)..).step_by(WINDOW_BYTES)) {
            let mut marks = marks(window, self.delimiter);
            let end = self.marked + marks.count_ones() as usize;
            // Eight at a time: how many there are could not be foretold.
            while marks != 0 {
                for slot in &mut self.marks[self.marked..][..8] {
                    *slot = at + marks.trailing_zeros();
                    marks &= marks.wrapping_sub(1);
                }
                self.marked += 8;
            }
            self.marked = end;
        }
        self.marks[..self.marked].iter().position(|at| self.buffer[*at as usize] == b'\n')
    }

    /// How many lines were read.
    pub(super) fn lines_read(&self) -> u64 {
        self.lines_read
    }

    /// Whether the last line read had a line end; a file cut short often lacks it.
    pub(super) fn ends_with_line_end(&self) -> bool {
        self.start == 0 || self.buffer[self.start - 1] == b'\n'
    }

    /// Finds and splits the next line, wherever it ends.
    #[cold]
    fn next_line(&mut self) -> Result<Option<Line>, TraceError> {
        let (mut searched, mut quotes, mut has_quotes) = (0, Quotes::FieldStart, false);
        let number = self.lines_read + 1;
        loop {
            let from = self.start + searched;
            let found = memchr::memchr(b'\n', &self.buffer[from..self.filled]);
            if found.is_none() && !self.ended {
                self.refill(number)?;
                continue;
            }
            let mut end = found.map_or(self.filled, |found| from + found);
            if found.is_none() && end == self.start {
                return Ok(None);
            }
            self.lines_read += 1;
            let part = &self.buffer[from..end];
            if self.may_be_quoted
                && (quotes == Quotes::Open || memchr::memchr(b'"', part).is_some())
            {
                has_quotes = true;
                quotes =
                    part.iter().fold(quotes, |quotes, byte| quotes.after(*byte, self.delimiter));
            }
            if quotes == Quotes::Open && found.is_some() {
                searched = end + 1 - self.start;
                continue;
            }
            if quotes == Quotes::Open {
                return Err(Problems::in_file(&self.name).fatal(
                    Place::Line(number),
                    "a quote is opened and never closed",
                    "close it, or double it if it is part of the text",
                ));
            }
            let start = self.start;
            self.start = end + usize::from(found.is_some());
            end -= usize::from(self.buffer[start..end].ends_with(b"\r"));
            self.split(start, end, has_quotes);
            return Ok(Some(Line { start, end, number, marks: 0, has_quotes }));
        }
    }

    fn split(&mut self, start: usize, end: usize, has_quotes: bool) {
        self.marks.clear();
        let text = &self.buffer[..end];
        if has_quotes {
            unquote(&text[start..], self.delimiter, &mut self.unquoted, &mut self.marks);
        } else {
            let found = memchr::memchr_iter(self.delimiter, &text[start..]);
            self.marks.extend(found.map(|at| position(start + at)));
            self.marks.push(position(end));
        }
        (self.passed, self.marked) = (self.marks.len(), self.marks.len());
        self.marks.resize(self.passed.max(MARKED_BYTES + WINDOW_BYTES), 0);
    }

    #[cold]
    fn refill(&mut self, line: u64) -> Result<(), TraceError> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        (self.passed, self.marked) = (0, 0);
        if self.filled > LINE_BYTES_MAX {
            return Err(Problems::in_file(&self.name).fatal(
                Place::Line(line),
                format_args!("the line is longer than {} MB", LINE_BYTES_MAX >> 20),
                "this looks like no table; say which format it has, or look for an open quote",
            ));
        }
        self.buffer.resize(self.filled + CHUNK_BYTES, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| unreadable(&self.name, &error))?,
            }
        };
        self.filled += read;
        self.ended = read == 0;
        let unread = &self.buffer[..self.filled];
        self.may_be_quoted = self.has_quoting && memchr::memchr(b'"', unread).is_some();
        Ok(())
    }
}

/// Where delimiters and line ends are, a bit for each byte, the lowest for the first.
#[inline]
fn marks(window: &[u8; WINDOW_BYTES], delimiter: u8) -> u64 {
    // All bytes are compared at once, and then those of a word joined by one multiplication.
    let found = window.map(|byte| u8::from(byte == delimiter || byte == b'\n'));
    let words = found.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    words.rev().fold(0, |marks, word| marks << 8 | word.wrapping_mul(0x0102_0408_1020_4080) >> 56)
}

/// A place in the buffer, which is never longer than a few lines.
fn position(at: usize) -> u32 {
    u32::try_from(at).expect("no line is that long")
}

/// Delimited text whose columns have names.
pub(super) struct Table<'a> {
    /// The columns' names.
    pub(super) header: Vec<String>,
    has_header: bool,
    pub(super) records: Records<'a>,
}

impl<'a> Table<'a> {
    /// Reads the header, which also tells the delimiter.
    pub(super) fn open(source: Source<'a>) -> Result<Self, TraceError> {
        let first = first_line(&source.head);
        let (delimiter, is_quoted) = (delimiter(first), first.starts_with(b"\""));
        let mut records = source.records(delimiter)?;
        records.has_quoting |= is_quoted && delimiter == b'\t';
        let header = match records.next()? {
            Some(record) => record.fields().map(header_name).collect(),
            None => Vec::new(),
        };
        Ok(Self { header, has_header: true, records })
    }

    /// A table that begins with its first row: its columns are called 1, 2, 3, ….
    pub(super) fn open_without_header(source: Source<'a>) -> Result<Self, TraceError> {
        let delimiter = delimiter(first_line(&source.head));
        let head = Box::new(Cursor::new(source.head.clone()));
        let head = Source { name: source.name.clone(), head: Vec::new(), bytes: head };
        let width = head.records(delimiter)?.next()?.map_or(0, |record| record.len());
        let header = (1..=width).map(|number| number.to_string()).collect();
        Ok(Self { header, has_header: false, records: source.records(delimiter)? })
    }

    /// The index of a column; a problem if there is none.
    pub(super) fn column(&self, name: &str, problems: &mut Problems) -> Option<usize> {
        let mut named = (0..).zip(&self.header).filter(|(_, known)| *known == name);
        let found = named.next().map(|(index, _)| index);
        if named.next().is_some() {
            let what = format_args!("there are two columns `{name}`");
            problems.add(Place::Line(1), what, "name one of them otherwise");
        }
        if found.is_none() {
            let near = |known: &&String| strsim::damerau_levenshtein(known, name);
            let hint = match (self.has_header, self.header.iter().min_by_key(near)) {
                (_, None) => String::new(),
                (true, Some(near)) => format!("the nearest is `{near}`"),
                (false, _) => {
                    format!("without a header they are called 1 to {}", self.header.len())
                }
            };
            problems.add(Place::Line(1), format_args!("there is no column `{name}`"), hint);
        }
        found
    }
}

/// Whether a record has as many fields as the first line; a problem if not.
#[inline]
pub(super) fn is_whole(record: &Record<'_>, width: usize, problems: &mut Problems) -> bool {
    let whole = record.len() == width;
    if !whole {
        let what = format_args!("the line has {} columns, the first {width}", record.len());
        problems.add(Place::Line(record.line), what, "it may be cut, or lack quotes");
    }
    whole
}

/// Where quoting stands within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    FieldStart,
    Plain,
    Open,
    /// A quote inside quotes: the end of the field, or the first of two that stand for one.
    Closing,
}

impl Quotes {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Open, b'"') => Self::Closing,
            (Self::FieldStart | Self::Closing, b'"') | (Self::Open, _) => Self::Open,
            (_, byte) if byte == delimiter => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

/// Splits a record with quoted fields: `a,"b,""c"""` has the fields `a` and `b,"c"`.
fn unquote(text: &[u8], delimiter: u8, plain: &mut Vec<u8>, ends: &mut Vec<u32>) {
    plain.clear();
    let mut quotes = Quotes::FieldStart;
    for &byte in text {
        let before = quotes;
        quotes = before.after(byte, delimiter);
        match (before, quotes) {
            (Quotes::FieldStart, Quotes::Open) | (_, Quotes::Closing) => {}
            (_, Quotes::FieldStart) => {
                ends.push(position(plain.len()));
                plain.push(byte);
            }
            _ => plain.push(byte),
        }
    }
    ends.push(position(plain.len()));
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    type Row = (u64, Vec<Vec<u8>>);

    fn rows(bytes: &[u8]) -> Result<Vec<Row>, TraceError> {
        rows_between(b',', bytes)
    }

    fn rows_between(delimiter: u8, bytes: &[u8]) -> Result<Vec<Row>, TraceError> {
        let mut records = Source::unpack("test.csv", bytes)?.records(delimiter)?;
        let mut rows = Vec::new();
        while let Some(record) = records.next()? {
            rows.push((record.line, record.fields().map(<[u8]>::to_vec).collect()));
        }
        Ok(rows)
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_are_counted_across_blank_lines_and_quoted_breaks() {
        let found = rows(b"a,b\r\n\n\"x\ny\",2\nlast,\"\"\"q\"").unwrap();
        let row = |line, fields: [&str; 2]| {
            (line, fields.iter().map(|f| f.as_bytes().to_vec()).collect::<Vec<_>>())
        };
        let expected = [row(1, ["a", "b"]), row(3, ["x\ny", "2"]), row(5, ["last", "\"q"])];
        assert_eq!(found, expected);
        let error = rows(b"a,b\n1,\"open\n2,3\n").unwrap_err().to_string();
        assert!(error.contains("never closed\n  --> test.csv:2"), "{error}");
    }

    #[test]
    fn packed_files_are_told_by_their_bytes_and_truncated_ones_refused() {
        let plain = b"a,b\n1,2\n".repeat(50_000);
        let expected = rows(&plain).unwrap();
        let zst = zstd::encode_all(&plain[..], 1).unwrap();
        let two_members = [gz(&plain[..400_000]), gz(&plain[400_000..])].concat();
        for packed in [gz(&plain), zst.clone(), gz(&zst), two_members] {
            assert_eq!(rows(&packed).unwrap(), expected);
            assert!(rows(&packed[..packed.len() - 9]).is_err());
        }
    }

    proptest! {
        #[test]
        fn records_are_those_the_csv_crate_reads(
            table in vec(vec("[a-c,;\"\n\r]{0,4}", 3), 1..20),
            delimiter in select(&[b',', b';'][..]),
        ) {
            let mut writer =
                csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let found = rows_between(delimiter, &bytes).unwrap();
            let found: Vec<_> = found.into_iter().map(|(_, row)| row).collect();
            let expected: Vec<Vec<Vec<u8>>> = table
                .into_iter()
                .map(|row| row.into_iter().map(String::into_bytes).collect())
                .collect();
            prop_assert_eq!(found, expected);
        }

        /// Several times as much text as is marked at once, with a line that is longer still.
        #[test]
        fn plain_lines_are_those_that_splitting_gives(
            lines in vec("[a-c,\r]{0,40},", 1..300),
            long in 0..10_000_usize,
            crlf: bool,
        ) {
            let mut lines = lines;
            lines.insert(lines.len() / 2, format!("{},", "x".repeat(long)));
            let line_end = if crlf { "\r\n" } else { "\n" };
            let text = lines.join(line_end);
            let split = |line: &str| {
                let line = line.strip_suffix('\r').unwrap_or(line);
                line.split(',').map(|field| field.as_bytes().to_vec()).collect::<Vec<_>>()
            };
            let expected: Vec<_> =
                text.split('\n').enumerate().map(|(at, line)| (at as u64 + 1, split(line))).collect();
            prop_assert_eq!(rows(text.as_bytes()), Ok(expected));
        }

        #[test]
        fn any_bytes_are_split_or_refused(bytes: Vec<u8>) {
            let _ = rows(&bytes);
        }
    }
}
