//! `provisioner replay`: does the engine still decide what a journal says, and did it keep to its rules?

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision, Reason};
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::{Digest, Record, retell};
use provisioner_engine::units::Time;
use provisioner_reports::explain::{STILL_GROWING, between_chapters};
use provisioner_reports::{Run, count, decisions, grouped, show_time};
use provisioner_scenarios::audit::{JournalAudit, Note};
use provisioner_scenarios::journal::{Header, Journal, Turned};

use crate::terminal::{Failure, print, say};
use crate::{Answer, COMMIT};

/// Feed a journal to the engine and check that it decides the same
///
/// On the first decision that differs, prints what was recorded and what the engine orders now,
/// with the reasons of both. A journal of this very program must give the same reasons too; one of
/// another commit may give others for the same orders, which is remarked.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Replay {
    /// The journal, as `simulate --journal` writes it, or the folder of chapters in which the
    /// daemon does; `-` is standard input
    journal: PathBuf,
    /// Print the first N decisions that order something or say why not
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    explain: Option<u64>,
    /// Have every decision judged by an auditor that shares no code with the engine
    ///
    /// It recounts money, capacity and ownership by itself, from what the engine was told and what it
    /// ordered, and notes what must not be: ceilings passed, more bought than wanted or at a price
    /// that is not allowed, what was ended too soon. The journal must begin with an engine that had
    /// launched nothing; where pools are added or left out, the judging ends.
    #[arg(long)]
    audit: bool,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner simulate week.toml --journal week.jsonl.zst && provisioner replay week.jsonl.zst
  provisioner replay week.jsonl.zst --explain 3
  provisioner replay week.jsonl.zst --audit

Exit codes: 0 all decisions are equal, and nothing was noted; 1 one differs, or has other reasons
though this very program wrote it, or the auditor noted something; 2 the journal cannot be read.";

impl Replay {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut journal = self.open()?;
        let Header { scenario, scenario_hash, seed, commit, .. } = journal.header().clone();
        let written_by = commit.clone();
        print(format_args!("{}\n", Run { scenario, scenario_hash, seed, commit }))?;
        if written_by != COMMIT {
            say(format_args!("remark: this program is of commit {COMMIT}"));
        }
        let mut engine = journal.engine();
        engine.explain(true);
        let mut audit = self.audit.then(|| audit_of(&engine)).transpose()?;
        let mut noted = Vec::new();
        let mut tally = Tally::default();
        let mut retold = None;
        let mut to_explain = self.explain.unwrap_or(0);
        while let Some(record) = journal.next() {
            let record = record?;
            for Turned { gap, engine: then, .. } in journal.turned() {
                if let Some(gap) = gap {
                    say(format_args!("remark: {}", between_chapters(gap)));
                    engine = then;
                    engine.explain(true);
                    noted.extend(audit.take().map(|audit| judged_until(record.at(), audit)));
                }
            }
            tally.add(&record);
            if audit.as_mut().is_some_and(|audit| !audit.judge(&record)) {
                noted.extend(audit.take().map(|audit| judged_until(record.at(), audit)));
            }
            if let Record::Decided(decision) = &record
                && to_explain > 0
                && is_telling(decision)
            {
                to_explain -= 1;
                print(format_args!("\n{}", decisions::decision(engine.config(), decision)))?;
            }
            let Some(divergence) = retell(&mut engine, record) else { continue };
            let (nth, at) = (grouped(tally.decisions), show_time(divergence.recorded.at));
            let place = format!("{}:{}", self.journal.display(), journal.line());
            let config = engine.config();
            if divergence.is_of_orders() {
                let both = decisions::divergence(config, &divergence);
                print(format_args!("\nDecision {nth} differs, at {at}, {place}\n{both}"))?;
                return Ok(Answer::No);
            }
            tally.retold += 1;
            retold.get_or_insert_with(|| {
                let [recorded, replayed] = [&divergence.recorded, &divergence.replayed]
                    .map(|it| decisions::decision(config, it).to_string());
                format!("Decision {nth}, {place}\nrecorded: {recorded}replayed: {replayed}")
            });
        }
        if journal.is_growing() {
            say(format_args!("remark: {STILL_GROWING}"));
        }
        let Tally { facts, decisions, launches, digest, retold: of_reasons, .. } = tally;
        let [facts, decisions, launches] = [facts, decisions, launches].map(grouped);
        print(format_args!(
            "\n{facts} facts, {decisions} decisions, {launches} launches: all decided the same\n\
             Decisions     {:016x}\n",
            digest.value()
        ))?;
        noted.extend(audit.map(JournalAudit::into_notes));
        let judged = self.show_notes(&noted.concat())?;
        let Some(first) = retold else { return Ok(judged) };
        let count = count(of_reasons, "decision");
        if written_by == COMMIT && COMMIT != UNKNOWN {
            print(format_args!("\n{count} for other reasons than this program gives. {first}"))?;
            return Ok(Answer::No);
        }
        say(format_args!("remark: {count} for other reasons than this program gives"));
        Ok(judged)
    }

    fn show_notes(&self, notes: &[Note]) -> Result<Answer, Failure> {
        for Note { at, rule, what } in notes {
            print(format_args!("{}  {rule}: {what}\n", show_time(Time::from_ms(*at))))?;
        }
        if self.audit {
            say(format_args!("remark: {}", count(notes.len() as u64, "audit note")));
        }
        Ok(if notes.is_empty() { Answer::Yes } else { Answer::No })
    }

    fn open(&self) -> Result<Journal, Failure> {
        Ok(match self.journal == Path::new("-") {
            true => Journal::read("standard input", io::stdin())?,
            false => Journal::open(&self.journal)?,
        })
    }
}

/// An auditor knows what was told and ordered since it came.
fn audit_of(engine: &Engine) -> Result<JournalAudit, Failure> {
    match engine.launches().count() {
        0 => Ok(JournalAudit::new(engine.config())),
        launches => Err(Failure::new(
            format!("the journal begins with launches that the auditor cannot know: {launches}"),
            "give it a journal from its beginning, or leave out --audit",
        )),
    }
}

/// What was noted up to where ids mean something else.
fn judged_until(at: Time, audit: JournalAudit) -> Vec<Note> {
    say(format_args!("remark: judged until {}, when pools were added or left out", show_time(at)));
    audit.into_notes()
}

/// The commit of a program that was built without Git.
const UNKNOWN: &str = "unknown";

#[derive(Default)]
struct Tally {
    facts: u64,
    decisions: u64,
    launches: u64,
    newest: Option<LaunchId>,
    digest: Digest,
    /// Decisions for other reasons than were recorded.
    retold: u64,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        let Record::Decided(decision) = record else {
            self.facts += 1;
            return;
        };
        self.decisions += 1;
        for action in &decision.actions {
            if let Action::Launch { launch, count, .. } = action
                && self.newest.is_none_or(|newest| newest < *launch)
            {
                self.launches += u64::from(*count);
                self.newest = Some(*launch); // ordered again, it is the same call
            }
        }
        self.digest.add(decision.at, &decision.actions);
    }
}

/// Whether a decision orders something or says why it does not.
fn is_telling(decision: &Decision) -> bool {
    let telling = |reason: &Reason| !matches!(reason, Reason::Scaled { .. });
    !decision.actions.is_empty() || decision.reasons.iter().any(telling)
}
