//! Whether this machine, these settings and this account can run a fleet, and what to mend.
//!
//! Each finding is one line: what was looked at, whether it is well, and what to do if not. Nothing
//! is changed; whatever would change anything is only asked for with `DryRun`, which EC2 answers by
//! permissions alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::future::join_all;
use provisioner_engine::catalog::Pool;
use provisioner_engine::decision::Market;
use provisioner_engine::ids::PoolId;
use provisioner_engine::units::Duration;
use provisioner_engine::worker_type::WorkerType;

use crate::cloud::ec2::Ec2;
use crate::cloud::ec2::actions::Action;
use crate::cloud::ec2::survey::{Named, Quota, Survey};
use crate::cloud::{CallError, Cloud, LaunchLabel, LaunchOrder};
use crate::daemon::Setup;
use crate::daemon::clock::Look;
use crate::queue::Queue;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// How it is.
    pub state: State,
}

/// How a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Well, and what is worth knowing of it.
    Well(String),
    /// It works, but somebody should know.
    Odd(String),
    /// It does not work: what is wrong, and what to do.
    Ill(String),
}

impl Finding {
    /// A thing that is well.
    #[must_use]
    pub fn well(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Well(how.into()) }
    }

    /// A thing that works and is odd.
    #[must_use]
    pub fn odd(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Odd(how.into()) }
    }

    /// A thing that does not work.
    #[must_use]
    pub fn ill(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ill(how.into()) }
    }

    /// Whether it keeps the daemon from its work.
    #[must_use]
    pub const fn is_ill(&self) -> bool {
        matches!(self.state, State::Ill(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, how) = match &self.state {
            State::Well(how) => ("ok  ", how),
            State::Odd(how) => ("note", how),
            State::Ill(how) => ("FAIL", how),
        };
        write!(f, "{mark} {}", self.what)?;
        if how.is_empty() { Ok(()) } else { write!(f, ": {how}") }
    }
}

/// Looks at every queue: whether it answers, and lets us.
pub async fn queues(queue: &impl Queue, setup: &Setup) -> Vec<Finding> {
    let asks = setup.config.worker_types.iter().map(async |known| {
        let what = format!("queue of {}", known.name);
        let counts = match queue.counts(&known.name).await {
            Ok(counts) => counts,
            Err(error) => return Finding::ill(what, error.to_string()),
        };
        let workers = match queue.workers(&known.name).await {
            Ok(Some(workers)) => format!("{} workers known", workers.len()),
            Ok(None) => "it does not know its workers".into(),
            Err(error) => return Finding::ill(what, error.to_string()),
        };
        let how = format!("{} pending, {} claimed, {workers}", counts.pending, counts.claimed);
        Finding::well(what, how)
    });
    join_all(asks).await
}

/// Looks at every region × zone × instance type of every worker type, and at all that its launches name.
pub async fn pools(ec2: &Ec2, setup: &Setup) -> Vec<Finding> {
    let orders = orders(setup);
    let mut named: BTreeMap<&str, Named> = BTreeMap::new();
    for order in &orders {
        let named = named.entry(&order.region).or_default();
        named.instance_types.insert(order.instance_type.clone());
        named.images.insert(order.template.image.clone());
        named.security_groups.extend(order.template.security_groups.iter().cloned());
        named.key_pairs.extend(order.template.key_pair.iter().cloned());
    }
    let looks =
        named.iter().map(async |(region, named)| (*region, ec2.survey(region, named).await));
    let (mut findings, mut surveys) = (Vec::new(), BTreeMap::new());
    for (region, survey) in join_all(looks).await {
        match survey {
            Ok(survey) => {
                let zones = survey.zones.len();
                findings.push(Finding::well(format!("region {region}"), format!("{zones} zones")));
                surveys.insert(region, survey);
            }
            Err(error) => {
                findings.push(Finding::ill(format!("region {region}"), error.to_string()));
            }
        }
    }
    findings.extend(by_worker_type(&orders, &surveys));
    findings
}

/// Looks at the account's quotas in each region.
pub async fn quotas(ec2: &Ec2, setup: &Setup) -> Vec<Finding> {
    let regions: BTreeSet<String> = setup.region_names().collect();
    let looks = regions.iter().map(async |region| (region, ec2.quotas(region).await));
    let mut findings = Vec::new();
    for (region, quotas) in join_all(looks).await {
        findings.extend(match quotas {
            Ok(quotas) => quotas.iter().filter_map(|quota| of_quota(region, quota)).collect(),
            Err(error) => {
                let what = format!("quotas in {region}");
                vec![Finding::odd(what, format!("not known ({error})"))]
            }
        });
    }
    findings
}

/// A quota of nothing buys nothing.
fn of_quota(region: &str, quota: &Quota) -> Option<Finding> {
    let what = format!("quota in {region}: {}", quota.name);
    (quota.vcpus == 0).then(|| {
        let how = format!("0 vCPUs: ask AWS for more ({}) if worker types need them", quota.code);
        Finding::odd(what, how)
    })
}

