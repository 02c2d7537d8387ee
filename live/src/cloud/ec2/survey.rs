//! What a region offers, and whether what worker types name is there: for validation and for doctor.
//!
//! [`Ec2::survey`] reads everything that some worker types name in a region, in few calls;
//! [`Survey::problems`] then says of any launch order all that EC2 would refuse about it. Capacity is
//! nobody's to know, and permissions are seen by [`Ec2::dry_run`].

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    ArchitectureType, ArchitectureValues, AvailabilityZoneState, ImageState, LocationType,
    UsageClassType,
};
use futures::future::select_ok;
use provisioner_engine::decision::Market;

use super::actions::Action;
use super::{Ec2, filter, list};
use crate::cloud::{CallError, LaunchOrder};

/// Every account of the usual partition has it. Source: AWS Account Management, "Enable or disable AWS
/// Regions".
const ALWAYS_OPEN: &str = "us-east-1";
/// EC2's limit on the values of one filter.
const FILTER_VALUES_MAX: usize = 200;
/// EC2's limits on the rows of a page, where they are below the usual thousand.
const TYPES_PAGE_MAX: i32 = 100;
const QUOTAS_PAGE_MAX: i32 = 100;

/// EC2's limit on user data, in bytes before they are encoded.
const USER_DATA_MAX: usize = 16 * 1_024;

/// What worker types name in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `c5.large`.
    pub instance_types: BTreeSet<String>,
    /// `ami-…`.
    pub images: BTreeSet<String>,
    /// `sg-…`.
    pub security_groups: BTreeSet<String>,
    /// Names of key pairs.
    pub key_pairs: BTreeSet<String>,
}

/// What there is in one region, of what was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Availability zones that are open to the account.
    pub zones: BTreeSet<String>,
    /// Which instance types are offered where: zone and type.
    pub offered: BTreeSet<(String, String)>,
    /// Instance types.
    pub instance_types: BTreeMap<String, TypeFacts>,
    /// Images that the account may use.
    pub images: BTreeMap<String, ImageFacts>,
    /// The VPC of each security group.
    pub security_groups: BTreeMap<String, String>,
    /// All subnets.
    pub subnets: BTreeMap<String, SubnetFacts>,
    /// Key pairs.
    pub key_pairs: BTreeSet<String>,
}

/// An instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// What quotas count.
    pub vcpus: u32,
    /// `x86_64`, `arm64`, …: what it runs.
    pub architectures: BTreeSet<String>,
    /// Whether the spot market has it.
    pub spot: bool,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// `available`, or why it cannot be used.
    pub state: String,
    /// What it runs on.
    pub architecture: String,
    /// The product that prices are told for, if EC2 tells.
    pub product: Option<String>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetFacts {
    /// Its zone.
    pub zone: String,
    /// Its VPC.
    pub vpc: String,
    /// Addresses that are free.
    pub free_addresses: u32,
    /// Whether it is taken where none is named.
    pub is_default: bool,
}

/// A limit of the account in a region, on vCPUs that run or are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// `L-34B43A08`.
    pub code: String,
    /// In AWS's words.
    pub name: String,
    /// How many.
    pub vcpus: u64,
}

impl Ec2 {
    /// The regions that are open to the account, as any of these says, or one that every account has.
    ///
    /// # Errors
    ///
    /// None of them answered.
    pub async fn regions(&self, asked: &[String]) -> Result<BTreeSet<String>, CallError> {
        let asked: BTreeSet<&str> = asked.iter().map(String::as_str).chain([ALWAYS_OPEN]).collect();
        let ask = async |region: &str| {
            let request = self.clients(region).read.describe_regions();
            let answer = self.call(region, Action::DescribeRegions, request.send()).await?;
            let regions = answer.regions.unwrap_or_default().into_iter();
            Ok(regions.filter_map(|region| region.region_name).collect())
        };
        let asks = asked.into_iter().map(|region| Box::pin(ask(region)));
        select_ok(asks).await.map(|(regions, _)| regions)
    }

    /// Reads what there is in a region of what is named.
    ///
    /// # Errors
    ///
    /// Something could not be read.
    pub async fn survey(&self, region: &str, named: &Named) -> Result<Survey, CallError> {
        Ok(Survey {
            zones: self.zones(region).await?,
            offered: self.offered(region, &named.instance_types).await?,
            instance_types: self.instance_types(region, &named.instance_types).await?,
            images: self.images(region, &named.images).await?,
            security_groups: self.security_groups(region, &named.security_groups).await?,
            subnets: self.subnets(region).await?,
            key_pairs: self.key_pairs_named(region, &named.key_pairs).await?,
        })
    }

