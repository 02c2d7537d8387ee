//! Recorded traces: tasks, spot prices, availability and catalogue tables.
//!
//! [`import`] reads any supported file into one of a few row types and says what it found. Names
//! become indices; rows are sorted oldest first, those of one instant in the order of the file.
//! [`canonical`] writes and reads the compact form of all of them.
//!
//! Units: times are [`Time`], prices [`UsdPerHour`](provisioner_engine::units::UsdPerHour), both
//! exact. Formats are told by content and name, or stated in [`Options::format`]; `.gz` and `.zst`
//! are recognised by their bytes.
//!
//! What is an error, and what is counted:
//!
//! - A file that is broken is an *error*, with every broken place: empty, truncated, binary where
//!   text should be, a record with other columns than the header, a cell that is no number or no
//!   time (so also `NaN`), a negative duration, offset or price, a number that does not fit.
//! - A row that is whole and cannot be used is *left out and counted*: a job that was never
//!   submitted or never ran, a partial record, a row not finished, the same price at the same
//!   time again.
//! - A row that is usable and odd is *kept and counted*: zero or very long durations, prices of
//!   zero or above $1000/h, dates in the future or before 2006, rows out of order, local times
//!   without an offset, tasks that equal another, contradictory prices.
//!
//! ```
//! use provisioner_scenarios::traces::{NoteKind, Options, Trace, import_from};
//!
//! let csv = "submitted_ms,duration_ms,queue\n1456348253000,90000,linux\n1456348254000,0,mac\n";
//! let imported = import_from("tasks.csv", csv.as_bytes(), &Options::default())?;
//! assert_eq!(imported.findings.count(NoteKind::ZeroDuration), 1);
//! let Trace::Tasks(trace) = imported.trace else { panic!("these are tasks") };
//! assert_eq!(trace.queues, ["linux", "mac"]);
//! # Ok::<(), provisioner_scenarios::traces::TraceError>(())
//! ```
//!
//! Not here: generated input (`provisioner-sim`), joining queues and markets to worker types and
//! pools (the scenario), and any repair of data.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use provisioner_engine::units::{Duration, Time};

pub mod availability;
pub mod canonical;
mod columns;
pub mod error;
pub mod findings;
mod format;
mod json;
mod names;
mod packed;
pub mod prices;
mod read_availability;
mod read_aws;
mod read_prices;
mod read_tables;
mod read_task_table;
mod read_taskcluster;
mod read_tasks;
mod source;
pub mod tables;
pub mod task_list;
pub mod tasks;
mod text;

pub use availability::{AvailabilityPool, AvailabilityRow, AvailabilityTrace};
pub use error::{Place, Problem, TraceError};
pub use findings::{Findings, Note, NoteKind};
pub use format::Format;
pub use prices::{Market, PriceRow, PriceTrace};
pub use read_task_table::{Run, TaskColumns, Unit};
pub use tables::{
    AdvisorRow, AdvisorTable, InstanceTypeRow, InstanceTypeTable, OfferingRow, OfferingTable,
    OnDemandRow, OnDemandTable,
};
pub use task_list::{TaskList, TaskRows};
pub use tasks::{TaskRow, TaskTrace};

use source::Source;

/// What an import is told beside the file. The default tells nothing.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the file is, if its name and content do not tell or tell wrongly.
    pub format: Option<Format>,
    /// When the import happens: later dates are in the future. Without it, those after 2100 are.
    pub now: Option<Time>,
    /// When a recording that counts from its own start began; without it, it is put at 1970.
    pub start: Option<Time>,
    /// How far local times without an offset are ahead of UTC; without it they are read as UTC.
    pub utc_offset: Option<Duration>,
    /// Which column of a task table is what, if it is not one of the known tables.
    pub columns: Option<TaskColumns>,
    /// The queue of tasks that name none; without it, the file's name.
    pub queue: Option<String>,
    /// The region of on-demand prices that name none; without it, the file's name tells.
    pub region: Option<String>,
    /// All instance types there are, to find unknown ones.
    pub known_types: Option<BTreeSet<String>>,
    /// On-demand prices, to find saturated spot prices.
    pub on_demand: Option<OnDemandTable>,
}

