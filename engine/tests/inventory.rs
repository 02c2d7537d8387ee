//! Whatever a listing lags, lacks and contradicts: once the cloud is calm, the engine knows every
//! instance of ours, and no other.

#[path = "support/setup.rs"]
#[allow(dead_code, reason = "stories use the rest")]
mod setup;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Market};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::inventory::{Inventory, Row, State};
use provisioner_engine::observation::{EndCause, Observation};
use provisioner_engine::units::{Duration, Time};

const REGION: usize = 0;
/// Minutes in which answers are late, contradictory or missing, …
const STORM: i64 = 120;
/// … and in which they are not. Longer than any patience, and than ended instances are shown.
const CALM: i64 = 150;

/// An instance; times are minutes.
#[derive(Clone, Debug)]
struct Truth {
    label: Option<LaunchId>,
    launched: i64,
    /// How long each of its changes stays invisible.
    lag: i64,
    ended: i64,
    /// Whether its end is told besides.
    told: bool,
}

impl Truth {
    /// Its row in an answer that shows the world of that minute.
    fn row(&self, instance: u64, minute: i64) -> Option<Row> {
        let visible = |since: i64| minute >= since.saturating_add(self.lag);
        if !visible(self.launched) || visible(self.ended.saturating_add(60)) {
            return None;
        }
        let state = match () {
            () if visible(self.ended.saturating_add(2)) => State::Terminated(EndCause::Worker),
            () if visible(self.ended) => State::Stopping(EndCause::Worker),
            () if visible(self.launched + 2) => State::Running,
            () => State::Pending,
        };
        Some(Row {
            instance: InstanceId(instance),
            launch: self.label,
            worker_type: self.label.map(|_| WorkerTypeId::new(0)),
            pool: Some(PoolId::new(0)),
            market: Market::OnDemand,
            state,
            launched: at(self.launched),
        })
    }
}

fn at(minute: i64) -> Time {
    Time::EPOCH + Duration::MINUTE * minute
}

fn instances() -> impl Strategy<Value = Vec<Truth>> {
    let ended = prop_oneof![2 => Just(i64::MAX), 3 => 5..STORM + 60];
    let one = (any::<bool>(), 0..STORM, 0..25_i64, ended, any::<bool>());
    vec(one, 1..12).prop_map(|all| {
        let number = |(n, (labelled, launched, lag, ended, told)): (u64, _)| Truth {
            label: (labelled || n % 4 > 0).then_some(LaunchId(n)),
            launched,
            lag,
            ended: std::cmp::max(ended, launched + 4),
            told,
        };
        (1..).zip(all).map(number).collect()
    })
}

/// For each minute of the storm, whether its listing is completed, and how far each page is
/// behind.
fn answers() -> impl Strategy<Value = Vec<Option<Vec<i64>>>> {
    let behind = vec(prop_oneof![3 => Just(0_i64), 1 => 0..30_i64], 12);
    vec(option::weighted(0.8, behind), usize::try_from(STORM).expect("few listings"))
}

proptest! {
    #[test]
    fn no_instance_is_invented_or_lost_for_good(mut truth in instances(), answers in answers()) {
        let mut engine = Engine::new(setup::config(
            "
            limits guards=listing
            worker build
            pool c5.large/us-east-1a
            ",
        ));
        let mut inventory = Inventory::new();
        let region = RegionId::new(REGION);
        for minute in 0..STORM + CALM {
            let now = at(minute);
            for (instance, it) in (1..).zip(&truth) {
                if it.told && it.ended == minute
                    && let Some(launch) = engine.owner(InstanceId(instance), it.label)
                {
                    engine.observe(now, Observation::InstanceEnded { launch, cause: EndCause::Worker });
                }
            }
            let calm = vec![0; truth.len()];
            let behind = match answers.get(usize::try_from(minute).unwrap()) {
                Some(answer) => answer.as_ref(),
                None => Some(&calm),
            };
            if let Some(behind) = behind {
                let pages = (1..).zip(&truth).zip(behind);
                let rows: Vec<Row> = pages
                    .filter_map(|((instance, it), behind)| it.row(instance, minute - behind))
                    .collect();
                for fact in inventory.found(region, &rows) {
                    engine.observe(now, fact);
                }
                let owner = |instance, label| engine.owner(instance, label);
                for fact in inventory.changed(region, now, &rows, owner) {
                    engine.observe(now, fact);
                }
            }
            for action in engine.decide(now).actions {
                if let Action::EndStray { instance, .. } = action {
                    let it = &mut truth[usize::try_from(instance.0).unwrap() - 1];
                    prop_assert!(it.label.is_none() || it.ended <= minute, "{it:?} was ended");
                    it.ended = it.ended.min(minute);
                }
            }
        }
        let alive: Vec<LaunchId> = truth
            .iter()
            .filter(|it| it.ended == i64::MAX)
            .map(|it| it.label.expect("strays are ended in time"))
            .collect();
        let known: Vec<LaunchId> = engine.launches().map(|(launch, _)| launch).collect();
        prop_assert_eq!(known, alive);
    }
}
