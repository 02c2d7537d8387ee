//! Settings and worker types as an operator writes them, and what is said of wrong ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use provisioner_engine::units::{Duration, Time};
use provisioner_files::file::Issues;
use tempfile::TempDir;

use super::queues::SourceSettings;
use super::worker_types::load;
use super::*;

const SETTINGS: &str = r#"
provisioner = "example"

[aws]
regions = ["us-east-1", "eu-west-1"]

[queues.ci.source.taskcluster]
root_url = "https://tc.example.com"
credentials = "secrets/taskcluster.json"

[on_demand.us-east-1.linux]
"c5.large" = "$0.085/h"
"c5.xlarge" = "$0.17/h"

[on_demand.eu-west-1.linux]
"c5.large" = "$0.096/h"
"#;

const BUILDS: &str = r#"
name = "proj/builds"
queue = "ci"

capacity_max = 20
placement = "spread"

[instance_types."c5.large"]
[instance_types."c5.xlarge"]
capacity = 2

[launch]
images = { us-east-1 = "ami-1", eu-west-1 = "ami-2" }
key_pair = "ops"
user_data_file = "builds.sh"
"#;

const USER_DATA: &str = "#!/bin/sh\necho hunter2\n";

fn settings(text: &str) -> Result<Settings, Issues> {
    Settings::of_text(Path::new("etc/provisionerd.toml"), text)
}

fn sound() -> Settings {
    settings(SETTINGS).expect("sound settings")
}

/// What is said of settings where `from` became `to`.
fn check(from: &str, to: &str, expected: Expect) {
    assert!(SETTINGS.contains(from), "{from} is not there");
    let said = settings(&SETTINGS.replacen(from, to, 1));
    expected.assert_eq(&said.err().map_or_else(|| "sound".to_owned(), |it| it.to_string()));
}

/// A folder of worker types.
struct Folder(TempDir);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file");
    }

    fn load(&self) -> Result<Vec<WorkerTypeFile>, String> {
        load(self.path()).map_err(|issues| self.plain(&issues))
    }

    /// What is wrong, without where the folder is.
    fn plain(&self, issues: &Issues) -> String {
        issues.to_string().replace(&self.path().display().to_string(), "worker-types")
    }
}

fn builds(from: &str, to: &str) -> Folder {
    assert!(BUILDS.contains(from), "{from} is not there");
    Folder::of(&[("builds.toml", &BUILDS.replacen(from, to, 1)), ("builds.sh", USER_DATA)])
}

/// Two zones in one region and one in the other, of which c5.xlarge is offered in one.
fn known() -> Known {
    let zones = |zones: &[&str]| zones.iter().map(|zone| (*zone).to_owned()).collect();
    let offered = [
        ("us-east-1a", "c5.large"),
        ("us-east-1b", "c5.large"),
        ("eu-west-1a", "c5.large"),
        ("us-east-1a", "c5.xlarge"),
    ];
    let offered: BTreeSet<_> =
        offered.iter().map(|(zone, it)| ((*zone).to_owned(), (*it).to_owned())).collect();
    Known {
        zones: BTreeMap::from([
            ("us-east-1".to_owned(), zones(&["us-east-1a", "us-east-1b"])),
            ("eu-west-1".to_owned(), zones(&["eu-west-1a"])),
        ]),
        offered: Some(offered),
        vcpus: BTreeMap::from([("c5.large".to_owned(), 2)]),
        key_pair: None,
    }
}

const NOW: Time = Time::from_ms(1_792_000_000_000);

