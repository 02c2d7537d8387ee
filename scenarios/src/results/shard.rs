//! Parts of a sweep, for many machines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The i-th of n parts: each run is in exactly one, and neighbours are in different ones, so that
/// parts take about equally long. Written `i/n`, from `1/n` to `n/n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// From 1.
    index: u32,
    of: u32,
}

impl Shard {
    /// The part that a task of a cluster scheduler's array job is for, by its environment. Tasks
    /// count from zero; how many there are is `of`, or what the scheduler says.
    ///
    /// Sources: Slurm, "Job Array Support"; AWS Batch, "Job environment variables"; Kubernetes,
    /// "Indexed Job for Parallel Processing" (which says no count); read 2026-11-22.
    ///
    /// # Errors
    ///
    /// This is no such task, or the number of parts is not known.
    pub fn from_env(get: impl Fn(&str) -> Option<String>, of: Option<u32>) -> Result<Self, String> {
        let found = SCHEDULERS.iter().find_map(|it| Some((it, get(it.index)?)));
        let Some((scheduler, index)) = found else {
            let known: Vec<&str> = SCHEDULERS.iter().map(|scheduler| scheduler.index).collect();
            return Err(format!("none of {} is set", known.join(", ")));
        };
        let number = |name: &str, text: &str| {
            text.parse::<u32>().map_err(|_| format!("{name} is `{text}`, not a number"))
        };
        let index = number(scheduler.index, &index)?;
        let of = match (of, scheduler.count.and_then(|name| Some((name, get(name)?)))) {
            (Some(of), _) => of,
            (None, Some((name, count))) => number(name, &count)?,
            (None, None) => return Err(format!("{} says no count: write env/N", scheduler.name)),
        };
        if index >= of {
            let what = format!("{} is {index}, but there are {of} parts", scheduler.index);
            return Err(format!("{what}: count tasks from zero{}", scheduler.hint));
        }
        Ok(Self { index: index + 1, of })
    }

    /// Whether a run is in this part.
    #[must_use]
    pub fn has(self, run: usize) -> bool {
        run % self.of as usize == self.index as usize - 1
    }

    /// All parts there are with this one.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |index| Self { index, ..self })
    }
}

/// How a scheduler says which task of an array this is.
struct Scheduler {
    name: &'static str,
    index: &'static str,
    count: Option<&'static str>,
    hint: &'static str,
}

const SCHEDULERS: [Scheduler; 3] = [
    Scheduler {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        count: Some("SLURM_ARRAY_TASK_COUNT"),
        hint: ", for example sbatch --array=0-7; to repeat some of 8, --shard env/8",
    },
    Scheduler {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        count: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
        hint: "",
    },
    Scheduler { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", count: None, hint: "" },
];

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| {
            Some(Self { index: index.parse().ok()?, of: of.parse().ok()? })
        });
        let is_part = |shard: &Self| (1..=shard.of).contains(&shard.index);
        numbers.filter(is_part).ok_or_else(|| format!("`{text}` is no part: write for example 1/4"))
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_env(set: &[(&str, &str)], of: Option<u32>) -> Result<String, String> {
        let get = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Shard::from_env(get, of).map(|shard| shard.to_string())
    }

    #[test]
    fn the_schedulers_say_which_task_this_is() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(from_env(&slurm, None), Ok("4/4".into()));
        let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "0"), ("AWS_BATCH_JOB_ARRAY_SIZE", "10")];
        assert_eq!(from_env(&batch, None), Ok("1/10".into()));
        let kubernetes = [("JOB_COMPLETION_INDEX", "2")];
        assert_eq!(from_env(&kubernetes, Some(5)), Ok("3/5".into()));
        assert_eq!(
            from_env(&kubernetes, None),
            Err("Kubernetes says no count: write env/N".into())
        );
    }

    #[test]
    fn an_array_that_is_no_range_from_zero_is_refused_and_may_be_repeated_in_part() {
        let some = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "2")];
        let refused = from_env(&some, None).unwrap_err();
        assert!(
            refused.contains("is 7, but there are 2 parts: count tasks from zero"),
            "{refused}"
        );
        assert_eq!(from_env(&some, Some(8)), Ok("8/8".into()));
        assert!(from_env(&[], None).unwrap_err().starts_with("none of SLURM_ARRAY_TASK_ID"));
        let odd = [("SLURM_ARRAY_TASK_ID", "x")];
        assert_eq!(from_env(&odd, None), Err("SLURM_ARRAY_TASK_ID is `x`, not a number".into()));
    }

    #[test]
    fn every_run_is_in_exactly_one_part() {
        for of in 1..6 {
            let first: Shard = format!("1/{of}").parse().unwrap();
            for run in 0..20 {
                assert_eq!(first.all().filter(|shard| shard.has(run)).count(), 1);
            }
        }
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "-1/4", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
