//! Left alone for a while, then probed by one launch at a time: what failed and may have
//! recovered.
//!
//! A latch that shuts waits for a time, then lets one launch through as a probe, and waits twice
//! as long for the next one, up to a limit. It never stops probing. Answers to launches that were
//! ordered before it shut say nothing new, so many refusals of one moment count once, and a
//! success from before the trouble does not end it.

use serde::{Deserialize, Serialize};

use crate::units::{Duration, Time};

/// Open, or shut since some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Latch(Option<Shut>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shut {
    since: Time,
    /// When the next probe may go.
    until: Time,
    wait: Duration,
}

impl Latch {
    /// When the next probe may go, if it is shut.
    pub(super) fn until(&self) -> Option<Time> {
        self.0.map(|shut| shut.until)
    }

    /// A launch that was ordered then failed. Says whether that is news.
    pub(super) fn shut(&mut self, now: Time, ordered: Time, wait: Duration) -> bool {
        let is_news = self.0.is_none_or(|shut| shut.since < ordered);
        let first = Shut { since: now, until: now.saturating_add(wait), wait };
        self.0 = self.0.or(Some(first));
        is_news
    }

    /// A launch is ordered: if it is shut, that is its probe.
    pub(super) fn probe(&mut self, now: Time, wait_max: Duration) {
        if let Some(Shut { until, wait, .. }) = &mut self.0 {
            *wait = Duration::from_ms(wait.ms().saturating_mul(2)).min(wait_max);
            *until = now.saturating_add(*wait);
        }
    }

    /// A launch that was ordered then came to nothing and said nothing: if it was a probe, another
    /// may go, as if it had not been.
    pub(super) fn probe_again(&mut self, now: Time, ordered: Time, wait_min: Duration) {
        if let Some(Shut { since, until, wait }) = &mut self.0
            && *since < ordered
        {
            *wait = Duration::from_ms(wait.ms() / 2).max(wait_min);
            *until = (*until).min(now);
        }
    }

    /// A launch that was ordered then succeeded. Says whether it is open now.
    pub(super) fn open(&mut self, ordered: Time) -> bool {
        self.0 = self.0.filter(|shut| ordered <= shut.since);
        self.0.is_none()
    }

    /// Whatever shut it is over.
    pub(super) fn reset(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by storm 2759: requests that were withdrawn late let a breaker be probed at once.
    #[test]
    fn what_was_ordered_before_it_shut_was_no_probe_and_brings_none_forward() {
        let at = |minute| Time::EPOCH + Duration::from_mins(minute);
        let mut latch = Latch::default();
        latch.shut(at(10), at(9), Duration::from_mins(10));
        latch.probe_again(at(12), at(5), Duration::from_mins(10));
        assert_eq!(latch.until(), Some(at(20)));
        latch.probe(at(20), Duration::from_mins(60));
        assert_eq!(latch.until(), Some(at(40)));
        latch.probe_again(at(21), at(20), Duration::from_mins(10));
        assert_eq!(latch.until(), Some(at(21)));
    }
}
