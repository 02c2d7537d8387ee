//! What goes wrong at stated times.

use provisioner_engine::units::Duration;
use provisioner_sim::config::FaultKind;
use provisioner_sim::dist::DELAY_MAX;

use super::At;
use super::delay::{duration, some_time};
use crate::file::{Section, Variant, kind};

/// A fault whose times count from the start of the run, and whose parts have names.
pub(crate) struct FaultDoc {
    pub(crate) from: Duration,
    pub(crate) length: Duration,
    pub(crate) what: WhatDoc,
}

/// What goes wrong, in names.
pub(crate) enum WhatDoc {
    Known(FaultKind),
    PoolsDry(At<Vec<String>>),
    AllDry,
    VolumeLimit(At<String>),
    ImageUnusable(At<Vec<String>>),
}

pub(super) fn fault(s: &mut Section<'_>) -> FaultDoc {
    let queue_down = |_: &mut Section<'_>| WhatDoc::Known(FaultKind::QueueDown);
    let names = |s: &mut Section<'_>, key, doc| {
        let value = s.required(key, kind::list(kind::text()), doc);
        At { value, place: s.place(key) }
    };
    let pool_dry = |s: &mut Section<'_>| {
        WhatDoc::PoolsDry(names(s, "pools", "Which, as \"c5.large/us-east-1a\"."))
    };
    let all_dry = |_: &mut Section<'_>| WhatDoc::AllDry;
    let volume_limit = |s: &mut Section<'_>| {
        let value = s.required("region", kind::text(), "Where.");
        WhatDoc::VolumeLimit(At { value, place: s.place("region") })
    };
    let image_unusable = |s: &mut Section<'_>| {
        WhatDoc::ImageUnusable(names(
            s,
            "images",
            "Which; that of a worker type without `image` has the worker type's name.",
        ))
    };
    let variants = [
        Variant::new(
            "queue-down",
            "The queue answers nothing: its counts are unknown.",
            &queue_down,
        ),
        Variant::new(
            "pool-dry",
            "Pools have no spot instance to give (`InsufficientInstanceCapacity`); those that they \
             gave run on.",
            &pool_dry,
        ),
        Variant::new("all-dry", "The same of all pools.", &all_dry),
        Variant::new(
            "volume-limit",
            "A region's limit on volumes is reached: instances die at once \
             (`Client.VolumeLimitExceeded`).",
            &volume_limit,
        ),
        Variant::new(
            "image-unusable",
            "Images cannot be used: launches of them are refused (`InvalidAMIID.NotFound`).",
            &image_unusable,
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
