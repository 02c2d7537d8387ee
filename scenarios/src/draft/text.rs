//! A draft as a file that teaches, in the voice of the quickstart.

use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use provisioner_engine::units::{Duration, Time};

use super::kinds::Kind;
use super::market::{Market, Prices};
use super::tasks::{Queue, Tasks};
use super::{CAPACITY_MAX_DEFAULT, Draft};
use crate::file::quantity::write_duration;

pub(super) fn write(draft: &Draft, path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let queues = draft.queues.iter().map(|queue| self::queue(draft, queue, folder));
    [
        head(draft, path),
        time(draft),
        market(&draft.market, folder),
        catalogue(&draft.market),
        cloud(&draft.market),
        common(draft),
        queues.collect(),
        left_out(draft),
        checks(draft),
    ]
    .concat()
}

fn head(draft: &Draft, path: &Path) -> String {
    let tasks = match draft.queues.first().map(|queue| &queue.tasks) {
        Some(Tasks::Generated { preset, .. }) => format!("Generated tasks ({preset})"),
        Some(Tasks::Recorded { file, .. }) => format!("The tasks of {}", name(file)),
        None => "No tasks".to_owned(),
    };
    let prices = match &draft.market.prices {
        Prices::Modern => "smooth generated prices, as since 2017".to_owned(),
        Prices::BidEra => "restless generated prices, as until 2017".to_owned(),
        Prices::Recorded(file) => format!("the prices of {}", name(file)),
    };
    let description = format!("{tasks} on {prices}");
    format!(
        r#"# {description}.
#
#     provisioner simulate {path}
#
# A draft by `provisioner new`, to be changed. Every key that is left out has a default with a
# source: `provisioner parameters` lists them. Quantities are strings with their unit.

description = {quoted}
seed = 1                        # where all chance comes from; --seed overrides it
"#,
        path = printable(&path.display().to_string()),
        quoted = quoted(&description),
    )
}

fn time(draft: &Draft) -> String {
    let (start, weekday) = shown(draft.start);
    let start = key("start", start, &format!("a {weekday}; all times are UTC"));
    let length = quoted(&write_duration(draft.length));
    let length = key("length", length, "later tasks are left out; then the queues drain");
    format!("\n[time]\n{start}{length}")
}

fn market(market: &Market, folder: &Path) -> String {
    let mut text = "\n[market]\n".to_owned();
    text += &match market.outbid {
        true => {
            key("regime", "\"outbid\"", "until 2017-11: whoever bids too little is interrupted")
        }
        false => key("regime", "\"capacity\"", "since 2017-11: shortage interrupts, not price"),
    };
    if let Some(product) = &market.product {
        text += &key("product", quoted(product), "as EC2's price history names it");
    }
    let zones: Vec<String> = market.zones.iter().map(|zone| quoted(zone)).collect();
    text += &format!("zones = [{}]\n", zones.join(", "));
    text += &match &market.prices {
        Prices::Modern => key("prices", "\"modern\"", "generated, as smooth as since 2017"),
        Prices::BidEra => key("prices", "\"bid-era\"", "generated, as restless as until 2017"),
        Prices::Recorded(file) => {
            let file = quoted(&seen_from(folder, file));
            return text + &format!("\n[market.prices.recorded]\nfiles = [{file}]\n");
        }
    };
    if !market.outbid {
        text += AVAILABILITY;
    }
    text
}

const AVAILABILITY: &str = r#"
# How many machines pools have to give is told apart from prices; left out, always enough. Here
# some run dry, for half an hour or half a day; one in the middle is up for a day or two.
[market.availability.generated]
up = { exponential = { mean = "36 h" } }
"#;

/// Regions with the on-demand prices of us-east-1.
const SAME_PRICES: [&str; 3] = ["us-east-1", "us-east-2", "us-west-2"];

fn catalogue(market: &Market) -> String {
    let elsewhere = |zone: &String| !SAME_PRICES.iter().any(|region| zone.starts_with(region));
    let mut text = "\n".to_owned();
    if market.zones.iter().any(elsewhere) {
        text += "# These are the prices of us-east-1; elsewhere most are higher: look them up.\n";
    }
    let since = market.kinds.iter().filter_map(|kind| kind.since.as_deref()).max();
    let of = since.map_or(String::new(), |since| format!("us-east-1, {since}; "));
    let what_for = match market.prices {
        Prices::Recorded(_) => "the most that is bid",
        Prices::Modern | Prices::BidEra => "generated prices are shares of these",
    };
    text += &format!("[market.on_demand]              # {of}{what_for}\n");
    let price = |kind: &Kind| format!("{} = {}\n", quoted(&kind.name), quoted(&kind.price));
    text.extend(market.kinds.iter().map(price));
    let vcpus = |kind: &Kind| Some(format!("{} = {}\n", quoted(&kind.name), kind.vcpus.as_ref()?));
    let vcpus: String = market.kinds.iter().filter_map(vcpus).collect();
    if !vcpus.is_empty() {
        text += "\n[market.vcpus]                  # what the account's quota counts\n";
    }
    text + &vcpus
}

fn cloud(market: &Market) -> String {
    let mut text = r#"
[cloud]
behaviour = "full"              # EC2 as it is: late, forgetful, throttled; or "plain"
"#
    .to_owned();
    if !market.outbid {
        text += "interruption_hazard = 0.00018   # an hour of each machine: 10 to 15 % a month\n";
    }
    text
}

