//! A command that is told to stop leaves nothing half written, and then ends as any program would: by
//! the signal, so that shells and scripts see what happened.

use std::fs;
use std::thread;

use provisioner_scenarios::output::abandon_all;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Waits for signals that end programs, apart from the command itself. Without them nothing is
/// lost but that hidden files stay.
pub(crate) fn watch() {
    let ignored = ignored();
    let ends = [SIGHUP, SIGINT, SIGTERM].into_iter();
    let ends = ends.filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let Ok(mut signals) = Signals::new(ends) else { return };
    thread::spawn(move || {
        for signal in &mut signals {
            abandon_all();
            let _ = emulate_default_handler(signal);
        }
    });
}

/// The signals that whoever started us has us ignore, as `nohup` does, a bit for each; none where
/// the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
