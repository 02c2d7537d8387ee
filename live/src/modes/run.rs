//! The daemon: everything put together, until it is told to stop.
//!
//! The loop has this thread; whatever waits for the network has the runtime's. Worker types are read
//! anew when their folder changes, when `SIGHUP` comes, and once in a while, for zones and offers
//! change too; what is wrong with them is told, and the last good ones are kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration as Span, Instant};

use provisioner_engine::units::Time;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::assembly::{Assembly, AssemblyError, KeyPairs, Reading, span};
use super::doctor::{self, Finding, State};
use crate::cloud::ec2::Ec2;
use crate::daemon::clock::Look;
use crate::daemon::news::News;
use crate::daemon::{
    self, DaemonError, Door, Folder, Parts, Seen, Setup, Shadow, Watchdog, Watchers,
};
use crate::queue::pulse::{self, PulseSettings};
use crate::settings::queues::SourceSettings;
use crate::settings::worker_types::fingerprint;
use crate::store::Store;

/// How often the folder of worker types is looked at.
const FOLDER_EVERY: Span = Span::from_secs(5);

/// How long EC2 is waited for at the start, at first and at most, before it is asked again.
const WAIT_MIN: Span = Span::from_secs(2);
const WAIT_MAX: Span = Span::from_secs(60);

/// Worker types and what EC2 has of what they name. While a region does not answer that never did, it
/// is asked again; what is written wrong is an error at once.
///
/// # Errors
///
/// Worker types are wrong.
pub async fn first_reading(assembly: &Assembly, shadow: Shadow) -> Result<Reading, AssemblyError> {
    let mut wait = WAIT_MIN;
    loop {
        match assembly.read(now(), key_pairs(shadow)).await {
            Err(AssemblyError::Unknown(region, error, seems_wrong)) if error.is_passing() => {
                seems_wrong.iter().for_each(|issues| warn!("seems wrong so far\n{issues}"));
                warn!(region, %error, wait_s = wait.as_secs(), "EC2 is waited for");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
            done => return done,
        }
    }
}

/// The same reading, or another if worker types have changed since.
///
/// # Errors
///
/// Worker types are wrong.
pub async fn up_to_date(
    reading: Reading,
    assembly: &Assembly,
    shadow: Shadow,
) -> Result<Reading, AssemblyError> {
    match fingerprint(&assembly.settings.worker_types) {
        Ok(now) if reading.folder != Some(now) => first_reading(assembly, shadow).await,
        _ => Ok(reading),
    }
}

/// A shadow changes nothing.
const fn key_pairs(shadow: Shadow) -> KeyPairs {
    match shadow {
        Shadow::Off => KeyPairs::Ensured,
        Shadow::On => KeyPairs::Left,
    }
}

/// Runs until it is told to stop by way of the slot. `on_turn` is shown each turn.
///
/// # Errors
///
/// The loop cannot go on.
pub fn run(
    assembly: Assembly,
    reading: Reading,
    store: impl Store,
    shadow: Shadow,
    runtime: &Handle,
    slot: &DoorSlot,
    on_turn: impl FnMut(&Seen<'_>) + Send,
) -> Result<(), DaemonError> {
    let journal = &assembly.settings.journal;
    let path = match shadow {
        Shadow::Off => journal.folder.clone(),
        Shadow::On => shadow_of(&journal.folder),
    };
    let Reading { setup, silent, folder: read, at } = reading;
    runtime.spawn(look(Arc::clone(&assembly.ec2), setup.clone()));
    let last = Last { folder: read, at, is_whole: silent.is_empty() };
    let folder = Folder { path, kept: usize::try_from(journal.keep).unwrap_or(usize::MAX) };
    let parts = Parts {
        store,
        cloud: Arc::clone(&assembly.ec2),
        queue: Arc::clone(&assembly.queues),
        setup,
        journal: Some(folder),
        shadow,
    };
    let watchers = Watchers {
        on_turn: Box::new(on_turn),
        watchdog: Watchdog::start(span(assembly.settings.stuck_after), "the loop"),
    };
    daemon::run(parts, runtime, watchers, |door| {
        // There is one loop in a process.
        let _ = slot.set(door.clone());
        nudges(&assembly, runtime, &door);
        runtime.spawn(reload(assembly, shadow, last, door));
    })
}

/// Beside the folder of that name: a shadow never touches what it runs beside.
fn shadow_of(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push("-shadow");
    name.into()
}

/// The way to the loop, once there is one.
pub type DoorSlot = Arc<OnceLock<Door>>;

/// `SIGTERM` and `SIGINT` end the loop when what is under way is done; a second one ends the process.
/// Before there is a loop, nothing was begun.
pub async fn listen_to_signals(slot: DoorSlot) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        error!("signals cannot be heard");
        return;
    };
    for is_first in [true, false] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let Some(door) = slot.get() else {
            info!("stopped before anything was begun");
            std::process::exit(0);
        };
        if is_first {
            info!("stopping when what is under way is done; once more stops at once");
            door.bring(News::Stop).await;
        } else {
            warn!("stopped at once; what was under way is settled at the next start");
            std::process::exit(130);
        }
    }
}

