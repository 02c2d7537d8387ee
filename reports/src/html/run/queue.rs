//! Tasks that wait, and the capacity there is for them, over time.

use provisioner_scenarios::timeline::{Timeline, TypeLine};
use provisioner_sim::Sample;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Measures, Outcome};

use super::{spans, time_axis};
use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::{decimal, grouped, to_the_minute};

/// No more worker types than this are drawn, the most expensive ones.
pub(super) const DRAWN_MAX: usize = 12;

pub(super) fn section(
    body: &mut Body,
    config: &SimConfig,
    outcome: &Outcome,
    timeline: &Timeline,
    tasks: Option<&Table<'_>>,
) {
    let lines = || timeline.worker_types.iter().zip(&outcome.worker_types);
    let worst = lines().filter_map(|(line, measures)| {
        Some((line.states.iter().max_by_key(|state| state.pending)?, measures))
    });
    let says = match worst.max_by_key(|(state, _)| state.pending).filter(|it| it.0.pending > 0) {
        Some((state, measures)) => format!(
            "{} tasks of {} waited at {} UTC, more than at any other time",
            grouped(state.pending.into()),
            measures.name,
            to_the_minute(state.at),
        ),
        None => "No task was seen waiting".to_owned(),
    };
    body.section("queue", "Queue and capacity", &says);
    body.paragraph(&format!(
        "The state every {}: above, tasks that wait; below, what capacity does. Capacity is the number \
         of tasks that can run at once.",
        timeline.step
    ));
    body.key(&[
        (Tone::Red, "waiting"),
        (Tone::Blue, "with a task"),
        (Tone::Sky, "idle"),
        (Tone::Orange, "booting"),
        (Tone::Muted, "asked for"),
    ]);
    let drawn = dearest(outcome);
    let picture = |index: &usize| {
        let (line, measures) = (&timeline.worker_types[*index], &outcome.worker_types[*index]);
        let max = config.engine.worker_types[*index].capacity_max;
        (
            picture(timeline, line, measures, max),
            "above, tasks waiting; below, capacity for tasks".to_owned(),
        )
    };
    body.pictures(&drawn.iter().map(picture).collect::<Vec<_>>(), "");
    body.folded("These pictures as tables", |body| {
        for index in &drawn {
            table(body, timeline, &timeline.worker_types[*index], &outcome.worker_types[*index]);
        }
    });
    if let Some(tasks) = tasks {
        body.table("What became of the tasks", "worker type", tasks);
    }
}

/// The worker types that are drawn, in the scenario's order.
pub(super) fn dearest(outcome: &Outcome) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..outcome.worker_types.len()).collect();
    let of = |index: &usize| &outcome.worker_types[*index];
    indices.sort_by_key(|index| {
        (std::cmp::Reverse((of(index).cost.total(), of(index).tasks.submitted)), *index)
    });
    indices.truncate(DRAWN_MAX);
    indices.sort_unstable();
    indices
}

fn picture(timeline: &Timeline, line: &TypeLine, measures: &Measures, max: u32) -> Picture {
    let states = &line.states;
    let x = time_axis(timeline, 5);
    let bare = x.clone().bare();
    let waiting = states.iter().max_by_key(|state| state.pending);
    let peak = waiting.map_or(0, |state| state.pending);
    let mut above = Plot::new(bare, Axis::linear(0.0..f64::from(peak.max(1)), Unit::Plain, 2));
    above.margins = [MARGIN, 12, 12, 6];
    let at = |state: &Sample| number(state.at.ms());
    let pending = states.iter().map(|state| (at(state), 0.0, f64::from(state.pending)));
    above.marks.push(Mark::Area(Tone::Red, pending.collect()));
    let mut below = vec![0.0; states.len()];
    let layers: [Layer; 4] = [
        (Tone::Blue, |it| it.claimed.min(it.working)),
        (Tone::Sky, |it| it.working - it.claimed.min(it.working)),
        (Tone::Orange, |it| it.booting),
        (Tone::Muted, |it| it.requested),
    ];
    let all = |state: &Sample| state.working + state.booting + state.requested;
    let most = states.iter().map(all).max().unwrap_or(0);
    // The limit is drawn where it is near.
    let near = max <= most.saturating_mul(2);
    let top = if near { f64::from(max.max(most)) * 1.1 } else { f64::from(most.max(1)) };
    let mut capacity = Plot::new(x, Axis::linear(0.0..top, Unit::Plain, 3).until(top));
    capacity.margins = [MARGIN, 12, 12, 22];
    for (tone, of) in layers {
        let mut area = Vec::with_capacity(states.len());
        for (state, below) in states.iter().zip(&mut below) {
            let above = *below + f64::from(of(state));
            area.push((at(state), *below, above));
            *below = above;
        }
        if states.iter().any(|state| of(state) > 0) {
            capacity.marks.push(Mark::Area(tone, area));
        }
    }
    if near {
        let (from, to, at) = (capacity.x.start(), capacity.x.end(), f64::from(max));
        capacity.marks.push(Mark::Dashed(Tone::Ink, vec![(from, at), (to, at)]));
        let words = format!("at most {}", grouped(max.into()));
        let (at, shift, side) = ((from, at), (6, -8), Side::Right);
        capacity.marks.push(Mark::Text { tone: Tone::Ink, at, shift, side, words });
    }
    let when = waiting
        .map_or_else(String::new, |state| format!(", most at {} UTC", to_the_minute(state.at)));
    let says = format!(
        "Tasks waiting over time: at most {}{when}. Capacity over time, stacked by what it does: at \
         most {}.",
        grouped(peak.into()),
        grouped(most.into()),
    );
    Picture {
        title: measures.name.clone(),
        says,
        width: 400,
        plots: vec![(80, above), (170, capacity)],
    }
}

const MARGIN: i32 = 46;

/// A part of the capacity: its colour, and how much of a state it is.
type Layer = (Tone, fn(&Sample) -> u32);

fn table(body: &mut Body, timeline: &Timeline, line: &TypeLine, measures: &Measures) {
    let rows = spans(timeline).into_iter().filter_map(|span| {
        let states = line.states.get(span.start..span.end.min(line.states.len()))?;
        let waiting = states.iter().map(|state| state.pending).max()?;
        let count = number(i64::try_from(states.len()).unwrap_or(i64::MAX));
        let mean = |of: fn(&Sample) -> u32| {
            decimal(states.iter().map(|state| f64::from(of(state))).sum::<f64>() / count, 1)
        };
        let cells = vec![
            grouped(waiting.into()),
            mean(|it| it.claimed.min(it.working)),
            mean(|it| it.working - it.claimed.min(it.working)),
            mean(|it| it.booting),
            mean(|it| it.requested),
        ];
        Some((to_the_minute(timeline.at(span.start)), cells))
    });
    let columns = [
        ("waiting", "most"),
        ("with a task", "mean"),
        ("idle", "mean"),
        ("booting", "mean"),
        ("asked for", "mean"),
    ];
    let table = Table { title: "", columns: columns.into(), rows: rows.collect(), sums: false };
    body.table(&format!("Queue and capacity of {}", measures.name), "from (UTC)", &table);
}
