//! Instances in reused slots, and the workers with a free slot in claim order.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::observation::EndCause;
use provisioner_engine::random::Stream;
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use rand::RngExt;

use super::event::{GENERATIONS, Handle};
use super::lifecycle::Lifecycle;
use super::tasks::NONE;
use crate::config::ClaimOrder;

/// An instance, or the request for one. What each of its tasks changes stands in its first cache
/// line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Instance {
    pub(super) worker_type: WorkerTypeId,
    pub(super) stage: Stage,
    /// EC2 announced its end.
    pub(super) noticed: Option<Notice>,
    /// What is wrong with its worker.
    pub(super) health: Health,
    pub(super) ignores_idle: bool,
    /// Its longest uptime is over; it claims no more.
    pub(super) retired: bool,
    pub(super) capacity: u32,
    /// Slots with a task, or at rest after one.
    pub(super) busy: u32,
    /// The first of them.
    pub(super) first_task: u32,
    /// Counts the idle periods of this slot.
    pub(super) idle_period: u32,
    /// Place among the workers with a free slot.
    pub(super) place: Place,
    /// Counts the lives of this slot.
    pub(super) generation: u32,
    pub(super) utility: Ratio,
    /// Slot-time spent on tasks that were done.
    pub(super) useful: Duration,
    /// When it last claimed a task; [`NEVER`] if it did not.
    pub(super) last_claim: Time,
    pub(super) running_since: Time,
    /// Slot-time spent on tasks that were lost, to be run again or not.
    pub(super) redone: Duration,
    pub(super) wasted: Duration,
    pub(super) working_since: Option<Time>,
    /// When EC2 takes it back by chance; once that was announced, when its worker sees the notice.
    pub(super) hazard: Time,
    /// When EC2 recommends to replace it, if it does.
    pub(super) rebalance: Time,
    /// When it will have been taken back, once that was announced.
    pub(super) ends_at: Time,
    /// Since when its worker is ill, and the tasks it held then: the queue takes them for claimed
    /// until their claims expire.
    pub(super) ill_since: Time,
    pub(super) held_then: u32,
    pub(super) launch: LaunchId,
    pub(super) market: Market,
    pub(super) pool: PoolId,
    /// Index among the spot instances or waiting requests of its pool.
    pub(super) in_pool: u32,
    /// The most that is paid for it.
    pub(super) max_price: UsdPerHour,
    /// Names its random draws: which of its pool it is.
    pub(super) identity: u64,
    /// The index of the price in force when it began to run, in its pool's history.
    pub(super) first_price: usize,
    /// Who ended it, once it is stopping.
    pub(super) ended_by: EndCause,
    /// Where it stands in EC2's own words.
    pub(super) lifecycle: Lifecycle,
    /// Whether its caller hears of it.
    pub(super) voice: Voice,
    /// The engine was told that it ended, which was a lie.
    pub(super) lied_about: bool,
    /// How many launches its call asked for together with it, if it is the first of them.
    pub(super) siblings: u32,
}

// Four cache lines while it lives and nothing afterwards.
const _: () = assert!(size_of::<Instance>() <= 256);
const _: () = assert!(std::mem::offset_of!(Instance, last_claim) < 64);

/// Where an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Launched; EC2 has not answered.
    Asked,
    /// A spot request that waits for its price or for capacity.
    Open,
    Pending,
    Running,
    Working,
    Stopping,
    /// No instance: the slot is free.
    Free,
}

/// Whether the caller hears of what becomes of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    Heard,
    /// The answer arrives twice.
    Twice,
    /// The answer was lost: nothing is known of it until it is looked for or its worker registers.
    Unheard,
}

impl Instance {
    /// EC2 names its instances as it likes; here each carries its launch's number.
    pub(super) const fn id(&self) -> InstanceId {
        InstanceId(self.launch.0)
    }

    /// Its end was announced and the worker knows: it claims no more and waits for it.
    pub(super) fn is_leaving(&self) -> bool {
        self.noticed == Some(Notice::Seen)
    }

    /// Its worker claims tasks, or decides to stop.
    pub(super) fn acts(&self) -> bool {
        self.stage == Stage::Working && !self.is_leaving() && self.health == Health::Well
    }
}

/// Before all times of a run.
pub(super) const NEVER: Time = Time::from_ms(i64::MIN);

/// Whether a worker does what workers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    /// It never registers.
    Silent,
    /// It registers, and claims nothing.
    Lame,
    /// It does nothing any more.
    Hung,
}

/// What the worker knows of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Its worker will see it, and does not know yet.
    Coming,
    Seen,
    Missed,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    listed: bool,
    next: u32,
    previous: u32,
}

