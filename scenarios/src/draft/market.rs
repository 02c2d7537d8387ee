//! What a draft's machines cost, and where they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use provisioner_engine::units::{Duration, Time};

use super::kinds::{Kind, kind, known};
use super::tasks::{hour_of, is_relative};
use super::{Wishes, Wrong};
use crate::traces::{Options, PriceTrace, Trace, import};

#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) outbid: bool,
    pub(super) prices: Prices,
    pub(super) product: Option<String>,
    pub(super) zones: Vec<String>,
    pub(super) kinds: Vec<Kind>,
    /// From when to when prices were recorded.
    pub(super) span: Option<(Time, Time)>,
}

#[derive(Clone, Debug)]
pub(super) enum Prices {
    Modern,
    BidEra,
    Recorded(PathBuf),
}

/// 2017-11-28: since then prices are smooth, and shortage interrupts.
const MODERN_SINCE: Time = Time::from_ms(1_511_827_200_000);
/// 2025-03-03 and 2016-02-01, Mondays on which the known on-demand prices hold.
const START_MODERN: Time = Time::from_ms(1_740_960_000_000);
const START_BID_ERA: Time = Time::from_ms(1_454_284_800_000);

const LINUX: &str = "Linux/UNIX";
const TYPES_MODERN: [&str; 4] = ["c6i.xlarge", "m6i.xlarge", "c5.xlarge", "m5.xlarge"];
const TYPES_BID_ERA: [&str; 3] = ["c3.xlarge", "m3.xlarge", "c4.xlarge"];
/// Most zones and types that are taken from recorded prices.
const ZONES_MAX: usize = 6;
const TYPES_MAX: usize = 3;

impl Market {
    pub(super) fn of(wishes: &Wishes, wrong: &mut Vec<Wrong>) -> Option<Self> {
        let before = wrong.len();
        let outbid = match wishes.regime.as_deref().map(str::trim) {
            None => None,
            Some("capacity") => Some(false),
            Some("outbid") => Some(true),
            Some(other) => {
                let hint = "choose `capacity` (since 2017-11) or `outbid` (before)";
                wrong.push(Wrong::new(format!("there is no regime `{other}`"), hint));
                None
            }
        };
        let prices = match wishes.prices.as_deref().map(str::trim) {
            None if outbid == Some(true) => Prices::BidEra,
            None | Some("modern") => Prices::Modern,
            Some("bid-era") => Prices::BidEra,
            Some(file) => Prices::Recorded(PathBuf::from(file)),
        };
        let mut market = Self {
            outbid: outbid.unwrap_or(matches!(prices, Prices::BidEra)),
            prices,
            product: None,
            zones: Vec::new(),
            kinds: Vec::new(),
            span: None,
        };
        market.zones = zones(&wishes.zones, wrong);
        for text in &wishes.instance_types {
            match kind(text) {
                Ok(kind) => market.kinds.push(kind),
                Err(it) => wrong.push(it),
            }
        }
        match market.prices.clone() {
            Prices::Modern | Prices::BidEra => market.complete(),
            Prices::Recorded(file) => {
                let trace = recorded(&file, wrong)?;
                market.complete_with(&trace, outbid, wrong);
            }
        }
        (wrong.len() == before).then_some(market)
    }

    /// When the run starts, if tasks were recorded then.
    pub(super) fn start(&self, tasks: Option<(Time, Time)>) -> Time {
        let tasks = tasks.filter(|span| !is_relative(span.0));
        match (self.span, tasks) {
            (Some((first, last)), Some((start, end))) if first <= start && end <= last => start,
            // A quiet pool's price is repeated daily: after a day all are known.
            (Some((first, last)), _) if last.since(first) > Duration::DAY * 2 => {
                first + Duration::DAY
            }
            (Some((first, _)), _) => first,
            (None, Some((start, _))) => start,
            (None, None) if self.outbid => START_BID_ERA,
            (None, None) => START_MODERN,
        }
    }

    /// What nobody said, for generated prices.
    fn complete(&mut self) {
        if self.zones.is_empty() {
            self.zones = ["a", "b", "c"].map(|letter| format!("us-east-1{letter}")).into();
        }
        if self.kinds.is_empty() {
            let names: &[&str] = if self.outbid { &TYPES_BID_ERA } else { &TYPES_MODERN };
            self.kinds = names.iter().filter_map(|name| kind(name).ok()).collect();
        }
    }

