//! `provisioner explain`: why does a journal say what it says?

use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_engine::ids::{InstanceId, LaunchId};
use provisioner_engine::units::Time;
use provisioner_reports::{Page, explain as pages};
use provisioner_scenarios::explain::life::{Subject, life};
use provisioner_scenarios::explain::summary::summary;
use provisioner_scenarios::explain::turns::{at_time, in_span};
use provisioner_scenarios::explain::waiting::waiting;
use provisioner_scenarios::explain::{Unanswered, Walk, parse_time, worst_wait};
use provisioner_scenarios::journal::Journal;

use crate::terminal::{Failure, print_page, say};
use crate::{Answer, COMMIT};

/// Ask a journal why: why was this launched, why was nothing done, why did tasks wait?
///
/// Without a question, says what is in the journal and what to ask next. Facts are fed to the
/// engine again, so that prices and gates of that time are at hand, and reasons even if the journal
/// was written without.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Explain {
    /// The journal, as `simulate --journal` writes it, or the daemon's folder of chapters
    journal: PathBuf,
    /// Why was this launched, from what was it chosen, and what became of it?
    #[arg(long, value_name = "N", value_parser = launch)]
    #[arg(conflicts_with_all = ["instance", "at", "from", "to", "worker_type"])]
    launch: Option<LaunchId>,
    /// The same of the launch that this instance belongs to
    #[arg(long, value_name = "N", conflicts_with_all = ["at", "from", "to", "worker_type"])]
    instance: Option<u64>,
    /// What was decided at that time, and why? The last decision until then
    ///
    /// With --worker-type: why did its tasks wait then?
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with_all = ["from", "to"])]
    at: Option<Time>,
    /// What was decided from that time on?
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Time>,
    /// What was decided until that time?
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Time>,
    /// Why did tasks of this worker type wait? Where they waited most, or --at that time
    ///
    /// With --from or --to: only decisions about it.
    #[arg(long, visible_alias = "waiting", value_name = "NAME")]
    worker_type: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner simulate scenarios/quickstart.toml --journal run.jsonl.zst
  provisioner explain run.jsonl.zst                   # what is in it, and what to ask
  provisioner explain run.jsonl.zst --launch 17       # why, against what, and what became of it
  provisioner explain run.jsonl.zst --at 2021-03-01T10:04
  provisioner explain run.jsonl.zst --worker-type proj/builds   # its worst wait, and why

Times are in UTC unless they say otherwise (2021-03-01T11:04+01:00).

Exit codes: 0 it is answered; 2 the journal cannot be read, or does not hold what is asked about.";

fn launch(text: &str) -> Result<LaunchId, String> {
    let number = text.strip_prefix('#').unwrap_or(text).parse();
    number.map(LaunchId).map_err(|_| "is not the number of a launch, such as 17".to_owned())
}

impl Explain {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let (page, walk) = self.answer().map_err(|error| absent(&self.journal, error))?;
        print_page(&page, self.json)?;
        for remark in pages::remarks(&walk, COMMIT) {
            say(format_args!("remark: {remark}"));
        }
        Ok(Answer::Yes)
    }

    fn answer(&self) -> Result<(Page, Walk), Unanswered> {
        let open = || Journal::open(&self.journal);
        let subject = self.launch.map(Subject::Launch);
        if let Some(subject) = subject.or(self.instance.map(InstanceId).map(Subject::Instance)) {
            let life = life(open, subject)?;
            return Ok((pages::life(&life), life.walk));
        }
        let name = self.worker_type.as_deref();
        if self.from.is_some() || self.to.is_some() {
            let span = in_span(open, self.from, self.to, name)?;
            return Ok((pages::in_span(&span), span.walk));
        }
        match (name, self.at) {
            (Some(name), at) => {
                let at = at.map_or_else(|| worst_wait(open, name), Ok)?;
                let waiting = waiting(open, name, at)?;
                Ok((pages::waiting(&waiting), waiting.walk))
            }
            (None, Some(at)) => {
                let at_time = at_time(open, at)?;
                Ok((pages::at_time(&at_time), at_time.walk))
            }
            (None, None) => {
                let summary = summary(open)?;
                let page = pages::summary(&summary, &self.journal.to_string_lossy());
                Ok((page, summary.walk))
            }
        }
    }
}

/// What could not be answered, and of which journal.
fn absent(journal: &Path, error: Unanswered) -> Failure {
    match error {
        Unanswered::Journal(error) => error.into(),
        Unanswered::Absent { what, hint } => {
            Failure::new(format_args!("{what}\n --> {}", journal.display()), hint)
        }
    }
}
