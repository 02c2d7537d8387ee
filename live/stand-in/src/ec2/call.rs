//! A call as it comes over the wire, and EC2's words for what is wrong with one.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use form_urlencoded::Serializer;

/// EC2's version of everything.
pub(super) const VERSION: &str = "2016-11-15";

/// A request. Of what is not EC2's, `fields` are empty and it is handed on as it is.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// `RunInstances`.
    pub(super) action: String,
    /// `us-east-1`, by its signature.
    pub(super) region: String,
    /// Whose it is, by its signature.
    pub(super) caller: String,
    pub(super) fields: BTreeMap<String, String>,
}

impl Call {
    pub(super) fn read(parts: Parts, body: Bytes) -> Self {
        let scope = |nth| credential(&parts.headers).split('/').nth(nth).unwrap_or("").to_owned();
        let (caller, region, service) = (scope(0), scope(2), scope(3));
        let target = parts.headers.get("x-amz-target").and_then(|it| it.to_str().ok());
        let target = target.and_then(|it| it.rsplit('.').next()).unwrap_or_default().to_owned();
        let fields: BTreeMap<String, String> = match service.as_str() {
            "ec2" => form_urlencoded::parse(&body).into_owned().collect(),
            _ => BTreeMap::new(),
        };
        Self {
            method: parts.method,
            path: parts.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned(),
            headers: parts.headers,
            body,
            action: fields.get("Action").cloned().unwrap_or(target),
            region,
            caller,
            fields,
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Says something else in a field.
    pub(super) fn change(&mut self, name: &str, value: String) {
        self.fields.insert(name.to_owned(), value);
        let body = Serializer::new(String::new()).extend_pairs(&self.fields).finish();
        self.body = body.into();
        self.headers.remove(header::CONTENT_LENGTH);
    }

    pub(super) fn is_launch(&self) -> bool {
        matches!(self.action.as_str(), "RunInstances" | "CreateFleet")
    }

    /// What it says of where and what to launch; of several pools of a fleet, the first.
    pub(super) fn pool(&self) -> Pool<'_> {
        let (placement, pool) = match self.action.as_str() {
            "CreateFleet" => (FLEET_POOL, FLEET_POOL),
            _ => ("Placement.", ""),
        };
        let field = |prefix: &str, name: &str| self.field(&format!("{prefix}{name}"));
        Pool {
            zone: field(placement, "AvailabilityZone"),
            subnet: field(pool, "SubnetId"),
            instance_type: field(pool, "InstanceType"),
        }
    }

    /// How many instances a launch asks for at most.
    pub(super) fn count_max(&self) -> Option<u32> {
        self.field(match self.action.as_str() {
            "CreateFleet" => "TargetCapacitySpecification.TotalTargetCapacity",
            _ => "MaxCount",
        })?
        .parse()
        .ok()
    }
}

const FLEET_POOL: &str = "LaunchTemplateConfigs.1.Overrides.1.";

#[derive(Clone, Copy, Debug)]
pub(super) struct Pool<'a> {
    pub(super) zone: Option<&'a str>,
    pub(super) subnet: Option<&'a str>,
    pub(super) instance_type: Option<&'a str>,
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`.
fn credential(headers: &HeaderMap) -> &str {
    let header = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let after = header.and_then(|it| it.split_once("Credential="));
    after.map_or("", |(_, scope)| scope.split([',', ' ']).next().unwrap_or_default())
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    pub(super) content_type: String,
}

impl Answer {
    pub(super) fn xml(status: StatusCode, body: String) -> Self {
        Self { status, body: body.into(), content_type: "text/xml;charset=UTF-8".to_owned() }
    }

    /// EC2's form of an error.
    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}\
             </Code><Message>{message}</Message></Error></Errors>\
             <RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>"
        );
        Self::xml(status, body)
    }

    /// An empty pool: an error of RunInstances, and of a fleet an answer without instances.
    pub(super) fn no_capacity(call: &Call) -> Self {
        let Pool { zone, instance_type, .. } = call.pool();
        let message = format!(
            "We currently do not have sufficient {} capacity in the Availability Zone you requested \
             ({}). Our system will be working on provisioning additional capacity.",
            instance_type.unwrap_or_default(),
            zone.unwrap_or("by its subnet"),
        );
        if call.action != "CreateFleet" {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return Self::error(status, "InsufficientInstanceCapacity", &message);
        }
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateFleetResponse \
             xmlns=\"http://ec2.amazonaws.com/doc/{VERSION}/\"><requestId>example</requestId>\
             <fleetId>fleet-00000000-0000-0000-0000-000000000000</fleetId><errorSet><item>\
             <errorCode>InsufficientInstanceCapacity</errorCode><errorMessage>{message}\
             </errorMessage><lifecycle>spot</lifecycle></item></errorSet><fleetInstanceSet/>\
             </CreateFleetResponse>"
        );
        Self::xml(StatusCode::OK, body)
    }
}