impl Options {
    /// A time in UTC that was read with or without an offset of its own, and whether that is a
    /// guess because no offset was stated anywhere.
    fn utc(&self, (time, says_offset): (Time, bool)) -> (Time, bool) {
        match self.utc_offset {
            _ if says_offset => (time, false),
            Some(offset) => (time - offset, false),
            None => (time, true),
        }
    }
}

/// What was in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A task queue.
    Tasks(TaskTrace),
    /// Spot prices.
    Prices(PriceTrace),
    /// How many instances pools could give.
    Availability(AvailabilityTrace),
    /// On-demand prices.
    OnDemand(OnDemandTable),
    /// Instance types.
    InstanceTypes(InstanceTypeTable),
    /// Which type is offered where.
    Offerings(OfferingTable),
    /// Interruption bands.
    Advisor(AdvisorTable),
}

impl Trace {
    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        let rows = match self {
            Self::Tasks(trace) => trace.tasks.len(),
            Self::Prices(trace) => trace.changes.len(),
            Self::Availability(trace) => trace.changes.len(),
            Self::OnDemand(table) => table.rows.len(),
            Self::InstanceTypes(table) => table.rows.len(),
            Self::Offerings(table) => table.rows.len(),
            Self::Advisor(table) => table.rows.len(),
        };
        rows as u64
    }
}

/// A trace and what was found on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The rows.
    pub trace: Trace,
    /// What `provisioner import` prints.
    pub findings: Findings,
}

/// Reads a file.
///
/// # Errors
///
/// The file cannot be opened, or is broken; see the module's page.
pub fn import(path: &Path, options: &Options) -> Result<Imported, TraceError> {
    let name = path.to_string_lossy();
    if path.is_dir() {
        let is_folder = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(not_opened(&name, &is_folder));
    }
    let file = File::open(path).map_err(|error| not_opened(&name, &error))?;
    import_from(&name, file, options)
}

fn not_opened(name: &str, error: &io::Error) -> TraceError {
    error::Problems::in_file(name).fatal(
        Place::File,
        format_args!("the file cannot be opened: {error}"),
        "check the path; paths in scenario files are relative to the file",
    )
}

/// Reads bytes that are called `name`.
///
/// # Errors
///
/// They cannot be read to their end, or are broken; see the module's page.
pub fn import_from(
    name: &str,
    bytes: impl Read,
    options: &Options,
) -> Result<Imported, TraceError> {
    let source = Source::unpack(name, bytes)?;
    if source.head.is_empty() {
        return Err(source.problems().fatal(Place::File, "the file is empty", "fetch it again"));
    }
    let format = match options.format {
        Some(format) => format,
        None => Format::detect(&source, options)?,
    };
    match format {
        Format::Canonical => canonical::import(source, options),
        Format::FirefoxCi => read_tasks::firefox_ci(source, options),
        Format::Swf => read_tasks::swf(source, options),
        Format::TaskTable => read_task_table::table(source, options),
        Format::Taskcluster => read_taskcluster::read(source, options),
        Format::SpotPriceJson => read_prices::json(source, options),
        Format::SpotPriceText => read_prices::text(source, options),
        Format::SpotPriceTable => read_prices::table(source, options),
        Format::AvailabilityGrid => read_availability::grid(source, options),
        Format::AvailabilityTar => read_availability::tar(source, options),
        Format::AvailabilityWindows => read_availability::windows(source, options),
        Format::FleetEvents => read_availability::fleet_events(source, options),
        Format::OnDemandTable => read_tables::on_demand(source, options),
        Format::PriceList => read_aws::prices(source, options),
        Format::InstanceTypeTable => read_tables::instance_types(source, options),
        Format::InstanceTypeJson => read_aws::instance_types(source, options),
        Format::OfferingTable => read_tables::offerings(source, options),
        Format::SpotAdvisor => read_tables::advisor(source, options),
    }
}

#[cfg(test)]
mod tests;
