//! How EC2 tells of instances.

use provisioner_files::engine::duration;
use provisioner_sim::config::listing::ListingModel;

use super::delay::delay;
use crate::file::{Section, kind};

const LAG: &str = "EC2 Developer Guide, \"Eventual consistency\": seconds, up to five minutes; code \
                   comments of taskcluster/aws-provisioner, 2015: twenty minutes; none if plain";
const ASSUMED: &str = "assumed; none if plain";

pub(super) fn listing(s: &mut Section<'_>, base: &ListingModel) -> ListingModel {
    let probability = || kind::float().within(0.0..=1.0);
    ListingModel {
        events: s.defaulted(
            "events",
            kind::boolean(),
            "Whether state changes are pushed; if not, they are known from listings only.",
            base.events,
            "EventBridge: EC2 Instance State-change Notification",
        ),
        event_lost: s.defaulted(
            "event_lost",
            probability(),
            "Chance that a pushed state change is lost.",
            base.event_lost,
            ASSUMED,
        ),
        event_duplicated: s.defaulted(
            "event_duplicated",
            probability(),
            "Chance that a pushed state change arrives twice.",
            base.event_duplicated,
            ASSUMED,
        ),
        visibility_lag: delay(
            s,
            "visibility_lag",
            "From a state change to its being listed, drawn for each.",
            &base.visibility_lag,
            LAG,
        ),
        stale_read: s.defaulted(
            "stale_read",
            probability(),
            "Chance that a page is served by a replica that is behind.",
            base.stale_read,
            ASSUMED,
        ),
        staleness: delay(
            s,
            "staleness",
            "How far such a replica is behind.",
            &base.staleness,
            "EC2 Developer Guide, \"Eventual consistency\": up to five minutes",
        ),
        page_size: s.defaulted(
            "page_size",
            kind::integer().within(1..=1_000),
            "Instances on one page of a listing.",
            base.page_size,
            "EC2 API, DescribeInstances: MaxResults is at most 1000",
        ),
        page_failed: s.defaulted(
            "page_failed",
            probability(),
            "Chance that a page fails; the listing is then worth nothing.",
            base.page_failed,
            ASSUMED,
        ),
        page_answer: delay(
            s,
            "page_answer",
            "From asking for a page to its answer.",
            &base.page_answer,
            ASSUMED,
        ),
        terminated_visible: s.defaulted(
            "terminated_visible",
            duration(),
            "How long terminated instances are listed.",
            base.terminated_visible,
            "EC2 User Guide, \"Terminate your instance\": about an hour",
        ),
        label_missing: s.defaulted(
            "label_missing",
            probability(),
            "Chance that an instance has no labels but the provisioner's name.",
            base.label_missing,
            ASSUMED,
        ),
        others: s.defaulted(
            "others",
            kind::integer().within(0..=1_000_000),
            "Instances of others in each region of the account.",
            base.others,
            "assumed: twenty; none if plain",
        ),
    }
}
