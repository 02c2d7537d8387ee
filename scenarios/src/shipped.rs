//! The scenarios that come with the program, so that it needs no checkout.
//!
//! All are on generated input. What each says of itself in its `description` is tested in
//! `reports/tests/library.rs`, but for the quickstart's, which claims nothing.

use std::path::Path;

use crate::file::{Issue, nearest};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// What it is called, on the command line as well.
    pub name: &'static str,
    /// Its file, word for word.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($folder:literal $name:literal),* $(,)?) => {
        [$(Shipped {
            name: $name,
            text: include_str!(concat!("../", $folder, $name, ".toml")),
        }),*]
    };
}

/// All of them, the one to begin with first.
pub const SHIPPED: [Shipped; 13] = shipped![
    "" "quickstart",
    "library/" "steady-ci",
    "library/" "diurnal-ci",
    "library/" "firefox-week",
    "library/" "release-crunch",
    "library/" "monthly-batch",
    "library/" "deadline-batch",
    "library/" "bid-era-spikes",
    "library/" "modern-market",
    "library/" "availability-drought",
    "library/" "regional-outage",
    "library/" "slow-windows-boots",
    "library/" "gpu-scarce",
];

/// The shipped scenario that a path names where there is no such file.
pub(crate) fn named(path: &Path) -> Option<Shipped> {
    let shipped = SHIPPED.into_iter().find(|shipped| path == Path::new(shipped.name))?;
    (!path.exists()).then_some(shipped)
}

/// The issue with a path that is not there, and the shipped scenario that may be meant.
pub(crate) fn hint(issue: Issue, path: &Path) -> Issue {
    if path.exists() {
        return issue;
    }
    let names = SHIPPED.iter().map(|shipped| shipped.name);
    match path.to_str().and_then(|path| nearest(path, names)) {
        Some(near) => issue.hint(format!("did you mean the shipped `{near}`?")),
        None => issue,
    }
}
