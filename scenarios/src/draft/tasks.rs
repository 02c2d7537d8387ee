//! What a draft's queues get: generated tasks, or recorded ones.

use std::path::{Path, PathBuf};

use provisioner_engine::units::{Duration, Time};

use super::{Wishes, Wrong};
use crate::traces::{Format, Options, Trace, import};

/// A queue, and where its tasks come from.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    /// The worker type that serves it.
    pub(super) name: String,
    /// Four times what ran at once on average, if that is known.
    pub(super) capacity_max: Option<i64>,
    pub(super) tasks: Tasks,
}

#[derive(Clone, Debug)]
pub(super) enum Tasks {
    Generated {
        preset: &'static str,
        what: &'static str,
        per_hour: String,
    },
    Recorded {
        file: PathBuf,
        format: Option<Format>,
        /// Its name in the file, if there are others.
        queue: Option<String>,
        count: u64,
        /// What is taken for the start of the run, if times are to be moved.
        replay_from: Option<Time>,
    },
}

/// Queues, and from when to before when their tasks were recorded.
pub(super) struct AllTasks {
    pub(super) queues: Vec<Queue>,
    /// How many recorded queues have no worker type.
    pub(super) left_out: usize,
    pub(super) span: Option<(Time, Time)>,
}

/// A preset of generated tasks: name, words, tasks an hour if nobody says.
pub(super) const PRESETS: [(&str, &str, &str); 3] = [
    ("firefox-builds", "builds: batches, bursts, and some that take hours", "60"),
    ("firefox-tests", "tests: batches of a hundred, nearly all of one length", "150"),
    ("research-cluster", "jobs of researchers: most take a minute, a few take days", "20"),
];

/// Most queues of a recording that get a worker type each; the fullest do.
const QUEUES_MAX: usize = 8;

pub(super) fn of(wishes: &Wishes, wrong: &mut Vec<Wrong>) -> Option<AllTasks> {
    let said = wishes.tasks.as_deref().map_or(PRESETS[0].0, str::trim);
    match PRESETS.into_iter().find(|preset| preset.0 == said) {
        Some((preset, what, usual)) => {
            let per_hour = wishes.tasks_per_hour.as_deref().unwrap_or(usual).trim().to_owned();
            if !per_hour.parse().is_ok_and(|rate: f64| (0.01..=1e6).contains(&rate)) {
                let what = format!("`{per_hour}` is no rate of tasks");
                wrong.push(Wrong::new(what, "give a number of tasks an hour, for example 60"));
            }
            if wishes.format.is_some() {
                let what = "a format is of a file, and tasks are to be generated";
                wrong.push(Wrong::new(what, "leave it out, or name a file of tasks"));
            }
            let tasks = Tasks::Generated { preset, what, per_hour };
            Some(AllTasks {
                queues: vec![Queue { name: "ci/tasks".into(), capacity_max: None, tasks }],
                left_out: 0,
                span: None,
            })
        }
        None => recorded(said, wishes, wrong),
    }
}

fn recorded(said: &str, wishes: &Wishes, wrong: &mut Vec<Wrong>) -> Option<AllTasks> {
    if wishes.tasks_per_hour.is_some() {
        let what = "recorded tasks come when they came, at no rate";
        wrong.push(Wrong::new(what, "leave the rate out, or choose a preset"));
    }
    let format = wishes.format.as_deref().map(|id| {
        Format::from_id(id).ok_or_else(|| {
            let ids = Format::TASKS.map(Format::id).join(", ");
            Wrong::new(format!("there is no format `{id}`"), format!("tasks are in one of {ids}"))
        })
    });
    let format = format.transpose().map_err(|it| wrong.push(it));
    let path = Path::new(said);
    if !path.exists() {
        let names = PRESETS.map(|preset| preset.0).join(", ");
        let hint = format!("name a file of tasks, or a preset: {names}");
        wrong.push(Wrong::new(format!("there is no file `{said}`"), hint));
        return None;
    }
    let format = format.ok()?;
    let options = Options { format, ..Options::default() };
    let trace = match import(path, &options) {
        Ok(imported) => imported.trace,
        Err(error) => {
            let hint = "`provisioner import` reads more, and writes a file that is read here";
            wrong.push(Wrong::new(error.to_string().trim_end(), hint));
            return None;
        }
    };
    let Trace::Tasks(trace) = trace else {
        wrong
            .push(Wrong::new(format!("`{said}` is not a recording of tasks"), "name another file"));
        return None;
    };
    let mut of_queues = vec![(0_u64, Duration::ZERO); trace.queues.len()];
    let (mut first, mut last) = (Time::MAX, Time::EPOCH);
    for task in trace.tasks.iter() {
        let (count, busy) = &mut of_queues[task.queue as usize];
        *count += 1;
        *busy += task.duration;
        (first, last) = (first.min(task.submitted), last.max(task.submitted));
    }
    if first > last {
        wrong.push(Wrong::new(format!("`{said}` has no task"), "name another file"));
        return None;
    }
    let start = hour_of(first);
    let length = Duration::HOUR * (last.since(start).ms() / Duration::HOUR.ms() + 1);
    let queues = trace.queues.iter().zip(of_queues);
    let mut fullest: Vec<_> = queues.filter(|(_, (count, _))| *count > 0).collect();
    fullest.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let alone = fullest.len() == 1;
    let left_out = fullest.len().saturating_sub(QUEUES_MAX);
    let queues = fullest.into_iter().take(QUEUES_MAX).map(|(queue, (count, busy))| Queue {
        name: if queue.contains('/') && !alone { queue.clone() } else { named(queue) },
        capacity_max: Some((busy.ms() * 4 / length.ms() / 10 + 1) * 10),
        tasks: Tasks::Recorded {
            file: path.to_owned(),
            format,
            queue: (!alone).then(|| queue.clone()),
            count,
            replay_from: None,
        },
    });
    Some(AllTasks { queues: queues.collect(), left_out, span: Some((start, start + length)) })
}

/// The worker type of a queue: its name without folders and what is unusual in a name.
fn named(queue: &str) -> String {
    let last = queue.rsplit('/').next().unwrap_or(queue);
    let usual = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    format!("ci/{}", last.chars().map(usual).collect::<String>())
}

/// The hour that a time is in.
pub(super) fn hour_of(time: Time) -> Time {
    Time::from_ms(time.ms() - time.ms().rem_euclid(Duration::HOUR.ms()))
}

/// Whether a recording counts from its own beginning, which is put at 1970.
pub(super) fn is_relative(start: Time) -> bool {
    start < Time::EPOCH + Duration::DAY
}

impl Queue {
    /// Moves recorded tasks, so that those of `recorded` come at `start`.
    pub(super) fn replay(&mut self, recorded: Time, start: Time) {
        if let Tasks::Recorded { replay_from, .. } = &mut self.tasks {
            *replay_from = (recorded != start && !is_relative(recorded)).then_some(recorded);
        }
    }
}