/// All that EC2 would refuse, by worker type; each sentence once, with how many pools it is about.
fn by_worker_type(orders: &[LaunchOrder], surveys: &BTreeMap<&str, Survey>) -> Vec<Finding> {
    let mut problems: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut pools: BTreeMap<&str, usize> = BTreeMap::new();
    for order in orders {
        *pools.entry(&order.worker_type).or_default() += 1;
        let of = problems.entry(&order.worker_type).or_default();
        if let Some(survey) = surveys.get(order.region.as_str()) {
            for problem in survey.problems(order) {
                *of.entry(problem).or_default() += 1;
            }
        }
    }
    let mut findings = Vec::new();
    for (worker_type, problems) in problems {
        let what = format!("worker type {worker_type}");
        if problems.is_empty() {
            findings.push(Finding::well(what, format!("{} pools", pools[worker_type])));
        } else {
            let each = problems.into_iter().map(|(problem, count)| match count {
                1 => Finding::ill(what.clone(), problem),
                _ => Finding::ill(what.clone(), format!("{problem} ({count} pools)")),
            });
            findings.extend(each);
        }
    }
    findings
}

/// Whether launching is allowed: one dry run for each worker type and region.
pub async fn launching(ec2: &Ec2, setup: &Setup) -> Vec<Finding> {
    let orders = orders(setup);
    let mut seen = BTreeSet::new();
    let first = orders.iter().filter(|order| seen.insert((&order.worker_type, &order.region)));
    let runs = first.map(async |order| {
        let what = format!("launching {} in {}", order.worker_type, order.region);
        match ec2.dry_run(order).await {
            Ok(()) => Finding::well(what, "allowed"),
            Err(error) => Finding::ill(what, error.to_string()),
        }
    });
    join_all(runs).await
}

/// Looks in each region at what is ours, at prices and notices, and asks with `DryRun` whether the daemon
/// may end what is there and bring the public key, if there is one.
pub async fn access(ec2: &Ec2, setup: &Setup, public_key: Option<&str>) -> Vec<Finding> {
    let regions: BTreeSet<String> = setup.region_names().collect();
    let looks = regions.iter().map(async |region| in_region(ec2, setup, region, public_key).await);
    let mut findings = Vec::new();
    let mut ended = BTreeSet::new();
    for (of_region, tried) in join_all(looks).await {
        findings.extend(of_region);
        ended.extend(tried);
    }
    if !ended.contains(&Action::TerminateInstances) {
        let how =
            "not tried, for it is bound to our tag and no instance has it yet: look again then";
        findings.push(Finding::odd("ending instances", how));
    }
    findings
}

/// What can be read and done there, and which ends were tried.
async fn in_region(
    ec2: &Ec2,
    setup: &Setup,
    region: &str,
    public_key: Option<&str>,
) -> (Vec<Finding>, Vec<Action>) {
    let (mut findings, mut tried) = (Vec::new(), Vec::new());
    let find = |what: String, answer: Result<String, CallError>| match answer {
        Ok(how) => Finding::well(what, how),
        Err(error) => Finding::ill(what, error.to_string()),
    };
    match ec2.remains(region).await {
        Ok(remains) => {
            let what = format!("what is ours in {region}");
            findings.push(Finding::well(what, remains.to_string()));
            for (action, answer) in ec2.may_end(region, &remains).await {
                let what = format!("{action} in {region}");
                findings.push(find(what, answer.map(|()| "allowed".into())));
                tried.push(action);
            }
        }
        Err(error) => {
            findings.push(Finding::ill(format!("what is ours in {region}"), error.to_string()));
        }
    }
    let (types, products) = setup.offers_in(region);
    let since = Look::now().wall - Duration::HOUR;
    let prices = ec2.prices(region, &types, &products, since).await;
    let what = format!("spot prices in {region}");
    findings.push(match prices {
        Ok(rows) if rows.is_empty() => {
            Finding::odd(what, "there are none: whoever buys by price buys nothing there")
        }
        prices => find(what, prices.map(|rows| format!("{} read", rows.len()))),
    });
    if let Err(error) = ec2.sees_notices(region).await {
        findings.push(Finding::ill(format!("notices of {region}"), error.to_string()));
    }
    if let Some(key) = public_key {
        let answer = ec2.may_import_key_pair(region, key).await;
        let what = format!("{} in {region}", Action::ImportKeyPair);
        findings.push(find(what, answer.map(|()| "allowed".into())));
    }
    (findings, tried)
}

/// One launch order for each pool of each worker type.
fn orders(setup: &Setup) -> Vec<LaunchOrder> {
    let of = |worker_type: &WorkerType| {
        let pools: BTreeSet<PoolId> = worker_type.candidates.iter().map(|it| it.pool).collect();
        pools.into_iter().filter_map(|pool| order(setup, worker_type, pool)).collect::<Vec<_>>()
    };
    setup.config.worker_types.iter().flat_map(of).collect()
}

fn order(setup: &Setup, worker_type: &WorkerType, pool: PoolId) -> Option<LaunchOrder> {
    let catalog = &setup.config.catalog;
    let Pool { zone, instance_type, .. } = catalog.pools()[pool.index()];
    let zone = catalog.zone_of(zone);
    Some(LaunchOrder {
        label: LaunchLabel { era: "doctor".into(), first: 0 },
        count: 1,
        worker_type: worker_type.name.clone(),
        region: catalog.region_name(zone.region).to_owned(),
        zone: zone.name.clone(),
        instance_type: catalog.instance_type_of(instance_type).name.clone(),
        market: match worker_type.placement.market() {
            Market::Spot { .. } => Market::Spot { max_price: None },
            Market::OnDemand => Market::OnDemand,
        },
        template: setup.launches.template(&worker_type.name, &zone.name)?.clone(),
    })
}
