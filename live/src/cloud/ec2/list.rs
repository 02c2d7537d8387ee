//! What is there: instances and spot requests of ours, and how each ended.
//!
//! A listing is complete or an error. How an instance ended is read leniently: by the code of its
//! state reason, then by the text of its last transition, and if neither is known, nobody said why.
//!
//! Source: EC2 User Guide, "Instance lifecycle"; API, `StateReason`. Read 2026-11.

use aws_sdk_ec2::types::{
    Filter, Instance, InstanceLifecycleType, InstanceStateName, PlatformValues, Reservation,
};
use provisioner_engine::inventory::State;
use provisioner_engine::observation::EndCause;
use provisioner_engine::units::Time;

use super::actions::Action;
use super::{Ec2, filter, tags, unreadable};
use crate::cloud::{CallError, LaunchLabel, Listed, Terminated};

/// EC2's most for one call; it may be repeated for the rest.
pub(super) const CANCELLED_AT_ONCE: usize = 1_000;

impl Ec2 {
    /// All instances of ours in a region that pass the filter, in the order of their ids.
    pub(super) async fn instances(
        &self,
        region: &str,
        narrower: Option<Filter>,
    ) -> Result<Vec<Listed>, CallError> {
        let request = self.clients(region).read.describe_instances();
        let request = request
            .set_filters(Some([self.ours()].into_iter().chain(narrower).collect()))
            .max_results(self.page_size());
        let reservations: Vec<Reservation> =
            all_rows!(self, region, DescribeInstances, request, reservations)?;
        let instances = reservations.iter().flat_map(Reservation::instances);
        let mut listed = instances.map(listed).collect::<Result<Vec<_>, _>>()?;
        // What moved from one page to another while they were read is there once.
        listed.sort_by(|one, other| one.instance.cmp(&other.instance));
        listed.dedup_by(|one, other| one.instance == other.instance);
        Ok(listed)
    }

    /// Looks whether an instance is ours and still there, then ends it.
    pub(super) async fn terminate_if_ours(
        &self,
        region: &str,
        instance: &str,
    ) -> Result<Terminated, CallError> {
        let clients = self.clients(region);
        // A filter, unlike an id, may find nothing without an error.
        let look = clients.read.describe_instances().filters(filter("instance-id", [instance]));
        let seen = self.call(region, Action::DescribeInstances, look.send()).await?;
        let Some(seen) = seen.reservations().iter().flat_map(Reservation::instances).next() else {
            return Ok(Terminated::Missing);
        };
        if tags::value(seen.tags(), tags::PROVISIONER) != Some(self.provisioner()) {
            return Ok(Terminated::NotOurs);
        }
        if matches!(code(seen), SHUTTING_DOWN | TERMINATED) {
            return Ok(Terminated::Already);
        }
        let end = clients.change.terminate_instances().instance_ids(instance);
        match self.call(region, Action::TerminateInstances, end.send()).await {
            Ok(_) => Ok(Terminated::Ordered),
            Err(error) if error.code == "InvalidInstanceID.NotFound" => Ok(Terminated::Missing),
            Err(error) => Err(error),
        }
    }

    /// The spot requests of ours that are not fulfilled and pass the filter.
    pub(super) async fn open_requests(
        &self,
        region: &str,
        narrower: Option<Filter>,
    ) -> Result<Vec<String>, CallError> {
        let filters = [self.ours(), filter("state", ["open"])].into_iter().chain(narrower);
        let request = self.clients(region).read.describe_spot_instance_requests();
        let request = request.set_filters(Some(filters.collect())).max_results(self.page_size());
        let open =
            all_rows!(self, region, DescribeSpotInstanceRequests, request, spot_instance_requests)?;
        Ok(open.into_iter().filter_map(|request| request.spot_instance_request_id).collect())
    }

    /// Cancels spot requests; says how many.
    pub(super) async fn cancel_requests(
        &self,
        region: &str,
        requests: &[String],
    ) -> Result<u32, CallError> {
        let mut cancelled = 0;
        for some in requests.chunks(CANCELLED_AT_ONCE) {
            let request = self.clients(region).change.cancel_spot_instance_requests();
            let request = request.set_spot_instance_request_ids(Some(some.to_vec()));
            let action = Action::CancelSpotInstanceRequests;
            let answer = self.call(region, action, request.send()).await?;
            cancelled += answer.cancelled_spot_instance_requests().len();
        }
        Ok(u32::try_from(cancelled).unwrap_or(u32::MAX))
    }
}

