//! What was decided at a time, or in a span: the facts before, the orders, the reasons, and the
//! last word about those of whom nothing was said.

use std::collections::BTreeMap;
use std::sync::Arc;

use provisioner_engine::decision::{Action, Decision, Reason};
use provisioner_engine::ids::LaunchId;
use provisioner_engine::journal::Record;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;

use super::{
    Moment, Open, Owners, Scene, Unanswered, Walk, What, Witness, check_within, find,
    no_worker_type, walk,
};

/// One decision, and the facts since the one before.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Which decision of the journal, counted from one.
    pub nth: u64,
    /// Its line.
    pub line: u64,
    /// When the decision before was taken.
    pub since: Option<Time>,
    /// What was told since then.
    pub facts: Vec<Moment>,
    /// What was decided.
    pub decision: Decision,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// What was last said about a worker type.
#[derive(Clone, Debug)]
pub struct LastWord {
    /// Whose.
    pub worker_type: String,
    /// When.
    pub at: Time,
    /// What.
    pub reasons: Vec<Reason>,
    /// What ids mean.
    pub config: Arc<EngineConfig>,
}

/// The decision that is nearest to a time.
#[derive(Clone, Debug)]
pub struct AtTime {
    /// What was asked for.
    pub asked: Time,
    /// The decision nearest to it; of two as near the earlier.
    pub turn: Turn,
    /// The decision after it.
    pub next: Option<Time>,
    /// Worker types about which it said nothing, and what was said last.
    pub silent: Vec<LastWord>,
    /// How the journal was read.
    pub walk: Walk,
}

/// The decisions of a span that order something or say why not.
#[derive(Clone, Debug)]
pub struct InSpan {
    /// From when.
    pub from: Time,
    /// Until when, included.
    pub to: Time,
    /// Only those about this worker type.
    pub worker_type: Option<String>,
    /// The first of them, without their facts.
    pub turns: Vec<Turn>,
    /// How many more there are.
    pub more: u64,
    /// Decisions of the span that have nothing to tell.
    pub quiet: u64,
    /// How the journal was read.
    pub walk: Walk,
}

/// Of a span no more decisions are kept than these.
pub const TURNS_KEPT: usize = 40;

/// What was decided at a time.
///
/// # Errors
///
/// The journal cannot be read, does not hold that time, or has no decision.
pub fn at_time(open: impl Open, asked: Time) -> Result<AtTime, Unanswered> {
    let mut clerk = Clerk { asked, ..Clerk::default() };
    let walk = walk(open()?, &mut clerk)?;
    check_within(asked, &walk)?;
    let Some(turn) = clerk.turn else {
        let (what, hint) = ("the journal has no decision", "it was written without any turn");
        return Err(Unanswered::Absent { what: what.to_owned(), hint: hint.to_owned() });
    };
    let spoken_of = |word: &LastWord| word.at == turn.decision.at;
    let silent = clerk.words.into_values().filter(|word| !spoken_of(word)).collect();
    Ok(AtTime { asked, turn, next: clerk.next, silent, walk })
}

/// What was decided in a span; the journal's beginning or end where one is left out.
///
/// # Errors
///
/// The journal cannot be read, does not hold these times or that worker type.
pub fn in_span(
    open: impl Open,
    from: Option<Time>,
    to: Option<Time>,
    worker_type: Option<&str>,
) -> Result<InSpan, Unanswered> {
    let (first, last) = (Time::from_ms(i64::MIN), Time::MAX);
    let mut recorder = Recorder {
        from: from.unwrap_or(first),
        to: to.unwrap_or(last),
        worker_type,
        is_known: worker_type.is_none(),
        owners: Owners::default(),
        nth: 0,
        since: None,
        turns: Vec::new(),
        more: 0,
        quiet: 0,
    };
    if recorder.to < recorder.from {
        let what = format!("the span ends at {} before it begins", recorder.to);
        return Err(Unanswered::Absent { what, hint: "turn `--from` and `--to` round".into() });
    }
    let walk = walk(open()?, &mut recorder)?;
    if let Some(name) = worker_type.filter(|_| !recorder.is_known) {
        return Err(no_worker_type(name, &walk.header.engine));
    }
    for time in [from, to].into_iter().flatten() {
        check_within(time, &walk)?;
    }
    let (first, last) = walk.span.unwrap_or((first, last));
    let Recorder { turns, more, quiet, .. } = recorder;
    let (from, to) = (from.unwrap_or(first), to.unwrap_or(last));
    let worker_type = worker_type.map(str::to_owned);
    Ok(InSpan { from, to, worker_type, turns, more, quiet, walk })
}

struct Clerk {
    asked: Time,
    nth: u64,
    since: Option<Time>,
    facts: Vec<Moment>,
    turn: Option<Turn>,
    /// The decision after the nearest.
    next: Option<Time>,
    /// What was last said about each worker type, as far as the turn.
    words: BTreeMap<String, LastWord>,
}

