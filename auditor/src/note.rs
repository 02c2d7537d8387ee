//! Notes: what was found, when, against which rule.

use std::fmt;

use crate::{Auditor, Ms};

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Ms,
    /// Against which rule.
    pub rule: Rule,
    /// What exactly, with names and numbers.
    pub what: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// What a rule needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    /// What was told and decided.
    Shadow,
    /// What really happened, too.
    Truth,
}

macro_rules! rules {
    ($($half:ident { $(#[doc = $sentence:literal] $rule:ident = $name:literal,)* })*) => {
        /// What must hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[doc = $sentence] $rule,)*)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$rule,)*)*];

            /// Its name, which does not change.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$rule => $name,)*)*
                }
            }

            /// What must hold, in a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $($(Self::$rule => $sentence.trim_ascii(),)*)*
                }
            }

            /// What it needs to know.
            #[must_use]
            pub const fn half(self) -> Half {
                match self {
                    $($(Self::$rule => Half::$half,)*)*
                }
            }
        }
    };
}

rules! {
    Shadow {
        /// A launch call has ids that were never used, or is an earlier call made again exactly.
        LaunchIdFresh = "launch-id-fresh",
        /// A launch call is made again only while something of it is in doubt, and not at once.
        RepeatInDoubt = "repeat-in-doubt",
        /// A launch call without an answer is made again, or settled, within half an hour.
        DoubtPursued = "doubt-pursued",
        /// A call does not ask for more instances than a call may, nor for none.
        CallSize = "call-size",
        /// A decision does not hold more launches than a decision may.
        DecisionSize = "decision-size",
        /// Nothing is launched for a worker type whose demand is unknown or stale, but for its floor.
        DemandKnown = "demand-known",
        /// What is wanted is worked out from the counts that were told last, while they hold.
        DemandAsTold = "demand-as-told",
        /// What is ordered and not told to be over does not exceed the worker type's maximum.
        CapacityOrdered = "capacity-ordered",
        /// Only the worker type's own pools are bought from.
        PoolAllowed = "pool-allowed",
        /// A bid is more than nothing and not above the cap.
        BidSane = "bid-sane",
        /// Nothing is bought by a price that is not known or too old.
        PriceFresh = "price-fresh",
        /// Nothing is bought by a price that cannot be.
        PriceSane = "price-sane",
        /// On demand is bought only where it is allowed.
        OnDemandAllowed = "on-demand-allowed",
        /// On demand is bought only after the stated patience.
        OnDemandPatience = "on-demand-patience",
        /// No more calls are made than our allowance has tokens.
        CallRate = "call-rate",
        /// A kind of call that was throttled rests, twice as long each time.
        CallBackoff = "call-backoff",
        /// Only what is known and not told to be over is cancelled, ended or advised.
        EndKnown = "end-known",
        /// An order to end something is not given again at once.
        EndPaced = "end-paced",
        /// An end that spares nobody who holds a task is ordered only for age or a spent day.
        EndSpares = "end-spares",
        /// A worker is ended only soon after the queue said that it holds nothing.
        EndEvidence = "end-evidence",
        /// An instance is given up for gone only after listings lacked it for long and often enough.
        AbsenceLasted = "absence-lasted",
        /// Only an instance that was found and belongs to no launch is ended as a stray.
        StrayUnowned = "stray-unowned",
        /// A request that is not fulfilled, a machine that never boots, and one that is too old are ended in time.
        OverdueEnded = "overdue-ended",
        /// A pool without machines is asked within its budget, and then by one probe at a time.
        DryBudget = "dry-budget",
        /// What never boots is bought only by one probe at a time.
        BreakerProbe = "breaker-probe",
        /// Of what never booted only so many are under way.
        UnprovenMax = "unproven-max",
        /// A region whose quota was reached rests.
        QuotaRest = "quota-rest",
        /// A pool that was not offered rests.
        UnsupportedRest = "unsupported-rest",
        /// One pool does not hold more than its share of a worker type where others could.
        ShareMax = "share-max",
        /// A pool is avoided for no more losses than it had, each counted once.
        LossOnce = "loss-once",
        /// What is committed an hour does not exceed its ceiling.
        SpendHourly = "spend-hourly",
        /// What is spent in a day, and what is launched could cost, does not exceed its ceiling.
        SpendDaily = "spend-daily",
        /// When a day's money is spent, everything is ended.
        SpentEnded = "spent-ended",
        /// A worker type that wants, has nothing and could buy, buys within an hour.
        Starved = "starved",
        /// The next turn is later than this one and not later than the iteration interval.
        WakeLater = "wake-later",
        /// Only a worker that asked just now is told to stop, and only while demand is known.
        AdviceAsked = "advice-asked",
        /// No advice takes a worker type below its floor.
        AdviceKeepsFloor = "advice-keeps-floor",
        /// No advice takes a worker type below what its tasks ask for.
        AdviceSurplus = "advice-surplus",
    }
    Truth {
        /// A launch is one of its call, and is given one instance at most, ever.
        OneInstance = "one-instance",
        /// What is asked for, boots or works does not exceed the worker type's maximum.
        CapacityTrue = "capacity-true",
        /// The provisioner ends no instance whose worker holds a task, but for its age or a spent day.
        ClaimedEnded = "claimed-ended",
        /// No stray is ended whose worker holds a task.
        StrayClaimed = "stray-claimed",
        /// A bill is of the stay that was, and costs what the market's rules say.
        BillRight = "bill-right",
        /// Each instance that ran is billed exactly once.
        BillOnce = "bill-once",
        /// All bills together are what the run is said to have cost.
        BillsAddUp = "bills-add-up",
        /// A task is held by one worker at most, waits, runs and is resolved once.
        TaskOnce = "task-once",
        /// A worker claims only while it is up, for its own queue, and no more than it can run.
        WorkerCapacity = "worker-capacity",
        /// A task is lost only with its worker, and runs again when its claim expired or notice was given.
        RunAgain = "run-again",
        /// A task runs again as often as it may, and not more often.
        RetryLimit = "retry-limit",
        /// All tasks that entered are resolved or left, and counted as what they are.
        TasksAddUp = "tasks-add-up",
        /// No instance runs for long without being anybody's while the provisioner can see it.
        Orphan = "orphan",
        /// No worker holds nothing for long and goes on, while the provisioner can see and end it.
        ZombieEnded = "zombie-ended",
        /// No instance lives much longer than it may while the provisioner can end it.
        Outlived = "outlived",
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The notes so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// When the event is that is being looked at.
    pub(crate) at: Ms,
    kept: Vec<Note>,
    count: u64,
}

impl Notes {
    /// Something is not as the rule says.
    pub(crate) fn note(&mut self, rule: Rule, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.kept.len() < Auditor::NOTES_MAX {
            self.kept.push(Note { at: self.at, rule, what: what() });
        }
    }

    pub(crate) fn all(&self) -> &[Note] {
        &self.kept
    }

    pub(crate) fn into_all(self) -> Vec<Note> {
        self.kept
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_rule_has_a_name_and_a_sentence_of_its_own() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        let sentences: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.sentence()).collect();
        assert_eq!((names.len(), sentences.len()), (Rule::ALL.len(), Rule::ALL.len()));
        for rule in Rule::ALL {
            let sentence = rule.sentence();
            assert!(sentence.ends_with('.') && !sentence.starts_with(' '), "{sentence}");
        }
    }
}
