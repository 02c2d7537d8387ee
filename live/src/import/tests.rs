//! Definitions in, files and remarks out; every file is read back by our own reader.

use std::fs;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::settings::worker_types::load;

/// As v1's API answers it.
const V1: &str = r#"{
  "workerType": "gecko-t-linux", "description": "Linux tests", "owner": "ops@example.com",
  "minCapacity": 0, "maxCapacity": 300, "scalingRatio": 0.2, "minPrice": 0.05, "maxPrice": 0.6,
  "canUseOndemand": false, "canUseSpot": true, "lastModified": "2017-05-16T00:00:00.000Z",
  "scopes": ["worker:all"],
  "launchSpec": {"SecurityGroups": ["ssh"], "IamInstanceProfile": {"Name": "workers"},
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 120}},
                            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"}]},
  "userData": {"capacityManagement": {"diskspaceThreshold": 20000000000}},
  "secrets": {"token": "hunter2"},
  "instanceTypes": [
    {"instanceType": "c3.xlarge", "capacity": 1, "utility": 1, "launchSpec": {}, "secrets": {},
     "userData": {}, "scopes": []},
    {"instanceType": "c3.2xlarge", "capacity": 2, "utility": 1.8, "launchSpec": {"EbsOptimized": true},
     "secrets": {}, "userData": {"dev": "sdb"}, "scopes": []}],
  "regions": [
    {"region": "us-west-2", "launchSpec": {"ImageId": "ami-west"}, "secrets": {}, "userData": {},
     "scopes": []},
    {"region": "us-east-1", "launchSpec": {"ImageId": "ami-east", "SecurityGroupIds": ["sg-1"]},
     "secrets": {}, "userData": {}, "scopes": []}],
  "availabilityZones": [
    {"availabilityZone": "us-west-2a", "region": "us-west-2", "launchSpec": {"SubnetId": "subnet-a"}}]
}"#;

/// As worker-manager's API answers it.
const POOL: &str = r#"{
  "workerPoolId": "proj-example/ci", "providerId": "aws", "description": "CI", "owner": "ops@example.com",
  "emailOnError": true, "created": "2024-01-01T00:00:00.000Z", "lastModified": "2024-01-01T00:00:00.000Z",
  "config": {
    "minCapacity": 1, "maxCapacity": 40, "scalingRatio": 0.5,
    "lifecycle": {"registrationTimeout": 1800, "reregistrationTimeout": 345600,
                  "queueInactivityTimeout": 7200},
    "launchConfigs": [
      {"region": "us-east-1",
       "launchConfig": {"ImageId": "ami-east", "InstanceType": "c5.large", "SubnetId": "subnet-a",
         "Placement": {"AvailabilityZone": "us-east-1a"}, "SecurityGroupIds": ["sg-1"],
         "InstanceMarketOptions": {"MarketType": "spot"}},
       "workerManager": {"capacityPerInstance": 1, "initialWeight": 0.8, "maxCapacity": 20},
       "workerConfig": {"genericWorker": {"idleTimeoutSecs": 600}}},
      {"region": "us-west-2",
       "launchConfig": {"ImageId": "ami-west", "InstanceType": "c5.xlarge",
         "InstanceMarketOptions": {"MarketType": "spot"}, "Tenancy": "default"},
       "workerManager": {"capacityPerInstance": 2},
       "workerConfig": {"genericWorker": {"idleTimeoutSecs": 600}}}]
  }
}"#;

fn options() -> Options {
    let provisioner_id = "aws-provisioner-v1".to_owned();
    Options { provisioner_id, worker_type: None, queue: "ci".to_owned() }
}

/// What an import gives; its files are sound.
fn check(definition: &str, expected: Expect) {
    let imported = import(definition, &options()).expect("a definition");
    let folder = TempDir::new().expect("a folder");
    let mut told = String::new();
    for (name, text) in &imported.files {
        fs::write(folder.path().join(name), text).expect("a file");
        told += &format!("== {name}\n{text}");
    }
    told += "== remarks\n";
    imported.remarks.iter().for_each(|remark| told += &format!("{remark}\n"));
    load(folder.path()).unwrap_or_else(|issues| panic!("{issues}\n{told}"));
    assert!(!told.contains("hunter2"), "{told}");
    expected.assert_eq(&told);
}

