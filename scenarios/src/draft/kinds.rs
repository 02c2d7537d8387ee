//! What is known of instance types without asking anybody.
//!
//! Sources: on-demand prices of us-east-1 for Linux, 2022-06 to 2026-07 (Karpenter's generated
//! tables) and of 2015-06-17 (ec2instances.info), since when each held; virtual CPUs as
//! DescribeInstanceTypes gives them. A test compares them with the tables.

use std::collections::BTreeMap;

use super::Wrong;
use crate::file::{nearest, quantity};

/// Instance types, their virtual CPUs, on-demand prices, and since when these hold.
pub const INSTANCE_TYPES: &str = include_str!("instance-types.tsv");

/// An instance type of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) vcpus: Option<String>,
    /// As it is written: `$0.17/h`.
    pub(super) price: String,
    /// The month since which it holds, if it is from the table.
    pub(super) since: Option<String>,
}

pub(super) fn known() -> BTreeMap<&'static str, Kind> {
    let rows = INSTANCE_TYPES.lines().skip(1).filter_map(|line| {
        let [name, vcpus, price, since] = *line.split('\t').collect::<Vec<_>>() else {
            return None;
        };
        let kind = Kind {
            name: name.to_owned(),
            vcpus: Some(vcpus.to_owned()),
            price: format!("${price}/h"),
            since: Some(since.to_owned()),
        };
        Some((name, kind))
    });
    rows.collect()
}

/// The instance type that is called so, or is told with its price.
pub(super) fn kind(text: &str) -> Result<Kind, Wrong> {
    let known = known();
    let (name, price) = match text.split_once('=') {
        Some((name, price)) => (name.trim(), Some(price.trim())),
        None => (text.trim(), None),
    };
    match (known.get(name), price) {
        (Some(kind), None) => Ok(kind.clone()),
        (None, None) => {
            let near = match nearest(name, known.keys().copied()) {
                Some(near) => format!("did you mean {near}? Or "),
                None => String::new(),
            };
            let hint = format!("{near}say its on-demand price as well: \"{name}=$0.17/h\"");
            Err(Wrong::new(format!("the price of `{name}` is not known here"), hint))
        }
        (kind, Some(price)) => match quantity::usd_per_hour(price) {
            Ok(_) => {
                let vcpus = kind.and_then(|kind| kind.vcpus.clone()).or_else(|| vcpus(name));
                let (name, price) = (name.to_owned(), price.to_owned());
                Ok(Kind { name, vcpus, price, since: None })
            }
            Err(_) => {
                let what = format!("`{price}` is no price of `{name}`");
                Err(Wrong::new(what, format!("write for example \"{name}=$0.17/h\"")))
            }
        },
    }
}

/// How many a type of that size has, in nearly all families.
fn vcpus(name: &str) -> Option<String> {
    let size = name.split_once('.')?.1;
    let number = match size {
        "medium" => 1,
        "large" => 2,
        _ => match size.strip_suffix("xlarge")? {
            "" => 4,
            times => times.parse::<u32>().ok()?.checked_mul(4)?,
        },
    };
    Some(number.to_string())
}
