//! Ceilings on spending.

use std::ops::Bound;

use provisioner_engine::units::Usd;
use provisioner_engine::worker_type::SpendLimits;

use super::kinds::some_price;
use crate::file::{Section, kind};

/// The section `spend`.
pub(super) fn spend(s: &mut Section<'_>) -> SpendLimits {
    let most = Usd::from_micros(1_000_000_000_000);
    let some_money = kind::usd().within((Bound::Excluded(Usd::ZERO), Bound::Included(most)));
    s.section(
        "spend",
        "Ceilings on spending, hard: each launch counts with the most that may be paid for it, \
         from its order to its end. None if left out.",
        |s| SpendLimits {
            hourly_max: s.optional(
                "hourly_max",
                some_price(),
                "The most that live launches together may cost an hour.",
            ),
            daily_max: s.optional(
                "daily_max",
                some_money,
                "The most that may be spent in a day (UTC): nothing is launched that could not run \
                 for an hour, or until midnight, within it; just before it is spent, everything is \
                 ended.",
            ),
        },
    )
}
