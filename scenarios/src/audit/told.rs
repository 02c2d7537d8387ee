//! A journal's records in the auditor's words. A live system's journal says the same.

use provisioner_auditor as plainly;
use provisioner_auditor::{Event, Told};
use provisioner_engine::decision::{Action, Decision, Market, Reason};
use provisioner_engine::guards::Removed;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::journal::Record;
use provisioner_engine::observation::{Call, EndCause, Observation, Refusal};
use provisioner_engine::worker_type::EngineConfig;

use super::{plain, rules};

/// Tells the auditor what a journal says, in ids that mean the same for ever: those of the
/// configuration it began with. A later one may lack some of its worker types, and must have the
/// same catalog.
pub struct Teller {
    /// All worker types.
    names: Vec<String>,
    /// By the engine's ids.
    ids: Vec<u32>,
}

impl Teller {
    /// For the journal of an engine that was built from this.
    #[must_use]
    pub fn new(config: &EngineConfig) -> Self {
        let names: Vec<String> = config.worker_types.iter().map(|it| it.name.clone()).collect();
        Self { ids: (0..names.len()).map(plain).collect(), names }
    }

    /// The record as an event; `None` if it says nothing that is judged.
    pub fn event(&mut self, record: &Record) -> Option<Event> {
        match record {
            Record::Observed { observation, .. } => self.told(observation).map(Event::Told),
            Record::Configured { config, .. } => self.configured(config).map(Event::Told),
            Record::Decided(decision) => Some(Event::Decided(self.decided(decision))),
        }
    }

    fn configured(&mut self, config: &EngineConfig) -> Option<Told> {
        if config.worker_types.is_empty() && config.guards.removed == Removed::Kept {
            return None;
        }
        let id = |name: &String| self.names.iter().position(|known| known == name).map(plain);
        self.ids = config.worker_types.iter().filter_map(|it| id(&it.name)).collect();
        Some(Told::Configured(Box::new(rules::of_engine(config, &self.ids))))
    }

    fn id(&self, worker_type: WorkerTypeId) -> u32 {
        self.ids.get(worker_type.index()).copied().unwrap_or(u32::MAX)
    }

