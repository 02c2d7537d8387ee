//! The pages of `docs/` and README, as their readers meet them: each command that is shown with its
//! output is run, in the order of its page, and has to print what the page shows.
//!
//! A block ```` ```console ```` holds commands after `$ ` (a line that ends in `\` goes on) and what
//! they print, standard error included. `…` in a line stands for any part of it, alone in a line
//! for any lines. A block ```` ```toml NAME ```` is a file that the page makes (```` ```text NAME ```` is
//! a table, which another test makes). A page runs in a copy of the shipped scenarios beside the
//! recorded data, each command in a shell of its own that has to end with 0.
//! `UPDATE_EXPECT=1` rewrites what commands print; what is elided between the first and the last `…`
//! stays elided.
//!
//! Not here: commands of others, such as `aws`. A page that needs them is run where `.ci/docs` has
//! started what stands in for AWS and Taskcluster, and says so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn readme_prints_what_it_shows() {
    check("README.md");
}

#[test]
fn the_tutorial_prints_what_it_shows() {
    check("docs/tutorial.md");
}

#[test]
fn your_own_data_is_exported_imported_and_simulated_as_shown() {
    if std::env::var_os("PROVISIONER_DOCS_STAND_INS").is_none() {
        eprintln!("NOT DONE: nothing stands in for AWS and Taskcluster here; .ci/docs does it");
        return;
    }
    check("docs/your-own-data.md");
}

#[test]
fn the_page_of_the_model_prints_what_it_shows() {
    check("docs/model.md");
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let mut pages = vec![PathBuf::from("README.md")];
    for entry in fs::read_dir(Path::new(ROOT).join("docs")).unwrap() {
        pages.push(Path::new("docs").join(entry.unwrap().file_name()));
    }
    for page in pages.iter().filter(|page| page.extension().is_some_and(|it| it == "md")) {
        let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let is_local = !path.is_empty() && !path.contains("://");
            let target = Path::new(ROOT).join(page).parent().unwrap().join(path);
            assert!(!is_local || target.exists(), "{}: `{link}` leads nowhere", page.display());
        }
    }
}

/// Runs a page, and compares or rewrites what it shows.
fn check(page: &str) {
    let path = Path::new(ROOT).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let folder = clone();
    let here = folder.path().join("clone");
    let (mut actual, mut wrong) = (String::new(), Vec::new());
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        actual.push_str(line);
        actual.push('\n');
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let mut block = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with("```")) {
            block.push(line);
        }
        match kind.split_once(' ') {
            Some((language, name)) if language != "text" => {
                fs::write(here.join(name), block.join("\n") + "\n").unwrap();
                block.iter().for_each(|line| actual.extend([line, "\n"]));
            }
            _ if kind == "console" => {
                for (at, step) in steps(&block) {
                    let printed = run(&here, &step.command(), page);
                    let shown = step.shown.join("\n");
                    if !matches(&shown, &printed) {
                        let place = format!("{page}:{}", number + 2 + at);
                        wrong.push(format!("{place} prints\n{printed}\ninstead of\n{shown}\n"));
                    }
                    step.typed.iter().for_each(|line| actual.extend([line, "\n"]));
                    let now = rewritten(&step.shown, &printed);
                    now.iter().for_each(|line| actual.extend([line.as_str(), "\n"]));
                }
            }
            _ => block.iter().for_each(|line| actual.extend([line, "\n"])),
        }
        lines.next();
        actual.push_str("```\n");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, actual).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}\nUPDATE_EXPECT=1 rewrites the page", wrong.join("\n"));
    }
}

/// A command as it is typed, and what is shown below it.
struct Step<'a> {
    typed: Vec<&'a str>,
    shown: Vec<&'a str>,
}

impl Step<'_> {
    fn command(&self) -> String {
        self.typed.join("\n").trim_start_matches("$ ").to_owned()
    }
}

