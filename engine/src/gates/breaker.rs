//! Stops buying what never becomes a worker.
//!
//! A worker type, an image and a region are suspects. A failed boot is held against the narrowest
//! of them that is not known to fail already: against the worker type until its breaker opens,
//! then no further, so that one broken worker type condemns neither an image nor a region that
//! others share. Against the image goes what fails for several worker types, or for one that
//! works with another image; against the region what fails with several images. Refusals that name
//! their cause open its breaker at once: a rejected launch the worker type's, an unusable image
//! its own, a limit on volumes the region's.
//!
//! A worker that registers clears all three: its worker type, its image and its region. A worker
//! that registers and never claims a task is a failed boot too, found out late: when it is ended as
//! a zombie, or stops itself although tasks waited all along. From then on, until one is known to
//! have claimed, registering proves nothing, and new workers are asked after early. An instance that EC2 took back,
//! or that we ended, says nothing.
//!
//! What never registered anywhere is unproven, and only so many of it may be under way. To the
//! first launch of a worker type an unproven image is always open, so that whoever fills it up
//! starves nobody. Regions need no proof: what is wrong in one shows at the first boots.

use serde::{Deserialize, Serialize};

use super::latch::Latch;
use super::{Event, Opening, Site, Table};
use crate::decision::{Reason, Suspect};
use crate::guards::BreakerRule;
use crate::ids::WorkerTypeId;
use crate::ledger::Stage;
use crate::observation::{EndCause, Refusal};
use crate::remap::Remap;
use crate::units::Time;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Breaker {
    worker_types: Table<Record>,
    images: Table<Record>,
    regions: Table<Record>,
}

/// What is known of one suspect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// A worker registered once.
    proven: bool,
    /// Failures since one did.
    failures: u32,
    /// Launches that are not answered.
    asked: u32,
    /// Instances whose worker has not registered.
    booting: u32,
    latch: Latch,
    /// Workers register and never claim.
    hollow: bool,
}

impl Breaker {
    /// Goes over to other ids.
    pub(super) fn configure(&mut self, remap: &Remap) {
        let worker_type = |old| remap.worker_type(WorkerTypeId::new(old));
        self.worker_types.configure(|old| Some(worker_type(old)?.index()));
        self.images.configure(|old| Some(remap.images[old].index()));
        self.regions.configure(|old| Some(remap.regions[old].index()));
    }

    /// Counts anew what is under way.
    pub(super) fn recount(&mut self, under_way: &[(Site, Stage)]) {
        for table in [&mut self.worker_types, &mut self.images, &mut self.regions] {
            table.values_mut().for_each(|record| (record.asked, record.booting) = (0, 0));
        }
        for (site, stage) in under_way {
            for record in self.suspects(site) {
                record.count(Event::Ordered);
                if *stage > Stage::Requested {
                    record.count(Event::Accepted);
                }
            }
        }
    }

    /// The narrowest first.
    fn suspects(&mut self, site: &Site) -> [&mut Record; 3] {
        [
            self.worker_types.at(site.worker_type.index()),
            self.images.at(site.image.index()),
            self.regions.at(site.region.index()),
        ]
    }

