//! Listings compared with what earlier ones showed: the facts that are news.
//!
//! The edge lists all instances of ours in a region (`DescribeInstances`, page after page) and
//! gives each *complete* listing to an [`Inventory`]; one that failed halfway is thrown away, for
//! it says nothing about what it lacks. Two steps make facts of it, both to be observed in order:
//! [`Inventory::found`], so that the engine can say whose each instance is, then
//! [`Inventory::changed`].
//!
//! Listings lag, and consecutive ones may contradict one another. An instance that was seen on its
//! way out never comes back; of earlier stages the furthest holds; absence is told as such, each
//! time, and believed by nobody here.
//!
//! What is known and what is listed both stand in the order of instances and are gone through side
//! by side: most rows say what the last listing said, and cost a comparison.
//!
//! Not here: who owns what and what absence means ([`Engine::owner`](crate::Engine::owner),
//! [`ListingRule`](crate::guards::ListingRule)).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::decision::Market;
use crate::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use crate::observation::{EndCause, Observation};
use crate::units::{Duration, Time};

/// What belongs to no launch and is missing for longer than this has ended, and what has ended is
/// remembered for so long: EC2 shows terminated instances for about an hour.
const FORGOTTEN_AFTER: Duration = Duration::HOUR;

/// One instance of ours, as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which instance.
    pub instance: InstanceId,
    /// The launch it is labelled with, if the label is there.
    pub launch: Option<LaunchId>,
    /// The worker type it is labelled with, if that still exists.
    pub worker_type: Option<WorkerTypeId>,
    /// The pool it is from, if that is known.
    pub pool: Option<PoolId>,
    /// In which market it was bought.
    pub market: Market,
    /// Where it is.
    pub state: State,
    /// When EC2 launched it.
    pub launched: Time,
}

/// EC2's instance states, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `pending`.
    Pending,
    /// `running`.
    Running,
    /// `shutting-down`, `stopping` or `stopped`.
    Stopping(EndCause),
    /// `terminated`.
    Terminated(EndCause),
}

impl State {
    /// A later state has a higher one.
    const fn rank(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Running => 2,
            Self::Stopping(_) => 3,
            Self::Terminated(_) => 4,
        }
    }

    const fn is_out(self) -> bool {
        matches!(self, Self::Stopping(_) | Self::Terminated(_))
    }
}

/// What the listings of all regions showed so far.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// In the order of instances.
    regions: BTreeMap<RegionId, Vec<Seen>>,
}

/// What is known of one instance.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The row that was told last, with all labels that were ever seen and the furthest state.
    row: Row,
    /// Whom the state was told about, `None` for nobody's, and how far it was then.
    told: Option<(Option<LaunchId>, u8)>,
    /// Since which listing it is missing.
    missing: Option<Time>,
}

impl Row {
    /// This row, and what `before` knew better: a label that a stale answer lacks was there all
    /// the same.
    fn after(self, before: &Self) -> Self {
        let further = self.state.rank() > before.state.rank();
        Self {
            launch: self.launch.or(before.launch),
            worker_type: self.worker_type.or(before.worker_type),
            pool: self.pool.or(before.pool),
            state: if further { self.state } else { before.state },
            ..self
        }
    }

    const fn fact(&self) -> Observation {
        let Self { instance, launch, worker_type, pool, market, launched, state: _ } = *self;
        Observation::InstanceFound { instance, launch, worker_type, pool, market, launched }
    }
}

impl Inventory {
    /// Nothing was listed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a complete listing of a region; tells what is there for the first time, again
    /// after it was missing, or under other labels. What is first seen on its way out is not
    /// found.
    pub fn found(&mut self, region: RegionId, rows: &[Row]) -> Vec<Observation> {
        let known = self.regions.entry(region).or_default();
        let (mut news, mut fresh, mut place) = (Vec::new(), Vec::new(), 0);
        for row in in_order(rows).iter() {
            while known.get(place).is_some_and(|seen| seen.row.instance < row.instance) {
                place += 1;
            }
            let known = known.get_mut(place).filter(|seen| seen.row.instance == row.instance);
            let Some(seen) = known else {
                if !row.state.is_out() {
                    news.push(row.fact());
                }
                fresh.push(Seen { row: *row, told: None, missing: None });
                continue;
            };
            if seen.row == *row && seen.missing.is_none() {
                continue;
            }
            let row = row.after(&seen.row);
            let labels = |row: &Row| (row.launch, row.worker_type, row.pool);
            if seen.missing.is_some() || labels(&seen.row) != labels(&row) {
                if !row.state.is_out() {
                    news.push(row.fact());
                }
                seen.told = None;
            }
            (seen.row, seen.missing) = (row, None);
        }
        if !fresh.is_empty() {
            known.append(&mut fresh);
            known.sort_by_key(|seen| seen.row.instance);
        }
        news
    }

    /// Tells what else the same listing changed: states, absences, and last that it was made.
    /// `as_of` is when it began; `owner` says to which launch an instance with that label belongs.
    pub fn changed(
        &mut self,
        region: RegionId,
        as_of: Time,
        rows: &[Row],
        owner: impl Fn(InstanceId, Option<LaunchId>) -> Option<LaunchId>,
    ) -> Vec<Observation> {
        let known = self.regions.entry(region).or_default();
        let (rows, mut news, mut place) = (in_order(rows), Vec::new(), 0);
        known.retain_mut(|seen| {
            let instance = seen.row.instance;
            while rows.get(place).is_some_and(|row| row.instance < instance) {
                place += 1;
            }
            let owner = owner(instance, seen.row.launch);
            let (state, is_out) = (seen.row.state, seen.row.state.is_out());
            if rows.get(place).is_none_or(|row| row.instance != instance) {
                let since = *seen.missing.get_or_insert(as_of);
                let forgotten = as_of.since(since) > FORGOTTEN_AFTER;
                match owner {
                    Some(launch) if !is_out => {
                        news.push(Observation::InstanceMissed { launch, as_of });
                        return true;
                    }
                    None if !is_out && forgotten => {
                        news.push(Observation::StrayEnded { instance });
                    }
                    Some(_) | None => {}
                }
                return !forgotten;
            }
            if seen.told.is_some_and(|(to, rank)| to == owner && rank >= state.rank()) {
                return true;
            }
            match owner {
                Some(launch) => news.push(fact(launch, instance, state)),
                None if is_out => news.push(Observation::StrayEnded { instance }),
                // Its launch was closed, and it is still there.
                None if seen.told.is_some_and(|(to, _)| to.is_some()) => news.push(seen.row.fact()),
                None => {}
            }
            seen.told = Some((owner, state.rank()));
            true
        });
        news.push(Observation::InstancesListed { region, as_of });
        news
    }
}

/// The rows in the order of instances, each once, as the last one of it says.
fn in_order(rows: &[Row]) -> Cow<'_, [Row]> {
    if rows.is_sorted_by(|a, b| a.instance < b.instance) {
        return Cow::Borrowed(rows);
    }
    let mut rows = rows.to_vec();
    rows.reverse();
    rows.sort_by_key(|row| row.instance);
    rows.dedup_by_key(|row| row.instance);
    Cow::Owned(rows)
}

const fn fact(launch: LaunchId, instance: InstanceId, state: State) -> Observation {
    match state {
        State::Pending => Observation::InstancePending { launch, instance },
        State::Running => Observation::InstanceRunning { launch },
        State::Stopping(cause) => Observation::InstanceStopping { launch, cause },
        State::Terminated(cause) => Observation::InstanceEnded { launch, cause },
    }
}
