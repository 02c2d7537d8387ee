//! Levels that nobody wants to write down: from one value to another, by steps or by factors.
//!
//! Levels are whole milliseconds, micro-dollars or millionths. Those of a factor are rounded to two
//! digits of the unit they are shown in, so that they can be read; both ends are as written.

use std::cell::OnceCell;

use provisioner_engine::units::{Duration, Ratio, Usd, UsdPerHour};

use crate::file::quantity::Amount;
use crate::file::{Issue, Kind, Section, kind};

/// Most levels of a range.
const LEVELS_MAX: usize = 1_000;

/// The levels of the range that an axis is written as, if it is one, as a TOML list.
pub(super) fn range(s: &mut Section<'_>) -> Option<String> {
    let doc = "Instead of `values`: the first of them, a number or a quantity.";
    let from = s.optional("from", kind::amount(), doc);
    let to = s.optional("to", kind::amount(), "The last of them.");
    let doc = "How far they are apart; the last two may be nearer.";
    let step = s.optional("step", kind::amount(), doc);
    let doc = "Or by which factor; levels are rounded to two digits.";
    let factor = s.optional("factor", factor_kind(), doc);
    if [from, to, step].iter().all(Option::is_none) && factor.is_none() {
        return None;
    }
    let levels = match (from, to, step, factor) {
        (Some(from), Some(to), Some(step), None) => by_steps(from, to, step),
        (Some(from), Some(to), None, Some(factor)) => by_factors(from, to, factor),
        _ => Err(("a range is not whole", "write `from`, `to`, and `step` or `factor`")),
    };
    match levels {
        Ok(levels) => {
            let levels: Vec<String> = levels.iter().map(|it| kind::amount().show(it)).collect();
            Some(format!("[{}]", levels.join(", ")))
        }
        Err((what, hint)) => {
            if s.is_sound() {
                s.report(Issue::new(what, s.here()).hint(hint));
            }
            Some("[]".to_owned())
        }
    }
}

fn factor_kind() -> Kind<Ratio> {
    kind::ratio().within(Ratio::from_millionths(1_200_000)..)
}

type Levels = Result<Vec<Amount>, (&'static str, &'static str)>;

fn by_steps(from: Amount, to: Amount, step: Amount) -> Levels {
    let (first, last) = ends(from, to)?;
    let step = ticks(step).filter(|_| is_alike(from, step)).ok_or(UNITS)?;
    if step <= 0 {
        return Err(("a range goes nowhere", "write a `step` above zero"));
    }
    levels(from, last, std::iter::successors(Some(first), |it| it.checked_add(step)))
}

fn by_factors(from: Amount, to: Amount, factor: Ratio) -> Levels {
    let (first, last) = ends(from, to)?;
    if first <= 0 {
        return Err(("no factor leads away from zero", "write a `from` above zero, or a `step`"));
    }
    let factor = i128::from(factor.millionths());
    let exact = std::iter::successors(Some(first), |it| {
        i64::try_from(i128::from(*it) * factor / 1_000_000).ok()
    });
    levels(from, last, exact.map(|it| if it == first { it } else { rounded(from, it) }))
}

const UNITS: (&str, &str) =
    ("a range has several units", "write `from`, `to` and `step` in the same");

fn ends(from: Amount, to: Amount) -> Result<(i64, i64), (&'static str, &'static str)> {
    let (Some(first), Some(last), true) = (ticks(from), ticks(to), is_alike(from, to)) else {
        return Err(UNITS);
    };
    if last <= first {
        return Err(("a range ends before it begins", "write a `to` above `from`"));
    }
    Ok((first, last))
}

/// Those before the last, and the last.
fn levels(like: Amount, last: i64, before: impl Iterator<Item = i64>) -> Levels {
    let mut all: Vec<i64> =
        before.take_while(|it| *it < last).take(LEVELS_MAX).chain([last]).collect();
    all.dedup();
    if all.len() > LEVELS_MAX {
        return Err(("a range has more than 1000 levels", "write a larger `step` or `factor`"));
    }
    Ok(all.into_iter().map(|ticks| amount(like, ticks)).collect())
}

fn is_alike(a: Amount, b: Amount) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

/// An amount in its smallest unit.
#[expect(clippy::cast_possible_truncation, reason = "numbers of settings are far below 2^53")]
fn ticks(amount: Amount) -> Option<i64> {
    match amount {
        Amount::Number(number) => Some((number * 1e6).round() as i64),
        Amount::Duration(duration) => Some(duration.ms()),
        Amount::Usd(usd) => Some(usd.micros()),
        Amount::UsdPerHour(price) => Some(price.micros()),
        Amount::Share(share) => i64::try_from(share.millionths()).ok(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of settings are far below 2^53")]
fn amount(like: Amount, ticks: i64) -> Amount {
    match like {
        Amount::Number(_) => Amount::Number(ticks as f64 / 1e6),
        Amount::Duration(_) => Amount::Duration(Duration::from_ms(ticks)),
        Amount::Usd(_) => Amount::Usd(Usd::from_micros(ticks)),
        Amount::UsdPerHour(_) => Amount::UsdPerHour(UsdPerHour::from_micros(ticks)),
        Amount::Share(_) => Amount::Share(Ratio::from_millionths(ticks.unsigned_abs())),
    }
}

/// To two digits: of days, hours, minutes or seconds, or of the number itself.
fn rounded(like: Amount, ticks: i64) -> i64 {
    let units = [86_400_000, 3_600_000, 60_000, 1_000];
    let unit = match like {
        Amount::Duration(_) => units.into_iter().find(|unit| ticks >= *unit).unwrap_or(1),
        _ => 1,
    };
    let mut quantum = (unit / 10).max(1);
    while ticks / quantum >= 100 {
        quantum *= 10;
    }
    (ticks + quantum / 2) / quantum * quantum
}

/// Texts that levels are read from, kept as long as these.
#[derive(Default)]
pub(super) struct Texts {
    text: OnceCell<String>,
    more: OnceCell<Box<Self>>,
}

impl Texts {
    pub(super) fn keep(&self, text: String) -> &str {
        match self.text.set(text) {
            Ok(()) => self.text.get().expect("it was just set"),
            Err(text) => self.more.get_or_init(Box::default).keep(text),
        }
    }
}
