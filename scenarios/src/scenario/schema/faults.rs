//! What goes wrong at stated times.

use provisioner_engine::units::{Duration, Ratio, Time};
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
    let feed_down = |_: &mut Section<'_>| FaultKind::FeedDown;
    let feed_first_page = |_: &mut Section<'_>| FaultKind::FeedFirstPage;
    let feed_scaled = |s: &mut Section<'_>| {
        let most = Ratio::from_millionths(1_000_000_000_000);
        let doc = "What prices are multiplied by.";
        FaultKind::FeedScaled { factor: s.required("factor", kind::ratio().within(..=most), doc) }
    };
    let variants = [
        Variant::new("queue-down", "The queue answers nothing: its counts are unknown.", &queue_down),
        Variant::new("feed-down", "The price feed tells nothing.", &feed_down),
        Variant::new(
            "feed-first-page",
            "A reading of the price feed breaks off after its first page.",
            &feed_first_page,
        ),
        Variant::new("feed-scaled", "The price feed tells prices in another unit.", &feed_scaled),
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