fn common(draft: &Draft) -> String {
    let most = draft.capacity_max.unwrap_or(CAPACITY_MAX_DEFAULT);
    let most = key("capacity_max", most, "the most tasks that run at once, in each of them");
    let patience = match draft.on_demand_after {
        Some(after) => {
            let after = quoted(&write_duration(after));
            key("on_demand_after", after, "so long a spot machine is looked for")
        }
        None => {
            "# on_demand_after = \"10 min\"    # left out: a spot machine is waited for\n".into()
        }
    };
    let stop = if draft.market.outbid {
        "workers.idle_stop = \"before-hour-ends\"      # a begun hour is paid for\n"
    } else {
        ""
    };
    let kind = |Kind { name, .. }: &Kind| {
        let name = quoted(name);
        format!("{name} = {{ utility = 1.0, capacity = 1 }}\n")
    };
    let kinds: String = draft.market.kinds.iter().map(kind).collect();
    format!(
        r#"
# What all worker types have in common; each may say otherwise.
[worker_type_defaults]
scaling = "target"              # how much is wanted; or "scaling-ratio", "estimator"
placement = "spread"            # where: or "cheapest", "random", "weighted", "on-demand"
{most}idle_timeout = "10 min"         # how long a worker waits for a next task
{patience}{stop}
# Tasks run `utility` times as fast on a machine, and `capacity` of them at once.
[worker_type_defaults.instance_types]
{kinds}"#
    )
}

fn queue(draft: &Draft, queue: &Queue, folder: &Path) -> String {
    let header = format!("worker_types.{}", quoted(&queue.name));
    match &queue.tasks {
        Tasks::Generated { preset, what, per_hour } => format!(
            "\n# Like recorded {what}.\n[{header}.tasks.generated]\n{}{}",
            key("preset", quoted(preset), "the shape; each of its keys can be given here"),
            key("tasks_per_hour", per_hour, "mean over a whole week"),
        ),
        Tasks::Recorded { file, format, queue: name, count, replay_from } => {
            let mut text = format!("\n# {count} tasks were recorded.\n");
            if let (None, Some(most)) = (draft.capacity_max, queue.capacity_max) {
                let most = key("capacity_max", most, "four times what ran at once on average");
                text += &format!("[{header}]\n{most}\n");
            }
            let file = quoted(&seen_from(folder, file));
            text += &format!("[{header}.tasks.recorded]\nfile = {file}\n");
            if let Some(format) = format {
                text += &key("format", quoted(format.id()), "what the file is");
            }
            if let Some(name) = name {
                text += &key("queue", quoted(name), "the file has others");
            }
            if let Some(from) = replay_from {
                let from = shown(*from).0;
                text += &key("replay_from", from, "this time in the file is taken for the start");
            }
            text
        }
    }
}

fn left_out(draft: &Draft) -> String {
    match draft.queues_left_out {
        0 => String::new(),
        1 => "\n# The file has another queue, the smallest, which is left out.\n".to_owned(),
        number => {
            format!("\n# The file has {number} other queues, the smallest, which are left out.\n")
        }
    }
}

fn checks(draft: &Draft) -> String {
    let waits = draft.wait_p95.map(|limit| {
        format!(
            r#"
[checks.waits]
because = "95 of 100 tasks may wait for so long at most"
measure = "total.wait_s.p95"
at_most = {}
"#,
            quoted(&write_duration(limit))
        )
    });
    let all_done = r#"
# What must hold; exit code 1 says that it does not. Any number of `--json` can be checked.
[checks.all-done]
because = "no task waits for ever"
measure = "total.tasks.left"
equals = 0
"#;
    all_done.to_owned() + &waits.unwrap_or_default()
}

/// Where comments beside values begin.
const COMMENT_COLUMN: usize = 32;

/// A key with what it is about, beside it or above.
fn key(key: &str, value: impl Display, comment: &str) -> String {
    let line = format!("{key} = {value}");
    match line.chars().count() < COMMENT_COLUMN {
        true => format!("{line:COMMENT_COLUMN$}# {comment}\n"),
        false => format!("# {comment}\n{line}\n"),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A file's name without folders.
fn name(file: &Path) -> String {
    printable(&file.file_name().unwrap_or_default().to_string_lossy())
}

/// Text that does not end a comment.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// A path as a folder sees it, if there is a way without looking at the disk; else the whole path.
fn seen_from(folder: &Path, path: &Path) -> String {
    let up = |part| match part {
        Component::Normal(_) => Some(".."),
        Component::CurDir => Some("."),
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => None,
    };
    let ups: Option<PathBuf> = folder.components().map(up).collect();
    let seen = match ups {
        _ if path.is_absolute() => path.to_owned(),
        Some(ups) => ups.join(path),
        None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    seen.display().to_string()
}

/// A time as TOML has it, and its day of the week.
fn shown(time: Time) -> (String, String) {
    let timestamp = Timestamp::from_millisecond(time.ms()).unwrap_or_default();
    let at = timestamp.to_zoned(TimeZone::UTC);
    let midnight = time.ms() % Duration::DAY.ms() == 0;
    let format = if midnight { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%SZ" };
    (at.strftime(format).to_string(), at.strftime("%A").to_string())
}
