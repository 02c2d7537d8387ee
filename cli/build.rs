//! Tells the program which commit it is of: `PROVISIONER_COMMIT`, twelve hexadecimal digits, with
//! `-dirty` if tracked files differ from it, or `unknown` without Git.

use std::path::Path;
use std::process::Command;

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
    for source in ["build.rs", "src", "../engine", "../sim", "../scenarios", "../reports"] {
        println!("cargo::rerun-if-changed={source}");
    }
}

fn commit() -> Option<String> {
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// What Git says, if it is there and has something to say.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
