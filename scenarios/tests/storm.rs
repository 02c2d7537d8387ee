//! Storms are sound scenarios, the same for ever, and small ones still fail.

use std::fs;
use std::path::Path;

use provisioner_scenarios::load_text;
use provisioner_scenarios::storm::{compose, weather};

#[test]
fn every_seed_makes_a_sound_scenario() {
    for seed in 0..2_000 {
        if let Err(issues) = load_text(Path::new("storm.toml"), &compose(seed)) {
            panic!("storm {seed}:\n{issues}");
        }
    }
}

/// Each is a bug that a storm found, made small: what it was stands at the top of the file.
#[test]
fn what_storms_once_found_does_not_come_back() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/storms"));
    let files = fs::read_dir(folder).expect("a folder of storms");
    for path in files.map(|file| file.expect("a file").path()) {
        let text = fs::read_to_string(&path).expect("a scenario");
        let weathered = weather(&text).expect("a sound scenario");
        assert_eq!(weathered.failures, [], "{}", path.display());
    }
}

#[test]
fn a_storm_goes_the_same_way_each_time() {
    for seed in 1..20 {
        let [first, again] = [(); 2].map(|()| weather(&compose(seed)).expect("a sound scenario"));
        assert_eq!((first.digest, first.coverage), (again.digest, again.coverage), "storm {seed}");
    }
}
