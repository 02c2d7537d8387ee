//! The page that `tune` prints.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::path::Path;

use provisioner_scenarios::paired::Interval;
use provisioner_scenarios::scenario::Window;
use provisioner_scenarios::tune::search::Fate;
use provisioner_scenarios::tune::{Judged, Part};

use super::{Gauge, Verdict, View, in_words, signed, verdict};
use crate::Look;
use crate::measure::Unit;
use crate::table::Table;
use crate::text::to_the_minute;

/// What was chosen, how sure that is, what it costs beside the reference, what is around it, and
/// the front.
pub fn page<'a>(judged: &'a Judged, gauge: &'a Gauge, look: Look) -> impl Display + 'a {
    Shown { view: View { judged, gauge }, look }
}

struct Shown<'a> {
    view: View<'a>,
    look: Look,
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spans(f)?;
        self.choice(f)?;
        self.beside_reference(f)?;
        self.around(f)?;
        self.front(f)?;
        self.search(f)?;
        self.fragment(f)
    }
}

impl Shown<'_> {
    fn judged(&self) -> &Judged {
        self.view.judged
    }

    fn title(&self, f: &mut fmt::Formatter<'_>, title: impl Display) -> fmt::Result {
        let (bold, _, off) = self.look.codes();
        writeln!(f, "{bold}{title}{off}")
    }

    /// What was tuned on, and what was held out.
    fn spans(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = &self.judged().problem;
        for (cell, windows) in problem.windows.iter().enumerate() {
            let names = problem.cell_names(cell);
            let given = problem.given.iter().zip(names);
            let given: Vec<String> =
                given.map(|(axis, level)| format!(", {} = {level}", axis.name)).collect();
            for (what, part, window) in [
                ("tuned on", &self.judged().tuned, windows[0]),
                ("held out", &self.judged().held_out, windows[1]),
            ] {
                let Window { start, end, warmup } = window;
                let seeds = match part.seeds.as_slice() {
                    [seed] => format!("seed {seed}"),
                    [first, .., last] => format!("seeds {first} to {last}"),
                    [] => String::new(),
                };
                let (start, end) = (to_the_minute(start), to_the_minute(end));
                let given = given.concat();
                writeln!(f, "{what}  {start} to {end}, waits after {warmup}, {seeds}{given}")?;
            }
        }
        writeln!(f)
    }

    /// What was chosen, and how sure that is.
    fn choice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, settings, found, tuned, held_out, .. } = self.judged();
        let pick = found.pick();
        self.title(f, if found.chosen.is_some() { "Chosen" } else { "Nearest to the limits" })?;
        let width = problem.axes.iter().map(|axis| axis.name.chars().count()).max().unwrap_or(0);
        let names = problem.names(settings[pick].levels.as_deref());
        for (axis, level) in problem.axes.iter().zip(names) {
            writeln!(f, "  {:width$}  {level}", axis.name)?;
        }
        let holds = match verdict(self.judged(), self.view.gauge) {
            Verdict::Holds => "and keeps all limits",
            Verdict::Broken => "and breaks a limit that it kept where it was tuned",
            Verdict::Nothing => "and breaks limits where it was tuned, as all that was tried does",
        };
        let cost = |part: &Part| match self.view.ratio(part, pick, 0) {
            Some(ratio) if ratio.excludes(1.0) => {
                format!("costs {} than the base", in_words(ratio))
            }
            _ => "costs not measurably else than the base".to_owned(),
        };
        if pick == 0 {
            return writeln!(f, "On what was held out the base stays as it is {holds}.\n");
        }
        writeln!(f, "On what was held out it {}, {holds}.", cost(held_out))?;
        writeln!(f, "Where it was tuned it {}; believe the former.", cost(tuned))?;
        let base = self.view.strain(tuned, 0);
        if base > 1.0 {
            let used = used(base);
            writeln!(
                f,
                "The base breaks a limit itself: where it was tuned it uses {used} of it."
            )?;
        }
        writeln!(f)
    }

    /// Cost and limits of the choice and of the reference, where they were tuned and held out.
    fn beside_reference(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, found, tuned, held_out, .. } = self.judged();
        let pick = found.pick();
        let columns = [(tuned, 0), (tuned, pick), (held_out, 0), (held_out, pick)];
        let mut rows = Vec::new();
        for cell in 0..problem.cells.len() {
            let given = problem.cell_names(cell).join(" ");
            let name = |measure: &str| format!("{measure}  {given}").trim_end().to_owned();
            let cost = |(part, setting): (&Part, usize)| {
                with_half(Interval::of_mean(&part.costs(setting, cell)), |usd| {
                    Unit::Dollars.show_short(usd)
                })
            };
            rows.push((
                name("cost"),
                columns.map(cost).into_iter().chain([String::new()]).collect(),
            ));
            for (limit, most) in self.view.gauge.limits().iter().enumerate() {
                let value = |(part, setting)| self.view.value(part, setting, (cell, limit)).middle;
                if *most <= 0.0 && columns.map(value).iter().all(|value| *value <= *most) {
                    continue;
                }
                let show = |value| self.view.gauge.show(limit, value);
                let value = |(part, setting): (&Part, usize)| {
                    with_half(self.view.value(part, setting, (cell, limit)), show)
                };
                let cells = columns.map(value).into_iter().chain([show(*most)]).collect();
                rows.push((name(self.view.gauge.name(limit)), cells));
            }
        }
        let (here, there) = ("tuned on", "held out");
        let choice = if found.chosen.is_some() { "chosen" } else { "nearest" };
        let columns =
            vec![("base", here), (choice, here), ("base", there), (choice, there), ("at most", "")];
        let table = Table { title: "Beside the base", columns, rows, sums: false };
        Table::render_all(&[table], self.look, f)
    }

    /// What becomes of cost and limits if one setting is another.
    fn around(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, found, tuned, .. } = self.judged();
        let row = |(axis, level, setting): (usize, usize, usize)| {
            let axis = &problem.axes[axis];
            let ratio = self.view.ratio(tuned, setting, found.pick());
            let differs = ratio.is_some_and(|ratio| ratio.excludes(1.0));
            let dearer = ratio.is_some_and(|ratio| ratio.middle > 1.0);
            let says = match (found.candidates[setting].fate, differs) {
                (Fate::BeyondLimit, _) => "beyond a limit",
                (_, false) => "no measurable difference",
                (_, true) if dearer => "dearer",
                (_, true) if found.standing(setting).1 > 1.0 => "cheaper, beyond a limit",
                (_, true) => "cheaper, too near to a limit",
            };
            let cells = vec![
                ratio.map_or_else(String::new, signed),
                used(found.standing(setting).1),
                found.candidates[setting].samples.len().to_string(),
                says.to_owned(),
            ];
            (format!("{} = {}", axis.name, axis.levels[level]), cells)
        };
        let rows: Vec<_> = self.view.around().into_iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let columns =
            vec![("cost", "tuned on"), ("limits used", "tuned on"), ("seeds", ""), ("", "")];
        let title = "If one setting were another";
        Table::render_all(&[Table { title, columns, rows, sums: false }], self.look, f)
    }

    /// What is not beaten in both cost and limits where it was tuned, and what became of it.
    fn front(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, settings, found, front, tuned, held_out } = self.judged();
        let pick = found.pick();
        let all: BTreeSet<usize> = front.iter().copied().chain([0, pick]).collect();
        let figures = |setting: usize| {
            let ratio = self.view.ratio(held_out, setting, 0).map_or(1.0, |ratio| ratio.middle);
            (ratio, self.view.strain(held_out, setting), setting)
        };
        let mut all: Vec<_> = all.into_iter().map(figures).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let beaten = |cost: f64, strain: f64| {
            all.iter().any(|(other, used, _)| {
                (*other < cost && *used <= strain) || (*other <= cost && *used < strain)
            })
        };
        let limits: Vec<usize> = (0..self.view.gauge.limits().len())
            .filter(|limit| self.view.gauge.limits()[*limit] > 0.0)
            .collect();
        let row = |(cost, strain, setting): &(f64, f64, usize)| {
            let (cost, strain, setting) = (*cost, *strain, *setting);
            let names = problem.names(settings[setting].levels.as_deref());
            let cost_of = |part| self.view.ratio(part, setting, 0).map_or_else(String::new, signed);
            let value = |limit: &usize| {
                let worst = self.view.worst(held_out, setting, *limit);
                with_half(worst, |value| self.view.gauge.show(*limit, value))
            };
            let mark = match (setting == pick, beaten(cost, strain)) {
                (true, _) if found.chosen.is_some() => "chosen",
                (true, _) => "nearest",
                (false, false) => "*",
                (false, true) => "",
            };
            let cells = [cost_of(held_out)].into_iter().chain(limits.iter().map(value));
            let after = [used(strain), cost_of(tuned), used(found.standing(setting).1)];
            let cells = cells.chain(after).chain([mark.to_owned()]).collect();
            (aligned(&names, &self.widths()), cells)
        };
        let rows = all.iter().map(row).collect();
        let (here, there) = ("tuned on", "held out");
        let columns = [("cost", there)].into_iter();
        let columns = columns.chain(limits.iter().map(|it| (self.view.gauge.name(*it), there)));
        let after = [("limits used", there), ("cost", here), ("limits used", here), ("", "")];
        let names: Vec<String> = problem.axes.iter().map(|axis| axis.name.clone()).collect();
        let title = aligned(&names, &self.widths());
        self.title(f, "The front of cost against limits; cost is beside the base's")?;
        let columns = columns.chain(after).collect();
        Table::render_all(&[Table { title: &title, columns, rows, sums: false }], self.look, f)?;
        writeln!(f, "* no other row is both cheaper and farther from the limits, held out.\n")
    }

    fn widths(&self) -> Vec<usize> {
        let width = |text: &String| text.chars().count();
        let base = || "base".chars().count();
        let axes = self.judged().problem.axes.iter();
        let widest = axes.map(|axis| axis.levels.iter().chain([&axis.name]).map(width).max());
        widest.map(|width| width.unwrap_or(0).max(base())).collect()
    }

    /// What the search took, and what it would have taken to run everything.
    fn search(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, found, tuned, held_out, .. } = self.judged();
        let (settings, sweep) = problem.size();
        let grouped = |number: usize| crate::text::grouped(number as u64);
        let tried = found.candidates.len() - 1;
        writeln!(
            f,
            "Tried {} of {} settings in {} runs (a sweep of all takes {}), judged with {} more.",
            grouped(tried),
            grouped(settings),
            grouped(tuned.len()),
            grouped(sweep),
            grouped(held_out.len()),
        )?;
        writeln!(
            f,
            "Given up: {} measurably dearer and no better for it, {} measurably beyond a limit, {} for \
             lack of runs; {} stayed to the end.",
            self.view.count(Fate::Dearer),
            self.view.count(Fate::BeyondLimit),
            self.view.count(Fate::Unfunded),
            self.view.count(Fate::Racing),
        )?;
        writeln!(f, "± is half of a 95 % interval; costs are compared by paired seeds.\n")
    }

    /// What to paste.
    fn fragment(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged { problem, settings, found, .. } = self.judged();
        let text = problem.text(settings[found.pick()].levels.as_deref(), Path::new(""));
        let whole = text.starts_with("base = ");
        let title = if whole { "As a scenario, saved here" } else { "To paste into each base" };
        self.title(f, title)?;
        write!(f, "{}", text.trim_start())
    }
}

fn aligned(words: &[String], widths: &[usize]) -> String {
    let padded = words.iter().zip(widths).map(|(word, width)| format!("{word:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A mean and half of its interval.
fn with_half(value: Interval, show: impl Fn(f64) -> String) -> String {
    let Interval { middle, half } = value;
    if !middle.is_finite() || !half.is_finite() {
        return show(middle);
    }
    format!("{} ± {}", show(middle), show(half))
}

/// How much of the limits is used.
fn used(strain: f64) -> String {
    if strain < 10.0 { format!("{:.0} %", strain * 100.0) } else { "> 1,000 %".to_owned() }
}
