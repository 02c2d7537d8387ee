//! Numbers, times and names as recorded files write them, parsed by hand for speed.
//!
//! Everything is exact: decimals become integers at a stated scale, never floats, so `NaN`,
//! infinities and exponents are simply not numbers here. Not here: which unit or meaning a cell
//! has (the readers know).

use std::fmt;

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_sim::input::Priority;

/// Why a cell is not what its column needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadCell {
    Empty,
    NotANumber,
    NotWhole,
    Negative,
    TooLarge,
    NotATime,
    NotALength,
    NotOneOf(&'static str),
    NotAName,
    EndsBeforeStart,
    NotAnOffer,
    /// A row before is about the same and says something else.
    Contradicts,
}

impl fmt::Display for BadCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the cell is empty"),
            Self::NotANumber => f.write_str("not a plain decimal number"),
            Self::NotWhole => f.write_str("not a whole number"),
            Self::Negative => f.write_str("the number is negative"),
            Self::TooLarge => f.write_str("the number is too large"),
            Self::NotATime => f.write_str("not a date and time like `2016-02-24T21:10:53Z`"),
            Self::NotALength => f.write_str("not a length of time like `00:10:05` or `1-02:03:04`"),
            Self::NotOneOf(names) => write!(f, "not one of {names}"),
            Self::NotAName => f.write_str("not a name: empty, or not printable text"),
            Self::EndsBeforeStart => f.write_str("the end is before the start"),
            Self::NotAnOffer => f.write_str("not an offer of the AWS price list"),
            Self::Contradicts => f.write_str("a row before says something else of this"),
        }
    }
}

/// A decimal number in units of ten to the power of minus `places`, and whether digits beyond
/// were rounded off, half away from zero.
#[inline]
pub(super) fn decimal(text: &[u8], places: usize) -> Result<(i64, bool), BadCell> {
    match some_digits(text) {
        Some(value) if places == 0 => Ok((value, false)),
        _ => signed_decimal(text, places),
    }
}

fn signed_decimal(text: &[u8], places: usize) -> Result<(i64, bool), BadCell> {
    let (negative, text) = match text {
        [] => return Err(BadCell::Empty),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(BadCell::NotANumber);
    }
    let (kept, dropped) = fraction.split_at(fraction.len().min(places));
    let mut value = digits(digits(0, whole)?, kept)?;
    for _ in kept.len()..places {
        value = value.checked_mul(10).ok_or(BadCell::TooLarge)?;
    }
    let inexact = dropped.iter().any(|&digit| digit != b'0');
    if inexact {
        if !dropped.iter().all(u8::is_ascii_digit) {
            return Err(BadCell::NotANumber);
        }
        value += i64::from(dropped[0] >= b'5');
    }
    Ok((if negative { -value } else { value }, inexact))
}

/// Appends decimal digits to `value`, leaving room for one more unit.
#[inline]
fn digits(mut value: i64, text: &[u8]) -> Result<i64, BadCell> {
    if value == 0
        && let Some(value) = some_digits(text)
    {
        return Ok(value);
    }
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(BadCell::NotANumber);
        }
        value = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(i64::from(digit)))
            .filter(|value| *value < i64::MAX)
            .ok_or(BadCell::TooLarge)?;
    }
    Ok(value)
}

/// Numbers as tables have them: four to eight, or twelve to sixteen digits.
#[inline]
fn some_digits(text: &[u8]) -> Option<i64> {
    match text.split_last_chunk() {
        None => up_to_eight_digits(text),
        Some(([], tail)) => eight_digits(*tail),
        Some((head, tail)) => Some(up_to_eight_digits(head)? * 100_000_000 + eight_digits(*tail)?),
    }
}

/// Four to eight digits at once: the first four and the last four, which may be the same in part,
/// after zeros.
#[inline]
fn up_to_eight_digits(text: &[u8]) -> Option<i64> {
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    let missing = 8 * 8_usize.checked_sub(text.len())?;
    let zeros = 0x3030_3030_3030_3030 & ((1 << missing) - 1);
    let first = u64::from(u32::from_le_bytes(*first)) << missing;
    let last = u64::from(u32::from_le_bytes(*last)) << 32;
    eight_digits((zeros | first | last).to_le_bytes())
}