impl Default for Clerk {
    fn default() -> Self {
        let (facts, words) = (Vec::new(), BTreeMap::new());
        Self { asked: Time::EPOCH, nth: 0, since: None, facts, turn: None, next: None, words }
    }
}

impl Witness for Clerk {
    fn see(&mut self, scene: &Scene<'_>, record: &Record) {
        match record {
            _ if self.next.is_some() => {}
            Record::Observed { at, observation } => {
                self.facts.push(scene.moment(*at, What::Fact(*observation)));
            }
            Record::Configured { at, .. } => self.facts.push(scene.moment(*at, What::Configured)),
            Record::Decided(decision) if !self.is_nearest(decision.at) => {
                self.next = Some(decision.at);
            }
            Record::Decided(decision) => {
                self.nth += 1;
                self.note_words(scene, decision);
                let facts = std::mem::take(&mut self.facts);
                self.turn = Some(turn(scene, self.nth, self.since, facts, decision.clone()));
                self.since = Some(decision.at);
            }
        }
    }
}

impl Clerk {
    /// Whether a decision is nearer than the one before.
    fn is_nearest(&self, at: Time) -> bool {
        let before = self.turn.as_ref().map(|turn| turn.decision.at);
        before.is_none_or(|before| {
            at <= self.asked
                || before < self.asked && at.since(self.asked) < self.asked.since(before)
        })
    }

    fn note_words(&mut self, scene: &Scene<'_>, decision: &Decision) {
        for reason in &decision.reasons {
            let Some(id) = reason.worker_type() else { continue };
            let name = scene.name(id);
            match self.words.get_mut(name) {
                Some(word) if word.at == decision.at => word.reasons.push(*reason),
                _ => {
                    let (worker_type, reasons) = (name.to_owned(), vec![*reason]);
                    let (at, config) = (decision.at, Arc::clone(scene.config));
                    let word = LastWord { worker_type, at, reasons, config };
                    self.words.insert(name.to_owned(), word);
                }
            }
        }
    }
}

fn turn(
    scene: &Scene<'_>,
    nth: u64,
    since: Option<Time>,
    facts: Vec<Moment>,
    decision: Decision,
) -> Turn {
    Turn { nth, line: scene.line, since, facts, decision, config: Arc::clone(scene.config) }
}

struct Recorder<'a> {
    from: Time,
    to: Time,
    worker_type: Option<&'a str>,
    is_known: bool,
    owners: Owners,
    nth: u64,
    since: Option<Time>,
    turns: Vec<Turn>,
    more: u64,
    quiet: u64,
}

impl Witness for Recorder<'_> {
    fn before(&mut self, scene: &Scene<'_>, _record: &Record) {
        if let (false, Some(name)) = (self.is_known, self.worker_type) {
            self.is_known = find(scene.config, name).is_some();
        }
    }

    fn see(&mut self, scene: &Scene<'_>, record: &Record) {
        self.owners.note(scene, record);
        let Record::Decided(decision) = record else { return };
        self.nth += 1;
        let since = self.since.replace(decision.at);
        if !(self.from..=self.to).contains(&decision.at) {
            return;
        }
        let told = match self.worker_type {
            None => decision.clone(),
            Some(name) => about(decision, name, scene, &self.owners),
        };
        match (is_telling(&told), self.turns.len() < TURNS_KEPT) {
            (false, _) => self.quiet += 1,
            (true, false) => self.more += 1,
            (true, true) => self.turns.push(turn(scene, self.nth, since, Vec::new(), told)),
        }
    }
}

/// What of a decision is about a worker type and its launches.
fn about(decision: &Decision, name: &str, scene: &Scene<'_>, owners: &Owners) -> Decision {
    let id = find(scene.config, name);
    let owns =
        |launch: Option<LaunchId>| launch.is_some_and(|launch| owners.of(launch) == Some(name));
    let mut told = decision.clone();
    told.actions.retain(|action| match *action {
        Action::Launch { worker_type, .. } => Some(worker_type) == id,
        _ => owns(action.launch()),
    });
    told.reasons.retain(|reason| match reason.worker_type() {
        Some(worker_type) => Some(worker_type) == id,
        None => owns(reason.launch()),
    });
    told
}

/// Whether a decision orders more than to look, or says why it does not.
#[must_use]
pub fn is_telling(decision: &Decision) -> bool {
    let looks = |action: &Action| {
        matches!(action, Action::ListInstances { .. } | Action::CheckWorker { .. })
    };
    let is_routine = |reason: &Reason| matches!(reason, Reason::Scaled { .. });
    !decision.actions.iter().all(looks) || !decision.reasons.iter().all(is_routine)
}
