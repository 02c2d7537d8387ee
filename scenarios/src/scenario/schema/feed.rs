//! How prices are learnt.

use provisioner_engine::units::Duration;
use provisioner_sim::config::feed::{FeedModel, RowOrder};

use crate::file::{Section, Variant, kind};

const API: &str = "EC2 API, DescribeSpotPriceHistory";

/// How the engine learns prices; `None` if it is told at once.
pub(super) fn feed(s: &mut Section<'_>) -> Option<FeedModel> {
    let pushed = |_: &mut Section<'_>| None;
    let polled = |s: &mut Section<'_>| Some(polled(s));
    let variants = [
        Variant::new("pushed", "The engine is told of each change at once.", &pushed),
        Variant::new("polled", "It reads the price history now and then.", &polled),
    ];
    let default = Some(("\"pushed\"", "prices hold for long today, and readings are frequent"));
    s.variant("feed", "How the engine learns market prices.", &variants, None, default)
}

fn polled(s: &mut Section<'_>) -> FeedModel {
    let default = FeedModel::default();
    let orders = [
        ("newest-first", RowOrder::NewestFirst),
        ("oldest-first", RowOrder::OldestFirst),
        ("shuffled", RowOrder::Shuffled),
    ];
    FeedModel {
        interval: s.defaulted(
            "interval",
            kind::duration().within(Duration::SECOND..=Duration::DAY),
            "Time from one reading to the next; each is made at the first iteration after that.",
            default.interval,
            "assumed: prices change every few hours",
        ),
        page_rows: s.defaulted(
            "page_rows",
            kind::integer().within(1..=1_000_000),
            "Rows of a page.",
            default.page_rows,
            API,
        ),
        order: s.defaulted(
            "order",
            kind::choice(&orders),
            "In which order rows come; EC2 promises none.",
            default.order,
            "boto/botocore#534",
        ),
        duplicates: s.defaulted(
            "duplicates",
            kind::float().within(0.0..=1.0),
            "Chance that a row comes twice; EC2 was seen to repeat rows (aws/aws-sdk-java-v2#927).",
            default.duplicates,
            "rows come once",
        ),
    }
}
