//! What goes wrong at stated times.

use provisioner_engine::units::{Duration, Ratio};
use provisioner_files::engine::{duration, some_time};
use provisioner_sim::config::FaultKind;
use provisioner_sim::dist::DELAY_MAX;

use super::{At, process};
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
    PoolsOversubscribed {
        pools: At<Vec<String>>,
        lives: Duration,
    },
    VolumeLimit(At<String>),
    ImageUnusable(At<Vec<String>>),
    Configured {
        worker_types_removed: At<Vec<String>>,
        instance_types_removed: At<Vec<String>>,
        empty: bool,
    },
    BrokenImage {
        /// Of all if left out.
        worker_types: Option<At<Vec<String>>>,
        registers: bool,
    },
}

fn reconfiguration(s: &mut Section<'_>) -> WhatDoc {
    let mut names = |key, doc| {
        let names = kind::list(kind::text());
        let value = s.defaulted(key, names, doc, Vec::new(), "none is removed");
        At { value, place: s.place(key) }
    };
    WhatDoc::Configured {
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
    let names = |s: &mut Section<'_>, key, doc| {
        let value = s.required(key, kind::list(kind::text()), doc);
        At { value, place: s.place(key) }
    };
    let queue_down = |_: &mut Section<'_>| WhatDoc::Known(FaultKind::QueueDown);
    let crash =
        |s: &mut Section<'_>| WhatDoc::Known(FaultKind::Crash { step: process::crash_step(s) });
    let queue_zero =
        |_: &mut Section<'_>| WhatDoc::Known(FaultKind::QueueSays { pending: 0, claimed: 0 });
    let queue_says = |s: &mut Section<'_>| {
        let pending = s.required("pending", kind::integer(), "Tasks said to be waiting.");
        let claimed = s.required("claimed", kind::integer(), "Tasks said to be held by workers.");
        WhatDoc::Known(FaultKind::QueueSays { pending, claimed })
    };
    let queue_says_of_workers = |s: &mut Section<'_>| {
        let claimed = s.required("claimed", kind::integer(), "Tasks said to be held by each.");
        WhatDoc::Known(FaultKind::QueueSaysOfWorkers { claimed })
    };
    let broken_image = |s: &mut Section<'_>| {
        let doc = "Of which worker types, by name; of all if left out.";
        let value = s.optional("worker_types", kind::list(kind::text()), doc);
        let worker_types = value.map(|value| At { value, place: s.place("worker_types") });
        let registers = s.defaulted(
            "registers",
            kind::boolean(),
            "Whether their workers register before they do nothing.",
            false,
            "Taskcluster retrospective 2019-11-20: the image never started a worker",
        );
        WhatDoc::BrokenImage { worker_types, registers }
    };
    let boot_slow = |s: &mut Section<'_>| {
        let factor = kind::float().within(1.0..=1_000.0);
        let factor = s.required("factor", factor, "How many times as long boots take.");
        WhatDoc::Known(FaultKind::BootSlow { factor })
    };
    let pool_dry = |s: &mut Section<'_>| {
        WhatDoc::PoolsDry(names(s, "pools", "Which, as \"c5.large/us-east-1a\"."))
    };
    let oversubscribed = |s: &mut Section<'_>| WhatDoc::PoolsOversubscribed {
        pools: names(s, "pools", "Which, as \"c5.large/us-east-1a\"."),
        lives: s.required("lives", some_time(), "How long an instance runs that they give."),
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
    let known = WhatDoc::Known;
    let feed_down = |_: &mut Section<'_>| known(FaultKind::FeedDown);
    let feed_first_page = |_: &mut Section<'_>| known(FaultKind::FeedFirstPage);
    let feed_scaled = |s: &mut Section<'_>| {
        let most = Ratio::from_millionths(1_000_000_000_000);
        let doc = "What prices are multiplied by.";
        let factor = s.required("factor", kind::ratio().within(..=most), doc);
        known(FaultKind::FeedScaled { factor })
    };
    let throttled = |s: &mut Section<'_>| known(FaultKind::CallsThrottled { share: share(s) });
    let requests_lost = |s: &mut Section<'_>| known(FaultKind::RequestsLost { share: share(s) });
    let responses_lost = |s: &mut Section<'_>| known(FaultKind::ResponsesLost { share: share(s) });
    let internal_errors =
        |s: &mut Section<'_>| known(FaultKind::InternalErrors { share: share(s) });
    let listing_down = |_: &mut Section<'_>| WhatDoc::Known(FaultKind::ListingDown);
    let listing_frozen = |_: &mut Section<'_>| WhatDoc::Known(FaultKind::ListingFrozen);
    let told_ended = |s: &mut Section<'_>| {
        let doc = "Chance for each instance that is up.";
        let share = s.defaulted("share", kind::float().within(0.0..=1.0), doc, 1.0, "all");
        WhatDoc::Known(FaultKind::ToldEnded { share })
    };
    let configured = |s: &mut Section<'_>| reconfiguration(s);
    let variants = [
        Variant::new(
            "crash",
            "The engine's process dies when it first comes to `step`, and is started again after \
             `length`.",
            &crash,
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
        Variant::new(
            "queue-down",
            "The queue answers nothing: unknown are its counts, what a worker holds and who registers.",
            &queue_down,
        ),
        Variant::new("queue-zero", "The queue says that there is no task.", &queue_zero),
        Variant::new("queue-says", "The queue tells these counts of every queue.", &queue_says),
        Variant::new(
            "queue-says-of-workers",
            "The queue tells this of each worker that it is asked about: that it is idle, or not.",
            &queue_says_of_workers,
        ),
        Variant::new(
            "broken-image",
            "Instances that start to boot never claim a task.",
            &broken_image,
        ),
        Variant::new("boot-slow", "Instances that start to boot take longer.", &boot_slow),
        Variant::new(
            "pool-dry",
            "Pools have no spot instance to give (`InsufficientInstanceCapacity`); those that they \
             gave run on.",
            &pool_dry,
        ),
        Variant::new(
            "pool-oversubscribed",
            "Pools take back each spot instance that they give, after a while, and sell it again.",
            &oversubscribed,
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
        Variant::new("feed-down", "The price feed tells nothing.", &feed_down),
        Variant::new(
            "feed-first-page",
            "A reading of the price feed breaks off after its first page.",
            &feed_first_page,
        ),
        Variant::new("feed-scaled", "The price feed tells prices in another unit.", &feed_scaled),
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

fn share(s: &mut Section<'_>) -> f64 {
    s.defaulted(
        "share",
        kind::float().within(0.0..=1.0),
        "The share of calls that it happens to.",
        1.0,
        "all of them",
    )
}
