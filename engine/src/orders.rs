//! Orders in words: the same for whoever shows them, of a simulation or of a daemon.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::decision::{Action, Market};
use crate::ids::LaunchId;
use crate::worker_type::EngineConfig;

/// Orders in words; launches that differ only in their numbers together.
#[must_use]
pub fn in_words(config: &EngineConfig, actions: &[Action]) -> Vec<String> {
    let mut orders: Vec<(Option<RangeInclusive<u64>>, String)> = Vec::new();
    for action in actions {
        let (LaunchId(first), last, what) = match *action {
            Action::Launch { launch, count, worker_type, pool, market } => {
                let name = config.worker_type_name(worker_type);
                let pool = config.catalog.pool_name(pool);
                let last = launch.0.saturating_add(u64::from(count.saturating_sub(1)));
                (launch, last, format!("launch {pool} for {name}, {}", price(market)))
            }
            Action::Cancel { launch } => (launch, launch.0, "cancel".to_owned()),
            Action::Terminate { launch, unless_claimed: false } => {
                (launch, launch.0, "terminate".to_owned())
            }
            Action::Terminate { launch, unless_claimed: true } => {
                (launch, launch.0, "terminate unless it holds a task".to_owned())
            }
            Action::CheckWorker { launch } => (launch, launch.0, "check the worker".to_owned()),
            Action::AdviseStop { launch } => (launch, launch.0, "advise to stop".to_owned()),
            Action::EndStray { instance, unless_claimed } => {
                let unless = if unless_claimed { ", unless it holds a task" } else { "" };
                orders.push((None, format!("end {instance}, which belongs to no launch{unless}")));
                continue;
            }
            Action::ListInstances { region } => {
                let region = config.catalog.region_name(region);
                orders.push((None, format!("list the instances of {region}")));
                continue;
            }
        };
        match orders.last_mut() {
            Some((Some(launches), same))
                if *same == what && launches.end().checked_add(1) == Some(first) =>
            {
                *launches = *launches.start()..=last;
            }
            _ => orders.push((Some(first..=last), what)),
        }
    }
    let words = |(launches, what): (Option<RangeInclusive<u64>>, String)| match launches
        .map(RangeInclusive::into_inner)
    {
        None => what,
        Some((first, last)) if first == last => format!("#{first} {what}"),
        Some((first, last)) => format!("#{first}..#{last} {what}"),
    };
    orders.into_iter().map(words).collect()
}

/// A market, and what may be paid there, in words.
#[must_use]
pub fn price(market: Market) -> String {
    match market {
        Market::Spot { max_price: Some(bid) } => format!("spot at most {bid}"),
        Market::Spot { max_price: None } => "spot without a max price".to_owned(),
        Market::OnDemand => "on demand".to_owned(),
    }
}
