//! What never boots is not bought again and again.
//!
//! A boot failed if its instance was told to end by the launch itself, or by us, before its worker
//! registered. Counted are a worker type, an image and a region, each since its last success. What
//! is to blame is not known here; so only where all three failed often enough is a launch certainly
//! under an open breaker, and then it must be a probe: alone, and not sooner than the shortest wait
//! after the last launch of that kind. A refusal that names the image, or the region's volumes,
//! opens at once.
//!
//! Of a worker type or an image of which nothing ever registered, so many launches may be under way
//! or booting as the rules say.
//!
//! Exceptions: a call that is made again is no launch. Instances that were taken back, that ended by
//! themselves or that were ended past the worker type's longest life did not fail to boot.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Check, EndedBy, Ms, Order, Refusal, Scene, Told};

#[derive(Default)]
pub(super) struct Breakers {
    failed: BTreeMap<Part, u32>,
    /// Parts that a refusal named.
    named: BTreeSet<Part>,
    proven: BTreeSet<Part>,
    /// The last launch of a worker type with an image in a region.
    last: BTreeMap<[Part; 3], Ms>,
}

/// What a failed boot may be blamed on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    WorkerType(u32),
    Image(Option<u32>),
    Region(Option<u32>),
}

impl Check for Breakers {
    fn told(&mut self, scene: &Scene<'_>, told: &Told, _: &mut Notes) {
        let (Told::Registered { launch }
        | Told::Checked { launch, ever: true, .. }
        | Told::Idled { launch }
        | Told::Refused { launch, .. }
        | Told::Stopping { launch, .. }
        | Told::Ended { launch, .. }) = *told
        else {
            return;
        };
        let Some(known) = scene.book.launch(launch) else { return };
        let parts = parts(scene, known);
        match *told {
            Told::Refused { why, .. } => {
                let [_, image, region] = parts;
                let named = match why {
                    Refusal::Image => image,
                    Refusal::Volumes => region,
                    _ => return,
                };
                self.named.insert(named);
            }
            Told::Stopping { by, .. } | Told::Ended { by, .. } => {
                let by_itself =
                    matches!(by, EndedBy::Worker | EndedBy::Interruption | EndedBy::Vanished);
                if known.registered || known.stopping || by_itself {
                    return;
                }
                if by == EndedBy::Volumes {
                    self.named.insert(parts[2]);
                }
                for part in parts {
                    *self.failed.entry(part).or_default() += 1;
                }
            }
            _ => {
                for part in parts {
                    self.failed.remove(&part);
                    self.named.remove(&part);
                    self.proven.insert(part);
                }
            }
        }
    }

    fn ordered(&mut self, scene: &Scene<'_>, order: &Order, notes: &mut Notes) {
        let Order::Launch { first, count, worker_type, pool, .. } = *order else { return };
        let Some(rules) = scene.rules.breaker.filter(|_| scene.book.is_new(first)) else { return };
        let image = scene.rules.candidate(worker_type, pool).map(|candidate| candidate.image);
        let parts = [
            Part::WorkerType(worker_type),
            Part::Image(image),
            Part::Region(scene.rules.region_of(pool)),
        ];
        let failed = |part: &Part| self.failed.get(part).copied().unwrap_or(0);
        let is_open = parts.iter().all(|part| failed(part) >= rules.failures)
            || parts.iter().any(|part| self.named.contains(part));
        let (name, place) = (|| scene.rules.name(worker_type), || scene.rules.pool_name(pool));
        let last = self.last.insert(parts, scene.at);
        if is_open && (count > 1 || last.is_some_and(|last| scene.at - last < rules.probe_min)) {
            notes.note(Rule::BreakerProbe, || {
                format!("#{first}: {count} for {} in {}, which never boots", name(), place())
            });
        }
        let unproven = parts.iter().filter(|part| !self.proven.contains(part));
        for part in unproven {
            let same = |known: &Known| match *part {
                Part::WorkerType(id) => known.worker_type == id,
                Part::Image(id) => known.image == id,
                Part::Region(_) => false,
            };
            let boots = |known: &Known| !known.registered && known.counts() && same(known);
            let booting = scene.book.launches().filter(|(_, known)| boots(known)).count();
            let (after, most) = (booting as u64 + u64::from(count), rules.unproven_max);
            if after > most.into() {
                notes.note(Rule::UnprovenMax, || {
                    format!("#{first} for {}: {after} unproven boot, of at most {most}", name())
                });
            }
        }
    }
}

fn parts(scene: &Scene<'_>, known: &Known) -> [Part; 3] {
    [
        Part::WorkerType(known.worker_type),
        Part::Image(known.image),
        Part::Region(scene.rules.region_of(known.pool)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::*;
    use crate::{Breaker, Event, Launch, Rules};

    fn bought(rule: Rule, story: impl IntoIterator<Item = (Ms, Event)>) -> Vec<Ms> {
        let (failures, probe_min) = (2, 10 * MINUTE);
        let breaker = Breaker { failures, probe_min, unproven_max: 5, boot_max: 45 * MINUTE };
        notes(rule, Rules { breaker: Some(breaker), ..rules() }, story)
    }

    fn ended(launch: Launch, by: EndedBy) -> (Ms, Event) {
        told(9, Told::Ended { launch, by })
    }

    #[test]
    fn what_failed_too_often_is_bought_by_probes() {
        let then = |facts: Vec<_>, at, count| {
            let story = vec![decided(1, [launch(1, 2)])];
            let story = [story, facts, vec![decided(at, [launch(3, count)])]].concat();
            bought(Rule::BreakerProbe, story)
        };
        let twice = |by| vec![ended(1, by), ended(2, by)];
        let late = 1 + 10 * MINUTE;
        assert_eq!(then(twice(EndedBy::Us), late, 1), []);
        assert_eq!(then(twice(EndedBy::Us), late - 1, 1), [late - 1]);
        assert_eq!(then(twice(EndedBy::LaunchFailed), late, 2), [late]);
        assert_eq!(then(twice(EndedBy::Interruption), late, 2), []);
        assert_eq!(then(vec![ended(1, EndedBy::Us)], late, 2), []);
        let registered = told(9, Told::Registered { launch: 2 });
        assert_eq!(
            then(vec![ended(1, EndedBy::Us), registered, ended(2, EndedBy::Us)], late, 2),
            []
        );
        let refused = |why| vec![told(9, Told::Refused { launch: 1, why })];
        assert_eq!(then(refused(Refusal::Image), late, 2), [late]);
        assert_eq!(then(refused(Refusal::Volumes), late, 2), [late]);
        assert_eq!(then(refused(Refusal::Dry), late, 2), []);
    }

    #[test]
    fn of_what_is_unproven_only_so_many_boot() {
        let story = |facts: Vec<_>| {
            let story = vec![decided(1, [launch(1, 2), launch(3, 3)])];
            bought(Rule::UnprovenMax, [story, facts, vec![decided(20, [launch(6, 1)])]].concat())
        };
        assert_eq!(story(vec![]), [20, 20], "the worker type, and the image");
        assert_eq!(story(vec![ended(1, EndedBy::Us)]), []);
        assert_eq!(story(vec![told(9, Told::Registered { launch: 1 })]), []);
    }
}
