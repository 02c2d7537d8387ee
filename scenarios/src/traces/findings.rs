//! What an import found: how much, over which time, and what looks odd.
//!
//! Everything here is a fact about rows that could be read. Rows are never changed silently:
//! each kind of row that was left out or looks suspicious is counted, with the line of the first.

use std::fmt;

use provisioner_engine::units::{Duration, Time};

use super::Format;
use super::text::show_time;

/// How many queues, markets or pools, and how many gaps, are listed; the others are counted.
const LISTED_MAX: usize = 12;
/// No gap shorter than this is worth mentioning.
const GAP_MIN: Duration = Duration::HOUR;
/// A gap is odd if it is this many times longer than all but one in a hundred.
const GAP_FACTOR: i64 = 20;
/// A task that runs longer than this is suspicious.
pub const LONG_DURATION: Duration = Duration::from_hours(30 * 24);
/// 2006-01-01: EC2 was not there before, and a smaller number is often in the wrong unit.
pub const EC2_START: Time = Time::from_ms(1_136_073_600_000);
/// 2100-01-01: where no time of import is given, what is later than this is in the future.
pub const FAR_FUTURE: Time = Time::from_ms(4_102_444_800_000);

/// The summary of one import; printed as the terminal shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The file's name as it was given.
    pub file: String,
    /// What it was read as.
    pub format: Format,
    /// Rows in the file, the header not counted.
    pub rows: u64,
    /// Rows of the trace.
    pub kept: u64,
    /// The first and the last time in the trace.
    pub span: Option<(Time, Time)>,
    /// What the rows belong to, in the plural: `queues`, `markets`, `pools`.
    pub groups: &'static str,
    /// How many rows belong to each, most first.
    pub group_rows: Vec<(String, u64)>,
    /// Times without rows much longer than usual, longest first.
    pub gaps: Vec<(Time, Time)>,
    /// Counted warnings, in a fixed order.
    pub notes: Vec<Note>,
}

/// A counted warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was found.
    pub kind: NoteKind,
    /// In how many rows.
    pub count: u64,
    /// The line (in a binary file: the record, counted from 1) of the first, if known.
    pub first: Option<u64>,
}

macro_rules! note_kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)*) => {
        /// The kinds of counted warnings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum NoteKind { $($(#[$doc])* $kind,)* }

        impl NoteKind {
            /// All kinds, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What to tell the reader; follows a count of rows.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$kind => $text,)* }
            }
        }
    };
}

note_kinds! {
    /// Left out: it has no time of submission.
    NotSubmitted = "left out: never submitted",
    /// Left out: it never ran.
    NeverRan = "left out: never ran, or its run time is unknown",
    /// Left out: cancelled before it ran.
    Cancelled = "left out: cancelled before they ran",
    /// Left out: part of a job that has its own summary line.
    PartialRecord = "left out: parts of jobs that are summed up elsewhere",
    /// Left out: the chosen status column says it had not finished.
    Unfinished = "left out: not finished, so their duration is not known",
    /// Left out: replaced by a run that the queue made of itself.
    LostRun = "left out: runs whose worker was lost, replaced by the next run of the same task",
    /// Left out: a task again that came before.
    ToldAgain = "left out: tasks told again (each counts once, by its latest state)",
    /// Left out: the price of something else than a plain instance.
    NotPlainInstance = "left out: prices of other than plain instances on shared hardware",
    /// Left out: the same price again at the same time.
    DuplicatePrice = "left out: the same price of the same market at the same time",
    /// Left out: the table says that there is no price any more.
    NoPrice = "left out: without a price (no longer sold)",
    /// Left out: the same table row again.
    DuplicateRow = "left out: the same row again",
    /// A price that says what was known.
    RepeatedPrice = "repeat the price before (a row is not a change)",
    /// A name that looks like another and is not.
    BlankAround = "names begin or end with a blank (kept: they are not those without)",
    /// Two prices at one time; the later row holds.
    ContradictoryPrice = "give a market another price at the same time (the later row holds)",
    /// Tasks that cannot be told apart.
    EqualTask = "tasks equal another in all that is kept (kept: they may be a batch)",
    /// The source lists the newest first.
    NewestFirst = "rows listed newest first at the source (sorted)",
    /// Not sorted at the source.
    OutOfOrder = "earlier than the row before (sorted)",
    /// Times count from an unknown start.
    RelativeTime = "times count from the start of the recording, which is put where `start` says, \
                    or at 1970",
    /// Local times without a stated offset.
    LocalTime = "local times without an offset, read as UTC (state the offset if it is not)",
    /// A price of zero.
    ZeroPrice = "prices are zero (kept: check the source)",
    /// Over $1000 an hour.
    HugePrice = "prices are above $1000/h (kept: check the unit)",
    /// Exactly ten times on-demand.
    SaturatedPrice = "prices are exactly 10 × on-demand (the limit on bids until 2017)",
    /// More decimals than a micro-dollar has.
    RoundedPrice = "prices were rounded to whole micro-dollars",
    /// Tasks of no duration.
    ZeroDuration = "durations are zero (kept)",
    /// Over 30 days.
    LongDuration = "durations are above 30 days (kept: check the unit)",
    /// Neither completed nor failed.
    EndedAsException = "ended as an exception while they ran (kept, as long as that was)",
    /// Finer than a millisecond.
    RoundedTime = "times were rounded to whole milliseconds",
    /// It started before it was submitted.
    StartedEarly = "started before they were submitted (kept)",
    /// Given up before it could start.
    DeadlinePassed = "deadlines are not after the submission (kept)",
    /// Later than the import.
    Future = "times are in the future (kept: check the unit)",
    /// Earlier than EC2.
    BeforeEc2 = "times are before 2006 (kept: check the unit)",
    /// A type that the given catalogue does not have.
    UnknownType = "instance types are not in the catalogue",
    /// AZ ids instead of names.
    ZoneId = "zones are AZ ids (global; never the same as zone letters, which are per account)",
    /// Another page should follow.
    MorePages = "a token at the end: more pages exist that are not in this file",
    /// Lists of no rows.
    EmptyList = "lists or tables without rows",
    /// The region came from the name of the file.
    RegionFromName = "rows have no region; it was taken from the name of the file",
    /// No such product on the spot market.
    NotSpotProduct = "rows are of products that are not sold as spot",
    /// Prices next to availability.
    PricesUnread = "prices beside the availability were not read",
    /// A node came that was there.
    AddedTwice = "nodes were added that were there (not counted again)",
    /// A node went that was not there.
    RemovedUnknown = "nodes were removed that were not there (not counted)",
    /// The last line may be cut.
    NoLineEnd = "the last line has no line end: the file may be cut short",
}

