//! `provisionerd plan`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration as Span;

use provisioner_engine::orders;
use provisioner_live::daemon::plan::{Plan, plan};
use provisioner_live::daemon::{Parts, Shadow};
use provisioner_live::store::memory::MemoryStore;

use super::stores::peek;
use super::{assemble, failed, print, refused, runtime};

/// Shows what it would do now.
pub(crate) fn show_plan(settings: &Path, patience: Span, json: bool) -> ExitCode {
    let runtime = runtime();
    let (assembly, setup) = match assemble(&runtime, settings) {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let kept = match peek(&assembly.settings) {
        Ok(kept) => kept,
        Err(error) => return failed(&error),
    };
    let parts = Parts {
        store: MemoryStore::of(kept),
        cloud: assembly.ec2,
        queue: assembly.queues,
        setup,
        journal: None,
        shadow: Shadow::On,
    };
    match plan(parts, runtime.handle(), patience) {
        Ok(plan) => {
            plan.unknown.iter().for_each(|unknown| eprintln!("warning: not known: {unknown}"));
            let text = if json {
                let text = serde_json::to_string_pretty(&plan.decision);
                text.expect("a decision can be written down") + "\n"
            } else {
                in_words(&plan)
            };
            print(&text)
        }
        Err(error) => failed(&error),
    }
}

/// What a plan comes to, for people: orders, and why.
fn in_words(Plan { engine, decision, .. }: &Plan) -> String {
    let config = engine.config();
    let mut text = String::new();
    if decision.actions.is_empty() {
        text.push_str("It would do nothing now.\n");
    } else {
        text.push_str("It would now:\n");
    }
    for order in orders::in_words(config, &decision.actions) {
        text.push_str(&format!("  {order}\n"));
    }
    if !decision.reasons.is_empty() {
        text.push_str("\nWhy, and why not:\n");
    }
    for reason in &decision.reasons {
        text.push_str(&format!("  {}\n", reason.describe(config)));
    }
    text
}
