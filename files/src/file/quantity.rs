//! Quantities as people write them: `2 min`, `1 h 30 min`, `$40`, `$0.034/h`, `2021-03-02`.
//!
//! Parsing is exact: a decimal is scaled to whole milliseconds, micro-dollars or millionths, and
//! what does not come out whole is refused, never rounded. What [`Duration`], [`Usd`],
//! [`UsdPerHour`] and [`Ratio`] print is read back.
//!
//! Not here: time zones by name, thousands separators, exponents, weeks and months.

use std::error::Error;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};

/// Why a value is not what it should be: a predicate (`has no unit`), what stands beside the
/// caret, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The predicate, to follow the name of what is wrong.
    pub what: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do, with a value that would work.
    pub hint: String,
}

impl Fault {
    /// A value that is so, and what to do about it.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), label: String::new(), hint: hint.into() }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.hint)
    }
}

impl Error for Fault {}

/// Units of a duration in milliseconds, the longest first.
const DURATION_UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

const DURATION_HINT: &str =
    "write for example \"90 s\" or \"1 h 30 min\"; units are d, h, min, s and ms";
const USD_HINT: &str = "write for example \"$40\" or \"$0.034\"";
const PRICE_HINT: &str = "write for example \"$0.034/h\"";
const RATIO_HINT: &str = "write for example 1.5";
const AMOUNT_HINT: &str = "write a number, or for example \"10 min\", \"$3\", \"$3/h\" or \"40 %\"";
const TIME_HINT: &str =
    "write for example \"2021-03-02T00:00:00Z\", or \"2021-03-02\" for midnight UTC";

/// A decimal without a sign, as a pattern of JSON Schema.
pub(super) const NUMBER: &str = r"[0-9]+(\.[0-9]+)?";

/// What every [`time`] looks like.
pub(super) const TIME_PATTERN: &str = r"[-+]?[0-9]{4,6}-?[0-9]{2}-?[0-9]{2}([Tt ].*)?";

/// What every [`duration`] without a sign looks like, and no text at all.
pub(super) fn duration_pattern() -> String {
    DURATION_UNITS.iter().map(|(unit, _)| format!(r"({NUMBER}\s*{unit}\s*)?")).collect()
}

/// What every amount of money ([`usd`]) without a sign looks like.
pub(super) fn usd_pattern() -> String {
    format!(r"\${NUMBER}")
}

/// What every [price](usd_per_hour) without a sign looks like.
pub(super) fn price_pattern() -> String {
    format!(r"\${NUMBER}\s*/h")
}

/// What every [`amount`] looks like, as a pattern of JSON Schema.
#[must_use]
pub fn amount_pattern() -> String {
    let (duration, usd) = (duration_pattern(), usd_pattern());
    format!(r"{NUMBER}\s*%|-?({usd}(\s*/h)?|{duration})")
}

/// A duration in one or more units, the longest first: `90 s`, `1.5 h`, `1 h 30 min`.
pub fn duration(text: &str) -> Result<Duration, Fault> {
    let not_one = || Fault::new("is not a duration", DURATION_HINT);
    let text = text.trim();
    let (sign, mut rest) = signed(text);
    let mut total: i64 = 0;
    let mut last_unit = i64::MAX;
    while !rest.is_empty() {
        let number = split_while(&mut rest, |c| c.is_ascii_digit() || c == '.');
        let number = Decimal::parse(number).ok_or_else(not_one)?;
        let name = split_while(&mut rest, char::is_alphabetic);
        if name.is_empty() {
            return Err(if rest.is_empty() {
                Fault::new(
                    "has no unit",
                    format!("write for example \"{text} s\" or \"{text} min\""),
                )
            } else {
                not_one()
            });
        }
        let Some((_, unit)) = DURATION_UNITS.iter().find(|(known, _)| *known == name) else {
            return Err(Fault::new("has an unknown unit", DURATION_HINT)
                .label(format!("`{name}` is not a unit of time")));
        };
        if *unit >= last_unit {
            let hint = "write each unit once, the longest first, as in \"1 h 30 min\"";
            return Err(Fault::new("has its units out of order", hint));
        }
        last_unit = *unit;
        let ms = number.times(sign * unit, "1 ms")?;
        total = total.checked_add(ms).ok_or_else(too_large)?;
    }
    if last_unit == i64::MAX { Err(not_one()) } else { Ok(Duration::from_ms(total)) }
}