#[test]
fn a_worker_type_of_v1_keeps_its_meaning() {
    check(
        V1,
        expect![[r#"
            == gecko-t-linux.toml
            # Linux tests
            # ops@example.com
            name = "aws-provisioner-v1/gecko-t-linux"
            queue = "ci"
            capacity_min = 0
            capacity_max = 300
            scaling = { scaling-ratio = { scaling_ratio = 0.2 } }
            price_min = "$0.05/h"
            price_max = "$0.6/h"
            placement = "cheapest"
            regions = ["us-west-2", "us-east-1"]
            zones = ["us-west-2a"]

            [instance_types."c3.2xlarge"]
            capacity = 2
            utility = 1.8

            [instance_types."c3.xlarge"]
            capacity = 1
            utility = 1

            [launch]
            images = { us-east-1 = "ami-east", us-west-2 = "ami-west" }
            security_groups = { us-east-1 = ["sg-1"] }
            subnets = { us-west-2a = "subnet-a" }
            instance_profile = "workers"
            root_volume_gib = 120
            user_data_file = "gecko-t-linux.user-data.json"
            == gecko-t-linux.user-data.json
            {
              "data": {
                "capacityManagement": {
                  "diskspaceThreshold": 20000000000
                }
              },
              "provisionerId": "aws-provisioner-v1",
              "workerType": "gecko-t-linux"
            }
            == remarks
            aws-provisioner-v1/gecko-t-linux: carried over: capacity, `utility`, images by region
            aws-provisioner-v1/gecko-t-linux: carried over: `scalingRatio`: pending tasks tolerated as a share of running capacity (our own policy `target` and worker-manager mean units for each pending task)
            aws-provisioner-v1/gecko-t-linux: carried over: `maxPrice`: it bounds the market price over `utility`, not the max price that is offered, which may be twice that times `utility`
            aws-provisioner-v1/gecko-t-linux: carried over: `availabilityZones` has none in us-east-1, which stays unused
            aws-provisioner-v1/gecko-t-linux: changed: `maxCapacity` is hard: v1's last instance could exceed it (`overshoot = "historical"`)
            aws-provisioner-v1/gecko-t-linux: changed: no max price is offered above `max_price_cap` of [engine]; v1 let one above $10 slip through
            aws-provisioner-v1/gecko-t-linux: changed: pools are chosen as v1 did until 2017, the cheapest first; from 2018 on it drew them at random (`placement = "random"`)
            aws-provisioner-v1/gecko-t-linux: changed: user data is the same for each machine: it has no `securityToken`, price, region, zone, type or capacity; EC2's instance metadata has most of these
            aws-provisioner-v1/gecko-t-linux: no place here: `EbsOptimized` of `c3.2xlarge`'s launchSpec
            aws-provisioner-v1/gecko-t-linux: no place here: the volume /dev/sdb of the launchSpec
            aws-provisioner-v1/gecko-t-linux: no place here: `userData` of c3.2xlarge: all machines have the same; split it
            aws-provisioner-v1/gecko-t-linux: no place here: `secrets`: keep them in a secrets service; none was written
            aws-provisioner-v1/gecko-t-linux: to be added: security groups of the launchSpec by name: write ids, under `security_groups`
            aws-provisioner-v1/gecko-t-linux: to be added: `idle_timeout`: v1 left it to the worker's own configuration; 15 minutes hold
        "#]],
    );
}

#[test]
fn a_pool_of_worker_manager_keeps_its_meaning() {
    check(
        POOL,
        expect![[r#"
            == ci.toml
            # CI
            # ops@example.com
            name = "proj-example/ci"
            queue = "ci"
            capacity_min = 1
            capacity_max = 40
            scaling = { estimator = { scaling_ratio = 0.5 } }
            registration_timeout = "1800 s"
            placement = { weighted = { market = "spot" } }
            regions = ["us-east-1", "us-west-2"]

            [instance_types."c5.large"]
            capacity = 1
            initial_weight = 0.8
            capacity_max = 20

            [instance_types."c5.xlarge"]
            capacity = 2

            [launch]
            images = { us-east-1 = "ami-east", us-west-2 = "ami-west" }
            security_groups = { us-east-1 = ["sg-1"] }
            subnets = { us-east-1a = "subnet-a" }
            user_data_file = "ci.user-data.json"
            == ci.user-data.json
            {
              "workerConfig": {
                "genericWorker": {
                  "idleTimeoutSecs": 600
                }
              }
            }
            == remarks
            proj-example/ci: carried over: `scalingRatio`: units for each pending task (v1's of that name was the tolerated share)
            proj-example/ci: carried over: `registrationTimeout`
            proj-example/ci: carried over: launch configs with their weights, as `weighted`
            proj-example/ci: changed: `maxCapacity` is hard: counts are whole instances there, and round up
            proj-example/ci: changed: `queueInactivityTimeout` of 7200 s is for all worker types together here: `engine.guard_rules.zombies`
            proj-example/ci: changed: launch configs were bound to us-east-1a, those in us-west-2 to no zone: all zones are used now, or those with a subnet where a region has one
            proj-example/ci: changed: every type is bought in every region: now also c5.xlarge in us-east-1
            proj-example/ci: changed: every type is bought in every region: now also c5.large in us-west-2
            proj-example/ci: changed: `workerConfig` is under that name in the user data, and nothing else
            proj-example/ci: no place here: `reregistrationTimeout` of 345600 s is the life of a worker's credentials; here `lifetime_max` ends instances
            proj-example/ci: no place here: `Tenancy` of c5.xlarge in us-west-2
            proj-example/ci: no place here: `emailOnError` of the definition
            proj-example/ci: no place here: registration with worker-manager: workers get no credentials from here, and are known by what the queue says of them
            proj-example/ci: to be added: on-demand prices of each region and type, under [on_demand] of the settings: there were no prices at all
            proj-example/ci: to be added: `idle_timeout`: workers have it in their own configuration; 15 minutes hold
        "#]],
    );
}

#[test]
fn the_template_of_a_new_v1_worker_type_is_imported_by_the_name_it_is_given() {
    let template = r#"{"minCapacity": 0, "maxCapacity": 5, "scalingRatio": 0, "minPrice": 0,
        "maxPrice": 0.6, "instanceTypes": [{"instanceType": "c3.xlarge", "capacity": 1, "utility": 1}],
        "regions": [{"region": "us-west-2", "launchSpec": {"ImageId": "ami-1"}}]}"#;
    let said = import(template, &options()).expect_err("no name").to_string();
    assert!(said.starts_with("error: the definition has no `workerType`"), "{said}");
    let named = Options { worker_type: Some("new".to_owned()), ..options() };
    let imported = import(template, &named).expect("a name");
    assert!(imported.files[0].1.contains("name = \"aws-provisioner-v1/new\""));
}

#[test]
fn what_cannot_be_carried_over_exactly_is_told_and_not_guessed() {
    let odd = V1
        .replace("\"maxCapacity\": 300", "\"maxCapacity\": 2.5")
        .replace("\"maxPrice\": 0.6", "\"maxPrice\": 0.00000061")
        .replace("\"owner\"", "\"ownr\"");
    let imported = import(&odd, &options()).expect("a definition");
    let told: Vec<String> = imported.remarks.iter().map(ToString::to_string).collect();
    for part in ["`maxCapacity` is 2.5", "`maxPrice` is 6.1e-7", "`ownr` of the definition"] {
        assert!(told.iter().any(|remark| remark.contains(part)), "{part}: {told:#?}");
    }
}

#[test]
fn other_json_is_refused_without_showing_it() {
    for (text, what) in [
        ("{\"secret\": hunter2", "error: not JSON, at line 1, column 12"),
        ("{\"secret\": \"hunter2\"}", "error: this is no definition of a worker type"),
        ("[]", "error: this is no definition of a worker type"),
        ("[3]", "error: this is no definition of a worker type"),
        (
            "{\"workerPoolId\": \"p/w\", \"config\": {}}",
            "error: `p/w` has no launch configs for AWS",
        ),
    ] {
        let said = import(text, &options()).expect_err("it is none").to_string();
        assert!(said.starts_with(what) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn several_definitions_come_at_once() {
    let both = format!("[{V1}, {POOL}]");
    assert_eq!(import(&both, &options()).expect("two").files.len(), 4);
    let pools = format!("{{\"workerPools\": [{POOL}]}}");
    assert_eq!(import(&pools, &options()).expect("one").files.len(), 2);
}

#[test]
fn pools_of_one_name_in_two_projects_get_files_of_their_own() {
    let other = POOL.replace("proj-example/ci", "proj-other/ci");
    let imported = import(&format!("[{POOL}, {other}]"), &options()).expect("two");
    let names: Vec<&str> = imported.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["ci.toml", "ci.user-data.json", "proj-other-ci.toml", "proj-other-ci.user-data.json"]
    );
    assert!(imported.files[2].1.contains("proj-other-ci.user-data.json"));
    let said = import(&format!("[{POOL}, {POOL}]"), &options()).expect_err("one twice");
    assert!(said.to_string().contains("`proj-example/ci` is defined twice"), "{said}");
    let [a, b] =
        ["proj-example/c.i", "proj-example/c_i"].map(|it| POOL.replace("proj-example/ci", it));
    let said = import(&format!("[{a}, {b}, {b}]").replacen("c_i", "c-i", 1), &options());
    let said = said.expect_err("three of nearly one name").to_string();
    assert!(said.contains("would both be `proj-example-c-i.toml`"), "{said}");
}
