//! Tells the program which commit it is of: `PROVISIONER_COMMIT`, twelve hexadecimal digits; if
//! tracked files that it is made of differ from that, `-dirty-` and a hash of how they differ; or
//! `unknown` without Git. Equal sources give equal names, wherever and however they are built.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the program is made of.
const SOURCES: [&str; 9] = [
    "../cli/build.rs",
    "src",
    "../engine",
    "../auditor",
    "../files",
    "../sim",
    "../scenarios",
    "../reports",
    "../Cargo.lock",
];

fn main() {
    println!(
        "cargo::rustc-env=PROVISIONER_COMMIT={}",
        commit().unwrap_or_else(|| "unknown".into())
    );
    // The commit changes with what HEAD points to; whether the tree is dirty, with the sources.
    let git_paths =
        ["HEAD", "logs/HEAD", "packed-refs"].map(|path| git(&["rev-parse", "--git-path", path]));
    for path in git_paths.into_iter().flatten().filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
}

fn commit() -> Option<String> {
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let of_sources = |command: &[&str]| git(&[command, &["--"], &SOURCES[..]].concat());
    if of_sources(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        return Some(commit);
    }
    // Unlike `diff`, this looks the same whatever the user's configuration.
    let hash = hash(&of_sources(&["diff-index", "--patch", "--binary", "HEAD"])?)?;
    Some(format!("{commit}-dirty-{}", hash.get(..8)?))
}

fn hash(text: &str) -> Option<String> {
    let mut git = Command::new("git");
    git.args(["hash-object", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = git.spawn().ok()?;
    git.stdin.take()?.write_all(text.as_bytes()).ok()?;
    String::from_utf8(git.wait_with_output().ok()?.stdout).ok()
}

/// What Git says, if it is there and has something to say.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| said.trim().to_owned())
}
