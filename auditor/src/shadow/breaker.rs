//! What never boots is not bought again and again.
//!
//! A boot failed if its instance was told to end by the launch itself, or by us, before its worker
//! registered. Counted are a worker type, an image and a region, each since its last success. What
//! is to blame is not known here; so only where all three failed often enough is a launch certainly
//! under an open breaker, and then it must be a probe: alone, and not sooner than the shortest wait
//! after the last launch of that kind, unless that came to nothing for another cause. A refusal that
//! names the image, or the region's volumes, opens at once.
//!
//! Of a worker type or an image of which nothing ever registered, so many launches may be under way
//! or booting as the rules say; whoever has none of them may always launch one of an image.
//!
//! Exceptions: a call that is made again is no launch. Instances that were taken back, that ended by
//! themselves or that were ended past the worker type's longest life did not fail to boot.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::Known;
use crate::note::{Notes, Rule};
use crate::{Check, EndedBy, Launch, Ms, Order, Refusal, Scene, Told};

#[derive(Default)]
pub(super) struct Breakers {
    failed: BTreeMap<Part, u32>,
    /// Parts that a refusal named.
    named: BTreeSet<Part>,
    proven: BTreeSet<Part>,
    /// The last launch of a worker type with an image in a region.
    last: BTreeMap<[Part; 3], Last>,
}

#[derive(Clone, Copy)]
struct Last {
    launch: Launch,
    ordered: Ms,
    /// It was given, or refused for what it is.
    answered: bool,
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
        if let Some(last) = self.last.get_mut(&parts).filter(|last| last.launch == launch) {
            last.answered = match *told {
                Told::Refused { why, .. } => {
                    matches!(why, Refusal::Image | Refusal::Volumes | Refusal::Rejected)
                }
                _ => true,
            };
        }
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
        let last = Last { launch: first, ordered: scene.at, answered: false };
        let is_recent = |last: Last| {
            let counts = last.answered || scene.book.launch(last.launch).is_some();
            counts && scene.at - last.ordered < rules.probe_min
        };
        let is_soon = self.last.insert(parts, last).is_some_and(is_recent);
        if is_open && (count > 1 || is_soon) {
            notes.note(Rule::BreakerProbe, || {
                format!("#{first}: {count} for {} in {}, which never boots", name(), place())
            });
        }
        let [own, shared, _] = parts;
        for part in [own, shared].into_iter().filter(|part| !self.proven.contains(part)) {
            let same = |known: &Known| match part {
                Part::WorkerType(id) => known.worker_type == id,
                Part::Image(id) => known.image == id,
                Part::Region(_) => false,
            };
            let boots = |known: &Known| !known.registered && known.counts() && same(known);
            let booting: Vec<&Known> =
                scene.book.launches().map(|(_, known)| known).filter(|it| boots(it)).collect();
            let is_first = !booting.iter().any(|known| known.worker_type == worker_type);
            let may_be_first = is_first && count == 1 && matches!(part, Part::Image(_));
            let (after, most) = (booting.len() as u64 + u64::from(count), rules.unproven_max);
            if after > most.into() && !may_be_first {
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
    use crate::{Breaker, Event, Rules};

    fn bounded() -> Rules {
        let (failures, probe_min) = (2, 10 * MINUTE);
        let breaker = Breaker { failures, probe_min, unproven_max: 5, boot_max: 45 * MINUTE };
        Rules { breaker: Some(breaker), ..rules() }
    }

    fn bought(rule: Rule, story: impl IntoIterator<Item = (Ms, Event)>) -> Vec<Ms> {
        notes(rule, bounded(), story)
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
    fn a_probe_that_came_to_nothing_was_none() {
        let story = |why| {
            let refused = |at, launch, why| told(at, Told::Refused { launch, why });
            let closed = vec![decided(1, [launch(1, 1)]), refused(2, 1, Refusal::Image)];
            let probe = vec![decided(HOUR, [launch(2, 1)]), refused(HOUR + 1, 2, why)];
            let again = vec![decided(HOUR + MINUTE, [launch(3, 1)])];
            bought(Rule::BreakerProbe, [closed, probe, again].concat())
        };
        assert_eq!(story(Refusal::Dry), []);
        assert_eq!(story(Refusal::Image), [HOUR + MINUTE]);
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

    #[test]
    fn a_region_needs_no_proof() {
        let mut rules = bounded();
        rules.pools.entry(1).and_modify(|pool| pool.region = 9);
        let registered = told(2, Told::Registered { launch: 1 });
        let story = [decided(1, [launch(1, 1)]), registered, decided(3, [launch_in(2, 6, 1)])];
        assert_eq!(notes(Rule::UnprovenMax, rules, story), []);
    }

    #[test]
    fn a_worker_type_may_launch_its_first_of_an_image_that_others_fill_up() {
        let then = |launches: &[(Launch, u32)]| {
            let of_others = |(first, count): &(Launch, u32)| {
                decided(10 + Ms::from(*count), [launch_in(*first, *count, 2)])
            };
            let story = launches.iter().map(of_others);
            bought(Rule::UnprovenMax, [decided(1, [launch(1, 5)])].into_iter().chain(story))
        };
        assert_eq!(then(&[(6, 1)]), []);
        assert_eq!(then(&[(6, 2)]), [12]);
        assert_eq!(then(&[(6, 1), (7, 1)]), [11]);
    }
}
