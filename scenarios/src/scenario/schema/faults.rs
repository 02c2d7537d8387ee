//! What goes wrong at stated times.

use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::{Fault, FaultKind};
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

pub(super) fn fault(s: &mut Section<'_>) -> FaultDoc {
    let queue_down = |_: &mut Section<'_>| FaultKind::QueueDown;
    let throttled = |s: &mut Section<'_>| FaultKind::CallsThrottled { share: share(s) };
    let requests_lost = |s: &mut Section<'_>| FaultKind::RequestsLost { share: share(s) };
    let responses_lost = |s: &mut Section<'_>| FaultKind::ResponsesLost { share: share(s) };
    let internal_errors = |s: &mut Section<'_>| FaultKind::InternalErrors { share: share(s) };
    let variants = [
        Variant::new(
            "queue-down",
            "The queue answers nothing: its counts are unknown.",
            &queue_down,
        ),
        Variant::new(
            "calls-throttled",
            "Others in the account make so many calls that ours to EC2 are throttled.",
            &throttled,
        ),
        Variant::new("requests-lost", "Calls to EC2 never arrive.", &requests_lost),
        Variant::new(
            "responses-lost",
            "Calls to EC2 are carried out and never answered.",
            &responses_lost,
        ),
        Variant::new(
            "internal-errors",
            "Calls to EC2 are answered by an internal error, carried out or not.",
            &internal_errors,
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

fn share(s: &mut Section<'_>) -> f64 {
    s.defaulted(
        "share",
        kind::float().within(0.0..=1.0),
        "The share of calls that it happens to.",
        1.0,
        "all of them",
    )
}
