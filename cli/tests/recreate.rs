//! A journal becomes a scenario, as users do it: a folder of chapters in, a folder out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn provisioner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output of a command that ended with that code, and standard error.
fn ended(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = provisioner(folder, arguments);
    let [told, said] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (told, said)
}

/// Three hours of the shipped first scenario, in `journal/` as the daemon would have them.
fn journal() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.toml");
    let text = fs::read_to_string(path).unwrap();
    let text = text.replace("length = \"2 d\"", "length = \"3 h\"");
    fs::write(folder.path().join("quickstart.toml"), text).unwrap();
    fs::create_dir(folder.path().join("journal")).unwrap();
    let chapter = "journal/chapter-20210301T000000.000Z.jsonl.zst";
    ended(folder.path(), &["simulate", "quickstart.toml", "--quiet", "--journal", chapter], 0);
    folder
}

#[test]
fn a_folder_of_chapters_is_explained_replayed_and_recreated() {
    let folder = journal();
    let here = folder.path();
    assert!(ended(here, &["replay", "journal"], 0).0.contains("all decided the same"));
    assert!(ended(here, &["explain", "journal"], 0).0.contains("quickstart"));
    let (told, said) = ended(here, &["recreate", "journal", "-o", "again", "--seeds", "2"], 0);
    for part in ["quickstart: journal\n", "  tasks      ", "Predicted against actual"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!said.contains("differs"), "{said}");
    assert!(said.ends_with("next: provisioner simulate again/scenario.toml\n"), "{said}");
    ended(here, &["simulate", "again/scenario.toml", "--quiet"], 0);
}

#[test]
fn a_folder_of_chapters_is_judged_as_it_is_replayed() {
    let folder = journal();
    let here = folder.path();
    let (told, said) = ended(here, &["replay", "journal", "--audit"], 0);
    assert!(told.contains("all decided the same"), "{told}");
    assert!(said.ends_with("remark: 0 audit notes\n"), "{said}");
}

#[test]
fn what_is_found_and_predicted_is_there_as_json() {
    let folder = journal();
    let span = ["--from", "2021-03-01T01:00", "--until", "2021-03-01T02:00"];
    let arguments = [&["recreate", "journal", "-o", "hour", "--json", "--seeds", "2"], &span[..]];
    let (told, _) = ended(folder.path(), &arguments.concat(), 0);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["recreated"], 1);
    assert_eq!(told["from"], "2021-03-01T01:00:00Z");
    assert_eq!(told["simulated"].as_array().unwrap().len(), 2);
    assert!(told["actual"]["launches"].as_f64().is_some(), "{told}");
    assert!(told["simulated_mean"]["instance_hours"].as_f64().is_some(), "{told}");
    assert_eq!(told["engine_differs"], Value::Array(Vec::new()));
}

#[test]
fn what_is_there_is_not_replaced_and_what_is_not_there_is_told() {
    let folder = journal();
    let here = folder.path();
    fs::create_dir(here.join("mine")).unwrap();
    fs::write(here.join("mine/scenario.toml"), "mine").unwrap();
    let (_, said) = ended(here, &["recreate", "journal", "-o", "mine"], 2);
    assert!(said.starts_with("error: `mine` is there already\n"), "{said}");
    assert_eq!(fs::read_to_string(here.join("mine/scenario.toml")).unwrap(), "mine");
    let (_, said) = ended(here, &["recreate", "journal", "--from", "2031-01-01T00:00"], 2);
    assert!(said.starts_with("error: the journal has nothing of that time\n"), "{said}");
    let (_, said) = ended(here, &["recreate", "mine"], 2);
    assert!(
        said.starts_with("error: there are no chapters of a journal in this folder\n"),
        "{said}"
    );
}