/// Eight digits at once: pairs, then fours, then all are joined by one multiplication each.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<i64> {
    let word = u64::from_le_bytes(text);
    let above = word.wrapping_add(0x4646_4646_4646_4646);
    let digits = word.wrapping_sub(0x3030_3030_3030_3030);
    if (above | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let all = (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
    Some(all.cast_signed())
}

/// A whole number that is not negative. `1194000` and `1194000.0` are whole, `0.5` is not.
pub(super) fn whole(text: &[u8]) -> Result<i64, BadCell> {
    match decimal(text, 0)? {
        (_, true) => Err(BadCell::NotWhole),
        (value, _) if value < 0 => Err(BadCell::Negative),
        (value, _) => Ok(value),
    }
}

/// The time `ms` after `start`. After the year 9999 there is only a number in the wrong unit.
#[inline]
pub(super) fn after(start: Time, ms: i64) -> Result<Time, BadCell> {
    const LATEST: Time = Time::from_ms(253_402_300_799_999);
    match start.saturating_add(Duration::from_ms(ms)) {
        _ if ms < 0 => Err(BadCell::Negative),
        time if time > LATEST => Err(BadCell::TooLarge),
        time => Ok(time),
    }
}

/// A duration of up to a hundred years.
#[inline]
pub(super) fn duration(ms: i64) -> Result<Duration, BadCell> {
    const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);
    match Duration::from_ms(ms) {
        _ if ms < 0 => Err(BadCell::Negative),
        duration if duration > LONGEST => Err(BadCell::TooLarge),
        duration => Ok(duration),
    }
}

/// A price in dollars per hour, and whether it had to be rounded to whole micro-dollars.
pub(super) fn price(text: &[u8]) -> Result<(UsdPerHour, bool), BadCell> {
    match decimal(text, 6)? {
        (micros, _) if micros < 0 => Err(BadCell::Negative),
        (micros, inexact) => Ok((UsdPerHour::from_micros(micros), inexact)),
    }
}

/// A priority by its Taskcluster name; `normal` is what `lowest` was called before 2019.
pub(super) fn priority(text: &[u8]) -> Result<Priority, BadCell> {
    let named = |p: &Priority| p.name().as_bytes() == text;
    match text {
        b"" | b"normal" => Ok(Priority::Lowest),
        _ => Priority::ALL
            .into_iter()
            .find(named)
            .ok_or(BadCell::NotOneOf("highest, very-high, high, medium, low, very-low, lowest")),
    }
}

/// A name: UTF-8 without control characters, not empty.
pub(super) fn name(text: &[u8]) -> Result<&str, BadCell> {
    match str::from_utf8(text) {
        Ok(name) if !name.is_empty() && !name.contains(char::is_control) => Ok(name),
        _ => Err(BadCell::NotAName),
    }
}

/// A date or a date and time, and whether it says its offset from UTC. Without one it is read as
/// UTC. `2016-02-24`, `2016-02-24 21:10:53`, `2016-02-24T21:10:53.000Z`, `…+00:00`, `…+0000`, and
/// `… UTC` as BigQuery writes it. Slurm writes a time that there is not as `Unknown` or `None`.
pub(super) fn date_time(text: &[u8]) -> Result<(Time, bool), BadCell> {
    if let b"" | b"Unknown" | b"None" = text {
        return Err(BadCell::Empty);
    }
    parse_date_time(text).ok_or(BadCell::NotATime)
}

fn parse_date_time(text: &[u8]) -> Option<(Time, bool)> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, rest @ ..] = text else {
        return None;
    };
    let year = two(*y0, *y1)? * 100 + two(*y2, *y3)?;
    let (month, day) = (two(*m0, *m1)?, two(*d0, *d1)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let midnight = days_since_epoch(year, month, day) * Duration::DAY.ms();
    if rest.is_empty() {
        return Some((Time::from_ms(midnight), false));
    }
    let [b'T' | b' ', h0, h1, b':', n0, n1, b':', s0, s1, rest @ ..] = rest else {
        return None;
    };
    let (hour, minute, second) = (two(*h0, *h1)?, two(*n0, *n1)?, two(*s0, *s1)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = match rest {
        [b'.', rest @ ..] => rest.split_at(rest.iter().take_while(|b| b.is_ascii_digit()).count()),
        _ => (&[][..], rest),
    };
    if rest.starts_with(b".") && fraction.is_empty() {
        return None;
    }
    let millis = (0..3).fold(0, |ms, place| {
        ms * 10 + i64::from(fraction.get(place).map_or(0, |digit| digit - b'0'))
    });
    let offset = match zone {
        [] | b"Z" | b" UTC" => 0,
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] | [sign @ (b'+' | b'-'), h0, h1, m0, m1] => {
            let (hours, minutes) = (two(*h0, *h1)?, two(*m0, *m1)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60_000 } else { 60_000 }
        }
        _ => return None,
    };
    let of_day = ((hour * 60 + minute) * 60 + second) * 1_000 + millis;
    Some((Time::from_ms(midnight + of_day - offset), !zone.is_empty()))
}

