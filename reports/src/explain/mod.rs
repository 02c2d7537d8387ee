//! Explanations in words: a page for each question that a journal answers.
//!
//! Not here: reading journals (`provisioner_scenarios::explain`).

mod life;
mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod turns;
mod waiting;

use provisioner_engine::Alternative;
use provisioner_engine::decision::Reason;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_engine::worker_type::{EngineConfig, PlacementPolicy};
use provisioner_scenarios::explain::Walk;
use provisioner_scenarios::journal::Header;

pub use self::life::life;
pub use self::summary::summary;
pub use self::turns::{at_time, in_span};
pub use self::waiting::waiting;
use crate::page::Section;
use crate::table::Table;
use crate::text::{decimal, grouped};
use crate::{Run, show_time};

/// A section lists no more lines of a kind than these.
const LINES_MAX: usize = 12;

/// What is to be known about how the journal was read, to be told apart from the answer.
#[must_use]
pub fn remarks(walk: &Walk, commit: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    let written_by = &walk.header.commit;
    if let Some((line, at)) = walk.parted {
        let at = show_time(at);
        remarks.push(format!(
            "from {at} on (line {line}) this program, of commit {commit}, decides otherwise than \
             the journal says, so prices and gates of then are not known: ask the program of \
             commit {written_by} for them"
        ));
    }
    remarks.extend(walk.gaps.iter().map(|gap| between_chapters(*gap)));
    if walk.is_growing {
        remarks.push(STILL_GROWING.to_owned());
    }
    if walk.reasons_are_ours {
        remarks.push(
            "the journal was written without reasons; those shown are what the engine says when \
             it is told the same"
                .to_owned(),
        );
    }
    remarks
}

/// That chapters do not join.
#[must_use]
pub fn between_chapters((from, to): (Time, Time)) -> String {
    let length = to.since(from);
    let (from, to) = (show_time(from), show_time(to));
    format!("nothing is known from {from} to {to} ({length}): a chapter is missing or cut short")
}

/// That the last chapter has no end.
pub const STILL_GROWING: &str =
    "the last chapter has no end: it was being written, or its process died";

/// What names the run.
pub(crate) fn run_of(header: &Header) -> Run {
    let Header { scenario, scenario_hash, seed, commit, .. } = header.clone();
    Run { scenario, scenario_hash, seed, commit }
}

fn because(config: &EngineConfig, reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| format!("because {}", reason.describe(config))).collect()
}

/// The candidates of a worker type, what they would have cost, and which were closed.
fn alternatives(
    title: &str,
    config: &EngineConfig,
    worker_type: WorkerTypeId,
    alternatives: &[Alternative],
    chosen: Option<PoolId>,
) -> Option<Section> {
    let known =
        config.worker_types.get(worker_type.index()).filter(|_| !alternatives.is_empty())?;
    let per_slot = matches!(known.placement, PlacementPolicy::Spread(_));
    let mut section = Section::new(title);
    let closed = alternatives.iter().filter_map(|it| it.closed.as_ref());
    section.list(closed.map(|reason| format!("closed: {}", reason.describe(config))), LINES_MAX);
    let price = |price: Option<UsdPerHour>| {
        price.map_or_else(|| "?".to_owned(), |price| decimal(price.as_f64(), 4))
    };
    let row = |it: &Alternative| {
        let slots = if per_slot { f64::from(it.capacity) } else { 1.0 };
        let work = it.price.map(|price| price.as_f64() / it.utility.as_f64() / slots);
        let state = match (&it.closed, chosen == Some(it.pool)) {
            (_, true) => "chosen",
            (Some(_), false) => "closed",
            (None, false) if !it.is_liked => "not bought",
            (None, false) => "",
        };
        let cells = vec![
            price(it.price),
            it.capacity.to_string(),
            decimal(it.utility.as_f64(), 2),
            work.map_or_else(|| "?".to_owned(), |work| decimal(work, 4)),
            state.to_owned(),
        ];
        (config.catalog.pool_name(it.pool), cells)
    };
    let mut rows: Vec<(String, Vec<String>)> = alternatives.iter().map(row).collect();
    rows.truncate(POOLS_MAX);
    let work = if per_slot { "$/h by task" } else { "$/h" };
    let columns = vec![
        ("price", "$/h"),
        ("capacity", "tasks"),
        ("utility", ""),
        ("÷ utility", work),
        ("", ""),
    ];
    Some(section.set(Table { title: "Pool", columns, rows, sums: false }))
}

/// No more pools are shown than these.
const POOLS_MAX: usize = 40;

/// So many of something: `1 task`, `3,000 tasks`.
fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Tasks × time, in a sentence.
fn task_time(ms: i128) -> Duration {
    Duration::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