    /// The same for recorded prices: what is in them.
    fn complete_with(&mut self, trace: &PriceTrace, outbid: Option<bool>, wrong: &mut Vec<Wrong>) {
        let (first, last) = trace.changes.iter().fold((Time::MAX, Time::EPOCH), |span, change| {
            (span.0.min(change.at), span.1.max(change.at))
        });
        let modern = last >= MODERN_SINCE;
        self.span = Some((hour_of(first) + Duration::HOUR, last));
        self.outbid = outbid.unwrap_or(!modern);
        let products: BTreeSet<&str> = trace.markets.iter().map(|it| it.product.as_str()).collect();
        let product =
            if products.contains(LINUX) { Some(LINUX) } else { products.first().copied() };
        self.product = product.filter(|product| *product != LINUX).map(str::to_owned);
        let markets: Vec<_> = trace
            .markets
            .iter()
            .filter(|it| Some(it.product.as_str()) == product && it.region().is_some())
            .collect();
        let types: BTreeSet<&str> = markets.iter().map(|it| it.instance_type.as_str()).collect();
        for kind in self.kinds.iter().filter(|kind| !types.contains(kind.name.as_str())) {
            let what = format!("`{}` has no recorded price", kind.name);
            wrong.push(Wrong::new(what, format!("there are {}", some_of(&types))));
        }
        if self.kinds.is_empty() {
            let known = known();
            let usual: &[&str] = if modern { &TYPES_MODERN } else { &TYPES_BID_ERA };
            let usual = usual.iter().copied().filter(|name| types.contains(name));
            let others = types.iter().copied().filter(|name| known.contains_key(name));
            let mut seen = BTreeSet::new();
            let names = usual.chain(others).filter(|name| seen.insert(*name)).take(TYPES_MAX);
            self.kinds = names.filter_map(|name| known.get(name).cloned()).collect();
        }
        if self.kinds.is_empty() {
            let hint = format!("say some with it, as in \"NAME=$0.17/h\": {}", some_of(&types));
            wrong.push(Wrong::new(
                "of no recorded instance type the on-demand price is known",
                hint,
            ));
        }
        let zones: BTreeSet<&str> = markets.iter().map(|it| it.zone.as_str()).collect();
        for zone in self.zones.iter().filter(|zone| !zones.contains(zone.as_str())) {
            let what = format!("no price was recorded in zone `{zone}`");
            wrong.push(Wrong::new(what, format!("there are {}", some_of(&zones))));
        }
        if self.zones.is_empty() {
            let has_kind = |name: &str| self.kinds.iter().any(|kind| kind.name == name);
            let here = markets.iter().filter(|it| has_kind(&it.instance_type));
            let zones: BTreeSet<&str> = here.map(|it| it.zone.as_str()).collect();
            self.zones = zones.into_iter().take(ZONES_MAX).map(str::to_owned).collect();
        }
    }
}

fn recorded(file: &Path, wrong: &mut Vec<Wrong>) -> Option<PriceTrace> {
    let shown = file.display();
    if !file.exists() {
        let hint = "name a file of spot prices, or generated ones: modern, bid-era";
        wrong.push(Wrong::new(format!("there is no file `{shown}`"), hint));
        return None;
    }
    match import(file, &Options::default()).map(|imported| imported.trace) {
        Ok(Trace::Prices(trace)) if !trace.changes.is_empty() => return Some(trace),
        Ok(_) => {
            let hint = "name what `aws ec2 describe-spot-price-history` printed";
            wrong.push(Wrong::new(format!("`{shown}` has no spot prices"), hint));
        }
        Err(error) => {
            let hint = "`provisioner import` says what is in a file";
            wrong.push(Wrong::new(error.to_string().trim_end(), hint));
        }
    }
    None
}

/// Zones by name, and three of each region.
fn zones(said: &[String], wrong: &mut Vec<Wrong>) -> Vec<String> {
    let mut zones = Vec::new();
    for name in said.iter().map(|name| name.trim()) {
        let parts: Vec<&str> = name.split('-').collect();
        let last = parts.last().copied().unwrap_or_default();
        let digits = last.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let is_region = parts.len() >= 3 && !digits.is_empty();
        match is_region && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true if digits == last => zones.extend(["a", "b", "c"].map(|it| format!("{name}{it}"))),
            true if last.len() == digits.len() + 1 => zones.push(name.to_owned()),
            _ => {
                let hint = "write for example us-east-1a, or us-east-1 for three zones of it";
                wrong.push(Wrong::new(format!("`{name}` is neither a zone nor a region"), hint));
            }
        }
    }
    zones
}

/// A few of them, for a hint.
fn some_of(names: &BTreeSet<&str>) -> String {
    let mut shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 8 {
        shown += ", …";
    }
    shown
}
