//! `provisionerd run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration as Span;

use provisioner_live::cloud::ec2::actions::CallLog;
use provisioner_live::daemon::clock::Look;
use provisioner_live::daemon::{Seen, Shadow};
use provisioner_live::modes::assembly::Assembly;
use provisioner_live::modes::run;
use provisioner_live::settings::{Settings, StoreSettings};
use provisioner_live::store::memory::MemoryStore;
use provisioner_live::store::sqlite::SqliteStore;
use provisioner_live::window::viewer::{CallTally, Viewer};
use provisioner_live::window::{self, Publisher, Views};

use super::stores::lead;
use super::{failed, refused, runtime};

/// Runs the daemon until it is told to stop.
pub(crate) fn run_daemon(settings: &Path, shadow: bool, listen: Option<SocketAddr>) -> ExitCode {
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
    viewer.hindered("EC2 is asked what there is".into());
    let mode = if shadow { Shadow::On } else { Shadow::Off };
    let setup = match runtime.block_on(run::first_setup(&assembly, mode)) {
        Ok(setup) => setup,
        Err(error) => return refused(&error),
    };
    let (handle, provisioner) = (runtime.handle(), assembly.settings.provisioner.clone());
    let ended = if shadow {
        let see = |seen: &Seen<'_>| viewer.see(seen);
        run::run(assembly, setup, MemoryStore::default(), Shadow::On, handle, &slot, see)
    } else {
        match assembly.settings.store.clone() {
            StoreSettings::Sqlite(path) => match SqliteStore::open(&path, &provisioner) {
                Ok(store) => {
                    let see = |seen: &Seen<'_>| viewer.see(seen);
                    run::run(assembly, setup, store, Shadow::Off, handle, &slot, see)
                }
                Err(error) => return failed(&error),
            },
            StoreSettings::Postgres(database) => {
                viewer
                    .hindered("another provisionerd leads, or the database does not answer".into());
                match lead(&database, &provisioner) {
                    Ok(store) => {
                        let see = |seen: &Seen<'_>| viewer.see(seen);
                        run::run(assembly, setup, store, Shadow::Off, handle, &slot, see)
                    }
                    Err(error) => return failed(&error),
                }
            }
        }
    };
    // What still waits for the network has nothing to say any more.
    runtime.shutdown_timeout(Span::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Shows what the daemon does to whoever asks over HTTP, while the process lives.
async fn open_window(listen: SocketAddr, views: Views) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("the window cannot listen on {listen}: {error}"))?;
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
