//! Standard output, standard error, and errors on their way there.

use std::env;
use std::fmt::{Arguments, Display};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use provisioner_reports::{Look, Page};
use provisioner_scenarios::file::Issues;
use provisioner_scenarios::journal::JournalError;
use provisioner_scenarios::output::{Collision, collision, is_stdout};
use provisioner_scenarios::results::ResultsError;
use provisioner_scenarios::traces::TraceError;

/// Why a command could not run.
pub(crate) enum Failure {
    /// This is to be said.
    Told(String),
    /// Nobody reads our output any more, so there is nobody to tell.
    Unheard,
}

impl Failure {
    pub(crate) fn new(what: impl Display, hint: impl Display) -> Self {
        Self::Told(format!("error: {what}\nhint: {hint}"))
    }

    /// An output cannot be written.
    pub(crate) fn output(path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unheard;
        }
        let name = if is_stdout(path) {
            "standard output".to_owned()
        } else {
            format!("`{}`", path.display())
        };
        let hint = "check that its folder exists, that you may write there, and that space is left";
        Self::new(format_args!("{name} cannot be written: {error}"), hint)
    }
}

impl From<Issues> for Failure {
    fn from(issues: Issues) -> Self {
        let colour = look(&io::stderr()).colour;
        Self::Told(if colour { format!("{issues:#}") } else { issues.to_string() })
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<ResultsError> for Failure {
    fn from(error: ResultsError) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Self::Told(error.to_string())
    }
}

/// How reports may look on a stream.
pub(crate) fn look(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Look {
    if !stream.is_terminal() {
        return Look::default();
    }
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let width = terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0));
    Look { width, colour: !dumb && !set("NO_COLOR") }
}

/// Writes data to standard output. That nobody reads on stops nothing: files are written and the
/// answer is the exit code all the same.
pub(crate) fn print(text: Arguments<'_>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_fmt(text).and_then(|()| stdout.flush());
    heard(written.map_err(|error| Failure::output(Path::new("-"), &error)))
}

/// What was told, though nobody may have read it.
pub(crate) fn heard(told: Result<(), Failure>) -> Result<(), Failure> {
    match told {
        Err(Failure::Unheard) => Ok(()),
        told => told,
    }
}

/// Writes an explanation to standard output.
pub(crate) fn print_page(page: &Page, as_json: bool) -> Result<(), Failure> {
    match as_json {
        false => print(format_args!("{}", page.show(look(&io::stdout())))),
        true => {
            let json = serde_json::to_string_pretty(page);
            print(format_args!("{}\n", json.expect("words, times and tables")))
        }
    }
}

/// How much is said beside the answer.
#[derive(Args)]
pub(crate) struct Voice {
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Show no progress bar
    #[arg(long)]
    pub(crate) no_progress: bool,
}

impl Voice {
    /// A line on standard error.
    pub(crate) fn say(&self, remark: impl Display) {
        if !self.quiet {
            say(remark);
        }
    }

    /// The same, called one.
    pub(crate) fn remark(&self, remark: impl Display) {
        self.say(format_args!("remark: {remark}"));
    }

    /// Whether a bar is wanted, and would be seen.
    pub(crate) fn has_bar(&self) -> bool {
        !self.quiet && !self.no_progress && io::stderr().is_terminal()
    }

    /// A bar on standard error, if there is one.
    pub(crate) fn bar(&self, length: u64, template: &str) -> ProgressBar {
        let target = match self.has_bar() {
            true => ProgressDrawTarget::stderr_with_hz(4),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        bar.with_style(ProgressStyle::with_template(template).expect("a template that is tested"))
    }

    /// A bar that counts runs.
    pub(crate) fn runs_bar(&self, runs: usize) -> ProgressBar {
        self.bar(runs as u64, "{bar:32} {pos}/{len} runs  {per_sec}  {eta} to go")
    }
}

/// Writes a remark to standard error. That nobody hears it changes nothing.
pub(crate) fn say(remark: impl Display) {
    drop(writeln!(io::stderr().lock(), "{remark}"));
}

/// No output is written over an input or another output.
pub(crate) fn keep_apart<'p>(
    outputs: impl IntoIterator<Item = &'p Path>,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), Failure> {
    Err(match collision(outputs, inputs) {
        None => return Ok(()),
        Some(Collision::Input(path)) => Failure::new(
            format_args!("`{}` is an input, and would be written over", path.display()),
            "give the output another name",
        ),
        Some(Collision::Output(path)) => Failure::new(
            format_args!("two outputs go to `{}`", path.display()),
            "give each a file of its own",
        ),
    })
}

/// Writes a warning to standard error.
pub(crate) fn warn(warning: impl Display) {
    let (on, off) = if look(&io::stderr()).colour { ("\x1b[1;33m", "\x1b[0m") } else { ("", "") };
    say(format_args!("{on}warning{off}: {warning}"));
}

/// A word for a shell.
pub(crate) fn word(text: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || "-_./=,:@+".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