/// Tells what EC2 would refuse of what worker types name. That may be mended there at any time, and
/// concerns one of them: it stops nobody.
async fn look(ec2: Arc<Ec2>, setup: Setup) {
    for Finding { what, state } in doctor::pools(&ec2, &setup).await {
        if let State::Ill(how) = state {
            warn!("{what}: {how}");
        }
    }
}

/// What worker types were last read from.
struct Last {
    folder: Option<u64>,
    at: Instant,
    /// All regions answered.
    is_whole: bool,
}

/// Reads worker types anew when they change.
async fn reload(assembly: Assembly, shadow: Shadow, mut last: Last, door: Door) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let folder = &assembly.settings.worker_types;
    let usual = span(assembly.settings.aws.offers_interval);
    loop {
        let is_wanted = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(FOLDER_EVERY) => false,
        };
        let current = fingerprint(folder).ok();
        let every = if last.is_whole { usual } else { usual.min(WAIT_MAX) };
        if !is_wanted && current == last.folder && last.at.elapsed() < every {
            continue;
        }
        last = Last { folder: current, at: Instant::now(), is_whole: last.is_whole };
        match assembly.read(now(), key_pairs(shadow)).await {
            Ok(Reading { setup, silent, .. }) => {
                last.is_whole = silent.is_empty();
                tokio::spawn(look(Arc::clone(&assembly.ec2), setup.clone()));
                if !door.bring(News::Configured(Box::new(setup))).await {
                    return;
                }
            }
            Err(error) => {
                // It is asked again soon, if it is EC2 that does not answer.
                last.is_whole = !matches!(error, AssemblyError::Unknown(..));
                error!("the worker types are kept as they were\n{error}");
            }
        }
    }
}

/// Messages that a task came in bring the next turn forward.
fn nudges(assembly: &Assembly, runtime: &Handle, door: &Door) {
    for (name, queue) in &assembly.settings.queues {
        let SourceSettings::Taskcluster { pulse: Some(pulse), .. } = &queue.source else {
            continue;
        };
        let url = match pulse.url.read(|name| std::env::var(name).ok()) {
            Ok(url) => url.reveal().to_owned(),
            Err(error) => {
                warn!(queue = name, error, "no messages are listened to");
                continue;
            }
        };
        let settings = PulseSettings {
            url,
            ca_file: pulse.ca_file.clone(),
            user: pulse.user.clone(),
            worker_types: assembly.queues.names_in(name),
        };
        let (wake, mut woken) = mpsc::channel(64);
        let door = door.clone();
        runtime.spawn(pulse::listen(settings, wake));
        runtime.spawn(async move {
            while woken.recv().await.is_some() && door.bring(News::Nudged).await {}
        });
    }
}

/// The wall clock: only for what floors are resolved from.
fn now() -> Time {
    Look::now().wall
}
