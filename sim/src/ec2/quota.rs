//! Quotas: how much of the cloud an account may have at once, by region.
//!
//! Since 2019 they count virtual CPUs by class of instance family: for spot those of running
//! instances and of open requests, for on-demand apart. In the bid era an account had 20 spot
//! instances in a region. An end frees its share only when EC2 has noticed.
//!
//! Source: EC2 User Guide, "Spot Instance quotas" and "On-Demand Instance quotas"; user guides of
//! 2014 and 2018 for the bid era. The delay is assumed.

use std::collections::BTreeMap;

use provisioner_engine::units::Duration;

use crate::config::Regime;
use crate::dist::DurationDist;

/// The account's quotas, in every region.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaModel {
    /// Spot instances and open requests.
    pub spot_instances: Option<u32>,
    /// Virtual CPUs of spot instances and open requests by class; a class that is not here has no
    /// quota.
    pub spot_vcpus: BTreeMap<QuotaClass, u32>,
    /// Virtual CPUs of on-demand instances by class.
    pub on_demand_vcpus: BTreeMap<QuotaClass, u32>,
    /// From `terminated` until an instance no longer counts.
    pub release_lag: DurationDist,
}

impl QuotaModel {
    /// None.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            spot_instances: None,
            spot_vcpus: BTreeMap::new(),
            on_demand_vcpus: BTreeMap::new(),
            release_lag: DurationDist::LogNormal { median: Duration::from_secs(30), sigma: 0.8 },
        }
    }

    /// Those of an account that is in normal use.
    #[must_use]
    pub fn full(regime: Regime) -> Self {
        let vcpus = || QuotaClass::ALL.into_iter().map(|class| (class, NORMAL_VCPUS)).collect();
        match regime {
            Regime::Outbid => Self { spot_instances: Some(20), ..Self::plain() },
            Regime::Capacity => {
                Self { spot_vcpus: vcpus(), on_demand_vcpus: vcpus(), ..Self::plain() }
            }
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.spot_instances.is_none() && !self.counts_vcpus()
    }

    /// Whether virtual CPUs matter.
    #[must_use]
    pub fn counts_vcpus(&self) -> bool {
        !(self.spot_vcpus.is_empty() && self.on_demand_vcpus.is_empty())
    }
}

/// What an account that is in normal use may have of each class (assumed; new ones may have 5).
const NORMAL_VCPUS: u32 = 10_000;

/// Families whose virtual CPUs are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaClass {
    /// A, C, D, H, I, M, R, T and Z.
    Standard,
    /// DL.
    Dl,
    /// F.
    F,
    /// G and VT.
    G,
    /// Inf.
    Inf,
    /// P.
    P,
    /// Trn.
    Trn,
    /// X.
    X,
}

impl QuotaClass {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Standard, Self::Dl, Self::F, Self::G, Self::Inf, Self::P, Self::Trn, Self::X];

    /// The key of its quota.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Dl => "dl",
            Self::F => "f",
            Self::G => "g",
            Self::Inf => "inf",
            Self::P => "p",
            Self::Trn => "trn",
            Self::X => "x",
        }
    }

    /// The class of an instance type, by the letters its name begins with; none for families with
    /// quotas of their own kind (high memory, HPC).
    #[must_use]
    pub fn of(instance_type: &str) -> Option<Self> {
        let end = instance_type.find(|c: char| !c.is_ascii_lowercase());
        let family = &instance_type[..end.unwrap_or(instance_type.len())];
        Some(match family {
            "dl" => Self::Dl,
            "f" => Self::F,
            "g" | "gr" | "vt" => Self::G,
            "inf" => Self::Inf,
            "p" => Self::P,
            "trn" => Self::Trn,
            "x" => Self::X,
            "hpc" | "mac" => return None,
            _ if family.starts_with(['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z']) => {
                Self::Standard
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_in_the_class_that_ec2_counts_them_in() {
        let class = |name| QuotaClass::of(name).map_or("none", QuotaClass::name);
        let cases = [
            ("c5.large", "standard"),
            ("im4gn.4xlarge", "standard"),
            ("m7i-flex.large", "standard"),
            ("dl1.24xlarge", "dl"),
            ("g4dn.xlarge", "g"),
            ("vt1.3xlarge", "g"),
            ("inf1.xlarge", "inf"),
            ("p4d.24xlarge", "p"),
            ("trn1n.32xlarge", "trn"),
            ("x2gd.medium", "x"),
            ("u-6tb1.metal", "none"),
            ("mac1.metal", "none"),
        ];
        for (name, expected) in cases {
            assert_eq!(class(name), expected, "{name}");
        }
    }
}
