//! What goes wrong at stated times.

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::{Fault, FaultKind, Reconfiguration};
use provisioner_sim::dist::DELAY_MAX;

use super::delay::{duration, some_time};
use crate::file::{Section, Variant, kind};

/// A fault whose times count from the start of the run.
pub(crate) struct FaultDoc {
    from: Duration,
    length: Duration,
    what: FaultKind,
}

impl FaultDoc {
    /// The fault in a run that starts then.
    pub(crate) fn starting(self, start: Time) -> Fault {
        let from = start.saturating_add(self.from);
        Fault { from, until: from.saturating_add(self.length), what: self.what }
    }
}

fn reconfiguration(s: &mut Section<'_>) -> Reconfiguration {
    let mut names = |key, doc| {
        let names = kind::list(kind::text());
        s.defaulted(key, names, doc, Vec::new(), "none is removed")
    };
    Reconfiguration {
        worker_types_removed: names("worker_types_removed", "Worker types that it lacks."),
        instance_types_removed: names("instance_types_removed", "Instance types that it lacks."),
        empty: s.defaulted(
            "empty",
            kind::boolean(),
            "Whether it lacks all worker types.",
            false,
            "the rest is there",
        ),
    }
}

pub(super) fn fault(s: &mut Section<'_>) -> FaultDoc {
    let queue_down = |_: &mut Section<'_>| FaultKind::QueueDown;
    let listing_down = |_: &mut Section<'_>| FaultKind::ListingDown;
    let listing_frozen = |_: &mut Section<'_>| FaultKind::ListingFrozen;
    let told_ended = |s: &mut Section<'_>| FaultKind::ToldEnded {
        share: s.defaulted(
            "share",
            kind::float().within(0.0..=1.0),
            "Chance for each instance that is up.",
            1.0,
            "all",
        ),
    };
    let configured = |s: &mut Section<'_>| FaultKind::Configured(reconfiguration(s));
    let variants = [
        Variant::new(
            "queue-down",
            "The queue answers nothing: its counts are unknown.",
            &queue_down,
        ),
        Variant::new("listing-down", "Listings of instances fail.", &listing_down),
        Variant::new(
            "listing-frozen",
            "Listings of instances show what was visible when this began.",
            &listing_frozen,
        ),
        Variant::new(
            "told-ended",
            "The engine is told, once and wrongly, that instances ended: it loses them.",
            &told_ended,
        ),
        Variant::new(
            "configured",
            "The engine goes over to another configuration, and at the end back again.",
            &configured,
        ),
    ];
    FaultDoc {
        from: s.defaulted(
            "from",
            duration(),
            "When it begins, counted from the start of the run.",
            Duration::ZERO,
            "from the start",
        ),
        length: s.defaulted(
            "length",
            some_time(),
            "How long it lasts.",
            DELAY_MAX,
            "to the end of the run",
        ),
        what: s.variant("what", "What goes wrong.", &variants, None, None),
    }
}
