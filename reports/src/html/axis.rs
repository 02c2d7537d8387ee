//! Axes: a range, how it is laid out, and where its ticks are.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use provisioner_engine::units::{Duration, Time};

use crate::measure::Unit;

/// A range of numbers along an edge of a plot.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    range: Range<f64>,
    is_log: bool,
    /// Where the ticks are, and what is written there.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From zero, or from where the numbers begin, to the next round number.
    pub(super) fn linear(range: Range<f64>, unit: Unit, ticks: u32) -> Self {
        let from = range.start;
        let to = if range.end > from { range.end } else { from + 1.0 };
        let step = step(unit, (to - from) / f64::from(ticks.max(1)));
        let begins = (from / step + 1e-9).floor() * step;
        let mut all = Vec::new();
        let mut at = begins;
        while at < to + step * 0.999 && all.len() < 16 {
            all.push(at);
            at = begins + step * f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX));
        }
        let ends = all.last().copied().unwrap_or(to).max(to);
        let ticks = all.into_iter().map(|at| (at, short(unit, at, step))).collect();
        Self { range: begins..ends, is_log: false, ticks }
    }

    /// Where each doubling is as long as the next.
    pub(super) fn log(range: Range<f64>, unit: Unit) -> Self {
        let (from, to) = (range.start.max(1e-6), range.end.max(range.start * 1.01).max(2e-6));
        let known: Vec<f64> = match unit {
            Unit::Seconds if to / from < 60.0 => SHORT_SPANS.to_vec(),
            Unit::Seconds => {
                [0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0, 86_400.0, 864_000.0].to_vec()
            }
            _ if to / from > 30.0 => (-6..12).map(|power| 10_f64.powi(power)).collect(),
            _ => (-6..12)
                .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
                .collect(),
        };
        let within: Vec<f64> =
            known.into_iter().filter(|at| (from * 0.999..=to * 1.001).contains(at)).collect();
        let ticks = within.into_iter().map(|at| (at, tick(unit, at))).collect();
        Self { range: from..to, is_log: true, ticks }
    }

    /// Times in milliseconds since the epoch.
    pub(super) fn time(from: Time, to: Time, ticks: i64) -> Self {
        let to = to.max(from + Duration::SECOND);
        let span = to.since(from);
        let fits = |step: &Duration| span.ms() <= step.ms().saturating_mul(ticks);
        let ticks = match TIME_STEPS.into_iter().find(fits) {
            Some(step) => {
                let phase = if step == WEEK { MONDAY } else { 0 };
                let first = (from.ms() - phase).div_euclid(step.ms()) * step.ms() + phase;
                let at = (0..).map(|nth| first + nth * step.ms());
                let within = at.skip_while(|at| *at < from.ms()).take_while(|at| *at <= to.ms());
                within.map(|at| (number(at), moment(at, step))).collect()
            }
            None => months(from, to, ticks),
        };
        Self { range: number(from.ms())..number(to.ms()), is_log: false, ticks }
    }

    /// Names at 0, 1, 2 and so on.
    pub(super) fn names(names: &[String]) -> Self {
        let at = |index: usize| number(i64::try_from(index).unwrap_or(i64::MAX));
        let ticks = names.iter().enumerate().map(|(index, name)| (at(index), name.clone()));
        Self { range: -0.5..at(names.len()) - 0.5, is_log: false, ticks: ticks.collect() }
    }

    /// The same up to there, round or not.
    pub(super) fn until(mut self, end: f64) -> Self {
        self.range.end = end;
        self.ticks.retain(|(at, _)| *at <= end);
        self
    }

    /// The same with nothing written on it.
    pub(super) fn bare(self) -> Self {
        Self { ticks: Vec::new(), ..self }
    }

    pub(super) const fn end(&self) -> f64 {
        self.range.end
    }

    pub(super) const fn start(&self) -> f64 {
        self.range.start
    }

    /// Where a number is on an edge between two places.
    #[expect(clippy::cast_possible_truncation, reason = "places on a page")]
    pub(super) fn place(&self, value: f64, (first, last): (i32, i32)) -> i32 {
        let of = |value: f64| if self.is_log { value.max(1e-6).ln() } else { value };
        let (from, to) = (of(self.range.start), of(self.range.end));
        let share = ((of(value) - from) / (to - from)).clamp(-0.02, 1.02);
        (f64::from(first) + share * f64::from(last - first)).round() as i32
    }
}

