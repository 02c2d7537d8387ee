//! The same for programs.
//!
//! ```text
//! {
//!   "tune": 1,                          the version of this form
//!   "name", "commit",
//!   "verdict": "holds", "broken" (on what was held out) or "nothing" (keeps the limits),
//!   "chosen": {…},                      or what comes nearest, as each of `front`
//!   "toml",                             that as a scenario file
//!   "limits": {measure: most},
//!   "tuned_on", "held_out": {"seeds": […], "windows": [{"start", "end", "warmup_s"}]},
//!   "front": [{"settings": {axis: level}, "surely", "tuned_on": {…}, "held_out": {…}}],
//!   "search": {"settings", "tried", "runs", "runs_held_out", "runs_of_a_sweep",
//!              "dearer", "beyond_limit", "unfunded", "racing"},
//!   "warnings": […]
//! }
//! ```
//!
//! `tuned_on` and `held_out` of settings have `cost_ratio` to the base and `cost_ratio_half`, half of
//! its 95 % interval (null if unknown), and `cells`: for each combination of what is given `given`,
//! `cost_usd` and `values` by limit, means over seeds. `surely` is whether limits were kept by the
//! whole interval, null for settings that were not chosen. The base's settings are null.

use std::io::{self, Write};
use std::path::Path;

use provisioner_scenarios::paired::Interval;
use provisioner_scenarios::scenario::Window;
use provisioner_scenarios::tune::search::Fate;
use provisioner_scenarios::tune::{Judged, Part};
use serde_json::{Map, Value, json};

use super::{Gauge, Verdict, View, verdict, warnings};
use crate::show_time;

/// Writes what was found as one indented document with a line end.
///
/// # Errors
///
/// Whatever `out` says.
pub fn write(judged: &Judged, gauge: &Gauge, commit: &str, out: &mut impl Write) -> io::Result<()> {
    let view = View { judged, gauge };
    let Judged { problem, settings, found, front, tuned, held_out } = judged;
    let pick = found.pick();
    let (all, sweep) = problem.size();
    let limits = gauge.limits().iter().enumerate();
    let limits: Map<String, Value> =
        limits.map(|(index, most)| (gauge.name(index).to_owned(), json!(most))).collect();
    let document = json!({
        "tune": 1,
        "name": problem.name,
        "commit": commit,
        "verdict": match verdict(judged, gauge) {
            Verdict::Holds => "holds",
            Verdict::Broken => "broken",
            Verdict::Nothing => "nothing",
        },
        "chosen": view.setting(pick),
        "toml": problem.text(settings[pick].levels.as_deref(), Path::new("")),
        "limits": limits,
        "tuned_on": view.part(tuned, 0),
        "held_out": view.part(held_out, 1),
        "front": front.iter().map(|setting| view.setting(*setting)).collect::<Vec<_>>(),
        "search": {
            "settings": all,
            "tried": found.candidates.len() - 1,
            "runs": tuned.len(),
            "runs_held_out": held_out.len(),
            "runs_of_a_sweep": sweep,
            "dearer": view.count(Fate::Dearer),
            "beyond_limit": view.count(Fate::BeyondLimit),
            "unfunded": view.count(Fate::Unfunded),
            "racing": view.count(Fate::Racing),
        },
        "warnings": warnings(judged, gauge),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

impl View<'_> {
    fn part(self, part: &Part, which: usize) -> Value {
        let window = |windows: &[Window; 2]| {
            let Window { start, end, warmup } = windows[which];
            json!({ "start": show_time(start), "end": show_time(end),
                    "warmup_s": warmup.as_secs_f64() })
        };
        let windows: Vec<Value> = self.judged.problem.windows.iter().map(window).collect();
        json!({ "seeds": part.seeds, "windows": windows })
    }

    fn setting(self, setting: usize) -> Value {
        let Judged { problem, settings, found, tuned, held_out, .. } = self.judged;
        let names = problem.names(settings[setting].levels.as_deref());
        let axes = problem.axes.iter().zip(names);
        let names: Map<String, Value> =
            axes.map(|(axis, level)| (axis.name.clone(), json!(level))).collect();
        let surely = found.chosen.filter(|chosen| chosen.candidate == setting);
        json!({
            "settings": if setting == 0 { Value::Null } else { names.into() },
            "surely": surely.map(|chosen| chosen.surely),
            "tuned_on": self.figures(tuned, setting),
            "held_out": self.figures(held_out, setting),
        })
    }

    fn figures(self, part: &Part, setting: usize) -> Value {
        let problem = &self.judged.problem;
        let cell = |cell: usize| {
            let given = problem.given.iter().zip(problem.cell_names(cell));
            let given: Map<String, Value> =
                given.map(|(axis, level)| (axis.name.clone(), json!(level))).collect();
            let value = |limit: usize| {
                let value = self.value(part, setting, (cell, limit)).middle;
                (self.gauge.name(limit).to_owned(), json!(value))
            };
            let values: Map<String, Value> = (0..self.gauge.limits().len()).map(value).collect();
            let cost = Interval::of_mean(&part.costs(setting, cell)).middle;
            json!({ "given": given, "cost_usd": cost, "values": values })
        };
        let cells: Vec<Value> = (0..self.cells()).map(cell).collect();
        let ratio = self.ratio(part, setting, 0);
        json!({
            "cost_ratio": ratio.map(|ratio| ratio.middle),
            "cost_ratio_half": ratio.map(|ratio| ratio.half).filter(|half| half.is_finite()),
            "cells": cells,
        })
    }
}
