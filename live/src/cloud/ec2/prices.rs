//! Spot prices.
//!
//! EC2 tells changes, in no order to rely on, some of them twice, and for each pool the last change
//! before the time that was asked for. Products are named with and without ` (Amazon VPC)`, by the age
//! of the account; both mean the same here.

use std::collections::BTreeMap;

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{InstanceType, SpotPrice};
use provisioner_engine::units::{Time, UsdPerHour};

use super::actions::Action;
use super::{Ec2, unreadable};
use crate::cloud::{CallError, PriceRow};

const VPC: &str = " (Amazon VPC)";

impl Ec2 {
    pub(super) async fn price_history(
        &self,
        region: &str,
        instance_types: &[String],
        products: &[String],
        since: Time,
    ) -> Result<Vec<PriceRow>, CallError> {
        if instance_types.is_empty() || products.is_empty() {
            // Asked for nothing, EC2 tells everything.
            return Ok(Vec::new());
        }
        let types = instance_types.iter().map(|name| InstanceType::from(name.as_str())).collect();
        let both = products.iter().flat_map(|name| [name.clone(), format!("{name}{VPC}")]);
        let request = self.clients(region).read.describe_spot_price_history();
        let request = request
            .set_instance_types(Some(types))
            .set_product_descriptions(Some(both.collect()))
            .start_time(DateTime::from_millis(since.ms()))
            .max_results(self.page_size());
        let rows: Vec<SpotPrice> =
            all_rows!(self, region, DescribeSpotPriceHistory, request, spot_price_history)?;
        let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(in_order(rows.into_iter().filter(|row| products.contains(&row.product)), since))
    }
}

/// Oldest first, each once; of what held before `since`, only what held then.
fn in_order(rows: impl Iterator<Item = PriceRow>, since: Time) -> Vec<PriceRow> {
    let mut rows: Vec<PriceRow> = rows.collect();
    let pool = |row: &PriceRow| (row.zone.clone(), row.instance_type.clone(), row.product.clone());
    // Of two prices of one moment the higher one is told last: it is the one to believe.
    rows.sort_by_cached_key(|row| (row.since, pool(row), row.price));
    rows.dedup();
    let held = rows.iter().enumerate().filter(|(_, row)| row.since <= since);
    let held: BTreeMap<_, usize> = held.map(|(place, row)| (pool(row), place)).collect();
    let mut place = 0..;
    rows.retain(|row| {
        let place = place.next().expect("it has no end");
        row.since > since || held.get(&pool(row)) == Some(&place)
    });
    rows
}

fn row(row: &SpotPrice) -> Result<PriceRow, CallError> {
    let read = || {
        let product = row.product_description()?.as_str();
        Some(PriceRow {
            zone: row.availability_zone()?.to_owned(),
            instance_type: row.instance_type()?.as_str().to_owned(),
            product: product.strip_suffix(VPC).unwrap_or(product).to_owned(),
            price: price(row.spot_price()?)?,
            since: Time::from_ms(row.timestamp()?.to_millis().ok()?),
        })
    };
    read().ok_or_else(|| unreadable(format!("DescribeSpotPriceHistory: {row:?}")))
}

/// Dollars an hour as EC2 writes them, to the micro-dollar; what is less than one is rounded up.
fn price(text: &str) -> Option<UsdPerHour> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(places) {
        return None;
    }
    let (six, rest) = places.split_at(places.len().min(6));
    let micros: i64 = format!("{six:0<6}").parse().ok()?;
    let rounded = i64::from(rest.bytes().any(|byte| byte != b'0'));
    let whole = whole.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    Some(UsdPerHour::from_micros(whole.checked_add(micros + rounded)?))
}