/// A whole number as a place on an axis.
#[expect(clippy::cast_precision_loss, reason = "places on a page")]
pub(super) const fn number(whole: i64) -> f64 {
    whole as f64
}

/// Ticks where waits are not far apart, in seconds.
const SHORT_SPANS: [f64; 19] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0,
    18_000.0, 36_000.0, 86_400.0, 172_800.0,
];

const TIME_STEPS: [Duration; 16] = [
    Duration::SECOND,
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::MINUTE,
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::HOUR,
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
    Duration::DAY,
    Duration::from_hours(48),
    WEEK,
];

const WEEK: Duration = Duration::from_hours(24 * 7);
/// When the first Monday began, in milliseconds since the epoch.
const MONDAY: i64 = 4 * Duration::DAY.ms();

/// The beginnings of months, quarters, years: a calendar's steps are not equally long.
fn months(from: Time, to: Time, ticks: i64) -> Vec<(f64, String)> {
    const STEPS: [i64; 8] = [1, 2, 3, 6, 12, 24, 60, 120];
    let date =
        |time: Time| Timestamp::from_millisecond(time.ms()).map(|at| at.to_zoned(TimeZone::UTC));
    let (Ok(begins), Ok(ends)) = (date(from), date(to)) else { return Vec::new() };
    let nth = |year: i16, month: i8| i64::from(year) * 12 + i64::from(month) - 1;
    let (first, last) = (nth(begins.year(), begins.month()), nth(ends.year(), ends.month()));
    let step = STEPS.into_iter().find(|step| last - first <= step * ticks).unwrap_or(1_200);
    let mut labels = Vec::new();
    let mut month = first.div_euclid(step) * step;
    while month <= last {
        let year = i16::try_from(month.div_euclid(12)).unwrap_or(i16::MAX);
        let of_year = i8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
        let at = Date::new(year, of_year, 1).and_then(|date| date.to_zoned(TimeZone::UTC));
        if let Some(at) = at.ok().filter(|at| *at >= begins && *at <= ends) {
            let named = labels.is_empty() || of_year == 1;
            let form = if named { "%b %Y" } else { "%b" };
            let form = if step >= 12 { "%Y" } else { form };
            labels.push((number(at.timestamp().as_millisecond()), at.strftime(form).to_string()));
        }
        month += step;
    }
    labels
}

/// From tick to tick at least so much: round, and whole where things are counted.
fn step(unit: Unit, least: f64) -> f64 {
    match unit {
        Unit::Plain => round_step(least.max(1.0)),
        Unit::Seconds => {
            let steps = TIME_STEPS.into_iter().map(Duration::as_secs_f64);
            steps.chain([1_728_000.0, 2_592_000.0]).find(|step| *step >= least).unwrap_or(least)
        }
        _ => round_step(least),
    }
}

/// 1, 2 or 5 times a power of ten, no less than `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powi(floor_power(least));
    [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|it| *it >= least * 0.999)
        .unwrap_or(least)
}

/// The power of ten that a number begins with.
fn floor_power(number: f64) -> i32 {
    (-12..12).rev().find(|power| 10_f64.powi(*power) <= number * 1.000_001).unwrap_or(-12)
}

