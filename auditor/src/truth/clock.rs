//! Time in which the provisioner is up and can see and end instances: no other is held against it.

use crate::{Ms, Truth};

#[derive(Default)]
pub(super) struct Clock {
    at: Ms,
    shown: Ms,
    blinded: u32,
    is_down: bool,
}

impl Clock {
    /// Time passed; what the clock shows then.
    pub(super) fn pass(&mut self, to: Ms) -> Ms {
        if self.blinded == 0 && !self.is_down {
            self.shown += (to - self.at).max(0);
        }
        self.at = self.at.max(to);
        self.shown
    }

    /// The same, and what happened then may stop it, or let it run again.
    pub(super) fn happened(&mut self, at: Ms, truth: &Truth) -> Ms {
        let shown = self.pass(at);
        match *truth {
            Truth::Blinded => self.blinded += 1,
            Truth::Sighted => self.blinded = self.blinded.saturating_sub(1),
            Truth::Died => self.is_down = true,
            Truth::CameBack => self.is_down = false,
            _ => {}
        }
        shown
    }
}
