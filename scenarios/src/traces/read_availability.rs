//! Readers of recorded availability.
//!
//! - *Grid*: `{"metadata": {"gap_seconds": 195}, "data": [0, 1, …]}`, one pool; a number is how
//!   many instances were available (1 or 0 for a single node). A list `prices` beside it is not
//!   read, and counted.
//! - *Tar* of grids: one pool each, named by its path without `.json`.
//! - *Windows*: one JSON object a line with `gap_seconds`, `unavailable` (a string of ticks where
//!   **1 means not available**), `start` (a tick index or a date and time), and two keys that name
//!   the pool: `env` and `trace`, or `zone` and `window`.
//! - *Fleet events*: `ms,add|remove,node`; the pool `fleet` had as many instances as were alive.
//!   Of the events of one instant the last number counts.
//!
//! Grids, tick indices and event times count from [`Options::start`].

use std::collections::BTreeSet;
use std::io::Read;

use provisioner_engine::units::{Duration, Time};
use serde::Deserialize;
use serde_json::Value;

use super::availability::{AvailabilityPool, AvailabilityRow, AvailabilityTrace, start_of};
use super::error::{Place, Problems, TraceError};
use super::findings::{Log, NoteKind};
use super::format::stem;
use super::json::{json_problem, json_text};
use super::source::{Source, unreadable};
use super::text;
use super::{Format, Imported, Options};

#[derive(Deserialize)]
struct Grid {
    metadata: GridMetadata,
    data: Vec<u32>,
    #[serde(default)]
    prices: Vec<f64>,
}

#[derive(Deserialize)]
struct GridMetadata {
    gap_seconds: f64,
}

/// A step between ticks, if it is one: positive, at most a year, in whole milliseconds.
fn step(seconds: f64) -> Option<Duration> {
    let ms = seconds * 1_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (1.0..=366.0 * 86_400_000.0).contains(&ms).then(|| Duration::from_ms(ms.round() as i64))
}

fn add_grid(
    trace: &mut AvailabilityTrace,
    log: &mut Log,
    problems: &mut Problems,
    pool: &str,
    json: &str,
    options: &Options,
) {
    let grid: Grid = match serde_json::from_str(json) {
        Ok(grid) => grid,
        Err(error) => {
            let (place, what, hint) = json_problem(&error, "an availability grid");
            return problems.add(place, format_args!("{pool}: {what}"), hint);
        }
    };
    let Some(step) = step(grid.metadata.gap_seconds) else {
        let what = format_args!("{pool}: `gap_seconds` is {}", grid.metadata.gap_seconds);
        return problems.add(Place::File, what, "it is the seconds between two ticks, as in 195");
    };
    if let Err(why) = text::name(pool.as_bytes()) {
        return problems.add(Place::File, format_args!("the pool {pool:?} is {why}"), "");
    }
    log.rows += grid.data.len() as u64;
    log.note_many(NoteKind::PricesUnread, grid.prices.len() as u64);
    if grid.data.is_empty() {
        log.note_many(NoteKind::EmptyList, 1);
    }
    if options.start.is_none() {
        log.note_many(NoteKind::RelativeTime, grid.data.len() as u64);
    }
    trace.add_grid(pool, start_of(options), step, grid.data.into_iter());
}

pub(super) fn grid(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let (mut trace, mut log) = (AvailabilityTrace::default(), Log::new(options.now));
    let mut problems = Problems::in_file(&file);
    let stem = stem(&file);
    let pool = stem.strip_suffix(".json").unwrap_or(stem);
    add_grid(&mut trace, &mut log, &mut problems, pool, &text, options);
    problems.or(())?;
    trace.imported(log, &file, Format::AvailabilityGrid)
}

pub(super) fn tar(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let (mut trace, mut log) = (AvailabilityTrace::default(), Log::new(options.now));
    let mut problems = Problems::in_file(&file);
    let bytes = source.read_all()?;
    if !bytes.ends_with(&[0; 1024]) {
        let what = "the archive has no end mark";
        problems.add(Place::Byte(bytes.len() as u64), what, "it is truncated; fetch it again");
    }
    let mut archive = tar::Archive::new(bytes.as_slice());
    for member in archive.entries().map_err(|error| unreadable(&file, &error))? {
        let mut member = member.map_err(|error| unreadable(&file, &error))?;
        let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        if !member.header().entry_type().is_file() {
            continue;
        }
        let mut text = Vec::new();
        member.read_to_end(&mut text).map_err(|error| unreadable(&file, &error))?;
        if text.len() as u64 != member.size() {
            problems.add(Place::File, format_args!("{path} is cut short"), "fetch the file again");
        }
        match (path.strip_suffix(".json"), str::from_utf8(&text)) {
            (Some(pool), Ok(json)) => {
                add_grid(&mut trace, &mut log, &mut problems, pool, json, options);
            }
            _ => problems.add(
                Place::File,
                format_args!("{path} is no `.json` text"),
                "an availability tar has grids only",
            ),
        }
    }
    if trace.pools.is_empty() {
        problems.add(Place::File, "the archive has no availability grid", "fetch the file again");
    }
    problems.or(())?;
    trace.imported(log, &file, Format::AvailabilityTar)
}

#[derive(Deserialize)]
struct Window {
    #[serde(alias = "zone")]
    env: String,
    #[serde(alias = "window")]
    trace: Value,
    gap_seconds: f64,
    start: Value,
    unavailable: String,
}

