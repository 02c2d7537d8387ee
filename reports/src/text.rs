//! Figures as people read them.

use jiff::Timestamp;
use provisioner_engine::units::{Duration, Time};

/// A time as RFC 3339 in UTC: `2016-02-03T04:05:06Z`, with milliseconds if there are any.
#[must_use]
pub fn show_time(time: Time) -> String {
    Timestamp::from_millisecond(time.ms())
        .map_or_else(|_| format!("{} ms", time.ms()), |timestamp| timestamp.to_string())
}

/// A time to the minute: `2016-02-03 04:05`.
pub(crate) fn to_the_minute(time: Time) -> String {
    let minute = Time::from_ms(time.ms().div_euclid(60_000).saturating_mul(60_000));
    show_time(minute).replace('T', " ").replace(":00Z", "")
}

/// A time in a sentence: `3 February 2016, 04:05`, in UTC.
pub(crate) fn day_and_time(time: Time) -> String {
    Timestamp::from_millisecond(time.ms())
        .map_or_else(|_| show_time(time), |at| at.strftime("%-d %B %Y, %H:%M").to_string())
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    group(&number.to_string())
}

/// So many of something: `1 task`, `1,234 tasks`.
pub fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// A number with that many decimals and its thousands apart: `1,234.50`.
pub(crate) fn decimal(number: f64, decimals: usize) -> String {
    let plain = format!("{number:.decimals$}");
    match plain.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group(whole)),
        None => group(&plain),
    }
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many decimals show three significant digits of a number below one, at least two.
pub(crate) fn decimals_for(number: f64) -> usize {
    (2..6)
        .find(|decimals| number * 10_f64.powi(*decimals) >= 100.0)
        .map_or(6, |decimals| usize::try_from(decimals).expect("a handful of decimals"))
}

/// A wait in a column: `0:00:12`, `27:03:00`.
pub(crate) fn clock(wait: Duration) -> String {
    let s = wait.ms().saturating_add(500) / 1_000;
    format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}

/// A wait in a sentence: `0 s`, `1.5 s`, `4 min 3 s`.
pub(crate) fn in_words(wait: Duration) -> String {
    if wait > Duration::ZERO && wait < Duration::from_secs(10) {
        return format!("{:.1} s", wait.as_secs_f64());
    }
    Duration::from_secs(wait.ms().saturating_add(500) / 1_000).to_string()
}

/// Words that cannot move the cursor, colour the screen or turn the words after them round.
pub(crate) fn printable(words: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    words.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// At most `width` characters, the middle left out: worker types tend to differ at their ends.
pub(crate) fn shortened(words: &str, width: usize) -> String {
    let words = printable(words);
    let length = words.chars().count();
    if length <= width {
        return words;
    }
    let (front, back) = (width.saturating_sub(1) / 3, width - 1 - width.saturating_sub(1) / 3);
    let tail = words.chars().skip(length - back);
    words.chars().take(front).chain(['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_people_write_them() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_000)),
            ("0".into(), "999".into(), "1,000".into())
        );
        assert_eq!((count(1, "task"), count(0, "task")), ("1 task".into(), "0 tasks".into()));
        assert_eq!((decimal(1_234.5, 2), decimal(0.0, 1)), ("1,234.50".into(), "0.0".into()));
        assert_eq!([5.0, 0.5, 0.012, 0.0].map(decimals_for), [2, 3, 4, 6]);
        assert_eq!(clock(Duration::from_ms(97_380_499)), "27:03:00");
        let waits = [0, 1_460, 12_499, 243_000].map(|ms| in_words(Duration::from_ms(ms)));
        assert_eq!(waits, ["0 s", "1.5 s", "12 s", "4 min 3 s"]);
        let for_ever = Duration::from_ms(i64::MAX);
        assert_eq!(clock(for_ever), "2562047788015:12:55");
        assert_eq!(in_words(for_ever), "106751991167 d 7 h");
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(show_time(Time::from_ms(1_454_284_800_001)), "2016-02-01T00:00:00.001Z");
        assert_eq!(to_the_minute(Time::from_ms(1_454_284_859_999)), "2016-02-01 00:00");
        assert_eq!(day_and_time(Time::from_ms(1_454_284_859_999)), "1 February 2016, 00:00");
        assert_eq!(show_time(Time::MAX), "9223372036854775807 ms");
    }

    #[test]
    fn names_are_shortened_in_the_middle() {
        assert_eq!(shortened("ci/linux", 8), "ci/linux");
        assert_eq!(shortened("gecko-t/linux-large", 10), "gec…-large");
        assert_eq!(shortened("a\x1b[31mb", 20), "a\u{fffd}[31mb");
        assert_eq!(printable("ci/\u{202e}xunil 🦊 בדיקה"), "ci/\u{fffd}xunil 🦊 בדיקה");
    }
}
