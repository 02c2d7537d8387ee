//! An EC2 and a queue in memory, which do as they are told to: what no server can be made to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration as Span;

use provisioner_engine::decision::Market;
use provisioner_engine::inventory::State;
use provisioner_engine::observation::{EndCause, Refusal};
use provisioner_engine::units::{Time, UsdPerHour};
use provisioner_live::cloud::{
    CallError, CallErrorKind, Cloud, LaunchLabel, LaunchOrder, Launched, Listed, Notice, PriceRow,
    Terminated,
};
use provisioner_live::daemon::clock::Look;
use provisioner_live::queue::{
    Counts, Holds, Queue, QueueError, QueueErrorKind, Worker, WorkerPlace,
};

/// What EC2 is to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mood {
    /// Launch calls are carried out and not answered.
    pub(crate) silent: bool,
    /// Regions that answer nothing, ever.
    pub(crate) hung: BTreeSet<String>,
    /// Zones without machines.
    pub(crate) dry: BTreeSet<String>,
    /// All calls are throttled.
    pub(crate) throttles: bool,
}

#[derive(Debug, Default)]
pub(crate) struct FakeCloud {
    state: Mutex<CloudState>,
}

#[derive(Debug, Default)]
pub(crate) struct CloudState {
    pub(crate) mood: Mood,
    pub(crate) instances: BTreeMap<String, Listed>,
    /// What each token gave.
    tokens: BTreeMap<LaunchLabel, Vec<String>>,
    /// Launch calls that arrived, repeated ones too.
    pub(crate) launch_calls: u32,
    /// Listings that were asked for, by region.
    pub(crate) list_calls: BTreeMap<String, u32>,
    pub(crate) changes: u32,
}

impl FakeCloud {
    pub(crate) fn state(&self) -> MutexGuard<'_, CloudState> {
        self.state.lock().expect("nobody panics with it")
    }

    pub(crate) fn mood(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.state().mood);
    }

    /// Instances that are there.
    pub(crate) fn alive(&self) -> Vec<String> {
        let alive = |it: &&Listed| matches!(it.state, State::Pending | State::Running);
        self.state().instances.values().filter(alive).map(|it| it.instance.clone()).collect()
    }

    async fn arrive(&self, region: &str) -> Result<(), CallError> {
        let Mood { hung, throttles, .. } = self.state().mood.clone();
        if hung.contains(region) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Span::from_millis(5)).await;
        match throttles {
            true => Err(error(CallErrorKind::Throttled, "RequestLimitExceeded")),
            false => Ok(()),
        }
    }
}

fn error(kind: CallErrorKind, code: &str) -> CallError {
    CallError { kind, code: code.into(), message: "as the test wants it".into() }
}

impl Cloud for FakeCloud {
    async fn launch(&self, order: &LaunchOrder) -> Result<Launched, CallError> {
        self.arrive(&order.region).await?;
        let mut state = self.state();
        state.launch_calls += 1;
        if state.mood.dry.contains(&order.zone) {
            let refusal = CallErrorKind::Refused(Refusal::InsufficientCapacity);
            return Err(error(refusal, "InsufficientInstanceCapacity"));
        }
        if !state.tokens.contains_key(&order.label) {
            let mut given = Vec::new();
            for index in 0..order.count {
                let instance = format!("i-{:017x}", state.instances.len());
                given.push(instance.clone());
                let listed = Listed {
                    instance: instance.clone(),
                    label: Some(order.label.clone()),
                    index: Some(index),
                    worker_type: Some(order.worker_type.clone()),
                    zone: Some(order.zone.clone()),
                    instance_type: order.instance_type.clone(),
                    product: None,
                    spot: matches!(order.market, Market::Spot { .. }),
                    state: State::Pending,
                    launched: Look::now().wall,
                };
                state.instances.insert(instance, listed);
            }
            state.changes += 1;
            state.tokens.insert(order.label.clone(), given);
        }
        if state.mood.silent {
            return Err(error(CallErrorKind::Unanswered, "timeout"));
        }
        Ok(Launched { instances: state.tokens[&order.label].clone(), short: None })
    }

    async fn find(&self, region: &str, label: &LaunchLabel) -> Result<Vec<Listed>, CallError> {
        self.arrive(region).await?;
        let state = self.state();
        let given = state.instances.values().filter(|it| it.label.as_ref() == Some(label));
        Ok(given.cloned().collect())
    }

