//! `provisionerd run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration as Span;

use provisioner_live::cloud::ec2::actions::CallLog;
use provisioner_live::daemon::clock::Look;
use provisioner_live::daemon::{Seen, Shadow, end_by_any_panic};
use provisioner_live::modes::assembly::{Assembly, Reading, span};
use provisioner_live::modes::run;
use provisioner_live::settings::{Settings, StoreSettings};
use provisioner_live::store::memory::MemoryStore;
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::store::{Kept, Store};
use provisioner_live::window::viewer::{CallTally, Viewer};
use provisioner_live::window::{self, Publisher, Views};
use tokio::runtime::Runtime;
use tracing::info;

use super::stores::Waiting;
use super::{failed, refused, runtime};

/// Runs the daemon until it is told to stop.
pub(crate) fn run_daemon(settings: &Path, shadow: bool, listen: Option<SocketAddr>) -> ExitCode {
    end_by_any_panic();
    let runtime = runtime();
    let slot = run::DoorSlot::default();
    runtime.spawn(run::listen_to_signals(Arc::clone(&slot)));
    let calls = CallTally::default();
    let noted = calls.clone();
    let log: CallLog = Arc::new(move |call| noted.note(call));
    let assembly = match runtime.block_on(Assembly::load(settings, log)) {
        Ok(assembly) => assembly,
        Err(error) => return refused(&error),
    };
    let (publisher, views) = Publisher::new();
    let listen = listen.unwrap_or(assembly.settings.listen);
    if let Err(error) = runtime.block_on(open_window(listen, views)) {
        return failed(&error);
    }
    let mut viewer = viewer(&assembly.settings, shadow, publisher, calls);
    let mode = if shadow { Shadow::On } else { Shadow::Off };
    let begun = begin(&assembly, mode, &runtime, &mut viewer);
    let (store, reading) = match begun {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let see = |seen: &Seen<'_>| viewer.see(seen);
    let ended = run::run(assembly, reading, store, mode, runtime.handle(), &slot, see);
    // What still waits for the network has nothing to say any more.
    runtime.shutdown_timeout(Span::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// The store, which is nobody else's then, and what was read of worker types and EC2.
fn begin(
    assembly: &Assembly,
    mode: Shadow,
    runtime: &Runtime,
    viewer: &mut Viewer,
) -> Result<(Box<dyn Store>, Reading), ExitCode> {
    let settings = &assembly.settings;
    let read = |viewer: &mut Viewer, kept: Option<&Kept>| {
        viewer.hindered("EC2 is asked what there is".into());
        if let Some(kept) = kept {
            assembly.remember(&kept.config().catalog);
        }
        let reading = runtime.block_on(run::first_reading(assembly, mode));
        reading.map_err(|error| refused(&error))
    };
    match (&settings.store, mode) {
        (_, Shadow::On) => Ok((Box::new(MemoryStore::default()), read(viewer, None)?)),
        (StoreSettings::Sqlite(path), Shadow::Off) => {
            let store = SqliteStore::open(path, &settings.provisioner);
            let mut store = store.map_err(|error| failed(&error))?;
            let kept = store.load().map_err(|error| failed(&error))?;
            Ok((Box::new(store), read(viewer, kept.as_ref())?))
        }
        (StoreSettings::Postgres(database), Shadow::Off) => {
            let patience = span(settings.stuck_after);
            let waiting = Waiting::new(database, &settings.provisioner, patience);
            // Whoever waits for the lead is ready when it comes.
            let kept = waiting.peek().map_err(|error| failed(&error))?;
            let reading = read(viewer, kept.as_ref())?;
            viewer.hindered("another provisionerd leads, or the database does not answer".into());
            let store = waiting.lead().map_err(|error| failed(&error))?;
            let reading = runtime.block_on(run::up_to_date(reading, assembly, mode));
            Ok((Box::new(store), reading.map_err(|error| refused(&error))?))
        }
    }
}

/// Shows what the daemon does to whoever asks over HTTP, while the process lives.
async fn open_window(listen: SocketAddr, views: Views) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("the window cannot listen on {listen}: {error}"))?;
    if let Ok(address) = listener.local_addr() {
        info!(version = env!("PROVISIONER_COMMIT"), address = %address, "the window is open");
    }
    let clock = Arc::new(|| Look::now().wall);
    tokio::spawn(window::serve(listener, views, clock, std::future::pending()));
    Ok(())
}

fn viewer(settings: &Settings, shadow: bool, publisher: Publisher, calls: CallTally) -> Viewer {
    let store = match &settings.store {
        StoreSettings::Sqlite(path) => {
            let beside = PathBuf::from(format!("{}-wal", path.display()));
            vec![path.clone(), beside]
        }
        StoreSettings::Postgres(_) => Vec::new(),
    };
    let overdue_after = settings.stuck_after;
    Viewer::new(publisher, settings.provisioner.clone(), shadow, overdue_after, store, calls)
}