/// A duration in all its units, so that [`duration`] gives it back whole: `1 d 2 h 5 ms`.
#[must_use]
pub fn write_duration(duration: Duration) -> String {
    let mut rest = duration.ms().unsigned_abs();
    let mut parts = Vec::new();
    for (name, unit) in DURATION_UNITS {
        let unit = unit.unsigned_abs();
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    let sign = if duration.ms() < 0 { "-" } else { "" };
    if parts.is_empty() { "0 s".to_owned() } else { format!("{sign}{}", parts.join(" ")) }
}

/// Money: `$40`, `$0.034`, `-$1.50`.
pub fn usd(text: &str) -> Result<Usd, Fault> {
    let text = text.trim();
    match dollars(text) {
        Some(micros) => micros.map(Usd::from_micros),
        None if Decimal::parse(text).is_some() => {
            Err(Fault::new("has no currency", format!("write \"${text}\"")))
        }
        None => Err(Fault::new("is not an amount of money", USD_HINT)),
    }
}

/// A price per hour: `$0.034/h`.
pub fn usd_per_hour(text: &str) -> Result<UsdPerHour, Fault> {
    let text = text.trim();
    let (amount, per_hour) = match text.strip_suffix("/h") {
        Some(amount) => (amount.trim_end(), true),
        None => (text, false),
    };
    match dollars(amount) {
        Some(micros) if per_hour => micros.map(UsdPerHour::from_micros),
        Some(_) => Err(Fault::new("does not say per what", format!("write \"{amount}/h\""))),
        None if Decimal::parse(amount).is_some() => {
            Err(Fault::new("has no currency", format!("write \"${amount}/h\"")))
        }
        None => Err(Fault::new("is not a price", PRICE_HINT)),
    }
}

/// A ratio of at least zero, with up to six decimals.
pub fn ratio(text: &str) -> Result<Ratio, Fault> {
    let (sign, rest) = signed(text.trim());
    let number =
        Decimal::parse(rest).ok_or_else(|| Fault::new("is not a plain decimal", RATIO_HINT))?;
    let millionths = number.times(sign * 1_000_000, "0.000001")?;
    let millionths = u64::try_from(millionths).map_err(|_| negative(RATIO_HINT))?;
    Ok(Ratio::from_millionths(millionths))
}

/// A number, or a quantity with its unit: what something measured is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// `12`: in whatever unit is measured.
    Number(f64),
    /// `10 min`.
    Duration(Duration),
    /// `$3`.
    Usd(Usd),
    /// `$3/h`.
    UsdPerHour(UsdPerHour),
    /// `40 %`, in whole millionths of one.
    Share(Ratio),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Duration(duration) => f.write_str(&write_duration(*duration)),
            Self::Usd(usd) => usd.fmt(f),
            Self::UsdPerHour(price) => price.fmt(f),
            Self::Share(share) => {
                write!(f, "{} %", Ratio::from_millionths(share.millionths() * 100))
            }
        }
    }
}

/// A quantity of any of these units.
pub fn amount(text: &str) -> Result<Amount, Fault> {
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        let number = Decimal::parse(percent.trim_end())
            .ok_or_else(|| Fault::new("is not a percentage", "write for example \"40 %\""))?;
        let millionths = number.times(10_000, "0.0001 %")?;
        return Ok(Amount::Share(Ratio::from_millionths(millionths.unsigned_abs())));
    }
    match signed(text).1 {
        money if money.starts_with('$') && money.ends_with("/h") => {
            usd_per_hour(text).map(Amount::UsdPerHour)
        }
        money if money.starts_with('$') => usd(text).map(Amount::Usd),
        number if Decimal::parse(number).is_some() => {
            Err(Fault::new("is a number in quotes", format!("write {text}, or add a unit")))
        }
        _ => duration(text).map(Amount::Duration).map_err(|fault| match fault.what.as_str() {
            "is not a duration" => Fault::new("is not a quantity", AMOUNT_HINT),
            _ => fault,
        }),
    }
}

/// A time: RFC 3339 with its offset, or a date for midnight UTC.
pub fn time(text: &str) -> Result<Time, Fault> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return if timestamp.as_nanosecond() % 1_000_000 == 0 {
            Ok(Time::from_ms(timestamp.as_millisecond()))
        } else {
            Err(too_fine("1 ms"))
        };
    }
    match (text.parse::<DateTime>(), text.parse::<Date>()) {
        (Ok(_), Ok(date)) if text == date.to_string() => time(&format!("{text}T00:00:00Z")),
        (Ok(_), _) => {
            let hint = format!("write \"{text}Z\" if it is UTC, or add its offset such as +01:00");
            Err(Fault::new("does not say in which time zone", hint))
        }
        (Err(_), _) => Err(Fault::new("is not a time", TIME_HINT)),
    }
}

/// A value that should not be below zero.
#[must_use]
pub fn negative(hint: &str) -> Fault {
    Fault::new("is negative", hint)
}