    async fn terminate(&self, region: &str, instance: &str) -> Result<Terminated, CallError> {
        self.arrive(region).await?;
        let mut state = self.state();
        let Some(known) = state.instances.get_mut(instance) else {
            return Ok(Terminated::Missing);
        };
        if !matches!(known.state, State::Pending | State::Running) {
            return Ok(Terminated::Already);
        }
        known.state = State::Terminated(EndCause::Provisioner);
        state.changes += 1;
        Ok(Terminated::Ordered)
    }

    async fn cancel(&self, region: &str, _: &LaunchLabel) -> Result<u32, CallError> {
        self.arrive(region).await?;
        Ok(0)
    }

    /// What is pending runs from the next listing on.
    async fn list(&self, region: &str) -> Result<Vec<Listed>, CallError> {
        *self.state().list_calls.entry(region.to_owned()).or_default() += 1;
        self.arrive(region).await?;
        let mut state = self.state();
        let there = |it: &&mut Listed| it.zone.as_ref().is_some_and(|it| it.starts_with(region));
        let rows = state.instances.values_mut().filter(there).map(|it| {
            let row = it.clone();
            if it.state == State::Pending {
                it.state = State::Running;
            }
            row
        });
        Ok(rows.collect())
    }

    async fn prices(
        &self,
        region: &str,
        instance_types: &[String],
        products: &[String],
        since: Time,
    ) -> Result<Vec<PriceRow>, CallError> {
        self.arrive(region).await?;
        let rows = ["a", "b"].iter().flat_map(|letter| {
            instance_types.iter().map(move |instance_type| PriceRow {
                zone: format!("{region}{letter}"),
                instance_type: instance_type.clone(),
                product: products[0].clone(),
                price: UsdPerHour::from_micros(30_000),
                since,
            })
        });
        Ok(rows.collect())
    }

    async fn notices(&self, region: &str) -> Result<Vec<Notice>, CallError> {
        self.arrive(region).await?;
        Ok(Vec::new())
    }
}

/// A queue whose workers register as soon as they are asked for, and hold what the test says.
#[derive(Debug, Default)]
pub(crate) struct FakeQueue {
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
pub(crate) struct QueueState {
    /// Pending and claimed, by worker type; a queue that is not here does not answer.
    pub(crate) counts: BTreeMap<String, (u32, u32)>,
    /// Worker types whose queue never answers.
    pub(crate) hung: BTreeSet<String>,
    /// By instance.
    pub(crate) holds: BTreeMap<String, u32>,
    /// Instances whose worker registered, whatever its worker type.
    pub(crate) registered: BTreeSet<String>,
    /// How often it was asked for workers, by worker type.
    pub(crate) worker_calls: BTreeMap<String, usize>,
}

impl FakeQueue {
    pub(crate) fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().expect("nobody panics with it")
    }

    pub(crate) fn says(&self, worker_type: &str, pending: u32, claimed: u32) {
        self.state().counts.insert(worker_type.into(), (pending, claimed));
    }
}

impl Queue for FakeQueue {
    async fn counts(&self, worker_type: &str) -> Result<Counts, QueueError> {
        let is_hung = self.state().hung.contains(worker_type);
        if is_hung {
            std::future::pending::<()>().await;
        }
        let counts = self.state().counts.get(worker_type).copied();
        let (pending, claimed) = counts.ok_or_else(|| QueueError {
            kind: QueueErrorKind::Unavailable,
            message: "the test says nothing".into(),
        })?;
        Ok(Counts { pending, claimed, as_of: None })
    }

    async fn workers(&self, worker_type: &str) -> Result<Option<Vec<Worker>>, QueueError> {
        *self.state().worker_calls.entry(worker_type.into()).or_default() += 1;
        let registered = self.state().registered.clone().into_iter();
        let worker = |instance| Worker { instance, first_claim: None };
        Ok(Some(registered.map(worker).collect()))
    }

    async fn worker(&self, _: &str, place: &WorkerPlace) -> Result<Option<Holds>, QueueError> {
        let claimed = self.state().holds.get(&place.instance).copied().unwrap_or(0);
        Ok(Some(Holds { claimed, last_claim: None }))
    }
}
