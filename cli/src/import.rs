//! `provisioner import`: recordings into one canonical form, and what is odd about them.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use provisioner_engine::units::{Duration, Time};
use provisioner_scenarios::file::quantity;
use provisioner_scenarios::output::{OutFile, is_stdout};
use provisioner_scenarios::traces::{
    Format, Imported, Options, Run, TaskColumns, Trace, Unit, canonical, import,
};

use crate::Answer;
use crate::terminal::{Failure, keep_apart, print, say, warn};

/// Read recorded tasks, prices, availability or tables, and say what is in them
///
/// Formats are told by content: what Taskcluster's queue answers (`listTaskGroup`, `status`) and
/// publishes (Pulse), Slurm's `sacct --parsable2`, Standard Workload Format, Firefox CI records,
/// tables of tasks with named columns; `aws ec2 describe-spot-price-history` and its tables,
/// `aws pricing get-products`, `aws ec2 describe-instance-types` and tables of the same;
/// availability grids, fleet events, the Spot Advisor's feed; `.gz` and `.zst` are unpacked. With `-o`, each input is written in one compact, checked, fast form that
/// scenarios read like any other.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Import {
    /// The files to read
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Write the canonical form: a file, or a folder that exists for several inputs
    #[arg(long, short, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,
    /// What the files are, if that cannot be told
    #[arg(long, value_parser = formats())]
    format: Option<Format>,
    /// Which columns of a table of tasks are what; for example
    /// submitted=created,duration=run_s,unit=s,queue=pool
    #[arg(long, value_name = "KEY=NAME,…", value_parser = columns, long_help = COLUMNS_HELP)]
    columns: Option<TaskColumns>,
    /// The queue of tasks that name none; otherwise the file's name
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// When a recording began that counts from its own start
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Time>,
    /// How far local times without an offset are ahead of UTC; "-5 h" for New York
    #[arg(long, value_name = "DURATION", value_parser = offset, allow_hyphen_values = true)]
    utc_offset: Option<Duration>,
    /// The region of on-demand prices that name none
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A table of instance types, to find unknown ones
    #[arg(long, value_name = "FILE")]
    instance_types: Option<PathBuf>,
    /// A table of on-demand prices, to find saturated spot prices
    #[arg(long, value_name = "FILE")]
    on_demand: Option<PathBuf>,
}

const COLUMNS_HELP: &str = "\
Which columns of a table of tasks are what, as KEY=NAME pairs separated by commas:
  submitted=NAME            when the task entered the queue (required)
  duration=NAME             how long it ran, or
  start=NAME,end=NAME       when it started and ended
  unit=s|ms|us|text         how times are written (default ms; text for 2024-11-15 16:57:50)
  duration_unit=s|ms|us|text  how durations are written (default the unit of times; text for
                            00:10:05, 1-02:03:04 or 1 day 02:03:04)
  relative=yes              times count from the start of the recording
  header=no                 the first line is a row: columns are called 1, 2, 3, …
  queue=NAME  priority=NAME  deadline=NAME  retries=NAME
  finished=NAME:VALUE|…     only rows with such a value in that column
For example submitted=created,duration=run_s,unit=s,queue=pool";

const AFTER_HELP: &str = "\
Examples:
  provisioner import describe-spot-price-history.json -o prices.trace
  provisioner import jobs.csv --columns submitted=created,start=begun,end=ended,unit=s -o jobs.trace
  provisioner import *.trace

Exit codes: 0 all files could be read; 2 one could not.";