pub(super) fn windows(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let text = json_text(source)?;
    let (mut trace, mut log) = (AvailabilityTrace::default(), Log::new(options.now));
    let (mut problems, mut names) = (Problems::in_file(&file), BTreeSet::new());
    for (line, json) in (1..).zip(text.lines()).filter(|(_, json)| !json.trim().is_empty()) {
        match add_window(&mut trace, &mut log, line, json, options) {
            Err(what) => {
                problems.add(Place::Line(line), what, "it may be cut; fetch the file again");
            }
            Ok(pool) if names.contains(&pool) => {
                let what = format_args!("the pool `{pool}` has a line before");
                problems.add(Place::Line(line), what, "leave one of them out");
            }
            Ok(pool) => {
                names.insert(pool);
            }
        }
    }
    problems.or(())?;
    if !text.ends_with('\n') {
        log.note(NoteKind::NoLineEnd, text.lines().count() as u64);
    }
    trace.imported(log, &file, Format::AvailabilityWindows)
}

/// Adds a pool; says which.
fn add_window(
    trace: &mut AvailabilityTrace,
    log: &mut Log,
    line: u64,
    json: &str,
    options: &Options,
) -> Result<String, String> {
    let window: Window = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let step = step(window.gap_seconds)
        .ok_or_else(|| format!("`gap_seconds` is {}", window.gap_seconds))?;
    if let Some(odd) = window.unavailable.chars().find(|tick| !matches!(tick, '0' | '1')) {
        return Err(format!("`unavailable` has {odd:?}; its ticks are 0 and 1"));
    }
    let start = match &window.start {
        Value::String(start) => {
            let read = text::date_time(start.as_bytes());
            let (time, guessed) =
                options.utc(read.map_err(|why| format!("`start` is {start:?}: {why}"))?);
            if guessed {
                log.note(NoteKind::LocalTime, line);
            }
            log.date(time, line);
            time
        }
        ticks => {
            let ticks = ticks.as_u64().and_then(|ticks| i64::try_from(ticks).ok());
            let offset = ticks.and_then(|ticks| ticks.checked_mul(step.ms()));
            let time = offset.and_then(|offset| text::after(start_of(options), offset).ok());
            if options.start.is_none() {
                log.note(NoteKind::RelativeTime, line);
            }
            time.ok_or_else(|| format!("`start` is {}, no tick", window.start))?
        }
    };
    let name = match &window.trace {
        Value::String(trace) => format!("{}/{trace}", window.env),
        number => format!("{}/{number}", window.env),
    };
    text::name(name.as_bytes()).map_err(|why| format!("the pool {name:?} is {why}"))?;
    log.rows += window.unavailable.len() as u64;
    let available = window.unavailable.bytes().map(|tick| u32::from(tick == b'0'));
    trace.add_grid(&name, start, step, available);
    Ok(name)
}

pub(super) fn fleet_events(source: Source<'_>, options: &Options) -> Result<Imported, TraceError> {
    let file = source.name.clone();
    let (mut log, mut problems) = (Log::new(options.now), source.problems());
    log.relative = true;
    let mut records = source.records(b',')?;
    let mut events = Vec::new();
    while let Some(record) = records.next()? {
        log.rows += 1;
        if record.len() != 3 {
            let what = format_args!("the line has {} of 3 columns", record.len());
            problems.add(Place::Line(record.line), what, "lines are `ms,add|remove,node`");
            continue;
        }
        let ms = text::whole(record.field(0));
        let event = (
            ms.and_then(|ms| text::after(start_of(options), ms)),
            record.field(1),
            text::name(record.field(2)),
        );
        match event {
            (Err(why), ..) => problems.cell(record.line, "ms", record.field(0), why, ""),
            (_, _, Err(why)) => problems.cell(record.line, "node", record.field(2), why, ""),
            (Ok(at), what @ (b"add" | b"remove"), Ok(node)) => {
                log.time(at, record.line);
                events.push((at, what == b"add", node.to_owned(), record.line));
            }
            (_, what, _) => {
                let why = text::BadCell::NotOneOf("add, remove");
                problems.cell(record.line, "event", what, why, "");
            }
        }
    }
    if !records.ends_with_line_end() {
        log.note(NoteKind::NoLineEnd, records.lines_read());
    }
    problems.or(())?;
    if options.start.is_none() {
        log.note_many(NoteKind::RelativeTime, log.rows);
    }
    events.sort_by_key(|(at, ..)| *at);
    fleet(events, &mut log).imported(log, &file, Format::FleetEvents)
}

/// The number of nodes alive after each instant.
fn fleet(events: Vec<(Time, bool, String, u64)>, log: &mut Log) -> AvailabilityTrace {
    let end = events.last().map_or(Time::EPOCH, |(at, ..)| *at);
    let mut trace = AvailabilityTrace::default();
    trace.pools.push(AvailabilityPool { name: "fleet".to_owned(), end });
    let mut alive = BTreeSet::new();
    for (at, added, node, line) in events {
        if added && !alive.insert(node.clone()) {
            log.note(NoteKind::AddedTwice, line);
        } else if !added && !alive.remove(&node) {
            log.note(NoteKind::RemovedUnknown, line);
        }
        let available = u32::try_from(alive.len()).expect("under four billion nodes");
        match trace.changes.last_mut().filter(|last| last.at == at) {
            Some(last) => last.available = available,
            None => trace.changes.push(AvailabilityRow { at, pool: 0, available }),
        }
    }
    trace
}