fn too_large() -> Fault {
    Fault::new("is too large", "write a smaller value")
}

fn too_fine(step: &str) -> Fault {
    Fault::new("is too fine", format!("values are whole multiples of {step}"))
}

/// A leading minus as a factor, and what follows.
fn signed(text: &str) -> (i64, &str) {
    text.strip_prefix('-').map_or((1, text), |rest| (-1, rest))
}

/// The micro-dollars of `$1.50` or `-$1.50`; `None` if it does not look like that.
fn dollars(text: &str) -> Option<Result<i64, Fault>> {
    let (sign, rest) = signed(text);
    let number = Decimal::parse(rest.strip_prefix('$')?)?;
    Some(number.times(sign * 1_000_000, "$0.000001"))
}

/// Takes what `belongs` off the front of `rest`, and the blanks behind it.
fn split_while<'t>(rest: &mut &'t str, belongs: impl Fn(char) -> bool) -> &'t str {
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let (taken, behind) = rest.split_at(end);
    *rest = behind.trim_start();
    taken
}

/// A decimal without a sign, as the digits before and behind its point.
struct Decimal<'t> {
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (digits(whole) && digits(fraction))
            .then(|| Self { whole, fraction: fraction.trim_end_matches('0') })
    }

    /// This times `unit`, if that is a whole number; `step` is what a unit of one stands for.
    fn times(&self, unit: i64, step: &str) -> Result<i64, Fault> {
        let places = u32::try_from(self.fraction.len()).unwrap_or(u32::MAX);
        let scale =
            10_i128.checked_pow(places).filter(|_| places <= 12).ok_or_else(|| too_fine(step))?;
        let mantissa = format!("{}{}", self.whole.trim_start_matches('0'), self.fraction);
        let mantissa = if mantissa.is_empty() { Ok(0) } else { mantissa.parse::<i128>() };
        let product = mantissa.ok().and_then(|m| m.checked_mul(i128::from(unit)));
        let product = product.ok_or_else(too_large)?;
        if product % scale != 0 {
            return Err(too_fine(step));
        }
        i64::try_from(product / scale).map_err(|_| too_large())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(text: &str) -> Result<i64, String> {
        duration(text).map(Duration::ms).map_err(|fault| fault.what)
    }

    fn micros(text: &str) -> Result<i64, String> {
        usd(text).map(Usd::micros).map_err(|fault| fault.what)
    }

    fn utc(text: &str) -> Result<i64, String> {
        time(text).map(Time::ms).map_err(|fault| fault.what)
    }

    fn err<T>(what: &str) -> Result<T, String> {
        Err(what.to_owned())
    }

    #[test]
    fn durations_are_exact_or_refused() {
        assert_eq!(ms("2 min"), Ok(120_000));
        assert_eq!(ms("1.5 h"), Ok(5_400_000));
        assert_eq!(ms(" 1 h 30 min "), Ok(5_400_000));
        assert_eq!(ms("1h30min"), Ok(5_400_000));
        assert_eq!(ms("0.1 s"), Ok(100));
        assert_eq!(ms("2 d"), Ok(172_800_000));
        assert_eq!(ms("-1 d 2 h"), Ok(-93_600_000));
        assert_eq!(ms("0.0000125 d"), Ok(1_080));
        assert_eq!(ms("1.0000000000000000000000000 s"), Ok(1_000));
        assert_eq!(ms("0.5 ms"), err("is too fine"));
        assert_eq!(ms("0.00000001 d"), err("is too fine"));
        assert_eq!(ms("1.0000000000000000000000001 s"), err("is too fine"));
        assert_eq!(ms("90"), err("has no unit"));
        assert_eq!(ms("1 h 30"), err("has no unit"));
        assert_eq!(ms("2 m"), err("has an unknown unit"));
        assert_eq!(ms("1e3 s"), err("has an unknown unit"));
        assert_eq!(ms("30 min 1 h"), err("has its units out of order"));
        assert_eq!(ms("1 h 1 h"), err("has its units out of order"));
        assert_eq!(ms("9999999999999999 d"), err("is too large"));
        assert_eq!(ms(&"9".repeat(99)), err("has no unit"));
        assert_eq!(ms(&format!("{} s", "9".repeat(99))), err("is too large"));
        for text in ["", "s", "1,5 h", ". s", "1. s", "NaN s", "1 h, 3 s", "--1 s", "1 s!"] {
            assert_eq!(ms(text), err("is not a duration"), "{text:?}");
        }
    }

    #[test]
    fn money_names_its_currency_and_a_price_its_hour() {
        let price = |text| usd_per_hour(text).map(UsdPerHour::micros).map_err(|fault| fault.hint);
        assert_eq!(micros("$40"), Ok(40_000_000));
        assert_eq!(micros("-$0.000005"), Ok(-5));
        assert_eq!(micros("$0.0000005"), err("is too fine"));
        assert_eq!(micros("40"), err("has no currency"));
        assert_eq!(micros("$1,000"), err("is not an amount of money"));
        assert_eq!(micros("$99999999999999"), err("is too large"));
        assert_eq!(price("$0.034/h"), Ok(34_000));
        assert_eq!(price("$0.034 /h"), Ok(34_000));
        assert_eq!(price("$0.034"), err("write \"$0.034/h\""));
        assert_eq!(price("0.034/h"), err("write \"$0.034/h\""));
        assert_eq!(price("0.034"), err("write \"$0.034/h\""));
        assert_eq!(price("cheap"), err(PRICE_HINT));
    }

    #[test]
    fn a_time_says_its_offset_or_is_a_date() {
        assert_eq!(utc("2021-03-02T00:00:00Z"), Ok(1_614_643_200_000));
        assert_eq!(utc("2021-03-02"), Ok(1_614_643_200_000));
        assert_eq!(utc("2021-03-02 02:00:00.250+02:00"), Ok(1_614_643_200_250));
        assert_eq!(utc("1969-12-31"), Ok(-86_400_000));
        assert_eq!(utc("2021-03-02T00:00:00"), err("does not say in which time zone"));
        assert_eq!(utc("2021-03-02T00:00:00.0001Z"), err("is too fine"));
        for text in ["2021-02-30", "yesterday", "", "12:00", "1614643200"] {
            assert_eq!(utc(text), err("is not a time"), "{text:?}");
        }
    }

    #[test]
    fn a_ratio_keeps_six_decimals() {
        assert_eq!(ratio("1.5").map(Ratio::millionths), Ok(1_500_000));
        assert_eq!(ratio("0.000001").map(Ratio::millionths), Ok(1));
        assert_eq!(ratio("-1").map_err(|fault| fault.what), err("is negative"));
        assert_eq!(ratio("1e-3").map_err(|fault| fault.what), err("is not a plain decimal"));
        assert_eq!(ratio("0.0000001").map_err(|fault| fault.what), err("is too fine"));
    }

    #[test]
    fn an_amount_is_known_by_its_unit() {
        assert_eq!(amount("10 min"), Ok(Amount::Duration(Duration::from_mins(10))));
        assert_eq!(amount("$3"), Ok(Amount::Usd(Usd::from_micros(3_000_000))));
        assert_eq!(amount("$3/h"), Ok(Amount::UsdPerHour(UsdPerHour::from_micros(3_000_000))));
        assert_eq!(amount("40 %"), Ok(Amount::Share(Ratio::from_millionths(400_000))));
        assert_eq!(amount("0.5%"), Ok(Amount::Share(Ratio::from_millionths(5_000))));
        let what = |text| amount(text).unwrap_err().what;
        let all = ["-4 %", "0.00001 %", "12", "soon", "2 m", "$x", ""].map(what);
        assert_eq!(
            all,
            [
                "is not a percentage",
                "is too fine",
                "is a number in quotes",
                "is not a quantity",
                "has an unknown unit",
                "is not an amount of money",
                "is not a quantity"
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(n: i64, m: u64) {
            let (usd_n, price, d) = (Usd::from_micros(n), UsdPerHour::from_micros(n), Duration::from_ms(n));
            prop_assert_eq!(usd(&usd_n.to_string()), Ok(usd_n));
            prop_assert_eq!(usd_per_hour(&price.to_string()), Ok(price));
            prop_assert_eq!(duration(&write_duration(d)), Ok(d));
            let m = Ratio::from_millionths(m >> 1);
            prop_assert_eq!(ratio(&m.to_string()), Ok(m));
        }

        /// A duration prints its two largest units only; what it prints is a duration that
        /// prints the same.
        #[test]
        fn a_printed_duration_reads_back_to_its_two_largest_units(
            n in prop_oneof![any::<i64>(), -200_000_000_i64..200_000_000],
        ) {
            let printed = Duration::from_ms(n).to_string();
            let read = duration(&printed).expect("a duration that was printed");
            prop_assert_eq!(read.to_string(), printed);
        }

        #[test]
        fn no_text_panics(text: String, near in r"[-$]?[0-9.]{0,9} ?(s|min|h|/h|d|%|T|Z|:|-)?[0-9 hs]{0,4}") {
            for text in [&text, &near] {
                let _ = (duration(text), usd(text), usd_per_hour(text), ratio(text), time(text));
                let _ = amount(text);
            }
        }
    }
}