impl Import {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        self.check_targets()?;
        let options = self.options()?;
        let mut failure = None;
        for (index, input) in self.inputs.iter().enumerate() {
            if index > 0 {
                self.tell("\n")?;
            }
            // Every file is tried, so that all problems are told at once.
            let read = import(input, &options).map_err(Failure::from);
            match read.and_then(|imported| self.keep(input, &imported)) {
                Err(Failure::Told(error)) => {
                    if let Some(earlier) = failure.replace(error) {
                        say(earlier);
                    }
                }
                kept => kept?,
            }
        }
        failure.map_or(Ok(Answer::Yes), |error| Err(Failure::Told(error)))
    }

    /// No input may be written over another, nor over any that is there.
    fn check_targets(&self) -> Result<(), Failure> {
        let Some(output) = &self.output else { return Ok(()) };
        if self.inputs.len() > 1 && !output.is_dir() {
            let what = format!("several inputs would be written to `{}`", output.display());
            return Err(Failure::new(what, "name a folder that exists, or import them one by one"));
        }
        let targets: Vec<PathBuf> = self.inputs.iter().map(|input| target(output, input)).collect();
        let inputs = self.inputs.iter().chain(&self.on_demand).chain(&self.instance_types);
        keep_apart(targets.iter().map(PathBuf::as_path), inputs.map(PathBuf::as_path))
    }

    fn keep(&self, input: &Path, imported: &Imported) -> Result<(), Failure> {
        let Imported { trace, findings } = imported;
        self.tell(&findings.to_string())?;
        for option in self.without_effect(findings.format) {
            warn(format_args!("{option} says nothing about {}", findings.format.name()));
        }
        let Some(output) = self.output.as_ref().map(|output| target(output, input)) else {
            return Ok(());
        };
        if trace.row_count() == 0 {
            let what = format_args!("nothing of `{}` could be kept", input.display());
            let hint =
                format!("`{}` is not written: see above what became of its rows", output.display());
            return Err(Failure::new(what, hint));
        }
        let written = OutFile::create(&output)
            .and_then(|mut file| canonical::write(trace, &mut file).map(|()| file))
            .and_then(OutFile::finish);
        written.map_err(|error| Failure::output(&output, &error))?;
        self.tell(&format!("  written  {}\n", output.display()))
    }

    /// What was stated and is of no use for a file of that format.
    fn without_effect(&self, format: Format) -> impl Iterator<Item = &'static str> {
        use Format::{
            AvailabilityGrid, AvailabilityTar, AvailabilityWindows, FirefoxCi, FleetEvents,
            OfferingTable, OnDemandTable, SpotPriceJson, SpotPriceTable, SpotPriceText, Swf,
            TaskTable,
        };
        let availability = [AvailabilityGrid, AvailabilityTar, AvailabilityWindows, FleetEvents];
        let prices = [SpotPriceJson, SpotPriceText, SpotPriceTable];
        let counts = format != TaskTable || self.columns.as_ref().is_none_or(|it| it.relative);
        let counts = counts && [FirefoxCi, Swf, TaskTable].contains(&format);
        let is_priced = prices.contains(&format);
        let dated = is_priced || [TaskTable, AvailabilityWindows].contains(&format);
        let of_types = is_priced || format == OfferingTable;
        let of_region = format == OnDemandTable || is_priced && self.on_demand.is_some();
        let all = [
            ("--start", self.start.is_some(), counts || availability.contains(&format)),
            ("--columns", self.columns.is_some(), format == TaskTable),
            ("--queue", self.queue.is_some(), [FirefoxCi, Swf, TaskTable].contains(&format)),
            ("--utc-offset", self.utc_offset.is_some(), dated),
            ("--region", self.region.is_some(), of_region),
            ("--instance-types", self.instance_types.is_some(), of_types),
            ("--on-demand", self.on_demand.is_some(), is_priced),
        ];
        all.into_iter().filter(|(_, stated, used)| *stated && !used).map(|(name, ..)| name)
    }

    /// Findings are data, unless standard output is taken.
    fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.output.as_deref().is_some_and(is_stdout) {
            say(text.trim_end());
            return Ok(());
        }
        print(format_args!("{text}"))
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut options = Options {
            format: self.format,
            now: Some(now()),
            start: self.start,
            utc_offset: self.utc_offset,
            columns: self.columns.clone(),
            queue: self.queue.clone(),
            region: self.region.clone(),
            ..Options::default()
        };
        if let Some(path) = &self.instance_types {
            match import(path, &Options::default())?.trace {
                Trace::InstanceTypes(table) => {
                    options.known_types = Some(table.instance_types.into_iter().collect());
                }
                _ => return Err(not_a(path, "instance types")),
            }
        }
        if let Some(path) = &self.on_demand {
            let region = Options { region: self.region.clone(), ..Options::default() };
            match import(path, &region)?.trace {
                Trace::OnDemand(table) => options.on_demand = Some(table),
                _ => return Err(not_a(path, "on-demand prices")),
            }
        }
        Ok(options)
    }
}

fn not_a(path: &Path, what: &str) -> Failure {
    Failure::new(
        format_args!("`{}` is no table of {what}", path.display()),
        "see what it is with `provisioner import`",
    )
}

/// Where the canonical form of an input goes.
fn target(output: &Path, input: &Path) -> PathBuf {
    if !output.is_dir() {
        return output.to_owned();
    }
    let mut stem = PathBuf::from(input.file_name().unwrap_or_default());
    while stem.extension().is_some_and(|extension| extension == "gz" || extension == "zst") {
        stem.set_extension("");
    }
    let mut name = stem.into_os_string();
    name.push(".trace");
    output.join(name)
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let by_id = |id: String| Format::ALL.iter().copied().find(|format| format.id() == id);
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.id()))
        .map(move |id| by_id(id).expect("one of the possible values"))
}