    pub(super) fn note(
        &mut self,
        rule: &BreakerRule,
        now: Time,
        site: &Site,
        ordered: Time,
        event: Event,
    ) {
        let mut suspects = self.suspects(site);
        for record in &mut suspects {
            record.count(event);
        }
        let culprit = match event {
            Event::Refused(Refusal::Rejected) => Some(0),
            Event::Refused(Refusal::ImageUnusable) => Some(1),
            Event::Refused(Refusal::VolumeLimit) | Event::BootFailed(EndCause::VolumeLimit) => {
                Some(2)
            }
            Event::Ordered
            | Event::Accepted
            | Event::Refused(_)
            | Event::Withdrawn
            | Event::Registered
            | Event::BootFailed(_)
            | Event::Abandoned
            | Event::Worked
            | Event::NeverWorked
            | Event::Lost { registered: _ } => None,
        };
        match (event, culprit) {
            (_, Some(culprit)) => suspects[culprit].open_at_once(rule, now, ordered),
            (Event::BootFailed(_) | Event::NeverWorked, None) => {
                for record in &mut suspects {
                    record.hollow |= event == Event::NeverWorked;
                    if record.fail(rule, now, ordered) {
                        break;
                    }
                }
            }
            (Event::Ordered, None) => {
                suspects.iter_mut().for_each(|record| record.latch.probe(now, rule.probe_max));
            }
            (Event::Registered | Event::Worked, None) => {
                suspects.iter_mut().for_each(|record| record.clear(event));
            }
            (
                Event::Accepted
                | Event::Refused(_)
                | Event::Withdrawn
                | Event::Abandoned
                | Event::Lost { registered: _ },
                None,
            ) => {}
        }
        if matches!(event, Event::Refused(_) | Event::Withdrawn) {
            for (index, record) in suspects.iter_mut().enumerate() {
                if record.asked == 0 && culprit != Some(index) {
                    record.latch.probe_again(now, ordered, rule.probe_min);
                }
            }
        }
    }

    pub(super) fn is_hollow(&self, site: &Site) -> bool {
        let is_hollow = |record: Option<&Record>| record.is_some_and(|record| record.hollow);
        is_hollow(self.worker_types.get(site.worker_type.index()))
            || is_hollow(self.images.get(site.image.index()))
            || is_hollow(self.regions.get(site.region.index()))
    }

    pub(super) fn open(&self, rule: &BreakerRule, now: Time, site: &Site) -> Opening {
        let Site { worker_type, image, region, .. } = *site;
        let record = |table: &Table<Record>, index| table.get(index).copied().unwrap_or_default();
        let own = record(&self.worker_types, worker_type.index());
        let shared = record(&self.images, image.index());
        let [own_name, shared_name] = [Suspect::WorkerType(worker_type), Suspect::Image(image)];
        let suspects = [
            (own_name, own),
            (shared_name, shared),
            (Suspect::Region(region), record(&self.regions, region.index())),
        ];
        let degraded = suspects.into_iter().filter_map(|(what, Record { failures, latch, .. })| {
            let until = latch.until()?;
            let reason = Reason::BreakerOpen { worker_type, what, failures, until };
            Some(Opening::of(u32::from(until <= now), reason))
        });
        let unproven = |what, record: Record, least: u32| {
            let under_way = record.asked + record.booting;
            let left = rule.unproven_max.saturating_sub(under_way).max(least);
            let reason = Reason::Unproven { worker_type, what, under_way };
            (!record.proven).then(|| Opening::of(left, reason))
        };
        let is_first = u32::from(own.asked + own.booting == 0);
        degraded
            .chain(unproven(own_name, own, 0))
            .chain(unproven(shared_name, shared, is_first))
            .fold(Opening::WIDE, Opening::and)
    }
}

impl Record {
    fn count(&mut self, event: Event) {
        match event {
            Event::Ordered => self.asked += 1,
            Event::Accepted => {
                self.asked = self.asked.saturating_sub(1);
                self.booting += 1;
            }
            Event::Refused(_) | Event::Withdrawn => self.asked = self.asked.saturating_sub(1),
            Event::Registered
            | Event::BootFailed(_)
            | Event::Abandoned
            | Event::Lost { registered: false } => self.booting = self.booting.saturating_sub(1),
            Event::Worked | Event::NeverWorked | Event::Lost { registered: true } => {}
        }
    }

    /// A boot failed. Says whether that explains it: the breaker is open.
    fn fail(&mut self, rule: &BreakerRule, now: Time, ordered: Time) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= rule.failures {
            self.latch.shut(now, ordered, rule.probe_min);
        }
        self.latch.until().is_some()
    }

    fn open_at_once(&mut self, rule: &BreakerRule, now: Time, ordered: Time) {
        if self.latch.shut(now, ordered, rule.probe_min) {
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// A worker registered, or claimed.
    fn clear(&mut self, event: Event) {
        self.proven = true;
        self.hollow &= event != Event::Worked;
        if !self.hollow {
            self.failures = 0;
            self.latch.reset();
        }
    }
}