const PENDING: i32 = 0;
const SHUTTING_DOWN: i32 = 32;
const TERMINATED: i32 = 48;
const STOPPING: i32 = 64;
const STOPPED: i32 = 80;

/// EC2's code of a state; the high byte is its own matter. An unknown one is no known one's.
fn code(instance: &Instance) -> i32 {
    let state = instance.state();
    match (state.and_then(|state| state.code()), state.and_then(|state| state.name())) {
        (Some(code), _) => code & 0xff,
        (None, Some(InstanceStateName::Pending)) => PENDING,
        (None, Some(InstanceStateName::ShuttingDown)) => SHUTTING_DOWN,
        (None, Some(InstanceStateName::Terminated)) => TERMINATED,
        (None, Some(InstanceStateName::Stopping)) => STOPPING,
        (None, Some(InstanceStateName::Stopped)) => STOPPED,
        (None, _) => -1,
    }
}

fn listed(instance: &Instance) -> Result<Listed, CallError> {
    let lacks = |what: &str| unreadable(format!("DescribeInstances: an instance without {what}"));
    let tag = |key| tags::value(instance.tags(), key);
    let reason = instance.state_reason();
    let cause = end_cause(
        reason.and_then(|reason| reason.code()),
        reason.and_then(|reason| reason.message()),
        instance.state_transition_reason(),
    );
    let state = match code(instance) {
        PENDING => State::Pending,
        SHUTTING_DOWN | STOPPING | STOPPED => State::Stopping(cause),
        TERMINATED => State::Terminated(cause),
        // A state that nobody has heard of costs money until EC2 says otherwise.
        _ => State::Running,
    };
    // A fleet's instances are not numbered, whatever EC2 shows.
    let numbered = tag(tags::METHOD) == Some("run-instances");
    let index = instance.ami_launch_index().filter(|_| numbered);
    let zone = instance.placement().and_then(|placement| placement.availability_zone());
    let launched = instance.launch_time().and_then(|time| time.to_millis().ok());
    Ok(Listed {
        instance: instance.instance_id().ok_or_else(|| lacks("an id"))?.to_owned(),
        label: tag(tags::LAUNCH).and_then(LaunchLabel::parse),
        index: index.and_then(|index| u32::try_from(index).ok()),
        worker_type: tag(tags::WORKER_TYPE).map(str::to_owned),
        zone: zone.map(str::to_owned),
        instance_type: instance
            .instance_type()
            .map(|it| it.as_str().to_owned())
            .ok_or_else(|| lacks("a type"))?,
        product: product(instance.platform_details(), instance.platform()),
        spot: instance.instance_lifecycle() == Some(&InstanceLifecycleType::Spot),
        state,
        launched: Time::from_ms(launched.ok_or_else(|| lacks("a launch time"))?),
    })
}

/// The product that spot prices are told for.
pub(super) fn product(details: Option<&str>, platform: Option<&PlatformValues>) -> Option<String> {
    match details {
        // With or without a database server on it.
        Some(details) if details.starts_with("Windows") => Some("Windows".to_owned()),
        Some(details) => Some(details.to_owned()),
        None => platform.map(|_| "Windows".to_owned()),
    }
}

/// Who ended an instance, from its state reason and its last transition.
fn end_cause(code: Option<&str>, message: Option<&str>, transition: Option<&str>) -> EndCause {
    // The message starts with the code.
    let code = code.or_else(|| Some(message?.split_once(": ")?.0)).unwrap_or_default();
    let transition = transition.unwrap_or_default();
    match code {
        "Client.InstanceInitiatedShutdown" => EndCause::Worker,
        "Client.UserInitiatedShutdown"
        | "Client.InstanceTerminated"
        | "Client.UserInitiatedHibernate" => EndCause::Provisioner,
        "Server.SpotInstanceTermination"
        | "Server.SpotInstanceShutdown"
        | "Server.ScheduledStop" => EndCause::Interruption,
        "Client.VolumeLimitExceeded" => EndCause::VolumeLimit,
        "Server.InsufficientInstanceCapacity"
        | "Server.InternalError"
        | "Client.InternalError"
        | "Client.InvalidSnapshot.NotFound" => EndCause::LaunchFailed,
        _ if transition.starts_with("User initiated") => EndCause::Provisioner,
        _ if transition.starts_with("Service initiated") => EndCause::Interruption,
        _ if transition.starts_with("Server.") => EndCause::LaunchFailed,
        _ => EndCause::Vanished,
    }
}