/// A length of time in hours, minutes and seconds, as milliseconds, and whether it had to be
/// rounded. `00:10:05`, `26:00:00.5`; with days `1-02:03:04` as Slurm writes it, `1 day 02:03:04` as
/// PostgreSQL, `0 days 00:10:05.250000` as pandas and `2 days, 1:00:00` as Python do.
pub(super) fn length(text: &[u8]) -> Result<(i64, bool), BadCell> {
    if text.is_empty() {
        return Err(BadCell::Empty);
    }
    parse_length(text).unwrap_or(Err(BadCell::NotALength))
}

fn parse_length(text: &[u8]) -> Option<Result<(i64, bool), BadCell>> {
    let (days, clock) = match text.iter().position(|byte| b"- ".contains(byte)) {
        Some(end) => (Some(&text[..end]), after_days(&text[end..])?),
        None => (None, text),
    };
    let colon = clock.iter().position(|byte| *byte == b':')?;
    let (hours, [b':', m0, m1, b':', seconds @ ..]) = clock.split_at(colon) else { return None };
    let [s0, s1, fraction @ ..] = seconds else { return None };
    let (minute, second) = (two(*m0, *m1)?, two(*s0, *s1)?);
    let all_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let is_whole = all_digits(hours) && days.is_none_or(all_digits);
    let has_end = fraction.is_empty() || fraction[0] == b'.' && all_digits(&fraction[1..]);
    if minute > 59 || second > 59 || !is_whole || !has_end {
        return None;
    }
    Some((|| {
        let (days, hours) = (digits(0, days.unwrap_or_default())?, digits(0, hours)?);
        let (seconds, inexact) = decimal(seconds, 3)?;
        let minutes = days.checked_mul(24).and_then(|it| it.checked_add(hours)?.checked_mul(60));
        let ms = minutes.and_then(|it| it.checked_add(minute)?.checked_mul(60_000));
        Ok((ms.and_then(|ms| ms.checked_add(seconds)).ok_or(BadCell::TooLarge)?, inexact))
    })())
}

/// What follows the number of days: the clock.
fn after_days(text: &[u8]) -> Option<&[u8]> {
    let separators: [&[u8]; 5] = [b"-", b" days, ", b" day, ", b" days ", b" day "];
    separators.iter().find_map(|separator| text.strip_prefix(*separator))
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap
/// day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + day_of_year - 719_468
}

