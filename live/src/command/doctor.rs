//! `provisionerd doctor`.

use std::path::Path;
use std::process::ExitCode;

use provisioner_engine::units::Duration;
use provisioner_live::daemon::ledger;
use provisioner_live::modes::doctor::{self, Finding};

use super::stores::peek;
use super::{assemble, print, refused, runtime};

/// Says what is well and what is to be mended.
pub(crate) fn examine(settings: &Path) -> ExitCode {
    let runtime = runtime();
    let (assembly, setup) = match assemble(&runtime, settings) {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let mut findings = vec![Finding::well(
        "settings and worker types",
        format!(
            "{} worker types, {} pools",
            setup.config.worker_types.len(),
            setup.config.catalog.pools().len()
        ),
    )];
    findings.extend(assembly.ec2.clock_skew().map(of_clock));
    findings.push(match peek(&assembly.settings) {
        Ok(Some(kept)) => match ledger(kept) {
            Ok(instances) => Finding::well("store", format!("{} instances", instances.len())),
            Err(error) => Finding::ill("store", error.to_string()),
        },
        Ok(None) => Finding::well("store", "not there yet: `run` makes it"),
        Err(error) => Finding::ill("store", error),
    });
    findings.extend(runtime.block_on(async {
        let mut findings = doctor::queues(&*assembly.queues, &setup).await;
        findings.extend(doctor::pools(&assembly.ec2, &setup).await);
        findings.extend(doctor::quotas(&assembly.ec2, &setup).await);
        findings.extend(doctor::launching(&assembly.ec2, &setup).await);
        findings.extend(match assembly.public_key() {
            Ok(key) => doctor::access(&assembly.ec2, &setup, key.as_deref()).await,
            Err(error) => vec![Finding::ill("the public key", error.to_string())],
        });
        findings
    }));
    let ill = findings.iter().filter(|finding| finding.is_ill()).count();
    let mut text = String::new();
    findings.iter().for_each(|finding| text.push_str(&format!("{finding}\n")));
    text.push_str(&match ill {
        0 => "\nAll is well.\n".to_owned(),
        1 => "\n1 thing is to be mended.\n".to_owned(),
        _ => format!("\n{ill} things are to be mended.\n"),
    });
    let _ = print(&text);
    if ill == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// EC2 refuses what is signed more than five minutes off.
fn of_clock(skew: Duration) -> Finding {
    let seconds = skew.ms().abs() / 1_000;
    let how = format!("{seconds} s {} EC2's", if skew.ms() < 0 { "behind" } else { "ahead of" });
    match seconds {
        0..=1 => Finding::well("clock", "as EC2's"),
        2..=60 => Finding::odd("clock", how),
        _ => Finding::ill("clock", format!("{how}: set it, by NTP for example")),
    }
}
