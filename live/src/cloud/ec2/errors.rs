//! What EC2's errors mean.
//!
//! A code that is in the table means what the table says. Any other one is taken by its HTTP status:
//! from 500 on nobody knows whether the call was carried out, below it was not. Code and message are
//! kept whole either way, and what a person can do about it is added to the message.
//!
//! A call that surely never left this machine, because no connection was made or it could not be
//! signed, is one that EC2 took no notice of: it may be made again.
//!
//! Source: EC2 Developer Guide, "Error codes for the Amazon EC2 API"; codes that only fleets and
//! other services give are from their own pages. Read 2026-11.

use std::error::Error;
use std::io;

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use provisioner_engine::observation::Refusal;

use super::actions::Action;
use crate::cloud::{CallError, CallErrorKind};

/// Reads what became of a call that failed.
pub(super) fn read<E>(error: &SdkError<E, HttpResponse>, action: Action, region: &str) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let (kind, code, message) = match error {
        SdkError::ServiceError(_) => {
            let code = match error.code() {
                Some(code) => code.to_owned(),
                None => format!("HTTP {}", status.unwrap_or_default()),
            };
            let request = error.meta().request_id().map(|id| format!(" (request {id})"));
            let said = error.message().unwrap_or_default();
            (meaning(&code, status), code, format!("{said}{}", request.unwrap_or_default()))
        }
        SdkError::ResponseError(_) => {
            (CallErrorKind::Unanswered, "Unreadable".to_owned(), shown(error))
        }
        SdkError::TimeoutError(_) => {
            (CallErrorKind::Unanswered, "Timeout".to_owned(), shown(error))
        }
        SdkError::DispatchFailure(_) if never_left(error) => {
            (CallErrorKind::Throttled, NOT_SENT.to_owned(), shown(error))
        }
        SdkError::DispatchFailure(_) => {
            (CallErrorKind::Unanswered, "NoAnswer".to_owned(), shown(error))
        }
        // It cannot be written as it is.
        _ => (CallErrorKind::Refused(Refusal::Rejected), NOT_WRITTEN.to_owned(), shown(error)),
    };
    told(kind, &code, &message, action, region)
}

/// EC2 says so of a dry run that would have been done.
pub(super) const DRY_RUN: &str = "DryRunOperation";

/// The error that a code and a message of EC2's make, as in the rows of a fleet's answer.
pub(super) fn of_code(code: &str, message: &str, action: Action, region: &str) -> CallError {
    told(meaning(code, None), code, message, action, region)
}

/// No connection was made, or there was nothing to sign with.
const NOT_SENT: &str = "NotSent";
/// There is no such region even by its form, or something that must be in the call is not.
const NOT_WRITTEN: &str = "NotWritten";

fn told(kind: CallErrorKind, code: &str, message: &str, action: Action, region: &str) -> CallError {
    // What follows is only for whoever may decode it.
    let message = message.split("Encoded authorization failure message").next().unwrap_or_default();
    let message = match advice(code, action, region) {
        Some(advice) => format!("{}; {advice}", message.trim_end_matches([' ', '.'])),
        None => message.to_owned(),
    };
    CallError { kind, code: code.to_owned(), message: format!("{action} in {region}: {message}") }
}

