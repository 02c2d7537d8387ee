//! What goes wrong at stated times.

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::{Fault, FaultKind};
use provisioner_sim::dist::DELAY_MAX;

use super::delay::{duration, some_time};
use crate::file::{Section, Variant};

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

pub(super) fn fault(s: &mut Section<'_>) -> FaultDoc {
    let queue_down = |_: &mut Section<'_>| FaultKind::QueueDown;
    let variants = [Variant::new(
        "queue-down",
        "The queue answers nothing: its counts are unknown.",
        &queue_down,
    )];
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