impl Findings {
    /// How many rows have a note of this kind.
    #[must_use]
    pub fn count(&self, kind: NoteKind) -> u64 {
        let of_kind = |note: &&Note| note.kind == kind;
        self.notes.iter().find(of_kind).map_or(0, |note| note.count)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.file, self.format.name())?;
        writeln!(f, "  rows     {} read, {} kept", grouped(self.rows), grouped(self.kept))?;
        if let Some((first, last)) = self.span {
            let (from, to) = (show_time(first), show_time(last));
            writeln!(f, "  span     {from} .. {to} ({})", last.since(first))?;
        }
        writeln!(f, "  {:<8} {}", self.groups, grouped(self.group_rows.len() as u64))?;
        for (name, rows) in self.group_rows.iter().take(LISTED_MAX) {
            writeln!(f, "  {:>14}  {name}", grouped(*rows))?;
        }
        if let Some((rest, rows)) = rest_of(&self.group_rows) {
            writeln!(f, "  {:>14}  in {rest} more", grouped(rows))?;
        }
        if !self.gaps.is_empty() {
            writeln!(f, "  gaps     {} much longer than usual", self.gaps.len())?;
        }
        for (from, to) in self.gaps.iter().take(LISTED_MAX) {
            let length = to.since(*from).to_string();
            writeln!(f, "  {length:>14}  {} .. {}", show_time(*from), show_time(*to))?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "  warnings")?;
        }
        for note in &self.notes {
            write!(f, "  {:>14}  {}", grouped(note.count), note.kind.text())?;
            match note.first {
                Some(first) => writeln!(f, "; first: line {first}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

fn rest_of(groups: &[(String, u64)]) -> Option<(usize, u64)> {
    let rest = groups.get(LISTED_MAX..).filter(|rest| !rest.is_empty())?;
    Some((rest.len(), rest.iter().map(|(_, rows)| rows).sum()))
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Collects findings while a file is read.
pub(super) struct Log {
    /// Rows met so far.
    pub(super) rows: u64,
    notes: Vec<(u64, Option<u64>)>,
    now: Time,
    last: Time,
    ascents: u64,
    descents: u64,
    first_descent: Option<u64>,
    /// Times count from the recording's own start, so their dates mean nothing.
    pub(super) relative: bool,
}

impl Log {
    pub(super) fn new(now: Option<Time>) -> Self {
        Self {
            rows: 0,
            notes: vec![(0, None); NoteKind::ALL.len()],
            now: now.unwrap_or(FAR_FUTURE),
            last: Time::from_ms(i64::MIN),
            ascents: 0,
            descents: 0,
            first_descent: None,
            relative: false,
        }
    }

    pub(super) fn note(&mut self, kind: NoteKind, line: u64) {
        let (count, first) = &mut self.notes[kind as usize];
        *count += 1;
        first.get_or_insert(line);
    }

    /// Notes something about many rows whose lines are not known.
    pub(super) fn note_many(&mut self, kind: NoteKind, rows: u64) {
        self.notes[kind as usize].0 += rows;
    }

    /// Looks at the time of a row as it comes from the file.
    #[inline]
    pub(super) fn time(&mut self, at: Time, line: u64) {
        if at < self.last {
            self.descents += 1;
            self.first_descent.get_or_insert(line);
        }
        self.ascents += u64::from(at > self.last);
        self.last = at;
        if !self.relative {
            self.date(at, line);
        }
    }

    /// Looks at whether a date can be.
    #[inline]
    pub(super) fn date(&mut self, at: Time, line: u64) {
        if at > self.now {
            self.note(NoteKind::Future, line);
        } else if at < EC2_START {
            self.note(NoteKind::BeforeEc2, line);
        }
    }

    /// Whether rows must be sorted.
    pub(super) fn is_unordered(&self) -> bool {
        self.descents > 0
    }

    /// Closes the log; the times are those of the trace, summed up and once more.
    pub(super) fn finish(
        mut self,
        file: &str,
        format: Format,
        groups: &'static str,
        mut group_rows: Vec<(String, u64)>,
        (times, all): (Times, impl Iterator<Item = Time>),
    ) -> Findings {
        if self.descents > 0 {
            // The very first row counts as later than nothing at all.
            let kind = if self.ascents == 1 { NoteKind::NewestFirst } else { NoteKind::OutOfOrder };
            let count = if self.ascents == 1 { self.rows } else { self.descents };
            self.notes[kind as usize] = (count, self.first_descent);
        }
        if self.rows == 0 && self.notes[NoteKind::EmptyList as usize].0 == 0 {
            self.note_many(NoteKind::EmptyList, 1);
        }
        let noted = |(kind, (count, first)): (&NoteKind, (u64, Option<u64>))| {
            (count > 0).then_some(Note { kind: *kind, count, first })
        };
        group_rows.sort_by(|(a_name, a), (b_name, b)| b.cmp(a).then(a_name.cmp(b_name)));
        Findings {
            file: file.to_owned(),
            format,
            rows: self.rows,
            kept: group_rows.iter().map(|(_, rows)| rows).sum(),
            span: times.span,
            groups,
            group_rows,
            gaps: times.gaps(all),
            notes: NoteKind::ALL.iter().zip(self.notes).filter_map(noted).collect(),
        }
    }
}

/// The times of a trace, given in their order: the first, the last, and the long spaces between.
#[derive(Default)]
pub(super) struct Times {
    span: Option<(Time, Time)>,
    /// Spaces of at least [`GAP_MIN`], from when to when.
    long: Vec<(Time, Time)>,
}

impl Times {
    #[inline]
    pub(super) fn add(&mut self, at: Time) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first, at));
        if at.since(last) >= GAP_MIN {
            self.long.push((last, at));
        }
    }

    /// The same of many at once, in ms.
    pub(super) fn add_all(&mut self, times: &[i64]) {
        let mut times = times.iter().map(|ms| Time::from_ms(*ms));
        match (&mut self.span, times.clone().next_back()) {
            // So close together that no space between two of them is long.
            (Some((_, last)), Some(latest)) if latest.since(*last) < GAP_MIN => *last = latest,
            _ => times.by_ref().for_each(|at| self.add(at)),
        }
    }

    /// The spaces that are at least [`GAP_MIN`] long and [`GAP_FACTOR`] times longer than 99 % of
    /// those between `all` times, longest first.
    fn gaps(self, all: impl Iterator<Item = Time>) -> Vec<(Time, Time)> {
        let mut gaps = self.long;
        if gaps.is_empty() {
            return gaps;
        }
        // A class per eighth of an octave: enough for a 99th percentile, and no memory to speak of.
        let class = |length: Duration| {
            let ms = length.ms().clamp(8, 1 << 50);
            let octave = ms.ilog2();
            let eighth = usize::try_from((ms >> (octave - 3)) - 8).expect("three bits");
            octave as usize * 8 + eighth
        };
        let (mut classes, mut last) = (vec![0_u64; 64 * 8], None);
        for at in all {
            if let Some(from) = last.replace(at).filter(|from| *from < at) {
                classes[class(at.since(from))] += 1;
            }
        }
        let mut beyond = classes.iter().sum::<u64>() / 100;
        let usual = classes.iter().rposition(|&count| {
            let reached = count > beyond;
            beyond = beyond.saturating_sub(count);
            reached
        });
        let usual_ms = usual.map_or(0, |class| (9 + (class as i64 % 8)) << (class / 8) >> 3);
        let odd = Duration::from_ms(usual_ms.saturating_mul(GAP_FACTOR));
        gaps.retain(|(from, to)| to.since(*from) >= odd);
        gaps.sort_by_key(|(from, to)| (std::cmp::Reverse(to.since(*from)), *from));
        gaps
    }
}

impl FromIterator<Time> for Times {
    fn from_iter<I: IntoIterator<Item = Time>>(times: I) -> Self {
        let mut all = Self::default();
        times.into_iter().for_each(|at| all.add(at));
        all
    }
}