/// What they come to together, or what is wrong with that.
fn joined(settings: &Settings, folder: &Folder) -> String {
    let files = folder.load().expect("sound files");
    let resolved = match resolve(settings, &files, &known(), NOW) {
        Ok(resolved) => resolved,
        Err(issues) => return folder.plain(&issues),
    };
    let Resolved { engine, launches, remarks } = resolved;
    let mut told = String::new();
    for known in &engine.worker_types {
        told += &format!("{}\n", known.name);
        for candidate in &known.candidates {
            let catalog = &engine.catalog;
            let zone = catalog.zone_of(catalog.pools()[candidate.pool.index()].zone);
            let template = launches.template(&known.name, &zone.name).expect("a template");
            let price = catalog.on_demand_price(candidate.pool, NOW);
            let price = price.map_or("no price".to_owned(), |price| price.to_string());
            let pool = catalog.pool_name(candidate.pool);
            told += &format!("  {pool} × {} {price} {}", candidate.capacity, template.image);
            told += &template.subnet.as_ref().map_or(String::new(), |subnet| format!(" {subnet}"));
            told += "\n";
        }
    }
    told + &remarks.join("\n")
}

#[test]
fn what_is_left_out_has_its_default() {
    let settings = sound();
    assert_eq!(settings.store, StoreSettings::Sqlite("etc/provisionerd.sqlite".into()));
    assert_eq!(settings.worker_types, Path::new("etc/worker-types"));
    assert_eq!(settings.journal.folder, Path::new("etc/journal"));
    assert!(settings.listen.ip().is_loopback());
    assert_eq!(settings.queues["ci"].interval, Duration::from_secs(20));
    assert_eq!(settings.guards, provisioner_engine::guards::Guards::default());
}

