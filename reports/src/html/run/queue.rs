//! Tasks that wait, and the capacity there is for them, over time.

use provisioner_scenarios::timeline::{Level, Timeline, TypeLine};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;

use super::drawn::{Line, lines};
use super::{places, spans, time_axis};
use crate::html::axis::Axis;
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::{count, day_and_time, decimal, grouped, to_the_minute};

pub(super) fn section(
    body: &mut Body,
    config: &SimConfig,
    outcome: &Outcome,
    timeline: &Timeline,
    tasks: Option<&Table<'_>>,
) {
    body.section("queue", "Queue and capacity", &says(outcome, timeline));
    body.paragraph(&format!(
        "Above, tasks that wait: their mean in each {}, and as a line the most at any moment of it. \
         Below, the mean of what capacity does. Capacity is the number of tasks that can run at once.",
        timeline.step
    ));
    body.key(&[
        (Tone::Red, "waiting"),
        (Tone::Blue, "with a task"),
        (Tone::Sky, "idle"),
        (Tone::Orange, "booting"),
        (Tone::Muted, "asked for"),
    ]);
    let mut drawn = lines(config, outcome, timeline);
    drawn.retain(|line| line.line.waiting.steps() + line.line.capacity.steps() > 0);
    let unit = "above, tasks waiting; below, capacity for tasks";
    let pictures = drawn.iter().map(|line| (picture(timeline, line), unit.to_owned()));
    body.pictures(&pictures.collect::<Vec<_>>(), "");
    if !drawn.is_empty() {
        body.folded("These pictures as tables", |body| {
            drawn.iter().for_each(|line| table(body, timeline, line));
        });
    }
    if let Some(tasks) = tasks {
        body.table("What became of the tasks", "worker type", tasks);
    }
}

fn says(outcome: &Outcome, timeline: &Timeline) -> String {
    let lines = timeline.worker_types.iter().zip(&outcome.worker_types);
    let peaks = lines.map(|(line, measures)| (line.waiting.most(), &measures.name));
    match peaks.max_by_key(|((most, at), _)| (*most, std::cmp::Reverse(*at))) {
        Some(((most, at), name)) if most > 0 => format!(
            "At most {} of {name} waited, on {} UTC",
            count(most.into(), "task"),
            day_and_time(at),
        ),
        _ => "No task ever waited".to_owned(),
    }
}

/// A part of the capacity: its colour, and where its mean is from.
type Layer = (Tone, fn(&Timeline, &TypeLine, usize) -> f64);

const LAYERS: [Layer; 4] = [
    (Tone::Blue, |timeline, line, step| mean(timeline, &line.busy, step)),
    (Tone::Sky, |timeline, line, step| {
        let working = mean(timeline, &line.working, step);
        (working - mean(timeline, &line.busy, step)).max(0.0)
    }),
    (Tone::Orange, |timeline, line, step| mean(timeline, &line.booting, step)),
    (Tone::Muted, |timeline, line, step| mean(timeline, &line.requested, step)),
];

fn mean(timeline: &Timeline, level: &Level, step: usize) -> f64 {
    timeline.mean(level, step..step + 1)
}

