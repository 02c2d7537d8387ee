//! Which worker types have pictures of their own, and the others together.

use std::borrow::Cow;
use std::cmp::Reverse;

use provisioner_scenarios::timeline::{Timeline, TypeLine};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Outcome, Wait};

use crate::text::grouped;

/// No more pictures of worker types than this.
const DRAWN_MAX: usize = 12;

/// What is drawn in one picture: a worker type, or all that are left.
pub(super) struct Line<'a> {
    pub(super) name: String,
    pub(super) line: Cow<'a, TypeLine>,
    /// The most capacity that it may have, if it is one.
    pub(super) limit: Option<u32>,
    /// How long its tasks waited, if it is one.
    pub(super) wait: Option<Wait>,
}

impl Line<'_> {
    /// Whether it is one worker type.
    pub(super) const fn is_one(&self) -> bool {
        self.wait.is_some()
    }
}

/// The most expensive worker types in the scenario's order, and the others together.
pub(super) fn lines<'a>(
    config: &SimConfig,
    outcome: &Outcome,
    timeline: &'a Timeline,
) -> Vec<Line<'a>> {
    let count = outcome.worker_types.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| {
        let measures = &outcome.worker_types[*index];
        (Reverse((measures.cost.total(), measures.tasks.submitted)), *index)
    });
    let shown = if count > DRAWN_MAX { DRAWN_MAX - 1 } else { count };
    let (each, others) = order.split_at_mut(shown);
    each.sort_unstable();
    let one = |index: &usize| Line {
        name: outcome.worker_types[*index].name.clone(),
        line: Cow::Borrowed(&timeline.worker_types[*index]),
        limit: config.engine.worker_types.get(*index).map(|it| it.capacity_max),
        wait: Some(outcome.worker_types[*index].wait),
    };
    let mut lines: Vec<Line<'a>> = each.iter().map(one).collect();
    if !others.is_empty() {
        let mut line = TypeLine::default();
        others.iter().for_each(|index| line.add(&timeline.worker_types[*index]));
        let name = format!("{} others together", grouped(others.len() as u64));
        lines.push(Line { name, line: Cow::Owned(line), limit: None, wait: None });
    }
    lines
}
