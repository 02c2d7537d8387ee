//! Capacity that is kept at some hours of the week, by the clock on the wall.
//!
//! The engine knows no time zone: what is written here becomes changes in UTC over a span of time. Where
//! clocks are put forward, an hour that does not exist is read as the one after it; where they are
//! put back, the first of the two is meant, as is usual (RFC 5545).

use jiff::civil::{self, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::Floor;

use crate::file::{Section, kind};

/// One floor as it is written.
#[derive(Clone, Debug)]
pub struct FloorDoc {
    days: Vec<Weekday>,
    from: civil::Time,
    until: civil::Time,
    time_zone: TimeZone,
    capacity_min: u32,
}

pub(super) fn floor(s: &mut Section<'_>) -> FloorDoc {
    let midnight = civil::Time::midnight();
    FloorDoc {
        days: s.defaulted(
            "days",
            kind::list(kind::choice(&DAYS)),
            "On which days it begins.",
            DAYS.map(|(_, day)| day).to_vec(),
            "every day",
        ),
        from: s.defaulted(
            "from",
            kind::time_of_day(),
            "When it begins, by the clock on the wall.",
            midnight,
            "the whole day",
        ),
        until: s.defaulted(
            "until",
            kind::time_of_day(),
            "When it ends; on the next day if that is not after `from`.",
            midnight,
            "the whole day",
        ),
        time_zone: s.defaulted(
            "time_zone",
            kind::time_zone(),
            "Where that clock hangs; daylight saving is observed.",
            TimeZone::UTC,
            "all other times of a scenario are UTC",
        ),
        capacity_min: s.required(
            "capacity_min",
            kind::integer().within(1..=super::CAPACITY_MAX),
            "Capacity that is kept then, tasks or not.",
        ),
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// What holds when: the highest floor of each moment, as changes from the day before
/// `start` to that of `end`.
#[must_use]
pub fn resolve(floors: &[FloorDoc], (start, end): (Time, Time)) -> Vec<Floor> {
    let mut periods: Vec<(Time, Time, u32)> =
        floors.iter().flat_map(|floor| floor.periods((start, end))).collect();
    periods.sort_unstable();
    let mut edges: Vec<Time> =
        periods.iter().flat_map(|(from, until, _)| [*from, *until]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut changes: Vec<Floor> = Vec::new();
    for from in edges {
        let holds = |period: &&(Time, Time, u32)| period.0 <= from && from < period.1;
        let capacity_min =
            periods.iter().filter(holds).map(|period| period.2).max().unwrap_or_default();
        if changes.last().is_none_or(|last| last.capacity_min != capacity_min) {
            changes.push(Floor { from, capacity_min });
        }
    }
    changes
}

/// The same if clocks were never changed after the start.
#[must_use]
pub fn unchanged(floors: &[FloorDoc], span: (Time, Time)) -> Vec<Floor> {
    let start = Timestamp::from_millisecond(span.0.ms()).unwrap_or(Timestamp::MAX);
    let unchanged = |floor: &FloorDoc| FloorDoc {
        time_zone: floor.time_zone.to_offset(start).to_time_zone(),
        ..floor.clone()
    };
    resolve(&floors.iter().map(unchanged).collect::<Vec<_>>(), span)
}

impl FloorDoc {
    /// When it holds, from the day before on.
    fn periods(&self, (start, end): (Time, Time)) -> Vec<(Time, Time, u32)> {
        let date_of = |at: Time| {
            let at = Timestamp::from_millisecond(at.ms()).unwrap_or(Timestamp::MAX);
            at.to_zoned(self.time_zone.clone()).date()
        };
        let first = date_of(start).yesterday().unwrap_or(civil::Date::MIN);
        let last = date_of(end);
        let moment = |date: civil::Date, time: civil::Time| {
            let zoned = self.time_zone.to_ambiguous_zoned(date.to_datetime(time)).compatible();
            zoned.map_or(Time::MAX, |zoned| Time::from_ms(zoned.timestamp().as_millisecond()))
        };
        let begins = |date: &civil::Date| self.days.contains(&date.weekday());
        first
            .series(1.day())
            .take_while(|date| *date <= last)
            .filter(begins)
            .map(|date| {
                let next = date.tomorrow().unwrap_or(civil::Date::MAX);
                let end = if self.until > self.from { date } else { next };
                (moment(date, self.from), moment(end, self.until), self.capacity_min)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::from_ms(text.parse::<Timestamp>().expect("a timestamp").as_millisecond())
    }

    fn told(floors: &[FloorDoc], start: &str, end: &str) -> Vec<String> {
        let told = |floor: Floor| format!("{} {}", floor.from, floor.capacity_min);
        resolve(floors, (time(start), time(end))).into_iter().map(told).collect()
    }

    fn office(zone: &str) -> FloorDoc {
        FloorDoc {
            days: vec![Weekday::Friday, Weekday::Saturday, Weekday::Sunday, Weekday::Monday],
            from: civil::time(8, 0, 0, 0),
            until: civil::time(18, 0, 0, 0),
            time_zone: TimeZone::get(zone).expect("a zone"),
            capacity_min: 4,
        }
    }

    #[test]
    fn office_hours_stay_office_hours_when_clocks_are_put_forward() {
        let told = told(&[office("Europe/Berlin")], "2026-03-28T00:00:00Z", "2026-03-29T23:00:00Z");
        assert_eq!(
            told,
            [
                "2026-03-27T07:00:00Z 4",
                "2026-03-27T17:00:00Z 0",
                "2026-03-28T07:00:00Z 4",
                "2026-03-28T17:00:00Z 0",
                "2026-03-29T06:00:00Z 4",
                "2026-03-29T16:00:00Z 0",
                "2026-03-30T06:00:00Z 4",
                "2026-03-30T16:00:00Z 0",
            ]
        );
    }

    #[test]
    fn office_hours_stay_office_hours_when_clocks_are_put_back_and_move_if_clocks_never_change() {
        let autumn = ("2026-10-24T00:00:00Z", "2026-10-25T12:00:00Z");
        let both_days = |told: Vec<String>| told[2..6].join(", ");
        assert_eq!(
            both_days(told(&[office("Europe/Berlin")], autumn.0, autumn.1)),
            "2026-10-24T06:00:00Z 4, 2026-10-24T16:00:00Z 0, \
             2026-10-25T07:00:00Z 4, 2026-10-25T17:00:00Z 0"
        );
        let span = (time(autumn.0), time(autumn.1));
        let unchanged = unchanged(&[office("Europe/Berlin")], span).into_iter();
        assert_eq!(
            both_days(
                unchanged.map(|floor| format!("{} {}", floor.from, floor.capacity_min)).collect()
            ),
            "2026-10-24T06:00:00Z 4, 2026-10-24T16:00:00Z 0, \
             2026-10-25T06:00:00Z 4, 2026-10-25T16:00:00Z 0"
        );
    }

    #[test]
    fn a_night_over_a_change_of_clocks_is_an_hour_longer_or_shorter() {
        let night = FloorDoc {
            days: DAYS.map(|(_, day)| day).to_vec(),
            from: civil::time(22, 0, 0, 0),
            until: civil::time(6, 0, 0, 0),
            ..office("America/New_York")
        };
        let told = told(&[night], "2026-11-01T00:00:00Z", "2026-11-01T12:00:00Z");
        assert_eq!(told[..2], ["2026-10-31T02:00:00Z 4", "2026-10-31T10:00:00Z 0"]);
        assert_eq!(told[2..4], ["2026-11-01T02:00:00Z 4", "2026-11-01T11:00:00Z 0"]);
    }

    #[test]
    fn of_several_floors_the_highest_holds() {
        let whole_day = FloorDoc {
            from: civil::Time::midnight(),
            until: civil::Time::midnight(),
            capacity_min: 1,
            ..office("UTC")
        };
        let floors = [office("UTC"), whole_day];
        let told = told(&floors, "2026-03-28T00:00:00Z", "2026-03-28T23:00:00Z");
        assert_eq!(
            told[told.len() - 5..],
            [
                "2026-03-27T08:00:00Z 4",
                "2026-03-27T18:00:00Z 1",
                "2026-03-28T08:00:00Z 4",
                "2026-03-28T18:00:00Z 1",
                "2026-03-29T00:00:00Z 0",
            ]
        );
    }

    #[test]
    fn an_hour_that_does_not_exist_is_the_one_after_it() {
        let gap = FloorDoc { from: civil::time(2, 30, 0, 0), ..office("Europe/Berlin") };
        let told = told(&[gap], "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z");
        assert!(told.contains(&"2026-03-29T01:30:00Z 4".to_owned()), "{told:?}");
    }
}
