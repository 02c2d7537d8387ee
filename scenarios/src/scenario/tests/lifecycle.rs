//! How a file says how EC2 fails.

use provisioner_engine::ids::{ImageId, PoolId, RegionId};
use provisioner_sim::config::{CloudModel, FaultKind, Regime};
use provisioner_sim::ec2::quota::QuotaClass;

use super::*;

/// [`WEEK`] with more sections.
fn week_and(more: &str) -> String {
    format!("{WEEK}\n{more}")
}

#[test]
fn a_full_cloud_has_every_cited_default_and_a_plain_one_none() {
    let cloud = |behaviour: &str, regime: &str| {
        let text = week_and(&format!("[cloud]\nbehaviour = \"{behaviour}\""));
        let text = text.replacen("[market]", &format!("[market]\nregime = \"{regime}\""), 1);
        load_text(&text).expect("a good file").scenario.config(Seed(1)).cloud
    };
    assert_eq!(cloud("plain", "capacity"), CloudModel::plain(Regime::Capacity));
    assert_eq!(cloud("full", "capacity"), CloudModel::full(Regime::Capacity));
    assert_eq!(cloud("plain", "outbid"), CloudModel::plain(Regime::Outbid));
    assert_eq!(cloud("full", "outbid"), CloudModel::full(Regime::Outbid));
}

#[test]
fn defaults_that_depend_on_the_behaviour_are_documented_with_both_values() {
    let keys = parameters();
    let default = |path: &str| {
        let key = keys.iter().find(|key| key.path == path).expect("a known key");
        match &key.presence {
            Presence::Default { value, .. } => value.clone(),
            _ => panic!("{path} has no default"),
        }
    };
    assert_eq!(default("cloud.launch.early_death"), "0, or 0.002 if cloud.behaviour is \"full\"");
    assert_eq!(
        default("cloud.interruption.tie_kill"),
        "0, or 0.5 if market.regime is \"outbid\" and cloud.behaviour is \"full\""
    );
}

#[test]
fn names_in_faults_and_quotas_are_those_of_the_market() {
    let text = week_and(
        r#"
[cloud.launch]
not_offered = ["c5.large/us-west-2a"]
[cloud.quotas]
spot_instances = 20
spot_vcpus.standard = 64
[faults.one]
from = "1 h"
length = "2 h"
what = { pool-dry = { pools = ["c5.large/us-east-1b"] } }
[faults.two]
what = "all-dry"
[faults.three]
what = { volume-limit = { region = "us-west-2" } }
[faults.four]
what = { image-unusable = { images = ["proj/builds"] } }
"#,
    );
    let Loaded { scenario, remarks, .. } = load_text(&text).expect("a good file");
    let config = scenario.config(Seed(1));
    let pool = |name: &str| {
        let catalog = &config.engine.catalog;
        let mut pools = (0..catalog.pools().len()).map(PoolId::new);
        pools.find(|pool| catalog.pool_name(*pool) == name).expect("a pool")
    };
    assert_eq!(config.cloud.launch.not_offered, [pool("c5.large/us-west-2a")]);
    assert_eq!(config.cloud.quotas.spot_vcpus.get(&QuotaClass::Standard), Some(&64));
    let what: Vec<_> = config.faults.iter().map(|fault| &fault.what).collect();
    let all = (0..config.engine.catalog.pools().len()).map(PoolId::new).collect();
    for expected in [
        FaultKind::PoolDry { pools: vec![pool("c5.large/us-east-1b")] },
        FaultKind::PoolDry { pools: all },
        FaultKind::VolumeLimit { region: RegionId::new(1) },
        FaultKind::ImageUnusable { images: vec![ImageId::new(0)] },
    ] {
        assert!(what.contains(&&expected), "{expected:?} is not in {what:?}");
    }
    let uncounted = remarks.iter().filter(|remark| remark.contains("virtual CPUs are not known"));
    assert_eq!(uncounted.count(), 1, "{remarks:?}");
    let counted = text.replacen("[market]", "[market]\nvcpus = { \"c5.large\" = 2 }", 1);
    let remarks = load_text(&counted).expect("a good file").remarks;
    assert!(!remarks.iter().any(|remark| remark.contains("c5.large")), "{remarks:?}");
}

#[test]
fn unknown_names_are_issues() {
    let text = week_and(
        r#"
[cloud.launch]
not_offered = ["c5.lage/us-east-1a"]
[faults.three]
what = { volume-limit = { region = "us-west-3" } }
"#,
    );
    let issues = load_text(&text).expect_err("unknown names");
    for line in [
        "pool `c5.lage/us-east-1a` is not known",
        "did you mean \"c5.large/us-east-1a\"?",
        "region `us-west-3` is not known",
    ] {
        assert!(issues.contains(line), "{line} is not in {issues}");
    }
}
