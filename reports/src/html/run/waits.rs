//! How long tasks waited.

use provisioner_engine::units::Duration;
use provisioner_scenarios::timeline::Timeline;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;

use super::drawn::{Line, lines};
use crate::html::axis::{Axis, number};
use crate::html::chart::{Mark, Picture, Plot, Side, Tone};
use crate::html::markup::Body;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::{decimal, in_words};

pub(super) fn section(
    body: &mut Body,
    config: &SimConfig,
    outcome: &Outcome,
    timeline: &Timeline,
    waits: Option<&Table<'_>>,
) {
    body.section("waits", "Waits", &says(outcome));
    body.paragraph(
        "From submission to the first claim. Each curve says which share of tasks had begun after so \
         long; the further left, the better. The axis of time is logarithmic.",
    );
    let drawn = lines(config, outcome, timeline);
    let pictures = drawn.iter().filter(|line| line.line.waits.count() > 0);
    let unit = "share of tasks begun, by time since submission";
    let pictures = pictures.map(|line| (picture(line), unit.to_owned()));
    body.pictures(&pictures.collect::<Vec<_>>(), "");
    if let Some(waits) = waits {
        body.table("Waits", "worker type", waits);
    }
}

/// How long, in words.
pub(super) fn says(outcome: &Outcome) -> String {
    let wait = outcome.total.wait;
    if wait.count == 0 {
        return "No wait was measured".to_owned();
    }
    let [half, most, longest] = [wait.p50, wait.p95, wait.max].map(in_words);
    let half = match wait.p50 {
        _ if wait.max == Duration::ZERO => return "No task waited".to_owned(),
        Duration::ZERO => "did not wait".to_owned(),
        _ => format!("waited at most {half}"),
    };
    format!(
        "Half of the tasks {half}, 95 % waited at most {most}, and the longest wait was {longest}"
    )
}

fn picture(drawn: &Line<'_>) -> Picture {
    let counts = &drawn.line.waits;
    let known = counts.no_longer().last().map_or(Duration::ZERO, |(longest, _)| longest);
    let longest = drawn.wait.map_or(known, |wait| wait.max).as_secs_f64();
    let x = Axis::log(1.0..longest.max(60.0), Unit::Seconds);
    let (from, to) = (x.start(), x.end());
    let mut plot = Plot::new(x, Axis::linear(0.0..1.0, Unit::Share, 4));
    plot.margins = [MARGIN, 16, 16, 22];
    let all = whole(counts.count());
    let mut curve = vec![(from, 0.0)];
    for (waited, count) in counts.no_longer() {
        let share = whole(count) / all;
        match waited.as_secs_f64() {
            short if short <= from => curve[0] = (from, share),
            long => curve.push((long.min(longest), share)),
        }
    }
    curve.push((to, 1.0));
    plot.marks.push(Mark::Line(Tone::Blue, 8, curve));
    // What half and nearly all waited no longer than, where that is not nothing.
    let wait = drawn.wait.unwrap_or_default();
    for (words, share, quantile) in [("half", 0.5, wait.p50), ("95 %", 0.95, wait.p95)] {
        if quantile.as_secs_f64() <= from {
            continue;
        }
        let at = (quantile.as_secs_f64(), share);
        plot.marks.push(Mark::Dots(Tone::Blue, 32, vec![at]));
        // Above the curve, or below it where there is no room on the left.
        let is_far = quantile.as_secs_f64().ln() > to.ln() * 0.5;
        let (side, shift) = if is_far { (Side::Left, (-7, -9)) } else { (Side::Right, (8, 10)) };
        let words = format!("{words} by {}", in_words(quantile));
        plot.marks.push(Mark::Text { tone: Tone::Ink, at, shift, side, words });
    }
    let says = match drawn.wait {
        Some(wait) => {
            let [half, most, nearly_all] = [wait.p50, wait.p95, wait.p99].map(in_words);
            format!(
                "Of {} tasks, half waited at most {half}, 95 % at most {most}, 99 % at most \
                 {nearly_all}.",
                decimal(whole(wait.count), 0)
            )
        }
        None => format!("Of {} tasks of several worker types.", decimal(all, 0)),
    };
    Picture { title: drawn.name.clone(), says, width: 400, plots: vec![(210, plot)] }
}

const MARGIN: i32 = 46;

fn whole(count: u64) -> f64 {
    number(i64::try_from(count).unwrap_or(i64::MAX))
}