/// A tick of a linear axis, with no more decimals than its step needs.
fn short(unit: Unit, at: f64, step: f64) -> String {
    let decimals = usize::try_from(-floor_power(step)).unwrap_or(0);
    let plain = |number: f64| crate::text::decimal(number, decimals);
    match unit {
        Unit::Dollars => format!("${}", plain(at)),
        Unit::DollarsPerHour => format!("${}/h", plain(at)),
        Unit::Seconds => tick(unit, at),
        Unit::Share => format!("{} %", crate::text::decimal(at * 100.0, 0)),
        Unit::Hours => format!("{} h", plain(at)),
        Unit::Plain => plain(at),
    }
}

fn tick(unit: Unit, at: f64) -> String {
    match unit {
        Unit::Seconds if (60.0..3_600.0).contains(&at) && (at % 60.0) > 0.5 => unit.show(at),
        Unit::Seconds if at >= 86_400.0 => format!("{} d", Unit::Plain.show_short(at / 86_400.0)),
        _ => unit.show_short(at),
    }
}

/// A time as a tick: the day at midnight, else the time of day, in UTC.
fn moment(ms: i64, step: Duration) -> String {
    let Ok(at) = Timestamp::from_millisecond(ms) else { return String::new() };
    let at = at.to_zoned(TimeZone::UTC);
    let is_midnight = ms.rem_euclid(Duration::DAY.ms()) == 0;
    let form = match () {
        () if is_midnight => "%-d %b",
        () if step < Duration::MINUTE => "%H:%M:%S",
        () => "%H:%M",
    };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, words)| words.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(words(&Axis::linear(0.0..8.3, Unit::Dollars, 4)), ["$0", "$5", "$10"]);
        let axis = Axis::linear(0.0..0.037, Unit::DollarsPerHour, 4);
        assert_eq!(words(&axis), ["$0.00/h", "$0.01/h", "$0.02/h", "$0.03/h", "$0.04/h"]);
        assert!(axis.end() >= 0.037 && axis.start() <= 0.0);
        assert_eq!(
            words(&Axis::log(1.0..5_000.0, Unit::Seconds)),
            ["1 s", "10 s", "1 min", "10 min", "1 h"]
        );
        assert_eq!(words(&Axis::linear(0.0..1.0, Unit::Share, 4)), ["0 %", "50 %", "100 %"]);
        assert_eq!(
            words(&Axis::log(250.0..9_000.0, Unit::Seconds)),
            ["5 min", "10 min", "30 min", "1 h", "2 h"]
        );
        assert_eq!(
            words(&Axis::linear(0.0..430.0, Unit::Plain, 3).until(430.0)),
            ["0", "200", "400"]
        );
        assert_eq!(words(&Axis::linear(0.0..1.0, Unit::Plain, 4)), ["0", "1"]);
        assert_eq!(
            words(&Axis::linear(1_000.0..1_260.0, Unit::Seconds, 4)),
            ["16 min", "18 min", "20 min", "22 min"]
        );
    }

    #[test]
    fn days_begin_in_utc() {
        let at = |hours| Time::from_ms(1_614_556_800_000) + Duration::from_hours(hours);
        assert_eq!(
            words(&Axis::time(at(0), at(49), 5)),
            ["1 Mar", "12:00", "2 Mar", "12:00", "3 Mar"]
        );
        assert_eq!(
            words(&Axis::time(at(1), at(5), 5)),
            ["01:00", "02:00", "03:00", "04:00", "05:00"]
        );
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_their_first() {
        let at = |days: i64| Time::from_ms(1_614_556_800_000) + Duration::from_hours(24 * days);
        assert_eq!(
            words(&Axis::time(at(0), at(30), 5)),
            ["1 Mar", "8 Mar", "15 Mar", "22 Mar", "29 Mar"]
        );
        assert_eq!(
            words(&Axis::time(at(5), at(370), 6)),
            ["May 2021", "Jul", "Sep", "Nov", "Jan 2022", "Mar"]
        );
        assert_eq!(words(&Axis::time(at(0), at(3_000), 5)), ["2022", "2024", "2026", "2028"]);
        assert_eq!(words(&Axis::time(at(0), at(0), 5)).len(), 2);
    }
}
