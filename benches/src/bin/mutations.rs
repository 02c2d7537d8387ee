//! Breaks the engine on purpose, in each way that `mutations.toml` states, and shows how many storms
//! notice: a storm that notices nothing proves nothing.
//!
//! ```text
//! cargo run --release -p provisioner-benches --bin mutations -- [STORMS] [NAME…]
//! ```
//!
//! All mutations are compiled into one copy of the workspace under `target/mutants`; one of them is
//! on in each run. The first run has none on, and must be clean. What is printed is a table in
//! Markdown: how many storms each mutation needs, as seeds are taken in order from 1, and how many
//! of all notice it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde::Deserialize;

/// One way to break it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    breaks: String,
    file: PathBuf,
    find: String,
    replace: String,
}

/// What stands in each file.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What storms made of one mutation.
struct Noticed {
    storms: usize,
    /// The first seed that failed, and what it failed of.
    first: Option<(String, String)>,
}

const STORMS: u32 = 300;

/// What each crate that is mutated gets: which mutation is on, read once.
const SWITCH: &str = "
extern crate std;

static ON: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| {
    let on = std::env::var(\"PROVISIONER_MUTANT\").unwrap_or_default();
    on.parse().unwrap_or(usize::MAX)
});

pub(crate) fn is_on(nth: usize) -> bool {
    *ON == nth
}
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let storms = arguments.peek().and_then(|first| first.parse().ok());
    let storms: u32 = storms.inspect(|_| drop(arguments.next())).unwrap_or(STORMS);
    let chosen: Vec<String> = arguments.collect();
    let mutations = mutations()?;
    let program = build(mutated(&mutations)?)?;

    println!("| mutation | breaks | storms needed | noticed by, of {storms} | first rule |");
    println!("|---|---|--:|--:|---|");
    let clean = run(&program, storms, None)?;
    println!("| none | nothing | | {} | |", clean.storms);
    let mut unnoticed = Vec::new();
    for (nth, (name, mutation)) in mutations.iter().enumerate() {
        if !chosen.is_empty() && !chosen.contains(name) {
            continue;
        }
        let Noticed { storms, first } = run(&program, storms, Some(nth))?;
        let (seed, rule) = first.unwrap_or_else(|| ("**never**".to_owned(), String::new()));
        println!("| {name} | {} | {seed} | {storms} | {rule} |", mutation.breaks);
        if storms == 0 {
            unnoticed.push(name);
        }
    }
    match (clean.storms, unnoticed.len()) {
        (0, 0) => Ok(()),
        (0, n) => Err(format!("{n} mutations were not noticed: {unnoticed:?}").into()),
        (n, _) => Err(format!("{n} storms fail without any mutation").into()),
    }
}

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// What `mutations.toml` states.
fn mutations() -> Result<BTreeMap<String, Mutation>, Box<dyn Error>> {
    Ok(toml::from_str(&fs::read_to_string(root().join("benches/mutations.toml"))?)?)
}

/// The sources, broken in every way; paths are relative to the workspace's folder.
fn mutated(mutations: &BTreeMap<String, Mutation>) -> Result<Files, Box<dyn Error>> {
    let root = root();
    let mut files = BTreeMap::new();
    for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
        files.insert(PathBuf::from(name), fs::read(root.join(name))?);
    }
    let workspace: toml::Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
    let members = workspace["workspace"]["members"].as_array().ok_or("no members")?;
    for member in members.iter().filter_map(toml::Value::as_str) {
        collect(root, Path::new(member), &mut files)?;
    }
    for (nth, (name, mutation)) in mutations.iter().enumerate() {
        let path = &mutation.file;
        let source = files.get_mut(path).ok_or_else(|| format!("{name}: no file {path:?}"))?;
        let text = String::from_utf8(source.clone())?;
        let found = text.matches(&mutation.find).count();
        if found != 1 {
            return Err(format!("{name}: `find` stands {found} times in {}", path.display()).into());
        }
        let switch = format!("crate::mutant::is_on({nth})");
        let mutated = mutation.replace.replace("MUTANT", &switch);
        *source = text.replace(&mutation.find, &mutated).into_bytes();
    }
    for root in ["engine", "sim"] {
        let lib = files.get_mut(&Path::new(root).join("src/lib.rs")).ok_or("no lib.rs")?;
        lib.extend_from_slice(b"\nmod mutant;\n");
        files.insert(Path::new(root).join("src/mutant.rs"), SWITCH.into());
    }
    Ok(files)
}

/// Builds the program of a copy of the workspace that has these files.
fn build(files: Files) -> Result<PathBuf, Box<dyn Error>> {
    let copy = root().join("target/mutants");
    for (path, bytes) in files {
        let path = copy.join(path);
        if fs::read(&path).is_ok_and(|old| old == bytes) {
            continue; // what is as it was need not be compiled anew
        }
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        fs::write(path, bytes)?;
    }
    let status = Command::new(env!("CARGO"))
        .current_dir(&copy)
        .args(["build", "--release", "--quiet", "-p", "provisioner", "--target-dir", "target"])
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("RUSTFLAGS", "--cap-lints allow")
        .status()?;
    if !status.success() {
        return Err("the mutants do not compile".into());
    }
    Ok(copy.join("target/release/provisioner"))
}

fn collect(root: &Path, folder: &Path, files: &mut Files) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(root, &path, files)?;
            }
        } else {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Runs the storms with one mutation on.
fn run(program: &Path, storms: u32, nth: Option<usize>) -> Result<Noticed, Box<dyn Error>> {
    let mut command = Command::new(program);
    command.args(["storm", "--quiet", "--seeds", &storms.to_string()]);
    if let Some(nth) = nth {
        command.env("PROVISIONER_MUTANT", nth.to_string());
    }
    let output = String::from_utf8(command.output()?.stdout)?;
    let failures: Vec<(String, String)> = output
        .lines()
        .filter_map(|line| {
            let (seed, rest) = line.strip_prefix("storm ")?.split_once(": ")?;
            Some((seed.to_owned(), rest.split(':').next()?.to_owned()))
        })
        .collect();
    if !output.contains(" storms, ") {
        return Err(format!("mutation {nth:?} ended the program: {output}").into());
    }
    let mut seeds: Vec<&String> = failures.iter().map(|(seed, _)| seed).collect();
    seeds.dedup();
    Ok(Noticed { storms: seeds.len(), first: failures.first().cloned() })
}

#[test]
fn what_each_mutation_changes_is_still_there() {
    let mutations = mutations().unwrap_or_else(|error| panic!("{error}"));
    assert!(mutations.len() >= 25);
    mutated(&mutations).unwrap_or_else(|error| panic!("{error}"));
}
