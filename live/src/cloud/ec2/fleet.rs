//! Launching by `CreateFleet` of type `instant`: one attempt, answered at once.
//!
//! EC2 takes most of what an instance is launched with only from a launch template here. One is made
//! for each content, named by it and tagged as ours; type, zone and price are the call's own.
//!
//! An answer may hold instances and errors together. What is missing counts: an error beside a full
//! answer is of a pool that another one stood in for.

use std::collections::BTreeMap;

use aws_sdk_ec2::operation::create_fleet::CreateFleetOutput;
use aws_sdk_ec2::operation::create_fleet::builders::CreateFleetFluentBuilder;
use aws_sdk_ec2::operation::create_launch_template::builders::CreateLaunchTemplateFluentBuilder;
use aws_sdk_ec2::types::{
    DefaultTargetCapacityType, FleetLaunchTemplateConfigRequest,
    FleetLaunchTemplateOverridesRequest, FleetLaunchTemplateSpecificationRequest, FleetType,
    InstanceType, LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateHttpTokensState, LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateTagSpecificationRequest,
    RequestLaunchTemplateData, ResourceType, ShutdownBehavior, SpotAllocationStrategy,
    SpotInstanceInterruptionBehavior, SpotOptionsRequest, TargetCapacitySpecificationRequest,
};
use provisioner_engine::decision::Market;
use provisioner_engine::observation::Refusal;

use super::actions::Action;
use super::launch::{dollars, not_launched, some, user_data};
use super::{Ec2, errors, lock, tags};
use crate::cloud::{CallError, CallErrorKind, LaunchOrder, Launched};

/// Changed when the same settings make another template.
const TEMPLATE_FORM: &str = "1";

const GONE: &str = "InvalidLaunchTemplateName.NotFoundException";
const TAKEN: &str = "InvalidLaunchTemplateName.AlreadyExistsException";

impl Ec2 {
    pub(super) async fn create_fleet(&self, order: &LaunchOrder) -> Result<Launched, CallError> {
        let region = &order.region;
        let name = self.ensure_template(order).await?;
        let request = self.create_fleet_request(order, &name);
        match self.call(region, Action::CreateFleet, request.send()).await {
            Ok(answer) => launched(&answer, order),
            // Somebody deleted it, or it cannot be seen everywhere yet. The call did nothing; made
            // again, it makes the template first.
            Err(error) if error.code == GONE => {
                lock(&self.templates).remove(&(region.clone(), name));
                Err(CallError { kind: CallErrorKind::Throttled, ..error })
            }
            Err(error) => Err(error),
        }
    }

    fn create_fleet_request(
        &self,
        order: &LaunchOrder,
        template: &str,
    ) -> CreateFleetFluentBuilder {
        let subnet = order.template.subnet.clone();
        let zone = subnet.is_none().then(|| order.zone.clone());
        let (lifecycle, max_price) = match order.market {
            Market::Spot { max_price } => (DefaultTargetCapacityType::Spot, max_price),
            Market::OnDemand => (DefaultTargetCapacityType::OnDemand, None),
        };
        let pool = FleetLaunchTemplateOverridesRequest::builder()
            .instance_type(InstanceType::from(order.instance_type.as_str()))
            .set_availability_zone(zone)
            .set_subnet_id(subnet)
            .set_max_price(max_price.map(dollars));
        let template = FleetLaunchTemplateSpecificationRequest::builder()
            .launch_template_name(template)
            .version("1");
        let from = FleetLaunchTemplateConfigRequest::builder()
            .launch_template_specification(template.build())
            .overrides(pool.build());
        let target = TargetCapacitySpecificationRequest::builder()
            .total_target_capacity(i32::try_from(order.count).unwrap_or(i32::MAX))
            .default_target_capacity_type(lifecycle.clone());
        let spot = SpotOptionsRequest::builder()
            .allocation_strategy(SpotAllocationStrategy::PriceCapacityOptimized)
            .instance_interruption_behavior(SpotInstanceInterruptionBehavior::Terminate)
            .build();
        let is_spot = lifecycle == DefaultTargetCapacityType::Spot;
        let labels = tags::of_launch(self.provisioner(), order);
        let kinds = [ResourceType::Fleet, ResourceType::Instance, ResourceType::Volume];
        self.clients(&order.region)
            .change
            .create_fleet()
            .client_token(tags::client_token(self.provisioner(), order))
            .r#type(FleetType::Instant)
            .launch_template_configs(from.build())
            .target_capacity_specification(target.build())
            .set_spot_options(is_spot.then_some(spot))
            .set_tag_specifications(Some(tags::on(kinds, &labels)))
    }

