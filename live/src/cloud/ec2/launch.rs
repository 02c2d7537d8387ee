//! Launching by `RunInstances`.
//!
//! One call is about one type in one zone. Instances end when they shut themselves down; spot requests
//! are for one instance, once; the metadata service answers version 2 only.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceInterruptionBehavior, InstanceMarketOptionsRequest, InstanceMetadataOptionsRequest,
    InstanceType, MarketType, Placement, ResourceType, ShutdownBehavior, SpotInstanceType,
    SpotMarketOptions,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provisioner_engine::decision::Market;
use provisioner_engine::observation::Refusal;
use provisioner_engine::units::UsdPerHour;

use super::actions::Action;
use super::allowed::allowed;
use super::{Ec2, errors, filter, lock, tags, unreadable};
use crate::cloud::{CallError, CallErrorKind, LaunchMethod, LaunchOrder, LaunchTemplate, Launched};

impl Ec2 {
    pub(super) async fn run_instances(&self, order: &LaunchOrder) -> Result<Launched, CallError> {
        let request = self.run_instances_request(order).await?;
        let answer = self.call(&order.region, Action::RunInstances, request.send()).await?;
        let mut instances = Vec::new();
        for instance in answer.instances() {
            let id =
                instance.instance_id().ok_or_else(|| unreadable("an instance without an id"))?;
            instances.push((instance.ami_launch_index(), id.to_owned()));
        }
        if instances.is_empty() {
            // It would have been an error: whatever was launched is not in this answer.
            return Err(unreadable("RunInstances: an answer without instances"));
        }
        instances.sort();
        let instances: Vec<String> = instances.into_iter().map(|(_, id)| id).collect();
        let short = (instances.len() < order.count as usize).then(|| {
            let message = format!("EC2 gave {} of {} instances", instances.len(), order.count);
            (Refusal::InsufficientCapacity, message)
        });
        Ok(Launched { instances, short })
    }

    /// Whether a launch call would be taken: EC2 checks it and makes nothing. Says nothing of
    /// capacity.
    ///
    /// # Errors
    ///
    /// It would be refused, or nobody answered.
    pub async fn dry_run(&self, order: &LaunchOrder) -> Result<(), CallError> {
        let region = &order.region;
        let answer = match order.template.method {
            LaunchMethod::RunInstances => {
                let request = self.run_instances_request(order).await?.dry_run(true);
                self.call(region, Action::RunInstances, request.send()).await.map(drop)
            }
            LaunchMethod::CreateFleet => self.dry_fleet(order).await,
        };
        allowed(answer)
    }

    async fn run_instances_request(
        &self,
        order: &LaunchOrder,
    ) -> Result<RunInstancesFluentBuilder, CallError> {
        let template = &order.template;
        let most = i32::try_from(order.count).unwrap_or(i32::MAX);
        let mut request = self
            .clients(&order.region)
            .change
            .run_instances()
            .client_token(tags::client_token(self.provisioner(), order))
            .min_count(if self.config.all_or_none { most } else { 1 })
            .max_count(most)
            .instance_type(InstanceType::from(order.instance_type.as_str()))
            .image_id(&template.image)
            .set_subnet_id(template.subnet.clone())
            .set_security_group_ids(some(&template.security_groups))
            .set_key_name(template.key_pair.clone())
            .set_user_data(user_data(template))
            .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
            .metadata_options(
                InstanceMetadataOptionsRequest::builder()
                    .http_tokens(HttpTokensState::Required)
                    .build(),
            )
            .set_iam_instance_profile(template.instance_profile.as_deref().map(profile));
        // A subnet says which zone.
        if template.subnet.is_none() {
            let placement = Placement::builder().availability_zone(&order.zone).build();
            request = request.placement(placement);
        }
        if let Some((device, gib)) = self.root_volume(&order.region, template).await? {
            let volume =
                EbsBlockDevice::builder().volume_size(gib).delete_on_termination(true).build();
            let mapping = BlockDeviceMapping::builder().device_name(device).ebs(volume).build();
            request = request.block_device_mappings(mapping);
        }
        let mut kinds = vec![ResourceType::Instance, ResourceType::Volume];
        if let Market::Spot { max_price } = order.market {
            // Named in a call without a spot request, this kind of tag fails the whole call.
            kinds.push(ResourceType::SpotInstancesRequest);
            let spot = SpotMarketOptions::builder()
                .spot_instance_type(SpotInstanceType::OneTime)
                .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
                .set_max_price(max_price.map(dollars))
                .build();
            request = request.instance_market_options(
                InstanceMarketOptionsRequest::builder()
                    .market_type(MarketType::Spot)
                    .spot_options(spot)
                    .build(),
            );
        }
        let labels = tags::of_launch(self.provisioner(), order);
        Ok(request.set_tag_specifications(Some(tags::on(kinds, &labels))))
    }

    /// The root device and its size in GiB, if the worker type says one.
    pub(super) async fn root_volume(
        &self,
        region: &str,
        template: &LaunchTemplate,
    ) -> Result<Option<(String, i32)>, CallError> {
        let Some(gib) = template.root_volume_gib else { return Ok(None) };
        let gib = i32::try_from(gib).unwrap_or(i32::MAX);
        let key = (region.to_owned(), template.image.clone());
        let known = lock(&self.root_devices).get(&key).cloned();
        if let Some(device) = known {
            return Ok(Some((device, gib)));
        }
        let image = filter("image-id", [template.image.as_str()]);
        let request = self.clients(region).read.describe_images().filters(image);
        let answer = self.call(region, Action::DescribeImages, request.send()).await;
        let answer = answer.map_err(not_launched)?;
        let device = answer.images().first().and_then(|image| image.root_device_name());
        let Some(device) = device.map(str::to_owned) else {
            let message = format!("{} is not there, or has no root device", template.image);
            let code = "InvalidAMIID.NotFound";
            return Err(errors::of_code(code, &message, Action::DescribeImages, region));
        };
        lock(&self.root_devices).insert(key, device.clone());
        Ok(Some((device, gib)))
    }
}

/// A call before the launch call failed: nothing was launched, and the launch may be made again.
pub(super) fn not_launched(error: CallError) -> CallError {
    match error.kind {
        CallErrorKind::Unanswered => CallError { kind: CallErrorKind::Throttled, ..error },
        CallErrorKind::Throttled | CallErrorKind::Refused(_) => error,
    }
}

/// What an instance is given to read at its start, as EC2 wants it.
pub(super) fn user_data(template: &LaunchTemplate) -> Option<String> {
    template.user_data.as_ref().map(|text| BASE64.encode(text))
}

/// A price as EC2 reads it: dollars, with all six places.
pub(super) fn dollars(price: UsdPerHour) -> String {
    let micros = price.micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// `None` for nothing: EC2 refuses empty lists.
pub(super) fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn profile(name: &str) -> IamInstanceProfileSpecification {
    let profile = IamInstanceProfileSpecification::builder();
    match name.starts_with("arn:") {
        true => profile.arn(name),
        false => profile.name(name),
    }
    .build()
}
