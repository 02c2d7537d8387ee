//! Client tokens as EC2 documents them: the same call by the same token is one call.
//!
//! A token's scope is a zone where a zone or a subnet is given, else a region. Other parameters than
//! the first time are an error. A call that failed has not used its token. Tokens are kept for ever.
//!
//! Source: EC2 Developer Guide, "Ensuring idempotency". Read 2026-11.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use super::call::{Answer, Call};

/// What was given to whom.
#[derive(Default)]
pub(super) struct Tokens(Mutex<BTreeMap<Scope, Arc<Slot>>>);

/// Caller, region, zone, action, token.
type Scope = (String, String, Option<String>, String, String);

/// The first answer, and what it was asked with. Whoever asks meanwhile waits for it.
type Slot = tokio::sync::Mutex<Option<(BTreeMap<String, String>, Answer)>>;

impl Tokens {
    /// Makes a launch call in that zone, unless it was made before.
    pub(super) async fn once(
        &self,
        call: &Call,
        zone: Option<String>,
        make: impl Future<Output = Answer>,
    ) -> Answer {
        let Some(token) = call.field("ClientToken").filter(|token| !token.is_empty()) else {
            return make.await;
        };
        let (caller, region, action) =
            (call.caller.clone(), call.region.clone(), call.action.clone());
        let scope = (caller, region, zone, action, token.to_owned());
        let slot = {
            let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tokens.entry(scope).or_default())
        };
        let mut first = slot.lock().await;
        if let Some((fields, answer)) = &*first {
            if *fields == call.fields {
                return answer.clone();
            }
            let message = "Arguments on this idempotent request are inconsistent with arguments used \
                           in previous request(s).";
            return Answer::error(StatusCode::BAD_REQUEST, "IdempotentParameterMismatch", message);
        }
        let answer = make.await;
        if answer.status.is_success() {
            *first = Some((call.fields.clone(), answer.clone()));
        }
        answer
    }
}