    /// Whether a launch by fleet would be taken; makes nothing, no launch template either.
    pub(super) async fn dry_fleet(&self, order: &LaunchOrder) -> Result<(), CallError> {
        let region = &order.region;
        let (name, request) = self.template_request(order).await?;
        let request = request.dry_run(true);
        match self.call(region, Action::CreateLaunchTemplate, request.send()).await {
            Err(error) if error.code != errors::DRY_RUN && error.code != TAKEN => {
                return Err(error);
            }
            _ => {}
        }
        let request = self.create_fleet_request(order, &name).dry_run(true);
        match self.call(region, Action::CreateFleet, request.send()).await {
            Err(error) if error.code == GONE => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The name of the launch template for an order, which is there.
    async fn ensure_template(&self, order: &LaunchOrder) -> Result<String, CallError> {
        let region = &order.region;
        let (name, request) = self.template_request(order).await?;
        let key = (region.clone(), name.clone());
        if lock(&self.templates).contains(&key) {
            return Ok(name);
        }
        match self.call(region, Action::CreateLaunchTemplate, request.send()).await {
            Ok(_) => {}
            // Equal names have equal contents.
            Err(error) if error.code == TAKEN => {}
            Err(error) => return Err(not_launched(error)),
        }
        lock(&self.templates).insert(key);
        Ok(name)
    }

    /// A launch template's name, and what makes it.
    async fn template_request(
        &self,
        order: &LaunchOrder,
    ) -> Result<(String, CreateLaunchTemplateFluentBuilder), CallError> {
        let root = self.root_volume(&order.region, &order.template).await?;
        let name = template_name(self.provisioner(), order, root.as_ref());
        let shared = tags::of_shared(self.provisioner());
        let request = self
            .clients(&order.region)
            .change
            .create_launch_template()
            .launch_template_name(&name)
            .launch_template_data(self.template_data(order, root))
            .set_tag_specifications(Some(tags::on([ResourceType::LaunchTemplate], &shared)));
        Ok((name, request))
    }

    fn template_data(
        &self,
        order: &LaunchOrder,
        root: Option<(String, i32)>,
    ) -> RequestLaunchTemplateData {
        let template = &order.template;
        let volume = root.map(|(device, gib)| {
            let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
                .volume_size(gib)
                .delete_on_termination(true);
            let mapping = LaunchTemplateBlockDeviceMappingRequest::builder().device_name(device);
            vec![mapping.ebs(volume.build()).build()]
        });
        let profile = template.instance_profile.as_deref().map(|name| {
            let profile = LaunchTemplateIamInstanceProfileSpecificationRequest::builder();
            match name.starts_with("arn:") {
                true => profile.arn(name),
                false => profile.name(name),
            }
            .build()
        });
        // Spot requests can be tagged only from here, and nothing but spot requests may be: named
        // for on-demand instances, this kind of tag fails the whole call.
        let requests = matches!(order.market, Market::Spot { .. }).then(|| {
            let tags = LaunchTemplateTagSpecificationRequest::builder()
                .resource_type(ResourceType::SpotInstancesRequest)
                .set_tags(Some(tags::of_shared(self.provisioner())));
            vec![tags.build()]
        });
        RequestLaunchTemplateData::builder()
            .image_id(&template.image)
            .set_security_group_ids(some(&template.security_groups))
            .set_key_name(template.key_pair.clone())
            .set_user_data(user_data(template))
            .set_iam_instance_profile(profile)
            .set_block_device_mappings(volume)
            .set_tag_specifications(requests)
            .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
            .metadata_options(
                LaunchTemplateInstanceMetadataOptionsRequest::builder()
                    .http_tokens(LaunchTemplateHttpTokensState::Required)
                    .build(),
            )
            .build()
    }
}

/// The same name for the same content.
fn template_name(provisioner: &str, order: &LaunchOrder, root: Option<&(String, i32)>) -> String {
    let template = &order.template;
    let market = match order.market {
        Market::Spot { .. } => "spot",
        Market::OnDemand => "on-demand",
    };
    let root = root.map(|(device, gib)| format!("{device} {gib}")).unwrap_or_default();
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let groups = template.security_groups.join(" ");
    let content = tags::digest(&[
        TEMPLATE_FORM,
        provisioner,
        market,
        &template.image,
        &groups,
        &or_empty(&template.key_pair),
        &or_empty(&template.instance_profile),
        &or_empty(&template.user_data),
        &root,
    ]);
    format!("aws-provisioner-{content}")
}

/// What a fleet's answer comes to.
fn launched(answer: &CreateFleetOutput, order: &LaunchOrder) -> Result<Launched, CallError> {
    let of_pool = answer.instances().iter();
    let mut instances: Vec<String> =
        of_pool.flat_map(|it| it.instance_ids().iter().cloned()).collect();
    instances.sort();
    instances.dedup();
    if instances.len() >= order.count as usize {
        return Ok(Launched { instances, short: None });
    }
    let error = worst(answer, order);
    if instances.is_empty() {
        return Err(error);
    }
    let refusal = match error.kind {
        CallErrorKind::Refused(refusal) => refusal,
        // The rest was not launched: a fleet's answer is final.
        CallErrorKind::Throttled | CallErrorKind::Unanswered => Refusal::Cancelled,
    };
    Ok(Launched { instances, short: Some((refusal, format!("{}: {}", error.code, error.message))) })
}

/// The error that stands there most often; of equals, the one that stands there first.
fn worst(answer: &CreateFleetOutput, order: &LaunchOrder) -> CallError {
    let (action, region) = (Action::CreateFleet, &order.region);
    let mut counted: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (place, error) in answer.errors().iter().enumerate() {
        let (count, _) = counted.entry(error.error_code().unwrap_or("")).or_insert((0, place));
        *count += 1;
    }
    let most = counted.values().max_by_key(|(count, place)| (*count, usize::MAX - place));
    match most.map(|(_, place)| &answer.errors()[*place]) {
        Some(error) => {
            let message = error.error_message().unwrap_or_default();
            errors::of_code(error.error_code().unwrap_or("no code"), message, action, region)
        }
        None => {
            let message = "the fleet gave fewer instances than were asked for, and no reason";
            errors::of_code("InsufficientInstanceCapacity", message, action, region)
        }
    }
}
