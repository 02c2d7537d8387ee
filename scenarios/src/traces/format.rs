//! Which format a file has, told by its first bytes and its name.

use super::error::{Place, TraceError};
use super::prices::is_zone;
use super::source::Source;
use super::{Options, canonical, read_prices, read_task_table, text};

macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident = $id:literal, $name:literal;)*) => {
        /// The formats that can be read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Format { $($(#[$doc])* $format,)* }

        impl Format {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$format,)*];

            /// The name by which it is stated: `swf`, `spot-price-json`, ….
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$format => $id,)* }
            }

            /// What it is, in words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$format => $name,)* }
            }
        }
    };
}

formats! {
    /// This project's own compact form.
    Canonical = "canonical", "canonical form";
    /// Pairs of big-endian u32: creation offset and duration in ms.
    FirefoxCi = "firefox-ci", "tasks (Firefox CI records)";
    /// The Standard Workload Format of the Parallel Workloads Archive.
    Swf = "swf", "tasks (Standard Workload Format)";
    /// Delimited text with named columns.
    TaskTable = "task-table", "tasks (table)";
    /// What Taskcluster's queue answers and publishes about tasks.
    Taskcluster = "taskcluster", "tasks (Taskcluster's queue)";
    /// What `aws ec2 describe-spot-price-history` prints.
    SpotPriceJson = "spot-price-json", "spot prices (describe-spot-price-history)";
    /// The same with `--output text`.
    SpotPriceText = "spot-price-text", "spot prices (describe-spot-price-history, text)";
    /// Delimited text with the columns az, type, product, price, ts, or the API's names of them.
    SpotPriceTable = "spot-price-table", "spot prices (table)";
    /// `{"metadata": {"gap_seconds": …}, "data": […]}`: how many instances at each tick.
    AvailabilityGrid = "availability-grid", "availability (grid)";
    /// A tar of such grids, one pool each.
    AvailabilityTar = "availability-tar", "availability (tar of grids)";
    /// One window a line; `unavailable` is a string of ticks where 1 means not available.
    AvailabilityWindows = "availability-windows", "availability (windows)";
    /// `ms,add|remove,node` without a header.
    FleetEvents = "fleet-events", "availability (fleet events)";
    /// Dated on-demand prices.
    OnDemandTable = "on-demand-table", "on-demand prices (table)";
    /// What `aws pricing get-products` prints.
    PriceList = "price-list", "on-demand prices (AWS price list)";
    /// Instance types and their sizes.
    InstanceTypeTable = "instance-type-table", "instance types (table)";
    /// What `aws ec2 describe-instance-types` prints.
    InstanceTypeJson = "instance-type-json", "instance types (describe-instance-types)";
    /// Which instance type is offered in which zone.
    OfferingTable = "offering-table", "offerings by zone (table)";
    /// The Spot Advisor's data feed.
    SpotAdvisor = "spot-advisor", "interruption bands (Spot Advisor)";
}

impl Format {
    /// Those of task queues.
    pub const TASKS: [Self; 5] =
        [Self::Canonical, Self::FirefoxCi, Self::Swf, Self::TaskTable, Self::Taskcluster];

    /// The format that is stated by this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.id() == id)
    }

    /// The format of an opened file.
    pub(super) fn detect(source: &Source<'_>, options: &Options) -> Result<Self, TraceError> {
        let head = source.head.as_slice();
        let stem = stem(&source.name);
        if head.starts_with(canonical::MAGIC) {
            return Ok(Self::Canonical);
        }
        if head.get(257..262) == Some(b"ustar") {
            return Ok(Self::AvailabilityTar);
        }
        if stem.ends_with(".dat") && !is_text(head) {
            return Ok(Self::FirefoxCi);
        }
        let text = head.trim_ascii_start();
        let has = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
        let found = match text.first() {
            Some(b';') => Some(Self::Swf),
            _ if stem.ends_with(".swf") => Some(Self::Swf),
            Some(b'{') if has("\"SpotPriceHistory\"") => Some(Self::SpotPriceJson),
            Some(b'{') if has("\"PriceList\"") => Some(Self::PriceList),
            Some(b'{') if has("\"InstanceTypes\"") => Some(Self::InstanceTypeJson),
            Some(b'{') if has("\"taskGroupId\"") => Some(Self::Taskcluster),
            Some(b'{') if has("\"unavailable\"") => Some(Self::AvailabilityWindows),
            Some(b'{') if has("\"gap_seconds\"") => Some(Self::AvailabilityGrid),
            Some(b'{') if has("\"spot_advisor\"") || has("\"instance_types\"") => {
                Some(Self::SpotAdvisor)
            }
            Some(b'{') => None,
            _ => Self::of_table(head, options),
        };
        found.ok_or_else(|| {
            if let Some((what, hint)) = not_an_answer(text) {
                return source.problems().fatal(Place::File, what, hint);
            }
            let ids: Vec<_> = Self::ALL.iter().map(|format| format.id()).collect();
            let ids = ids.join(", ");
            let mut hint = format!(
                "`provisioner import --format` can be told what it is, and scenarios read what that \
                 writes: {ids}"
            );
            if looks_like_prices(head) {
                hint = "if these are spot prices, begin it with a header that calls its columns \
                        `az`, `type`, `product`, `price` and `ts`"
                    .to_owned();
                return source.problems().fatal(Place::File, "this is in no known format", hint);
            }
            if let Some(columns) = columns_of_tasks(&header(head)) {
                hint = format!("if it is a table of tasks, {columns}; otherwise {hint}");
            }
            source.problems().fatal(Place::File, "this is in no known format", hint)
        })
    }

    fn of_table(head: &[u8], options: &Options) -> Option<Self> {
        let header = header(head);
        let has = |names: &[&str]| names.iter().all(|name| header.iter().any(|h| h == name));
        match () {
            () if options.columns.is_some() => Some(Self::TaskTable),
            () if header[0] == read_prices::TEXT_ROW => Some(Self::SpotPriceText),
            () if read_prices::known_columns(&header).is_some() => Some(Self::SpotPriceTable),
            () if has(&["date", "type", "od_usd_hr"]) || has(&["date", "type", "usd_hr"]) => {
                Some(Self::OnDemandTable)
            }
            () if has(&["type", "vcpus", "mem_mib"]) => Some(Self::InstanceTypeTable),
            () if has(&["region", "az", "type"]) => Some(Self::OfferingTable),
            () if read_task_table::known_columns(&header).is_some() => Some(Self::TaskTable),
            () if header.len() == 3 && ["add", "remove"].contains(&header[1].as_str()) => {
                Some(Self::FleetEvents)
            }
            () => None,
        }
    }
}

