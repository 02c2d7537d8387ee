//! Every API action that is called, and what is told of each call.
//!
//! A call names its [`Action`], so that this list is what `live/iam-policy.json` must allow: neither
//! less nor more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration as Span;

use strum::{IntoStaticStr, VariantArray};

use crate::cloud::CallError;

/// An API action, by AWS's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[expect(missing_docs, reason = "AWS documents its actions under these names")]
pub enum Action {
    RunInstances,
    CreateFleet,
    CreateLaunchTemplate,
    DeleteLaunchTemplate,
    TerminateInstances,
    CancelSpotInstanceRequests,
    ImportKeyPair,
    DeleteKeyPair,
    DescribeInstances,
    DescribeSpotInstanceRequests,
    DescribeSpotPriceHistory,
    DescribeLaunchTemplates,
    DescribeRegions,
    DescribeAvailabilityZones,
    DescribeInstanceTypes,
    DescribeInstanceTypeOfferings,
    DescribeImages,
    DescribeSecurityGroups,
    DescribeSubnets,
    DescribeKeyPairs,
    ListServiceQuotas,
    ReceiveMessage,
    DeleteMessageBatch,
}

impl Action {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What allows it in an IAM policy.
    #[must_use]
    pub fn permission(self) -> String {
        match self {
            Self::ListServiceQuotas => "servicequotas:ListServiceQuotas".to_owned(),
            Self::ReceiveMessage => "sqs:ReceiveMessage".to_owned(),
            // SQS allows a batch to whoever may delete one.
            Self::DeleteMessageBatch => "sqs:DeleteMessage".to_owned(),
            _ => format!("ec2:{}", self.name()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call that was made and is over.
#[derive(Clone, Copy, Debug)]
pub struct CallMade<'a> {
    /// Which; each page of an answer is a call, and reading that was tried twice is one.
    pub action: Action,
    /// Where.
    pub region: &'a str,
    /// How long it took.
    pub took: Span,
    /// Why it failed, if it did. A dry run always "fails".
    pub error: Option<&'a CallError>,
}

/// Is told of every call, on the task that made it: it must not wait.
pub type CallLog = Arc<dyn Fn(&CallMade<'_>) + Send + Sync>;
