//! How long tasks waited.

use provisioner_engine::units::Duration;
use provisioner_scenarios::timeline::{Timeline, WaitCounts};
use provisioner_sim::outcome::{Measures, Outcome};

use super::queue::dearest;
use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::{decimal, in_words};

pub(super) fn section(
    body: &mut Body,
    outcome: &Outcome,
    timeline: &Timeline,
    waits: Option<&Table<'_>>,
) {
    let wait = outcome.total.wait;
    let says = if wait.count > 0 {
        let [most, longest] = [wait.p95, wait.max].map(in_words);
        let half = match in_words(wait.p50) {
            _ if wait.p50 == Duration::ZERO => "did not wait".to_owned(),
            half => format!("waited at most {half}"),
        };
        format!("Half of the tasks {half}, 95 % at most {most}, and one {longest}")
    } else {
        "No wait was measured".to_owned()
    };
    body.section("waits", "Waits", &says);
    body.paragraph(
        "From submission to the first claim. Each curve says which share of tasks had begun after so \
         long; the further left, the better. The axis of time is logarithmic.",
    );
    let mut pictures = Vec::new();
    for index in dearest(outcome) {
        let (counts, measures) =
            (&timeline.worker_types[index].waits, &outcome.worker_types[index]);
        if measures.wait.count > 0 {
            let unit = "share of tasks begun, by time since submission".to_owned();
            pictures.push((picture(counts, measures), unit));
        }
    }
    body.pictures(&pictures, "");
    if let Some(waits) = waits {
        body.table("Waits", "worker type", waits);
    }
}

fn picture(counts: &WaitCounts, measures: &Measures) -> Picture {
    let wait = measures.wait;
    let x = Axis::log(1.0..wait.max.as_secs_f64().max(60.0), Unit::Seconds);
    let (from, to) = (x.start(), x.end());
    let mut plot = Plot::new(x, Axis::linear(0.0..1.0, Unit::Share, 4));
    plot.margins = [MARGIN, 16, 16, 22];
    let all = whole(counts.count());
    let mut curve = vec![(from, 0.0)];
    for (waited, count) in counts.no_longer() {
        let share = whole(count) / all;
        match waited.as_secs_f64() {
            short if short <= from => curve[0] = (from, share),
            long => curve.push((long.min(wait.max.as_secs_f64()), share)),
        }
    }
    curve.push((to, 1.0));
    plot.marks.push(Mark::Line(Tone::Blue, 8, curve));
    // What half and nearly all waited no longer than, where that is not nothing.
    for (words, share, quantile) in [("50 %", 0.5, wait.p50), ("95 %", 0.95, wait.p95)] {
        if quantile.as_secs_f64() <= from {
            continue;
        }
        let at = (quantile.as_secs_f64(), share);
        plot.marks.push(Mark::Dots(Tone::Blue, 32, vec![at]));
        // Above the curve, or below it where there is no room on the left.
        let is_far = quantile.as_secs_f64().ln() > to.ln() * 0.45;
        let (side, shift) = if is_far { (Side::Left, (-7, -9)) } else { (Side::Right, (8, 10)) };
        let words = format!("{words} {}", in_words(quantile));
        plot.marks.push(Mark::Text { tone: Tone::Ink, at, shift, side, words });
    }
    let [half, most, nearly_all] = [wait.p50, wait.p95, wait.p99].map(in_words);
    let says = format!(
        "Of {} tasks, half waited at most {half}, 95 % at most {most}, 99 % at most {nearly_all}.",
        decimal(whole(wait.count), 0)
    );
    Picture { title: measures.name.clone(), says, width: 400, plots: vec![(210, plot)] }
}

const MARGIN: i32 = 46;

fn whole(count: u64) -> f64 {
    number(i64::try_from(count).unwrap_or(i64::MAX))
}
