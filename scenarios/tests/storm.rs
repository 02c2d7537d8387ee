//! Storms are sound scenarios, the same for ever, and small ones still fail.

use std::path::Path;

use provisioner_scenarios::load_text;
use provisioner_scenarios::storm::compose;

#[test]
fn every_seed_makes_a_sound_scenario() {
    for seed in 0..2_000 {
        if let Err(issues) = load_text(Path::new("storm.toml"), &compose(seed)) {
            panic!("storm {seed}:\n{issues}");
        }
    }
}
