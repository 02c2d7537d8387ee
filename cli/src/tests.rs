//! What help promises: every command has a place, and examples that can be typed.

use std::collections::BTreeSet;

use clap::error::ErrorKind;

use super::*;

#[test]
fn every_command_is_in_one_group() {
    let mut all = command();
    all.build();
    let known: BTreeSet<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
    let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), known);
    assert_eq!(listed.len(), known.len(), "one is listed twice");
}

/// The examples of a command, without their comments.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = help.split("\n\n").find_map(|part| part.strip_prefix("Examples:\n"));
    let uncommented = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    examples.unwrap_or_default().lines().map(uncommented).collect()
}

/// The words of each call of the program in a line of shell.
fn calls(line: &str) -> Vec<Vec<String>> {
    let starts = line.match_indices("provisioner ").map(|(at, _)| &line[at..]);
    let one = |text: &str| {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in text.chars() {
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (' ', None) => words.push(std::mem::take(&mut word)),
                (c, _) => word.push(c),
            }
        }
        words.push(word.trim_end_matches(')').to_owned());
        let ends = |word: &String| [">", ">>", "|", "&&"].contains(&word.as_str());
        let end = words.iter().position(ends).unwrap_or(words.len());
        words.truncate(end);
        words
    };
    starts.map(one).filter(|words| words.len() > 1).collect()
}

#[test]
fn every_command_has_examples_that_parse_and_says_its_exit_codes() {
    let all = command();
    for command in std::iter::once(&all).chain(all.get_subcommands()) {
        let (name, examples) = (command.get_name(), examples(command));
        assert!((2..=5).contains(&examples.len()), "{name}: {examples:?}");
        let help = command.get_after_help().expect("it has examples").to_string();
        assert!(help.contains("Exit codes: 0 "), "{name}: {help}");
        for line in &examples {
            assert!(!calls(line).is_empty(), "{name}: {line}");
            for words in calls(line) {
                let parsed = all.clone().try_get_matches_from(&words);
                let error = parsed.err().filter(|it| it.kind() != ErrorKind::DisplayHelp);
                assert!(error.is_none(), "{words:?}: {}", error.expect("one"));
            }
        }
    }
}

#[test]
fn help_fits_a_terminal() {
    let mut all = command().term_width(100);
    let mut pages = vec![all.render_long_help().to_string()];
    pages.extend(all.get_subcommands_mut().map(|it| it.render_long_help().to_string()));
    for line in pages.iter().flat_map(|page| page.lines()) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(GREETING.lines().all(|line| line.chars().count() <= 100));
}
