//! One turn that changes nothing: what the daemon would do now, and why.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration as Span;

use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision};
use provisioner_engine::units::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::brain::{Brain, Past};
use super::clock::{Clock, Look, SharedClock};
use super::deeds::Deed;
use super::hands::Hands;
use super::news::{Done, News};
use super::{DaemonError, Parts, Shadow};
use crate::cloud::Cloud;
use crate::queue::Queue;
use crate::store::Store;

/// What a turn would come to now.
#[derive(Debug)]
pub struct Plan {
    /// The engine that decided.
    pub engine: Engine,
    /// What it would do, listing regions apart.
    pub decision: Decision,
    /// What could not be learned, each in a sentence.
    pub unknown: Vec<String>,
}

/// Reads everything once, waits for it at most so long, and decides.
///
/// # Errors
///
/// What is kept cannot be gone on from.
pub fn plan<S: Store, C: Cloud, Q: Queue>(
    parts: Parts<S, C, Q>,
    runtime: &Handle,
    patience: Span,
) -> Result<Plan, DaemonError> {
    let Parts { store, cloud, queue, setup, .. } = parts;
    let setup = Arc::new(setup);
    let asked = Look::now().wall;
    let mut brain =
        Brain::wake(store, Arc::clone(&setup), None, || "plan".into(), asked, Past::Looked)?;
    // Time goes on from the last that anybody remembers.
    let clock = SharedClock::new(Clock::start(Look::now(), brain.last_heard()));
    let asked = clock.now();
    let (sender, mut news) = mpsc::channel(super::NEWS_WAITING_MAX);
    let mut awaited = BTreeSet::new();
    let hands = Hands::new(
        Arc::clone(&cloud),
        Arc::clone(&queue),
        sender.clone(),
        Shadow::On,
        clock.clone(),
        runtime.clone(),
    );
    for region in setup.region_names() {
        hands.begin(Deed::List { region: region.clone() });
        awaited.insert(format!("the instances in {region}"));
        awaited.insert(format!("the prices in {region}"));
        let (cloud, sender, region) = (Arc::clone(&cloud), sender.clone(), region);
        let (types, products) = setup.offers_in(&region);
        runtime.spawn(async move {
            let since = asked - Duration::from_hours(2);
            let answer = cloud.prices(&region, &types, &products, since).await;
            // Nobody listens any more only if the patience was over.
            let _ = sender.send(News::Priced { region, asked, answer }).await;
        });
    }
    for known in &setup.config.worker_types {
        let worker_type = known.name.clone();
        awaited.insert(format!("the counts of {worker_type}"));
        hands.begin(Deed::Workers { worker_type: worker_type.clone() });
        let (queue, sender) = (Arc::clone(&queue), sender.clone());
        runtime.spawn(async move {
            let answer = queue.counts(&worker_type).await;
            let _ = sender.send(News::Counted { worker_type, asked, answer }).await;
        });
    }
    drop((hands, sender));
    let mut unknown = Vec::new();
    let mut workers = Vec::new();
    let until = std::time::Instant::now() + patience;
    while let Ok(Some(one)) =
        runtime.block_on(async { tokio::time::timeout_at(until.into(), news.recv()).await })
    {
        let (what, error) = describe(&one);
        awaited.remove(&what);
        unknown.extend(error.map(|error| format!("{what}: {error}")));
        match one {
            // Who is registered means something once the instances are known.
            News::Done(done) if matches!(*done, Done::Workers { .. }) => workers.push(done),
            one => {
                brain.hear(clock.now(), one);
            }
        }
    }
    for done in workers {
        brain.hear(clock.now(), News::Done(done));
    }
    unknown.extend(awaited.into_iter().map(|what| format!("{what}: no answer yet")));
    let mut decision = brain.turn(clock.now())?.decision;
    decision.actions.retain(|action| !matches!(action, Action::ListInstances { .. }));
    Ok(Plan { engine: brain.engine, decision, unknown })
}

/// What a piece of news is about, and what went wrong with it.
fn describe(news: &News) -> (String, Option<String>) {
    match news {
        News::Counted { worker_type, answer, .. } => {
            let error = answer.as_ref().err().map(ToString::to_string);
            (format!("the counts of {worker_type}"), error)
        }
        News::Priced { region, answer, .. } => {
            let error = answer.as_ref().err().map(ToString::to_string);
            (format!("the prices in {region}"), error)
        }
        News::Done(done) => match &**done {
            Done::List { region, answer, .. } => {
                let error = answer.as_ref().err().map(ToString::to_string);
                (format!("the instances in {region}"), error)
            }
            Done::Workers { worker_type, answer } => {
                let error = answer.as_ref().err().map(ToString::to_string);
                (format!("the workers of {worker_type}"), error)
            }
            _ => (String::new(), None),
        },
        _ => (String::new(), None),
    }
}
