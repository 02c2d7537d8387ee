//! What is known of a measure by its path: its unit, which its name ends in, with figures in it, and
//! which way is worse.

use provisioner_engine::units::Duration;
use provisioner_scenarios::file::quantity::Amount;

use crate::text::{decimal, decimals_for, in_words};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Hours,
    Dollars,
    DollarsPerHour,
    /// From 0 to 1.
    Share,
    /// Things, or a ratio that has no name.
    Plain,
}

impl Unit {
    /// The unit of the number at `path`: that of its own name, or of the group it stands in.
    pub(crate) fn of(path: &str) -> Self {
        let name = |name: &str| {
            [
                ("_per_task_h", Self::Plain),
                ("count", Self::Plain),
                ("_usd_per_h", Self::DollarsPerHour),
                ("_usd", Self::Dollars),
                ("_s", Self::Seconds),
                ("_h", Self::Hours),
                ("share", Self::Share),
                ("utilisation", Self::Share),
            ]
            .into_iter()
            .find_map(|(end, unit)| name.ends_with(end).then_some(unit))
        };
        // A worker type may be called anything.
        let behind_names = path.rsplit('"').next().unwrap_or_default();
        behind_names.rsplit('.').take(2).find_map(name).unwrap_or(Self::Plain)
    }

    /// What a quantity is in this unit, if it can be.
    pub(crate) fn number(self, amount: Amount) -> Option<f64> {
        match (self, amount) {
            (_, Amount::Number(number)) => Some(number),
            (Self::Seconds, Amount::Duration(duration)) => Some(duration.as_secs_f64()),
            (Self::Hours, Amount::Duration(duration)) => Some(duration.as_hours_f64()),
            (Self::Dollars, Amount::Usd(usd)) => Some(usd.as_f64()),
            (Self::DollarsPerHour, Amount::UsdPerHour(price)) => Some(price.as_f64()),
            (Self::Share, Amount::Share(share)) => Some(share.as_f64()),
            _ => None,
        }
    }

    /// What may be written besides a number.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Seconds | Self::Hours => "a duration such as \"10 min\"",
            Self::Dollars => "money such as \"$3\"",
            Self::DollarsPerHour => "a price such as \"$3/h\"",
            Self::Share => "a share such as \"40 %\"",
            Self::Plain => "a number such as 12",
        }
    }

    /// A figure for people.
    pub(crate) fn show(self, number: f64) -> String {
        match self {
            Self::Seconds => in_words(milliseconds(number)),
            Self::Hours => format!("{} h", decimal(number, 2)),
            Self::Dollars => format!("${}", decimal(number, 2.max(decimals(number)))),
            Self::DollarsPerHour => format!("${}/h", decimal(number, 2.max(decimals(number)))),
            Self::Share => format!("{} %", decimal(number * 100.0, 1)),
            Self::Plain => decimal(number, decimals(number)),
        }
    }

    /// The same in few characters, to three digits.
    pub(crate) fn show_short(self, number: f64) -> String {
        match self {
            Self::Seconds if number < 60.0 => format!("{} s", short(number)),
            Self::Seconds if number < 3_600.0 => format!("{} min", short(number / 60.0)),
            Self::Seconds => format!("{} h", short(number / 3_600.0)),
            Self::Hours => format!("{} h", short(number)),
            Self::Dollars => format!("${}", short(number)),
            Self::DollarsPerHour => format!("${}/h", short(number)),
            Self::Share => format!("{} %", short(number * 100.0)),
            Self::Plain => short(number),
        }
    }
}

/// Which way a measure is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worse {
    /// More is worse.
    Higher,
    /// Less is worse.
    Lower,
    /// Neither is: it describes the load or the world, or what follows from other measures.
    Changed,
}

