//! `provisionerd teardown`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration as Span;

use provisioner_live::daemon::ledger;
use provisioner_live::modes::assembly::Assembly;
use provisioner_live::modes::teardown;

use super::stores::{hold, peek};
use super::{EXIT_WRITTEN, failed, refused, runtime};

/// Ends all that is ours.
pub(crate) fn tear_down(settings: &Path, yes: bool, wait: Span) -> ExitCode {
    let runtime = runtime();
    let assembly = match runtime.block_on(Assembly::load(settings, Arc::new(|_| {}))) {
        Ok(assembly) => assembly,
        Err(error) => return refused(&error),
    };
    let settings = &assembly.settings;
    // Whoever runs would buy again what is ended here.
    let _held = match hold(settings) {
        Ok(held) => held,
        Err(error) => return failed(&error),
    };
    let instances = match peek(settings).map(|kept| kept.map(ledger)) {
        Ok(None) => BTreeSet::new(),
        Ok(Some(Ok(instances))) => instances,
        Ok(Some(Err(error))) => {
            eprintln!(
                "warning: the ledger cannot be read, so only tags tell what is ours: {error}"
            );
            BTreeSet::new()
        }
        Err(error) => return failed(&error),
    };
    let ec2 = &assembly.ec2;
    let mut regions: BTreeSet<String> = settings.aws.regions.value.iter().cloned().collect();
    match runtime.block_on(ec2.regions(&settings.aws.regions.value)) {
        Ok(all) => regions.extend(all),
        Err(error) => return failed(&error),
    }
    let found = runtime.block_on(teardown::look(ec2, &regions, &instances));
    if found.is_nothing() {
        println!("Nothing of `{}` is left in {} regions.", settings.provisioner, regions.len());
        return ExitCode::SUCCESS;
    }
    println!("Of `{}` there is:\n{found}", settings.provisioner);
    if !yes && !agreed(&settings.provisioner) {
        eprintln!("nothing was ended");
        return ExitCode::from(EXIT_WRITTEN);
    }
    let ended = runtime.block_on(teardown::end(ec2, &found));
    print!("{ended}");
    let left = runtime.block_on(teardown::wait(ec2, &regions, wait));
    if ended.is_all() && left.is_nothing() {
        println!("Nothing is left.");
        return ExitCode::SUCCESS;
    }
    println!("Still there:\n{left}Run it again.");
    ExitCode::FAILURE
}

/// Asks on the terminal; without one nobody agreed.
fn agreed(provisioner: &str) -> bool {
    if !io::stdin().is_terminal() {
        eprintln!("error: there is nobody to ask: add `--yes`");
        return false;
    }
    eprint!("All of it is ended, claimed tasks or not. Write `{provisioner}` to go on: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == provisioner
}
