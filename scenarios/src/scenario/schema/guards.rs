//! What protects the engine from a lying cloud.

use provisioner_engine::guards::Guards;

use crate::file::{Section, kind};

pub(super) fn guards(s: &mut Section<'_>) -> Guards {
    let presets = [("on", Guards::default()), ("off", Guards::off())];
    s.defaulted(
        "guards",
        kind::choice(&presets),
        "What protects from a lying cloud, a broken image or a bad day: everything, or nothing, as \
         in the predecessors.",
        Guards::default(),
        "what others lacked is on",
    )
}