/// What a code means.
fn meaning(code: &str, status: Option<u16>) -> CallErrorKind {
    let refusal = match code {
        "InsufficientInstanceCapacity"
        | "InsufficientCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "UnfulfillableCapacity"
        // The zone's subnet is full: it gives no more than an empty pool.
        | "InsufficientFreeAddressesInSubnet" => Refusal::InsufficientCapacity,
        "SpotMaxPriceTooLow" => Refusal::MaxPriceTooLow,
        "MaxSpotInstanceCountExceeded"
        | "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "MaxFleetCountExceeded"
        | "MaxSpotFleetRequestCountExceeded"
        | "RequestResourceCountExceeded"
        | "ResourceCountExceeded" => Refusal::QuotaReached,
        "Unsupported" | "InvalidFleetConfiguration" => Refusal::Unsupported,
        "InvalidAMIID.NotFound"
        | "InvalidAMIID.Malformed"
        | "InvalidAMIID.Unavailable"
        | "InvalidGroup.NotFound"
        | "InvalidSecurityGroupID.NotFound"
        | "InvalidSubnetID.NotFound"
        | "InvalidKeyPair.NotFound"
        | "InvalidSnapshot.NotFound" => Refusal::ImageUnusable,
        "VolumeLimitExceeded" | "MaxIOPSLimitExceeded" => Refusal::VolumeLimit,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "EC2ThrottledException"
        | "TooManyRequestsException" => return CallErrorKind::Throttled,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "Unavailable"
        | "RequestTimeout" => return CallErrorKind::Unanswered,
        _ if status.is_some_and(|status| status >= 500) => return CallErrorKind::Unanswered,
        _ => Refusal::Rejected,
    };
    CallErrorKind::Refused(refusal)
}

/// What to do about it, where a person has to.
fn advice(code: &str, action: Action, region: &str) -> Option<String> {
    let text = match code {
        NOT_SENT | NOT_WRITTEN => format!(
            "check that there are credentials, that `{region}` is a region, and that it can be \
             reached from here"
        ),
        "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException"
        | "SignatureDoesNotMatch" => format!(
            "check the credentials, that the account has `{region}` enabled, and this machine's clock"
        ),
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => format!(
            "allow {} to these credentials: live/iam-policy.json holds all that is needed",
            action.permission()
        ),
        "RequestExpired" | "RequestTimeTooSkewed" => {
            "set this machine's clock, by NTP: AWS takes requests within five minutes of its own time"
                .to_owned()
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            "renew the credentials; those of a machine's role renew themselves".to_owned()
        }
        "OptInRequired" => {
            format!("enable `{region}` for the account, or subscribe to the image's product")
        }
        "PendingVerification" => "AWS still verifies the account: wait for its mail".to_owned(),
        "Blocked" => "AWS has blocked the account: ask its support".to_owned(),
        "MaxSpotInstanceCountExceeded" | "VcpuLimitExceeded" | "InstanceLimitExceeded" => {
            format!("ask for more in Service Quotas, for `{region}`")
        }
        "MaxFleetCountExceeded" | "MaxSpotFleetRequestCountExceeded" => {
            "launch by RunInstances, which needs no fleet".to_owned()
        }
        "VolumeLimitExceeded" | "MaxIOPSLimitExceeded" => {
            format!("delete volumes that are not used, or ask for more in Service Quotas, for `{region}`")
        }
        "InvalidAMIID.NotFound" | "InvalidAMIID.Malformed" | "InvalidAMIID.Unavailable" => {
            format!("check the image of the worker type for `{region}`: each region has its own")
        }
        "InvalidKeyPair.NotFound" | "InvalidGroup.NotFound" | "InvalidSecurityGroupID.NotFound"
        | "InvalidSubnetID.NotFound" => {
            format!("check what the worker type names for `{region}`: each region has its own")
        }
        _ => return None,
    };
    Some(text)
}

/// Whether no byte of it was sent: there was no connection to send it on.
fn never_left<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: Error + Send + Sync + 'static,
{
    let SdkError::DispatchFailure(failure) = error else { return false };
    if failure.is_other() && failure.as_connector_error().is_none_or(|it| !it.is_io()) {
        // Credentials and endpoints are found before anything is sent.
        return chain(error).any(|cause| {
            let text = cause.to_string();
            text.contains("credential") || text.contains("identity") || text.contains("endpoint")
        });
    }
    chain(error).any(|cause| {
        let refused = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let text = cause.to_string();
        refused == Some(io::ErrorKind::ConnectionRefused)
            || text.contains("client error (Connect)")
            || text.contains("HTTP connect timeout")
    })
}

/// The error and what caused it, cause by cause.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn shown<E: Error + Send + Sync + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    let causes: Vec<String> = chain(error).map(ToString::to_string).collect();
    causes.join(": ")
}