/// A time as people read it, in UTC; whole seconds where it has no milliseconds.
pub(super) fn show_time(time: Time) -> String {
    jiff::Timestamp::from_millisecond(time.ms())
        .map_or_else(|_| format!("{} ms", time.ms()), |shown| shown.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact_and_nothing_else_is_a_number() {
        let micros = |text: &str| decimal(text.as_bytes(), 6);
        assert_eq!(micros("0.0072"), Ok((7_200, false)));
        assert_eq!(micros("21"), Ok((21_000_000, false)));
        assert_eq!(micros("-.5"), Ok((-500_000, false)));
        assert_eq!(micros("0.00000049"), Ok((0, true)));
        assert_eq!(micros("0.0000005000"), Ok((1, true)));
        assert_eq!(micros("1.0000000"), Ok((1_000_000, false)));
        assert_eq!(micros(""), Err(BadCell::Empty));
        for text in ["NaN", "inf", "1e3", "1.2.3", "--1", "+1", ".", "-", " 1", "1,5", "1.0000005x"]
        {
            assert_eq!(micros(text), Err(BadCell::NotANumber), "{text}");
        }
        for text in ["9223372036854775807", "99999999999999"] {
            assert_eq!(micros(text), Err(BadCell::TooLarge), "{text}");
        }
        assert_eq!(whole(b"-1"), Err(BadCell::Negative));
        assert_eq!(whole(b"0.5"), Err(BadCell::NotWhole));
    }

    #[test]
    fn lengths_of_time_are_exact_however_days_are_written() {
        let seconds = |it: i64| Ok((it * 1_000, false));
        for (text, expected) in [
            ("00:10:05", seconds(605)),
            ("0:00:00", seconds(0)),
            ("26:00:00.5", Ok((93_600_500, false))),
            ("1-02:03:04", seconds(93_784)),
            ("1 day 02:03:04", seconds(93_784)),
            ("1 day, 2:03:04", seconds(93_784)),
            ("2 days, 1:00:00", seconds(176_400)),
            ("0 days 00:10:05.250000", Ok((605_250, false))),
            ("00:00:00.0005", Ok((1, true))),
            ("", Err(BadCell::Empty)),
            ("99999999999999999:00:00", Err(BadCell::TooLarge)),
            ("9223372036854775807-00:00:00", Err(BadCell::TooLarge)),
        ] {
            assert_eq!(length(text.as_bytes()), expected, "{text}");
        }
        let not = [
            "605",
            "10:05",
            "00:60:00",
            "00:00:60",
            "00:10:5",
            "-00:10:05",
            "-1 days 00:10:05",
            "1-",
            "1 week 00:10:05",
            "00:10:05.",
            "00:10:05.x",
            "1:-1:00",
            "x:10:05",
            "1- 00:10:05",
            ":10:05",
        ];
        for text in not {
            assert_eq!(length(text.as_bytes()), Err(BadCell::NotALength), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_length_of_time_is_as_long_as_its_parts(
            (days, hour, minute, second, ms) in
                (0..40_000_i64, 0..30_i64, 0..60_i64, 0..60_i64, 0..1_000_i64),
            noise in "[0-9:. day,s-]{0,24}",
        ) {
            let text = format!("{days}-{hour:02}:{minute:02}:{second:02}.{ms:03}");
            let expected = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + ms;
            prop_assert_eq!(length(text.as_bytes()), Ok((expected, false)));
            if let Ok((ms, _)) = length(noise.as_bytes()) {
                prop_assert!(ms >= 0, "{}", noise);
            }
        }
    }

    #[test]
    fn all_spellings_of_an_instant_are_that_instant() {
        for text in [
            "2016-02-24T21:10:53Z",
            "2016-02-24T21:10:53.000Z",
            "2016-02-24T21:10:53+00:00",
            "2016-02-24 22:10:53.000+01:00",
            "2016-02-24T16:10:53-0500",
            "2016-02-24 21:10:53.000000 UTC",
        ] {
            let expected = Time::from_ms(1_456_348_253_000);
            assert_eq!(date_time(text.as_bytes()), Ok((expected, true)), "{text}");
        }
        let (local, says_offset) = date_time(b"2016-02-24 21:10:53").unwrap();
        assert_eq!((local.ms(), says_offset), (1_456_348_253_000, false));
        for text in [
            "2016-02-30",
            "2015-02-29",
            "2016-13-01",
            "2016-02-24T24:00:00Z",
            "2016-02-24T21:10:60Z",
            "2016-02-24T21:10:53.Z",
            "2016-02-24T21:10:53+1",
            "2016-02-24T21:10Z",
            "yesterday",
        ] {
            assert_eq!(date_time(text.as_bytes()), Err(BadCell::NotATime), "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_read_as_an_independent_calendar_reads_them(
            ms in -62_135_596_800_000_i64..253_402_300_800_000,
        ) {
            let shown = show_time(Time::from_ms(ms));
            prop_assert_eq!(date_time(shown.as_bytes()), Ok((Time::from_ms(ms), true)));
        }

        #[test]
        fn micros_print_and_read_back(micros in 0..i64::MAX / 100) {
            let shown = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            prop_assert_eq!(decimal(shown.as_bytes(), 6), Ok((micros, false)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>) {
            let _ = (decimal(&text, 6), date_time(&text), name(&text), priority(&text));
        }
    }
}