    fn told(&self, observation: &Observation) -> Option<Told> {
        Some(match *observation {
            Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
                let worker_type = self.id(worker_type);
                Told::Demand { worker_type, pending, claimed, as_of: as_of.ms() }
            }
            Observation::DemandUnknown { worker_type } => {
                Told::DemandUnknown { worker_type: self.id(worker_type) }
            }
            Observation::QueuesRead { as_of } => Told::QueuesRead { as_of: as_of.ms() },
            Observation::PriceChanged { pool, price, since } => {
                let (pool, price) = (plain(pool.index()), price.micros());
                Told::Price { pool, price, since: since.ms() }
            }
            Observation::PricesRead { as_of } => Told::PricesRead { as_of: as_of.ms() },
            Observation::InstancePending { launch, instance } => {
                Told::Given { launch: launch.0, instance: instance.0 }
            }
            Observation::LaunchRefused { launch, refusal } => {
                Told::Refused { launch: launch.0, why: why(refusal) }
            }
            Observation::CallUnanswered { launch } => Told::Unanswered { launch: launch.0 },
            Observation::CallThrottled { call, launch, region } => Told::Throttled {
                call: plain_call(call),
                launch: launch.map(|launch| launch.0),
                region: plain(region.index()),
            },
            Observation::Restarted => Told::Restarted,
            Observation::InstanceRunning { launch } => Told::Running { launch: launch.0 },
            Observation::WorkerRegistered { launch } => Told::Registered { launch: launch.0 },
            Observation::WorkerChecked { launch, claimed, last_claim, as_of } => {
                let ever = claimed > 0 || last_claim.is_some();
                Told::Checked { launch: launch.0, claimed, ever, as_of: as_of.ms() }
            }
            Observation::WorkerIdled { launch } => Told::Idled { launch: launch.0 },
            Observation::InterruptionNoticed { launch, ends_at: _ } => {
                Told::Noticed { launch: launch.0 }
            }
            Observation::RebalanceRecommended { .. } => return None,
            Observation::InstanceStopping { launch, cause } => {
                Told::Stopping { launch: launch.0, by: ended_by(cause) }
            }
            Observation::InstanceEnded { launch, cause } => {
                Told::Ended { launch: launch.0, by: ended_by(cause) }
            }
            Observation::InstanceFound {
                instance,
                launch,
                worker_type,
                pool,
                market,
                launched: _,
            } => Told::Found {
                instance: instance.0,
                launch: launch.map(|launch| launch.0),
                worker_type: worker_type.map(|worker_type| self.id(worker_type)),
                pool: pool.map(|pool| plain(pool.index())),
                market: plain_market(market),
            },
            Observation::InstanceMissed { launch, as_of } => {
                Told::Missed { launch: launch.0, as_of: as_of.ms() }
            }
            Observation::StrayEnded { instance } => Told::StrayEnded { instance: instance.0 },
            Observation::InstancesListed { region, as_of: _ } => {
                Told::Listed { region: plain(region.index()) }
            }
        })
    }

    fn decided(&self, decision: &Decision) -> plainly::Decided {
        let mut decided = plainly::Decided {
            orders: decision.actions.iter().map(|action| self.order(action)).collect(),
            wake_at: decision.wake_at.ms(),
            ..plainly::Decided::default()
        };
        for reason in &decision.reasons {
            match *reason {
                Reason::NeverWas { launch } | Reason::Gone { launch, .. } => {
                    decided.gave_up.push(launch.0);
                }
                // A call that was only ever throttled leaves nothing to cancel.
                Reason::RequestTimedOut { launch, .. }
                    if !decision.actions.contains(&Action::Cancel { launch }) =>
                {
                    decided.gave_up.push(launch.0);
                }
                Reason::Adopted { launch, instance } => {
                    decided.adopted.push((launch.0, instance.0));
                }
                Reason::Scaled { worker_type, pending, claimed, .. } => {
                    decided.counted.push((self.id(worker_type), pending, claimed));
                }
                Reason::PoolPenalised { pool, losses, .. } => {
                    decided.avoided.push((plain(pool.index()), losses));
                }
                _ => {}
            }
        }
        decided
    }

    fn order(&self, action: &Action) -> plainly::Order {
        match *action {
            Action::Launch { launch, count, worker_type, pool, market } => plainly::Order::Launch {
                first: launch.0,
                count,
                worker_type: self.id(worker_type),
                pool: plain(pool.index()),
                market: plain_market(market),
            },
            Action::Cancel { launch } => plainly::Order::Cancel { launch: launch.0 },
            Action::Terminate { launch, unless_claimed } => {
                plainly::Order::Terminate { launch: launch.0, unless_claimed }
            }
            Action::EndStray { instance, unless_claimed: _ } => {
                plainly::Order::EndStray { instance: instance.0 }
            }
            Action::ListInstances { region } => {
                plainly::Order::List { region: plain(region.index()) }
            }
            Action::CheckWorker { launch } => plainly::Order::Check { launch: launch.0 },
            Action::AdviseStop { launch } => plainly::Order::AdviseStop { launch: launch.0 },
        }
    }
}

pub(super) fn plain_market(market: Market) -> plainly::Market {
    match market {
        Market::Spot { max_price } => {
            plainly::Market::Spot { bid: max_price.map(|bid| bid.micros()) }
        }
        Market::OnDemand => plainly::Market::OnDemand,
    }
}

pub(super) const fn ended_by(cause: EndCause) -> plainly::EndedBy {
    match cause {
        EndCause::Worker => plainly::EndedBy::Worker,
        EndCause::Provisioner => plainly::EndedBy::Us,
        EndCause::Interruption => plainly::EndedBy::Interruption,
        EndCause::LaunchFailed => plainly::EndedBy::LaunchFailed,
        EndCause::VolumeLimit => plainly::EndedBy::Volumes,
        EndCause::Vanished => plainly::EndedBy::Vanished,
    }
}

const fn why(refusal: Refusal) -> plainly::Refusal {
    match refusal {
        Refusal::InsufficientCapacity => plainly::Refusal::Dry,
        Refusal::MaxPriceTooLow => plainly::Refusal::Price,
        Refusal::Cancelled => plainly::Refusal::Cancelled,
        Refusal::QuotaReached => plainly::Refusal::Quota,
        Refusal::Unsupported => plainly::Refusal::Unsupported,
        Refusal::ImageUnusable => plainly::Refusal::Image,
        Refusal::VolumeLimit => plainly::Refusal::Volumes,
        Refusal::Rejected => plainly::Refusal::Rejected,
    }
}

const fn plain_call(call: Call) -> plainly::Call {
    match call {
        Call::Launch => plainly::Call::Launch,
        Call::Terminate => plainly::Call::Terminate,
        Call::Cancel => plainly::Call::Cancel,
        Call::List => plainly::Call::List,
    }
}
