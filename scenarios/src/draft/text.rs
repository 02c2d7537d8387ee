//! A draft as a file that teaches, in the voice of the quickstart.

use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use provisioner_engine::units::{Duration, Time};

use super::market::{Market, Prices};
use super::tasks::{Queue, Tasks};
use super::{CAPACITY_MAX_DEFAULT, Draft};
use crate::file::quantity::write_duration;

/// Regions with the on-demand prices of us-east-1.
const SAME_PRICES: [&str; 3] = ["us-east-1", "us-east-2", "us-west-2"];
/// Where comments beside values begin.
const COMMENT_COLUMN: usize = 32;

pub(super) fn write(draft: &Draft, path: &Path) -> String {
    let mut text = Text { text: String::new(), folder: path.parent().unwrap_or(Path::new("")) };
    text.head(draft, path);
    text.time(draft);
    text.market(&draft.market);
    text.cloud(&draft.market);
    text.common(draft);
    draft.queues.iter().for_each(|queue| text.queue(draft, queue));
    text.checks(draft);
    text.text
}

struct Text<'a> {
    text: String,
    /// What paths in it are relative to.
    folder: &'a Path,
}

impl Text<'_> {
    fn line(&mut self, line: impl Display) {
        self.text += &format!("{line}\n");
    }

    /// A key with what it is about.
    fn key(&mut self, key: &str, value: impl Display, comment: &str) {
        let line = format!("{key} = {value}");
        match line.chars().count() < COMMENT_COLUMN {
            true => self.line(format_args!("{line:COMMENT_COLUMN$}# {comment}")),
            false => self.line(format_args!("# {comment}\n{line}")),
        }
    }

    fn head(&mut self, draft: &Draft, path: &Path) {
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
        self.line(format_args!(
            "# {description}.\n\
             #\n\
             #     provisioner simulate {}\n\
             #\n\
             # A draft by `provisioner new`, to be changed. Every key that is left out has a default with\n\
             # a source: `provisioner parameters` lists them. Quantities are strings with their unit.\n",
            path.display()
        ));
        self.line(format_args!("description = {}", quoted(&description)));
        self.key("seed", 1, "where all chance comes from; --seed overrides it");
    }

    fn time(&mut self, draft: &Draft) {
        let (start, weekday) = shown(draft.start);
        let recorded =
            draft.queues.iter().any(|queue| matches!(queue.tasks, Tasks::Recorded { .. }));
        let length = if recorded {
            "tasks after it are left out; then the queues drain"
        } else {
            "tasks are submitted for so long; then the queues drain"
        };
        self.line("\n[time]");
        self.key("start", start, &format!("a {weekday}; all times are UTC"));
        self.key("length", quoted(&write_duration(draft.length)), length);
    }

    fn market(&mut self, market: &Market) {
        let Market { outbid, prices, product, zones, kinds, .. } = market;
        self.line("\n[market]");
        match outbid {
            true => self.key(
                "regime",
                quoted("outbid"),
                "until 2017-11: who bids less than the price loses the machine",
            ),
            false => self.key(
                "regime",
                quoted("capacity"),
                "since 2017-11: shortage interrupts, not price",
            ),
        }
        if let Some(product) = product {
            self.key("product", quoted(product), "as EC2's price history names it");
        }
        self.line(format_args!("zones = {}", list(zones)));
        match prices {
            Prices::Modern => {
                self.key("prices", quoted("modern"), "generated, as smooth as since 2017");
            }
            Prices::BidEra => {
                self.key("prices", quoted("bid-era"), "generated, as restless as until 2017")
            }
            Prices::Recorded(_) => {}
        }
        let shares = match prices {
            Prices::Recorded(file) => {
                let file = quoted(&self.seen(file));
                self.line(format_args!("\n[market.prices.recorded]\nfiles = [{file}]"));
                "the most that is bid"
            }
            Prices::Modern | Prices::BidEra => {
                self.line("# How many machines pools have to give is told apart from prices. Left out: always enough.");
                if !outbid {
                    self.line("# Here some run dry, for half an hour or half a day; one in the middle is up for a day or two.");
                    self.line("availability = { generated = { up = { exponential = { mean = \"36 h\" } } } }");
                }
                "generated prices are shares of these"
            }
        };
        let elsewhere = |zone: &String| !SAME_PRICES.iter().any(|region| zone.starts_with(region));
        if zones.iter().any(elsewhere) {
            self.line("\n# On-demand prices are those of us-east-1; elsewhere most are higher: look them up.");
        }
        let since = kinds.iter().filter_map(|kind| kind.since.as_deref()).max();
        let of = since.map_or(String::new(), |since| format!("us-east-1, {since}; "));
        self.line(format_args!("\n[market.on_demand]              # {of}{shares}"));
        for kind in kinds {
            self.line(format_args!("{} = {}", quoted(&kind.name), quoted(&kind.price)));
        }
        let counted: Vec<_> = kinds.iter().filter(|kind| kind.vcpus.is_some()).collect();
        if !counted.is_empty() {
            self.line("\n[market.vcpus]                  # what the account's quota counts");
        }
        for kind in counted {
            let vcpus = kind.vcpus.as_deref().unwrap_or_default();
            self.line(format_args!("{} = {vcpus}", quoted(&kind.name)));
        }
    }

    fn cloud(&mut self, market: &Market) {
        self.line("\n[cloud]");
        self.key(
            "behaviour",
            quoted("full"),
            "EC2 as it is: late, forgetful, throttled; or \"plain\"",
        );
        if market.outbid {
            return;
        }
        self.key("interruption_hazard", "0.00018", "an hour of each machine: 10 to 15 % a month");
    }

    fn common(&mut self, draft: &Draft) {
        self.line("\n# What all worker types have in common; each may say otherwise.\n[worker_type_defaults]");
        self.key(
            "scaling",
            quoted("target"),
            "how much is wanted; or \"scaling-ratio\", \"estimator\"",
        );
        self.key(
            "placement",
            quoted("spread"),
            "where: or \"cheapest\", \"random\", \"weighted\", \"on-demand\"",
        );
        let most = draft.capacity_max.unwrap_or(CAPACITY_MAX_DEFAULT);
        self.key("capacity_max", most, "the most tasks that run at once, in each of them");
        self.key("idle_timeout", quoted("10 min"), "how long a worker waits for a next task");
        match draft.on_demand_after {
            Some(after) => self.key("on_demand_after", quoted(&write_duration(after)), "so long a spot machine is looked for"),
            None => self.line("# on_demand_after = \"10 min\"    # so long a spot machine is looked for; left out: for ever"),
        }
        if draft.market.outbid {
            self.key("workers.idle_stop", quoted("before-hour-ends"), "a begun hour is paid for");
        }
        self.line(
            "\n# Tasks run `utility` times as fast on a machine, and `capacity` of them at once.",
        );
        self.line("[worker_type_defaults.instance_types]");
        for kind in &draft.market.kinds {
            self.line(format_args!("{} = {{ utility = 1.0, capacity = 1 }}", quoted(&kind.name)));
        }
    }

    fn queue(&mut self, draft: &Draft, queue: &Queue) {
        let header = format!("worker_types.{}", quoted(&queue.name));
        match &queue.tasks {
            Tasks::Generated { preset, what, per_hour } => {
                self.line(format_args!("\n# Like recorded {what}.\n[{header}.tasks.generated]"));
                self.key("preset", quoted(preset), "the shape; each of its keys can be given here");
                self.key("tasks_per_hour", per_hour, "mean over a whole week");
            }
            Tasks::Recorded { file, format, queue: name, count, replay_from } => {
                self.line(format_args!("\n# {count} tasks were recorded."));
                if let (None, Some(most)) = (draft.capacity_max, queue.capacity_max) {
                    self.line(format_args!("[{header}]"));
                    self.key("capacity_max", most, "four times what ran at once on average");
                    self.line("");
                }
                let file = quoted(&self.seen(file));
                self.line(format_args!("[{header}.tasks.recorded]\nfile = {file}"));
                if let Some(format) = format {
                    self.key("format", quoted(format.id()), "what the file is");
                }
                if let Some(name) = name {
                    self.key("queue", quoted(name), "the file has others");
                }
                if let Some(from) = replay_from {
                    let from = shown(*from).0;
                    self.key("replay_from", from, "this time in the file is taken for the start");
                }
            }
        }
    }

    fn checks(&mut self, draft: &Draft) {
        self.line("\n# What must hold; exit code 1 says that it does not. Any number of `--json` can be checked.");
        self.line("[checks.all-done]\nbecause = \"no task waits for ever\"");
        self.line("measure = \"total.tasks.left\"\nequals = 0");
        if let Some(limit) = draft.wait_p95 {
            let limit = quoted(&write_duration(limit));
            self.line(
                "\n[checks.waits]\nbecause = \"95 of 100 tasks may wait for so long at most\"",
            );
            self.line(format_args!("measure = \"total.wait_s.p95\"\nat_most = {limit}"));
        }
    }

    /// A path as the scenario's folder sees it, if there is a way without looking at the disk.
    fn seen(&self, path: &Path) -> String {
        let up = |part| match part {
            Component::Normal(_) => Some(".."),
            Component::CurDir => Some("."),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => None,
        };
        let ups: Option<PathBuf> = self.folder.components().map(up).collect();
        let seen = match ups {
            _ if path.is_absolute() => path.to_owned(),
            Some(ups) => ups.join(path),
            None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        };
        seen.display().to_string()
    }
}

/// A file's name without folders.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

/// A time as TOML has it, and its day of the week.
fn shown(time: Time) -> (String, String) {
    let timestamp = Timestamp::from_millisecond(time.ms()).unwrap_or_default();
    let at = timestamp.to_zoned(TimeZone::UTC);
    let midnight = time.ms() % Duration::DAY.ms() == 0;
    let format = if midnight { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%SZ" };
    (at.strftime(format).to_string(), at.strftime("%A").to_string())
}
