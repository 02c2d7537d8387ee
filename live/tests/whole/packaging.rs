//! The systemd unit and the container file: what they say is what the program knows. Whether systemd
//! takes the unit is in `.ci/packaging`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::world::{command, said};

fn packaged(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    fs::read_to_string(folder.join(file)).expect("it is there")
}

/// What follows such a beginning of a line.
fn line<'a>(text: &'a str, beginning: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(beginning)).expect("there is such a line")
}

#[test]
fn unit_and_container_start_the_daemon_in_words_that_it_knows() {
    let unit = packaged("provisionerd.service");
    let unit = line(&unit, "ExecStart=/usr/local/bin/provisionerd ").split(' ');
    let container = packaged("Containerfile");
    let container: Vec<String> =
        serde_json::from_str(line(&container, "CMD ")).expect("a list of texts");
    assert!(unit.eq(&container), "both begin alike");
    let [run, settings, path, rest @ ..] = &container[..] else { panic!("{container:?}") };
    assert_eq!([run, settings, path], ["run", "--settings", "/etc/provisionerd/provisionerd.toml"]);
    // It comes as far as the settings, which are not there.
    let folder = TempDir::new().expect("a folder");
    let mode: Vec<&str> = [run].into_iter().chain(rest).map(String::as_str).collect();
    let output = command(&folder.path().join("none.toml"), &mode).output().expect("it runs");
    let said = said(&output);
    assert!(said.contains("cannot read the file") && said.contains("none.toml"), "{said}");
}

#[test]
fn the_keys_that_unit_and_container_file_name_are_there() {
    let folder = TempDir::new().expect("a folder");
    let output = command(&folder.path().join("none.toml"), &["parameters"]).output();
    let listed = said(&output.expect("it runs"));
    for file in ["provisionerd.service", "Containerfile"] {
        let text = packaged(file);
        let keys: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        assert!(!keys.is_empty(), "{file}");
        for key in keys {
            assert!(listed.lines().any(|line| line == key), "{file}: {key}");
        }
    }
}
