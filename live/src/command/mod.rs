//! What the command's modes have in common.

pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod plan;
pub(crate) mod run;
mod stores;
pub(crate) mod teardown;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use provisioner_live::daemon::Setup;
use provisioner_live::daemon::clock::Look;
use provisioner_live::modes::assembly::{Assembly, AssemblyError, KeyPairs};
use tokio::runtime::Runtime;

/// What is written or asked for is wrong.
pub(crate) const EXIT_WRITTEN: u8 = 2;

/// Everything that looks at the world once.
fn assemble(runtime: &Runtime, settings: &Path) -> Result<(Assembly, Setup), AssemblyError> {
    let assembly = runtime.block_on(Assembly::load(settings, Arc::new(|_| {})))?;
    // Whoever needs the store says why it cannot be looked into.
    if let Ok(Some(kept)) = stores::peek(&assembly.settings) {
        assembly.remember(&kept.config().catalog);
    }
    let reading = runtime.block_on(assembly.read(Look::now().wall, KeyPairs::Left))?;
    Ok((assembly, reading.setup))
}

/// Whatever waits for the network.
fn runtime() -> Runtime {
    Runtime::new().expect("the system gives threads")
}

/// To standard output.
pub(crate) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever read has read enough.
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// The settings cannot be gone by.
fn refused(error: &AssemblyError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(EXIT_WRITTEN)
}

/// It did not work.
fn failed(error: &impl std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