#[test]
fn all_problems_of_the_settings_come_at_once() {
    let wrong = SETTINGS
        .replace("provisioner =", "provisoner =")
        .replace("[queues.ci.source.taskcluster]", "[queues.ci.source.taskcluter]")
        .replace("\"$0.085/h\"", "0.085");
    let said = settings(&format!("{wrong}\n[window]\nlisten = \"everywhere\"\n"));
    expect![[r#"
        error: unknown key `provisoner` at the top level
         --> etc/provisionerd.toml:2:1
          |
        2 | provisoner = "example"
          | ^^^^^^^^^^
        hint: did you mean `provisioner`?

        error: `source` is not a known choice
         --> etc/provisionerd.toml:7:19
          |
        7 | [queues.ci.source.taskcluter]
          |                   ^^^^^^^^^^
        hint: did you mean "taskcluster"?

        error: `"c5.large"` has no currency
          --> etc/provisionerd.toml:12:14
           |
        12 | "c5.large" = 0.085
           |              ^^^^^ this is a bare number
        hint: write "$0.085/h"

        error: `listen` is not an address with its port
          --> etc/provisionerd.toml:19:10
           |
        19 | listen = "everywhere"
           |          ^^^^^^^^^^^^
        hint: write for example "127.0.0.1:8044""#]]
    .assert_eq(&said.expect_err("it is wrong").to_string());
}

#[test]
fn names_regions_and_queues_that_cannot_be_meant_are_refused() {
    check(
        "\"example\"",
        "\"proj/builds\"",
        expect![[r#"
        error: `provisioner` is not a name
         --> etc/provisionerd.toml:2:15
          |
        2 | provisioner = "proj/builds"
          |               ^^^^^^^^^^^^^
        hint: write letters, digits, `-` and `_`, at most 38 of them"#]],
    );
    check(
        "\"eu-west-1\"]",
        "\"us-east-1\"]",
        expect![[r#"
        error: `regions` has us-east-1 twice
         --> etc/provisionerd.toml:5:11
          |
        5 | regions = ["us-east-1", "us-east-1"]
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: keep one of them"#]],
    );
    check(
        "[queues.ci",
        "notice_queues = { us-west-2 = \"https://sqs\" }\n\n[queues.ci",
        expect![[r#"
            error: us-west-2 is none of the regions
             --> etc/provisionerd.toml:7:17
              |
            7 | notice_queues = { us-west-2 = "https://sqs" }
              |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add "us-west-2" to `regions`, or leave its queue out"#]],
    );
}

#[test]
fn a_secret_has_one_place_and_is_read_from_there() {
    let store = |keys: &str| settings(&format!("{SETTINGS}[store.postgres]\n{keys}"));
    expect![[r#"
        error: neither `url_file` nor `url_env` is there
          --> etc/provisionerd.toml:17:1
           |
        17 | [store.postgres]
           | ^^^^^^^^^^^^^^^^
        hint: add for example url_file = "secrets/name""#]]
    .assert_eq(&store("").expect_err("none").to_string());
    let both = store("url_file = \"url\"\nurl_env = \"URL\"").expect_err("two").to_string();
    assert!(both.starts_with("error: `url_file` and `url_env` say the same"), "{both}");
    let keys = "url_env = \"URL\"\nca_file = \"ca.pem\"";
    let StoreSettings::Postgres(database) = store(keys).expect("one").store else {
        panic!("it is a database");
    };
    assert_eq!(database.ca_file, Some(PathBuf::from("etc/ca.pem")));
    let source = database.url;
    let url = "postgres://me:hunter2@db/x";
    let env = |name: &str| (name == "URL").then(|| format!("{url}\n"));
    let secret = source.read(env).expect("it is set");
    assert_eq!((secret.reveal(), format!("{secret:?}")), (url, "(secret)".to_owned()));
    assert_eq!(source.read(|_| None), Err("the environment variable URL is not set".to_owned()));
    let folder = Folder::of(&[("url", " \n")]);
    let said = SecretSource::File(folder.path().join("url")).read(env).expect_err("it is empty");
    assert!(said.ends_with("/url is empty"), "{said}");
}

#[test]
fn who_may_sign_for_a_server_is_said_beside_its_address() {
    let text = format!(
        r#"{SETTINGS}
[queues.listening.source.taskcluster]
root_url = "https://tc.example.com"
pulse = {{ url_file = "pulse-url", user = "ci", ca_file = "our-ca.pem" }}
[queues.endpoint.source.http]
url = "https://counts.example.com"
pending = "/pending"
claimed = "/claimed"
ca_file = "our-ca.pem"
[queues.metric.source.prometheus]
url = "https://prometheus.example.com"
pending = "sum(pending)"
claimed = "sum(claimed)"
ca_file = "our-ca.pem"
"#
    );
    let queues = settings(&text).expect("sound settings").queues;
    let ca_files = queues.into_iter().filter_map(|(name, queue)| match queue.source {
        SourceSettings::Taskcluster { pulse, .. } => Some((name, pulse?.ca_file)),
        SourceSettings::Http { asked } | SourceSettings::Prometheus { asked } => {
            Some((name, asked.ca_file))
        }
        SourceSettings::Sqs { .. } => None,
    });
    let ours = Some(PathBuf::from("etc/our-ca.pem"));
    let expected = ["endpoint", "listening", "metric"].map(|name| (name.to_owned(), ours.clone()));
    assert_eq!(ca_files.collect::<Vec<_>>(), expected);
}

#[test]
fn settings_and_worker_types_become_pools_prices_and_templates() {
    expect![[r#"
        proj/builds
          c5.large/us-east-1a × 1 $0.085/h ami-1
          c5.large/us-east-1b × 1 $0.085/h ami-1
          c5.large/eu-west-1a × 1 $0.096/h ami-2
          c5.xlarge/us-east-1a × 2 $0.17/h ami-1
        proj/builds: c5.xlarge is not offered in us-east-1b, eu-west-1a"#]]
    .assert_eq(&joined(&sound(), &builds("", "")));
}

#[test]
fn only_zones_with_a_subnet_are_used_where_there_are_some() {
    let folder = builds(
        "key_pair",
        "subnets = { us-east-1a = \"subnet-a\", eu-west-1a = \"subnet-e\" }\nkey_pair",
    );
    expect![[r#"
        proj/builds
          c5.large/us-east-1a × 1 $0.085/h ami-1 subnet-a
          c5.large/eu-west-1a × 1 $0.096/h ami-2 subnet-e
          c5.xlarge/us-east-1a × 2 $0.17/h ami-1 subnet-a
        proj/builds: no subnet, left out: us-east-1b
        proj/builds: c5.xlarge is not offered in eu-west-1a"#]]
    .assert_eq(&joined(&sound(), &folder));
}

#[test]
fn every_region_zone_and_type_is_checked_at_once() {
    let folder = builds("eu-west-1 = \"ami-2\"", "eu-west-2 = \"ami-2\"");
    let tests = BUILDS
        .replace("proj/builds", "proj/tests")
        .replace("\"ci\"", "\"cii\"")
        .replace("\"spread\"", "\"on-demand\"\nzones = [\"us-east-1a\", \"us-east-1c\"]")
        .replace("c5.large", "c5.lage")
        .replace("key_pair", "subnets = { us-east-1b = \"subnet-b\" }\nkey_pair");
    folder.write("tests.toml", &tests);
    let more = BUILDS
        .replace("proj/builds", "proj/more")
        .replace("capacity_max", "zones = [\"us-east-1b\"]\ncapacity_max")
        .replace("\"spread\"", "\"on-demand\"\nregions = [\"us-east-1\", \"us-west-1\"]")
        .replace("c5.large", "c5.9xlarge");
    folder.write("more.toml", &more);
    expect![[r#"
        error: `proj/builds` has no image in eu-west-1
          --> worker-types/builds.toml:12:1
           |
        12 | [launch]
           | ^^^^^^^^
        hint: add eu-west-1 = "ami-…" to `images`, or leave the region out

        error: region `us-west-1` is none of those in the settings
         --> worker-types/more.toml:8:11
          |
        8 | regions = ["us-east-1", "us-west-1"]
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "eu-west-1"?

        error: `c5.9xlarge` is offered in none of the worker type's zones
          --> worker-types/more.toml:10:1
           |
        10 | [instance_types."c5.9xlarge"]
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "c5.xlarge"?

        error: `c5.xlarge` is offered in none of the worker type's zones
          --> worker-types/more.toml:11:1
           |
        11 | [instance_types."c5.xlarge"]
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: leave it out, or allow other zones

        error: queue `cii` is not in the settings
         --> worker-types/tests.toml:3:9
          |
        3 | queue = "cii"
          |         ^^^^^
        hint: did you mean "ci"?

        error: zone `us-east-1c` is in none of the worker type's regions
         --> worker-types/tests.toml:7:9
          |
        7 | zones = ["us-east-1a", "us-east-1c"]
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "us-east-1a"?

        error: `proj/tests` has no subnet in us-east-1a
          --> worker-types/tests.toml:13:1
           |
        13 | [launch]
           | ^^^^^^^^
        hint: add us-east-1a = "subnet-…" to `subnets`, or leave the zone out"#]]
    .assert_eq(&joined(&sound(), &folder));
}

#[test]
fn what_buys_on_demand_needs_prices() {
    let cheap = sound();
    let mut dear = sound();
    dear.on_demand.clear();
    for keys in ["placement = \"on-demand\"", "on_demand_after = \"10 min\""] {
        let folder = builds("placement = \"spread\"", keys);
        assert!(!joined(&cheap, &folder).contains("error"), "{keys}");
        let said = joined(&dear, &folder);
        assert_eq!(said.matches("has no on-demand price in").count(), 3, "{said}");
    }
    assert!(!joined(&dear, &builds("", "")).contains("error"), "spread can do without");
}

#[test]
fn all_problems_of_all_worker_types_come_at_once() {
    let folder = builds("capacity_max", "capacity_maximum");
    folder.write("tests.toml", &BUILDS.replace("\"ami-2\"", "\"sg-2\""));
    folder.write("again.toml", BUILDS);
    folder.write("same.toml", BUILDS);
    folder.write("torn.toml", "name = \"proj");
    expect![[r#"
        error: unknown key `capacity_maximum` at the top level
         --> worker-types/builds.toml:5:1
          |
        5 | capacity_maximum = 20
          | ^^^^^^^^^^^^^^^^
        hint: did you mean `capacity_max`?

        error: there are two `proj/builds`
         --> worker-types/same.toml:2:8
          |
        2 | name = "proj/builds"
          |        ^^^^^^^^^^^^^
        hint: worker-types/again.toml has one too: keep one of them

        error: `sg-2` is not an id of that kind
          --> worker-types/tests.toml:13:45
           |
        13 | images = { us-east-1 = "ami-1", eu-west-1 = "sg-2" }
           |                                             ^^^^^^
        hint: it begins with `ami-`

        error: invalid basic string
         --> worker-types/torn.toml:1:13
          |
        1 | name = "proj
          |             ^ expected `"`
        hint: a worker type is TOML: https://toml.io/en/v1.0.0"#]]
    .assert_eq(&folder.load().expect_err("they are wrong"));
}

#[test]
fn an_empty_or_missing_folder_is_an_error() {
    let folder = Folder::of(&[("README.md", "nothing here"), (".hidden.toml", "")]);
    expect![[r#"
        error: the folder has no worker type
         --> worker-types
        hint: add a file such as builds.toml, or name another folder"#]]
    .assert_eq(&folder.load().expect_err("it is empty"));
    let said = load(&folder.path().join("gone")).expect_err("it is not there").to_string();
    assert!(said.starts_with("error: the worker types cannot be read: No such file"), "{said}");
}

#[test]
fn a_change_of_any_name_or_byte_changes_the_fingerprint() {
    let folder = builds("", "");
    let told = || fingerprint(folder.path()).expect("it can be read");
    let mut seen = BTreeSet::from([told()]);
    folder.write(".builds.toml.swp", "an editor's");
    assert!(!seen.insert(told()), "what is hidden does not count");
    folder.write("builds.sh", "#!/bin/sh\n");
    assert!(seen.insert(told()), "user data");
    folder.write("builds.toml", &BUILDS.replace("20", "21"));
    assert!(seen.insert(told()), "a worker type");
    fs::rename(folder.path().join("builds.toml"), folder.path().join("bilds.toml")).expect("moved");
    assert!(seen.insert(told()), "a name");
    fs::create_dir(folder.path().join("scripts")).expect("a folder");
    folder.write("scripts/boot.sh", "");
    assert!(seen.insert(told()), "a file in a folder");
    fs::remove_dir_all(folder.path()).expect("removed");
    assert!(fingerprint(folder.path()).is_err(), "a folder that is gone is no empty folder");
}

#[test]
fn user_data_reaches_the_template_and_nothing_that_is_printed() {
    let folder = builds("", "");
    let files = folder.load().expect("sound");
    let resolved = resolve(&sound(), &files, &known(), NOW).expect("sound");
    let template = resolved.launches.template("proj/builds", "us-east-1a").expect("a template");
    assert_eq!(template.user_data.as_deref(), Some(USER_DATA));
    let inline = builds("user_data_file = \"builds.sh\"", "user_data = \"echo hunter2\"");
    let inline_files = inline.load().expect("sound");
    let mut shown = format!("{files:?} {resolved:?} {inline_files:?} {:?}", sound());
    folder.write("builds.sh", &"hunter2 ".repeat(2_049));
    shown += &folder.load().expect_err("it is too long");
    assert!(shown.contains("error: the user data has 16392 bytes"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn floors_are_known_for_a_year_ahead() {
    let floors = "capacity_max = 20\nfloors.office = { capacity_min = 3, from = \"08:00\", until = \
                  \"18:00\", time_zone = \"Europe/Berlin\" }";
    let files = builds("capacity_max = 20", floors).load().expect("sound");
    let resolved = resolve(&sound(), &files, &known(), NOW).expect("sound");
    let floors = &resolved.engine.worker_types[0].floors;
    let (first, last) = (floors[0].from, floors[floors.len() - 1].from);
    assert!(first <= NOW && last >= NOW.saturating_add(Duration::from_hours(366 * 24)));
}

#[test]
fn the_schemas_have_every_key_that_is_listed() {
    for (schema, keys) in
        [(schema(), parameters()), (worker_type_schema(), worker_type_parameters())]
    {
        let text = schema.to_string();
        for key in keys.iter().filter(|key| !key.path.contains('<')) {
            let name = key.path.rsplit('.').next().expect("a name");
            assert!(text.contains(&format!("\"{name}\":")), "{name} is not in the schema");
        }
    }
}