impl Place {
    pub(super) const OUT: Self = Self { listed: false, next: NONE, previous: NONE };

    pub(super) const fn is_listed(self) -> bool {
        self.listed
    }
}

/// All instances that have not ended, in reused slots.
#[derive(Debug, Default)]
pub(super) struct Instances {
    slots: Vec<Instance>,
    free: Vec<u32>,
}

impl Instances {
    pub(super) fn insert(&mut self, instance: Instance) -> u32 {
        if let Some(slot) = self.free.pop() {
            let Instance { generation, idle_period, .. } = self.slots[slot as usize];
            self.slots[slot as usize] = Instance { generation, idle_period, ..instance };
            return slot;
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than four billion instances");
        self.slots.push(instance);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let instance = &mut self[slot];
        assert!(instance.busy == 0, "an instance ends without tasks");
        assert!(!instance.place.listed, "an instance that ended cannot claim");
        instance.stage = Stage::Free;
        instance.generation = (instance.generation + 1) % GENERATIONS;
        self.free.push(slot);
    }

    pub(super) fn handle(&self, slot: u32) -> Handle {
        Handle { slot, generation: self[slot].generation }
    }

    /// The slot, if what was there then is still there.
    #[inline(always)]
    pub(super) fn find(&self, handle: Handle) -> Option<u32> {
        (self[handle.slot].generation == handle.generation).then_some(handle.slot)
    }

    /// Slots of all instances and requests that have not ended.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + use<> {
        let used: Vec<u32> = (0..)
            .zip(&self.slots)
            .filter(|(_, instance)| instance.stage != Stage::Free)
            .map(|(slot, _)| slot)
            .collect();
        used.into_iter()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl std::ops::Index<u32> for Instances {
    type Output = Instance;
    fn index(&self, slot: u32) -> &Instance {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Instances {
    fn index_mut(&mut self, slot: u32) -> &mut Instance {
        &mut self.slots[slot as usize]
    }
}

/// The workers of one type that have a free slot, in the order in which a slot became free.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Ready {
    /// For random polls: all of them; an entry's index stands in its place's `next`.
    any: Vec<u32>,
    order: ClaimOrder,
    oldest: u32,
    newest: u32,
}

impl Ready {
    /// From here on it is what each task needs, unless polls are random.
    pub(super) const HOT: usize = std::mem::offset_of!(Self, order);

    pub(super) const fn new(order: ClaimOrder) -> Self {
        Self { order, oldest: NONE, newest: NONE, any: Vec::new() }
    }

    /// Nobody has a free slot.
    pub(super) fn is_empty(&self) -> bool {
        self.newest == NONE && self.any.is_empty()
    }

    /// Who claims next.
    #[inline(always)]
    pub(super) fn choose(&self, random: &mut Stream) -> Option<u32> {
        let chosen = match self.order {
            ClaimOrder::LastIdled => self.newest,
            ClaimOrder::LongestIdle => self.oldest,
            ClaimOrder::RandomPoll => match self.any.len() {
                0 => NONE,
                1 => self.any[0],
                n => self.any[random.random_range(..n)],
            },
        };
        (chosen != NONE).then_some(chosen)
    }

    /// A slot of this worker became free.
    #[inline(always)]
    pub(super) fn enter(&mut self, instances: &mut Instances, slot: u32) {
        if self.order == ClaimOrder::RandomPoll {
            if !instances[slot].place.listed {
                let next = u32::try_from(self.any.len()).expect("fewer than four billion workers");
                instances[slot].place = Place { listed: true, next, previous: NONE };
                self.any.push(slot);
            }
            return;
        }
        self.leave(instances, slot);
        instances[slot].place = Place { listed: true, next: NONE, previous: self.newest };
        match self.newest {
            NONE => self.oldest = slot,
            newest => instances[newest].place.next = slot,
        }
        self.newest = slot;
    }

    /// This worker has no free slot, or claims no more.
    #[inline(always)]
    pub(super) fn leave(&mut self, instances: &mut Instances, slot: u32) {
        let Place { listed, next, previous } = instances[slot].place;
        if !listed {
            return;
        }
        instances[slot].place = Place::OUT;
        if self.order == ClaimOrder::RandomPoll {
            self.any.swap_remove(next as usize);
            if let Some(&moved) = self.any.get(next as usize) {
                instances[moved].place.next = next;
            }
            return;
        }
        match previous {
            NONE => self.oldest = next,
            previous => instances[previous].place.next = next,
        }
        match next {
            NONE => self.newest = previous,
            next => instances[next].place.previous = previous,
        }
    }
}
