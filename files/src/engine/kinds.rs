//! Kinds of values that several sections share.

use std::ops::Bound;

use provisioner_engine::units::{Duration, UsdPerHour};

use crate::file::{Issue, Kind, Place, Section, kind};

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// What it is.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// The longest duration that a key takes.
pub const SPAN_MAX: Duration = Duration::from_hours(366 * 24);

/// Prices that can be meant: the dearest instance of 2026 costs some hundred dollars an hour.
pub const PRICE_MAX: UsdPerHour = UsdPerHour::from_micros(10_000_000_000);

/// A duration that a run can live through.
#[must_use]
pub fn duration() -> Kind<Duration> {
    kind::duration().within(..=SPAN_MAX)
}

/// A duration of at least a second.
#[must_use]
pub fn some_time() -> Kind<Duration> {
    kind::duration().within(Duration::SECOND..=SPAN_MAX)
}

/// A price, or none.
#[must_use]
pub fn price() -> Kind<UsdPerHour> {
    kind::usd_per_hour().within(..=PRICE_MAX)
}

/// A price above zero.
#[must_use]
pub fn some_price() -> Kind<UsdPerHour> {
    kind::usd_per_hour().within((Bound::Excluded(UsdPerHour::ZERO), Bound::Included(PRICE_MAX)))
}

/// Reports what a model's own check finds: at `key`, or at the key that the finding begins with.
pub fn report_check(s: &mut Section<'_>, key: Option<&str>, check: Result<(), String>) {
    let Err(text) = check else { return };
    if s.is_sound() {
        let (what, hint) = text.split_once("; ").unwrap_or((&text, ""));
        let first = what.split(['.', ' ']).next().unwrap_or_default();
        let place = s.place(key.unwrap_or(first));
        s.report(Issue::new(what, place).hint(hint));
    }
}
