//! Storms are sound scenarios, the same for ever, and small ones still fail.

use std::fs;
use std::path::Path;

use provisioner_scenarios::load_text;
use provisioner_scenarios::storm::coverage::{Count, Coverage, Kind};
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

/// That many storms reach everything that can be reached is for `provisioner storm --everything`,
/// which CI runs.
#[test]
fn what_storms_never_reached_is_named_unless_it_cannot_be() {
    let none = Coverage::none();
    let never: Vec<(Kind, &str)> = none.never().collect();
    assert!(never.contains(&(Kind::Refusals, "insufficient-capacity")));
    for (kind, name) in
        [(Kind::Refusals, "rejected"), (Kind::Refusals, "volume-limit"), (Kind::Ends, "vanished")]
    {
        let known = none.iter().any(|(of, it, _)| (of, it) == (kind, name));
        let excused = Coverage::unreachable(kind, name).is_some() && !never.contains(&(kind, name));
        assert!(known && excused, "{name}");
    }
    let few = (1..=10).fold(Coverage::none(), |mut few, seed| {
        few.add(&weather(&compose(seed)).expect("a sound scenario").coverage);
        few
    });
    let unreachable =
        few.iter().filter(|(kind, name, _)| Coverage::unreachable(*kind, name).is_some());
    assert!(unreachable.map(|(.., count)| count).all(|count| count == Count::default()));
    let rows = few.iter().count();
    assert!(2 * few.never().count() < rows, "{:?}", few.never().collect::<Vec<_>>());
}