fn time(text: &str) -> Result<Time, String> {
    quantity::time(text).map_err(|fault| fault.to_string())
}

fn offset(text: &str) -> Result<Duration, String> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let offset = quantity::duration(text).map_err(|fault| fault.to_string())?;
    match offset {
        offset if offset > Duration::from_hours(14) => {
            Err("no place is more than 14 h from UTC".to_owned())
        }
        offset => Ok(offset * sign),
    }
}

fn columns(text: &str) -> Result<TaskColumns, String> {
    let mut pairs = Vec::new();
    for pair in text.split(',') {
        let (key, name) = pair.split_once('=').ok_or_else(|| {
            format!("`{pair}` is not KEY=NAME: write for example submitted=created")
        })?;
        pairs.push((key.trim(), name.trim().to_owned()));
    }
    let mut take = |key: &str| {
        let index = pairs.iter().position(|(known, _)| *known == key)?;
        Some(pairs.swap_remove(index).1)
    };
    let times = take("unit").map_or(Ok(Unit::Millis), |name| unit(&name))?;
    let durations = take("duration_unit").map_or(Ok(times), |name| unit(&name))?;
    let run = match (take("duration"), take("start"), take("end")) {
        (Some(duration), None, None) => Run::Duration(duration, durations),
        (None, Some(start), Some(end)) => Run::StartEnd(start, end),
        _ => return Err("name either `duration`, or `start` and `end`".to_owned()),
    };
    let finished = match take("finished") {
        None => None,
        Some(finished) => {
            let (column, values) = finished
                .split_once(':')
                .ok_or("write `finished` as NAME:VALUE, or NAME:VALUE|VALUE")?;
            Some((column.to_owned(), values.split('|').map(str::to_owned).collect()))
        }
    };
    let columns = TaskColumns {
        submitted: take("submitted").ok_or("`submitted` is missing")?,
        run,
        times,
        relative: take("relative").map_or(Ok(false), |it| yes_or_no("relative", &it))?,
        header: take("header").map_or(Ok(true), |it| yes_or_no("header", &it))?,
        queue: take("queue"),
        priority: take("priority"),
        deadline: take("deadline"),
        retries: take("retries"),
        finished,
        job: None,
        state: None,
    };
    match pairs.first() {
        Some((key, _)) => Err(format!("`{key}` is unknown or there twice; see `--help`")),
        None if columns.relative && times == Unit::Text => {
            Err("`unit=text` has dates as times, which count from nothing else: leave out \
                 `relative`"
                .to_owned())
        }
        None => Ok(columns),
    }
}

fn unit(name: &str) -> Result<Unit, String> {
    match name {
        "s" => Ok(Unit::Seconds),
        "ms" => Ok(Unit::Millis),
        "us" => Ok(Unit::Micros),
        "text" => Ok(Unit::Text),
        _ => Err(format!("`{name}` is no unit: write s, ms, us or text")),
    }
}

fn yes_or_no(key: &str, said: &str) -> Result<bool, String> {
    match said {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("write `{key}` as yes or no")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_once_and_in_full() {
        let named = columns("submitted=created,start=a,end=b,unit=s,finished=state:ok|failed");
        let named = named.unwrap();
        assert_eq!((named.submitted.as_str(), named.times), ("created", Unit::Seconds));
        assert_eq!(named.run, Run::StartEnd("a".to_owned(), "b".to_owned()));
        assert_eq!(named.finished.unwrap().1, ["ok", "failed"]);
        for (text, said) in [
            ("submitted", "not KEY=NAME"),
            ("submitted=a", "name either"),
            ("duration=b", "`submitted` is missing"),
            ("submitted=a,duration=b,colour=c", "`colour` is unknown"),
            ("submitted=a,submitted=b,duration=c", "there twice"),
            ("submitted=a,duration=b,unit=h", "no unit"),
            ("submitted=a,duration=b,relative=true", "`relative` as yes or no"),
            ("submitted=1,duration=2,header=false", "`header` as yes or no"),
            ("submitted=1,duration=2,unit=text,relative=yes", "leave out `relative`"),
        ] {
            assert!(columns(text).unwrap_err().contains(said), "{text}");
        }
    }

    #[test]
    fn offsets_may_be_behind() {
        assert_eq!(offset("-5 h"), Ok(Duration::from_hours(-5)));
        assert_eq!(offset("5 h 30 min"), Ok(Duration::from_mins(330)));
        assert!(offset("25 h").is_err());
        assert!(offset("-25 h").is_err());
    }
}