/// The steps of a block, each with its line.
fn steps<'a>(block: &[&'a str]) -> Vec<(usize, Step<'a>)> {
    let mut steps: Vec<(usize, Step<'a>)> = Vec::new();
    for (at, line) in block.iter().enumerate() {
        let goes_on = |(_, step): &(usize, Step<'_>)| {
            step.shown.is_empty() && step.typed.last().unwrap().ends_with('\\')
        };
        match steps.last_mut() {
            _ if line.starts_with("$ ") => {
                steps.push((at, Step { typed: vec![line], shown: vec![] }));
            }
            Some(last) if goes_on(last) => last.1.typed.push(line),
            Some((_, step)) => step.shown.push(line),
            None => panic!("a block of commands begins with `{line}` instead of a command"),
        }
    }
    steps
}

/// What a command prints on both streams; it has to end well.
fn run(folder: &Path, command: &str, page: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_provisioner")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1; set -o pipefail\n{command}")])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let printed = printed.trim_end().to_owned();
    assert!(output.status.success(), "{page}: `{command}` ended with {}\n{printed}", output.status);
    printed
}

/// Whether this is what is shown, where `…` stands for anything.
fn matches(shown: &str, printed: &str) -> bool {
    fn line_matches(shown: &str, printed: &str) -> bool {
        match shown.split_once('…') {
            None => shown == printed,
            Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
                let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
                ends.into_iter().any(|at| line_matches(after, &rest[at..]))
            }),
        }
    }
    fn lines_match(shown: &[&str], printed: &[&str]) -> bool {
        match (shown, printed) {
            ([], []) => true,
            (["…", rest @ ..], _) => {
                (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..]))
            }
            ([first, rest @ ..], [line, others @ ..]) => {
                line_matches(first, line) && lines_match(rest, others)
            }
            _ => false,
        }
    }
    lines_match(&shown.lines().collect::<Vec<_>>(), &printed.lines().collect::<Vec<_>>())
}

/// What a page shows of what was printed: as much before its first and after its last `…` as now.
fn rewritten(shown: &[&str], printed: &str) -> Vec<String> {
    if matches(&shown.join("\n"), printed) {
        return shown.iter().map(|line| (*line).to_owned()).collect();
    }
    let now: Vec<String> = printed.lines().map(lasting).collect();
    let elided = |line: &&str| *line == "…";
    let (first, last) = (shown.iter().position(elided), shown.iter().rposition(elided));
    let (Some(before), Some(last)) = (first, last) else { return now };
    let after = shown.len() - 1 - last;
    if before + after >= now.len() {
        return now;
    }
    let (head, tail) = (&now[..before], &now[now.len() - after..]);
    [head, &["…".to_owned()], tail].concat()
}

/// A line without what is another in each version and on each machine: the commit, how long it took
/// and how large a page became.
fn lasting(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_volatile = |at: usize| {
        let (before, after) = (at.checked_sub(1).map(|at| words[at]), words.get(at + 1));
        let is_counted = ["kB", "threads"].iter().any(|unit| after == Some(unit));
        before == Some("commit") || is_counted || (before == Some("in") && after == Some(&"s"))
    };
    let lasting = |(at, word): (usize, &&str)| match is_volatile(at) {
        true if word.ends_with(',') => "…,".to_owned(),
        true => "…".to_owned(),
        false => (*word).to_owned(),
    };
    words.iter().enumerate().map(lasting).collect::<Vec<_>>().join(" ")
}

/// The shipped scenarios as in a fresh clone, with the recorded data beside it.
fn clone() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("clone")).unwrap();
    copy(&Path::new(ROOT).join("scenarios"), &folder.path().join("clone/scenarios"));
    let shared = Path::new(ROOT).join("../shared");
    std::os::unix::fs::symlink(fs::canonicalize(shared).unwrap(), folder.path().join("shared"))
        .unwrap();
    folder
}

/// Copies the files of a folder that scenarios are made of.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) =
            (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if !source.is_dir() {
            fs::copy(source, target).unwrap();
        } else if !["src", "tests"].iter().any(|it| source.ends_with(it)) {
            copy(&source, &target);
        }
    }
}

#[test]
fn an_ellipsis_stands_for_any_part_of_a_line_and_alone_for_any_lines() {
    for (shown, printed, same) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a\nb\nc", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("…\nb", "a\nb\nc", false),
        ("a … c …", "a b c d", true),
        ("a … c", "a b c d", false),
        ("", "a", false),
    ] {
        assert_eq!(matches(shown, printed), same, "{shown:?} {printed:?}");
    }
    let rewritten =
        |shown: &[&str]| rewritten(shown, "x, commit 0123, by\nb\nc\nd in 0.1 s").join("\n");
    assert_eq!(rewritten(&["old", "…", "older", "d"]), "x, commit …, by\n…\nc\nd in … s");
    assert_eq!(rewritten(&[]), "x, commit …, by\nb\nc\nd in … s");
}