fn picture(timeline: &Timeline, drawn: &Line<'_>) -> Picture {
    let line: &TypeLine = &drawn.line;
    let x = time_axis(timeline, 5);
    let (peak, when) = line.waiting.most();
    let waiting = |step| mean(timeline, &line.waiting, step);
    // Of several together the most at any moment is not known: their mean is drawn alone.
    let top = if drawn.is_one() {
        f64::from(peak)
    } else {
        (0..timeline.steps()).map(waiting).fold(0.0, f64::max)
    };
    let mut above = Plot::new(x.clone().bare(), waiting_axis(top.max(1.0)));
    above.margins = [MARGIN, 12, 12, 6];
    let means = places(timeline, waiting).into_iter().map(|(at, value)| (at, 0.0, value));
    above.marks.push(Mark::Area(Tone::Red, means.collect()));
    if drawn.is_one() && peak > 0 {
        let most = places(timeline, |step| f64::from(line.waiting.held(step).most));
        above.marks.push(Mark::Line(Tone::Red, 3, most));
    }
    let most = line.capacity.most().0;
    let mut below: Vec<f64> = Vec::new();
    let mut stacked = Vec::new();
    for (tone, of) in LAYERS {
        let layer = places(timeline, |step| of(timeline, line, step));
        below.resize(layer.len(), 0.0);
        let is_there = layer.iter().any(|(_, value)| *value > 0.0);
        let area = layer.into_iter().zip(&mut below).map(|((at, value), below)| {
            let from = std::mem::replace(below, *below + value);
            (at, from, *below)
        });
        let area = area.collect();
        if is_there {
            stacked.push(Mark::Area(tone, area));
        }
    }
    let highest = below.iter().copied().fold(0.0, f64::max);
    // The limit is drawn where it is near.
    let limit = drawn.limit.map(f64::from).filter(|limit| *limit <= highest * 2.0);
    let top = limit.map_or(highest.max(1.0), |limit| limit.max(highest) * 1.1);
    let mut capacity = Plot::new(x, Axis::linear(0.0..top, Unit::Plain, 3).until(top));
    capacity.margins = [MARGIN, 12, 12, 22];
    capacity.marks = stacked;
    if let Some(limit) = limit {
        let (from, to) = (capacity.x.start(), capacity.x.end());
        capacity.marks.push(Mark::Dashed(Tone::Ink, vec![(from, limit), (to, limit)]));
        let words = format!("at most {}", decimal(limit, 0));
        let (at, shift, side) = ((from, limit), (6, -8), Side::Right);
        capacity.marks.push(Mark::Text { tone: Tone::Ink, at, shift, side, words });
    }
    let when = match peak {
        0 => String::new(),
        _ => format!(", most on {} UTC", day_and_time(when)),
    };
    let each = if drawn.is_one() { "" } else { " of any of them" };
    let says = format!(
        "Tasks waiting over time: at most {}{each}{when}. Capacity over time, stacked by what it does: \
         at most {}{each}.",
        grouped(peak.into()),
        grouped(most.into()),
    );
    Picture {
        title: drawn.name.clone(),
        says,
        width: 400,
        plots: vec![(80, above), (170, capacity)],
    }
}

fn waiting_axis(top: f64) -> Axis {
    Axis::linear(0.0..top, Unit::Plain, 2).until(top * 1.05)
}

const MARGIN: i32 = 46;

fn table(body: &mut Body, timeline: &Timeline, drawn: &Line<'_>) {
    let line: &TypeLine = &drawn.line;
    let rows = spans(timeline).into_iter().map(|span| {
        let most = span.clone().map(|step| line.waiting.held(step).most).max().unwrap_or(0);
        let mean = |level: &Level| timeline.mean(level, span.clone());
        let (working, busy) = (mean(&line.working), mean(&line.busy));
        let means = [
            mean(&line.waiting),
            busy,
            (working - busy).max(0.0),
            mean(&line.booting),
            mean(&line.requested),
        ];
        let most = if drawn.is_one() { grouped(most.into()) } else { "-".to_owned() };
        let cells = [most].into_iter().chain(means.map(|mean| decimal(mean, 1))).collect();
        (to_the_minute(timeline.at(span.start)), cells)
    });
    let columns = [
        ("waiting", "most"),
        ("waiting", "mean"),
        ("with a task", "mean"),
        ("idle", "mean"),
        ("booting", "mean"),
        ("asked for", "mean"),
    ];
    let table = Table { title: "", columns: columns.into(), rows: rows.collect(), sums: false };
    body.table(&format!("Queue and capacity of {}", drawn.name), "from (UTC)", &table);
}