    /// The account's limits on vCPUs in a region.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn quotas(&self, region: &str) -> Result<Vec<Quota>, CallError> {
        let request = self.clients(region).quotas.list_service_quotas().service_code("ec2");
        let request = request.max_results(self.page_size().min(QUOTAS_PAGE_MAX));
        let quotas = all_rows!(self, region, ListServiceQuotas, request, quotas)?
            .into_iter()
            .filter_map(|quota| {
                let name = quota.quota_name.filter(|name| {
                    name.ends_with("Spot Instance Requests")
                        || name.starts_with("Running On-Demand")
                })?;
                // A float that holds a whole number.
                let vcpus = format!("{:.0}", quota.value?.floor()).parse().ok()?;
                Some(Quota { code: quota.quota_code?, name, vcpus })
            });
        let mut quotas: Vec<Quota> = quotas.collect();
        quotas.sort_by(|one, other| one.code.cmp(&other.code));
        Ok(quotas)
    }

    async fn zones(&self, region: &str) -> Result<BTreeSet<String>, CallError> {
        let request = self.clients(region).read.describe_availability_zones();
        let request = request.filters(filter("zone-type", ["availability-zone"]));
        let answer = self.call(region, Action::DescribeAvailabilityZones, request.send()).await?;
        let zones = answer.availability_zones.unwrap_or_default().into_iter();
        let open = zones.filter(|zone| zone.state() == Some(&AvailabilityZoneState::Available));
        Ok(open.filter_map(|zone| zone.zone_name).collect())
    }

    async fn offered(
        &self,
        region: &str,
        types: &BTreeSet<String>,
    ) -> Result<BTreeSet<(String, String)>, CallError> {
        let mut offered = BTreeSet::new();
        for some in chunks(types, FILTER_VALUES_MAX) {
            let request = self.clients(region).read.describe_instance_type_offerings();
            let request = request
                .location_type(LocationType::AvailabilityZone)
                .filters(filter("instance-type", some))
                .max_results(self.page_size());
            offered.extend(
                all_rows!(
                    self,
                    region,
                    DescribeInstanceTypeOfferings,
                    request,
                    instance_type_offerings
                )?
                .into_iter()
                .filter_map(|row| Some((row.location?, row.instance_type?.as_str().to_owned()))),
            );
        }
        Ok(offered)
    }

    async fn instance_types(
        &self,
        region: &str,
        types: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, TypeFacts>, CallError> {
        let mut known = BTreeMap::new();
        for some in chunks(types, FILTER_VALUES_MAX) {
            // By names, one unknown one would fail the call.
            let request = self.clients(region).read.describe_instance_types();
            let request = request
                .filters(filter("instance-type", some))
                .max_results(self.page_size().min(TYPES_PAGE_MAX));
            known.extend(
                all_rows!(self, region, DescribeInstanceTypes, request, instance_types)?
                    .into_iter()
                    .filter_map(|row| {
                        let runs = row.processor_info().map(|it| it.supported_architectures());
                        let vcpus =
                            row.v_cpu_info().and_then(|it| it.default_v_cpus()).unwrap_or_default();
                        let facts = TypeFacts {
                            vcpus: u32::try_from(vcpus).unwrap_or_default(),
                            architectures: runs
                                .unwrap_or_default()
                                .iter()
                                .map(ArchitectureType::as_str)
                                .map(str::to_owned)
                                .collect(),
                            spot: row.supported_usage_classes().contains(&UsageClassType::Spot),
                        };
                        Some((row.instance_type?.as_str().to_owned(), facts))
                    }),
            );
        }
        Ok(known)
    }

    async fn images(
        &self,
        region: &str,
        images: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, ImageFacts>, CallError> {
        let mut known = BTreeMap::new();
        for some in chunks(images, FILTER_VALUES_MAX) {
            let request = self.clients(region).read.describe_images();
            let request = request.filters(filter("image-id", some)).max_results(self.page_size());
            known.extend(
                all_rows!(self, region, DescribeImages, request, images)?.into_iter().filter_map(
                    |row| {
                        let facts = ImageFacts {
                            state: row.state().map_or("unknown", ImageState::as_str).to_owned(),
                            architecture: row
                                .architecture()
                                .map_or("unknown", ArchitectureValues::as_str)
                                .to_owned(),
                            product: list::product(row.platform_details(), row.platform()),
                        };
                        Some((row.image_id?, facts))
                    },
                ),
            );
        }
        Ok(known)
    }

    async fn security_groups(
        &self,
        region: &str,
        groups: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let mut known = BTreeMap::new();
        for some in chunks(groups, FILTER_VALUES_MAX) {
            let request = self.clients(region).read.describe_security_groups();
            let request = request.filters(filter("group-id", some)).max_results(self.page_size());
            let rows = all_rows!(self, region, DescribeSecurityGroups, request, security_groups)?
                .into_iter();
            known.extend(rows.filter_map(|row| Some((row.group_id?, row.vpc_id?))));
        }
        Ok(known)
    }

    async fn subnets(&self, region: &str) -> Result<BTreeMap<String, SubnetFacts>, CallError> {
        let request = self.clients(region).read.describe_subnets();
        let request = request.max_results(self.page_size());
        let rows = all_rows!(self, region, DescribeSubnets, request, subnets)?
            .into_iter()
            .filter_map(|row| {
                let free = row.available_ip_address_count.unwrap_or_default();
                let facts = SubnetFacts {
                    zone: row.availability_zone?,
                    vpc: row.vpc_id?,
                    free_addresses: u32::try_from(free).unwrap_or_default(),
                    is_default: row.default_for_az.unwrap_or_default(),
                };
                Some((row.subnet_id?, facts))
            });
        Ok(rows.collect())
    }

    async fn key_pairs_named(
        &self,
        region: &str,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, CallError> {
        let mut known = BTreeSet::new();
        for some in chunks(names, FILTER_VALUES_MAX) {
            known.extend(self.key_pairs(region, filter("key-name", some)).await?);
        }
        Ok(known)
    }
}

impl Survey {
    /// All that EC2 would refuse about a launch order for this region; in the order in which its
    /// settings are written.
    #[must_use]
    pub fn problems(&self, order: &LaunchOrder) -> Vec<String> {
        let LaunchOrder { region, zone, instance_type, template, .. } = order;
        let mut problems = Vec::new();
        if !self.zones.contains(zone) {
            let zones: Vec<&str> = self.zones.iter().map(String::as_str).collect();
            problems.push(format!("{zone} is not a zone of {region}: {}", zones.join(", ")));
        } else if !self.offered.contains(&(zone.clone(), instance_type.clone())) {
            problems.push(format!("{instance_type} is not offered in {zone}"));
        }
        let kind = self.instance_types.get(instance_type);
        match kind {
            None => problems.push(format!("{instance_type} is not an instance type of {region}")),
            Some(kind) if matches!(order.market, Market::Spot { .. }) && !kind.spot => {
                problems.push(format!("{instance_type} is not sold on the spot market"));
            }
            Some(_) => {}
        }
        let image = &template.image;
        match (self.images.get(image), kind) {
            (None, _) => {
                problems.push(format!("{image} is not in {region}, or not open to this account"));
            }
            (Some(facts), _) if facts.state != ImageState::Available.as_str() => {
                problems.push(format!("{image} is {}", facts.state));
            }
            (Some(facts), Some(kind)) if !kind.architectures.contains(&facts.architecture) => {
                let runs: Vec<&str> = kind.architectures.iter().map(String::as_str).collect();
                let (built, runs) = (&facts.architecture, runs.join(" and "));
                problems.push(format!("{image} is for {built}, {instance_type} runs {runs}"));
            }
            (Some(_), _) => {}
        }
        let vpc = self.subnet_problems(order, &mut problems);
        for group in &template.security_groups {
            match (self.security_groups.get(group), vpc) {
                (None, _) => problems.push(format!("{group} is not a security group of {region}")),
                (Some(theirs), Some(vpc)) if theirs != vpc => {
                    problems.push(format!("{group} is of {theirs}, the subnet of {vpc}"));
                }
                (Some(_), _) => {}
            }
        }
        if let Some(key) = template.key_pair.as_ref().filter(|key| !self.key_pairs.contains(*key)) {
            problems.push(format!("{key} is not a key pair of {region}"));
        }
        let told = template.user_data.as_ref().map_or(0, String::len);
        if told > USER_DATA_MAX {
            problems.push(format!("user data of {told} bytes: EC2 takes {USER_DATA_MAX}"));
        }
        problems
    }

    /// The VPC an order would be in.
    fn subnet_problems(&self, order: &LaunchOrder, problems: &mut Vec<String>) -> Option<&str> {
        let LaunchOrder { region, zone, template, .. } = order;
        let facts = match &template.subnet {
            Some(subnet) => {
                let facts = self.subnets.get(subnet);
                match facts {
                    None => problems.push(format!("{subnet} is not a subnet of {region}")),
                    Some(facts) if facts.zone != *zone => {
                        problems.push(format!("{subnet} is in {}, not in {zone}", facts.zone));
                    }
                    Some(_) => {}
                }
                facts
            }
            None => {
                let facts = self.subnets.values().find(|it| it.is_default && it.zone == *zone);
                if facts.is_none() && self.zones.contains(zone) {
                    problems.push(format!("{zone} has no default subnet: name one"));
                }
                facts
            }
        };
        facts.map(|facts| facts.vpc.as_str())
    }
}

/// The names in order, so many at a time.
fn chunks(names: &BTreeSet<String>, size: usize) -> Vec<Vec<&str>> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.chunks(size).map(<[&str]>::to_vec).collect()
}