impl Worse {
    /// Of the number at `path`: what the end of the path says, or the group it stands in.
    pub(crate) fn of(path: &str) -> Self {
        let behind_names = path.rsplit('"').next().unwrap_or_default();
        let known = |wanted: &str| {
            let of = |(ends, worse): &(&[&str], Self)| ends.contains(&wanted).then_some(*worse);
            WORSE.iter().find_map(of)
        };
        let (rest, name) = behind_names.rsplit_once('.').unwrap_or(("", behind_names));
        let group = rest.rsplit('.').next().unwrap_or_default();
        known(&format!("{group}.{name}"))
            .or_else(|| known(name))
            .or_else(|| known(&format!("{group}.")))
            .unwrap_or(Self::Changed)
    }
}

/// Names of measures and, with a dot behind them, of groups. What is said of a measure in its group
/// holds over what is said of its name, and that over what is said of the group.
const WORSE: &[(&[&str], Worse)] = &[
    (
        &[
            "wait_s.count",
            "launches.terminated",
            "launches.stopped",
            "launches.started",
            "notices.",
            "bound_usd",
            "waived_usd",
            "useful_h",
            "useful",
            "demand_peak",
            "on_demand_after_s",
            "events",
            "iterations",
            "restarts",
            "submitted",
            "spared",
        ],
        Worse::Changed,
    ),
    (&["tasks.done", "utilisation"], Worse::Lower),
    (
        &[
            "cost_usd.",
            "cost_per_task_usd",
            "regret_usd",
            "wait_s.",
            "delay_max_s",
            "tasks.",
            "launches.",
            "safety.",
            "habits.",
            "ownership.",
            "api_calls.",
            "spend.",
            "instance_h",
            "capacity_h",
            "over_provisioned_h",
            "churn_per_task_h",
            "capacity_peak",
            "largest_pool_share",
        ],
        Worse::Higher,
    ),
];

/// Three digits, or all of a larger number before its point.
fn short(number: f64) -> String {
    let decimals = match number.abs() {
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    let text = decimal(number, decimals);
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

fn decimals(number: f64) -> usize {
    if number.fract().abs() < 1e-9 { 0 } else { decimals_for(number.abs()) }
}

#[expect(clippy::cast_possible_truncation, reason = "waits are far below 2^53 ms")]
fn milliseconds(seconds: f64) -> Duration {
    Duration::from_ms((seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_in_the_name() {
        for (path, unit) in [
            ("total.wait_s.p95", Unit::Seconds),
            ("total.wait_s.count", Unit::Plain),
            ("worker_types.ci.cost_usd.idle", Unit::Dollars),
            ("total.cost_per_task_usd", Unit::Dollars),
            ("total.instance_h", Unit::Hours),
            ("total.churn_per_task_h", Unit::Plain),
            ("largest_pool_share", Unit::Share),
            ("worker_types.\"ci/a_s\".launches.started", Unit::Plain),
            ("worker_types.\"ci/x.y_s\".utilisation", Unit::Share),
        ] {
            assert_eq!(Unit::of(path), unit, "{path}");
        }
    }

    #[test]
    fn short_figures_have_three_digits() {
        let shown = [
            Unit::Seconds.show_short(771.0),
            Unit::Seconds.show_short(36_960.0),
            Unit::Hours.show_short(42_802.67),
            Unit::Hours.show_short(0.0),
            Unit::DollarsPerHour.show_short(4.93),
            Unit::Share.show_short(0.6),
            Unit::Plain.show_short(21_979.0),
        ];
        assert_eq!(shown, ["12.8 min", "10.3 h", "42,803 h", "0 h", "$4.93/h", "60 %", "21,979"]);
    }

    #[test]
    fn figures_say_their_unit() {
        let shown = [
            Unit::Seconds.show(243.0),
            Unit::Hours.show(1.5),
            Unit::Dollars.show(0.0123),
            Unit::Dollars.show(160_000.0),
            Unit::DollarsPerHour.show(40.0),
            Unit::Share.show(0.4),
            Unit::Plain.show(2_700.0),
            Unit::Plain.show(1.548),
        ];
        let expected = [
            "4 min 3 s",
            "1.50 h",
            "$0.0123",
            "$160,000.00",
            "$40.00/h",
            "40.0 %",
            "2,700",
            "1.55",
        ];
        assert_eq!(shown, expected);
    }
}