/// Whether this may be text in any of the usual encodings. Records of Firefox CI are none: a run
/// time of less than six days begins with a byte below that of the blank.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte))
}

/// What of AWS's command line this is that has no prices in a form that is read, and what to do.
fn not_an_answer(text: &[u8]) -> Option<(&'static str, &'static str)> {
    let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    if text.starts_with(b"An error occurred (") {
        return Some(("this is an error of AWS and not its answer", "mend it, and fetch it again"));
    }
    let hint = "fetch it with `--output json` or `--output text`, and without `--query`";
    let is_printed = text.starts_with(b"SpotPriceHistory:") // YAML
        || text.first().is_some_and(|byte| b"{[-".contains(byte)); // JSON, a drawn table
    let is_of_prices = has("SpotPrice") && (has("InstanceType") || has("DescribeSpotPriceHistory"));
    (is_printed && is_of_prices)
        .then_some(("these are spot prices in a form that is not read", hint))
}

/// Whether these are the rows of a table of spot prices that has no header.
fn looks_like_prices(head: &[u8]) -> bool {
    let line = first_line(head);
    let delimiter = delimiter(line);
    let cells: Vec<&[u8]> = line.split(|byte| *byte == delimiter).collect();
    let has = |is: &dyn Fn(&[u8]) -> bool| cells.iter().any(|cell| is(cell));
    cells.len() == 5
        && has(&|cell| text::date_time(cell).is_ok())
        && has(&|cell| cell.contains(&b'.') && text::price(cell).is_ok())
        && has(&|cell| is_zone(&String::from_utf8_lossy(cell)))
}

/// The first line of a table: its header.
pub(super) fn first_line(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The delimiter of a table with this header: a tab if there is one, as names contain none, or else
/// what there is most of.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    let count = |byte: u8| memchr::memchr_iter(byte, header).count();
    match count(b'\t') {
        0 => *[b'|', b';', b','].iter().max_by_key(|byte| count(**byte)).unwrap_or(&b','),
        _ => b'\t',
    }
}

/// The names in the header of what may be a table.
fn header(head: &[u8]) -> Vec<String> {
    let line = first_line(head);
    let delimiter = delimiter(line);
    line.split(|byte| *byte == delimiter).map(header_name).collect()
}

/// How to say what the columns of a table of tasks are, if these may be their names.
pub(super) fn columns_of_tasks(header: &[String]) -> Option<String> {
    const SHOWN_MAX: usize = 12;
    let is_name = |name: &String| {
        !name.is_empty()
            && name.len() < 40
            && name.chars().all(|c| c.is_ascii_graphic() || c == ' ')
    };
    if header.len() < 2 || !header.iter().all(is_name) {
        return None;
    }
    let is_number = |name: &String| text::decimal(name.as_bytes(), 9).is_ok();
    if header.iter().any(is_number) {
        return Some(
            "`columns` says which is what; without a header by number, as \
             `header=no,submitted=4,start=5,end=6` or `header=no,submitted=4,duration=5`"
                .to_owned(),
        );
    }
    let shown = header.len().min(SHOWN_MAX);
    let more = if shown < header.len() { ", …" } else { "" };
    Some(format!(
        "`columns` says which is what, as `submitted=…,start=…,end=…` or `submitted=…,duration=…`: it \
         has `{}`{more}",
        header[..shown].join("`, `")
    ))
}

/// A name in a header, without stray quotes.
pub(super) fn header_name(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_matches(['"', ' ']).to_owned()
}

/// The file's name without folders and without `.gz` and `.zst`.
pub(super) fn stem(name: &str) -> &str {
    let mut stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    while let Some(shorter) = stem.strip_suffix(".gz").or_else(|| stem.strip_suffix(".zst")) {
        stem = shorter;
    }
    stem
}
