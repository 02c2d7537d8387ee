//! How the engine learns market prices.
//!
//! Source: EC2 API, `DescribeSpotPriceHistory`: a log of changes with the last one before the time
//! asked for, at most 1,000 rows a page, in no order that may be relied on (seen newest first:
//! boto/botocore#534), with repeated rows (aws/aws-sdk-java-v2#927).

use provisioner_engine::units::Duration;

/// A price feed that is read now and then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedModel {
    /// Time from one reading to the next; each is made at the first iteration after that.
    pub interval: Duration,
    /// Rows of a page.
    pub page_rows: u32,
    /// In which order rows come.
    pub order: RowOrder,
    /// Chance that a row comes twice.
    pub duplicates: f64,
}

/// In which order rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// As EC2 was seen to answer.
    NewestFirst,
    /// As changes happened.
    OldestFirst,
    /// In any.
    Shuffled,
}

impl Default for FeedModel {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(5),
            page_rows: 1_000,
            order: RowOrder::NewestFirst,
            duplicates: 0.0,
        }
    }
}
