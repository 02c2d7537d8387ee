//! States of an instance and why it left them.
//!
//! An instance here is never stopped to be started again: spot instances of one-time requests cannot
//! be, and nothing here orders it. So EC2's states `stopping` and `stopped` are absent, and so are the
//! reasons that lead there or out of there, or that need a user at the machine or an image's author.
//!
//! Source: EC2 API, `InstanceState` and `StateReason`; User Guide, "Instance lifecycle".

use std::fmt;

use provisioner_engine::observation::EndCause;
use provisioner_engine::units::Time;

/// EC2's states of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceState {
    /// A host prepares to start it; not billed.
    Pending,
    /// It is on; billed.
    Running,
    /// It is being terminated; no longer billed.
    ShuttingDown,
    /// It is gone for good, and listed for about an hour.
    Terminated,
}

impl InstanceState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::ShuttingDown, Self::Terminated];

    /// EC2's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    /// EC2's code: the low byte of what the API gives; the rest is for its own use.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
        }
    }

    /// Whether EC2 ever takes an instance from this state to that one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use InstanceState as S;
        match self {
            // To `terminated` at once: a launch that failed after its ids were given.
            S::Pending => matches!(next, S::Running | S::ShuttingDown | S::Terminated),
            S::Running => matches!(next, S::ShuttingDown),
            S::ShuttingDown => matches!(next, S::Terminated),
            S::Terminated => false,
        }
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// EC2's `StateReason.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateReason {
    /// A spot instance was taken back.
    SpotInstanceTermination,
    /// EC2 failed during the launch.
    InternalError,
    /// Its own system shut down.
    InstanceInitiatedShutdown,
    /// It was ended by a call.
    UserInitiatedShutdown,
    /// The limit on volumes is reached.
    VolumeLimitExceeded,
}

impl StateReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SpotInstanceTermination,
        Self::InternalError,
        Self::InstanceInitiatedShutdown,
        Self::UserInitiatedShutdown,
        Self::VolumeLimitExceeded,
    ];

    /// EC2's code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SpotInstanceTermination => "Server.SpotInstanceTermination",
            Self::InternalError => "Server.InternalError",
            Self::InstanceInitiatedShutdown => "Client.InstanceInitiatedShutdown",
            Self::UserInitiatedShutdown => "Client.UserInitiatedShutdown",
            Self::VolumeLimitExceeded => "Client.VolumeLimitExceeded",
        }
    }

    /// The code that EC2 gives an end with this cause; none for one that it says nothing about.
    #[must_use]
    pub const fn of(cause: EndCause) -> Option<Self> {
        match cause {
            EndCause::Worker => Some(Self::InstanceInitiatedShutdown),
            EndCause::Provisioner => Some(Self::UserInitiatedShutdown),
            EndCause::Interruption => Some(Self::SpotInstanceTermination),
            EndCause::LaunchFailed => Some(Self::InternalError),
            EndCause::VolumeLimit => Some(Self::VolumeLimitExceeded),
            EndCause::Vanished => None,
        }
    }

    /// EC2's `StateTransitionReason`, a free text that says less: of what its makers do it names
    /// the time, of a launch that failed the server's view.
    #[must_use]
    pub fn transition_text(self, at: Time) -> String {
        let by = match self {
            Self::SpotInstanceTermination => "Service initiated",
            Self::InstanceInitiatedShutdown | Self::UserInitiatedShutdown => "User initiated",
            Self::InternalError | Self::VolumeLimitExceeded => {
                return Self::InternalError.code().to_owned();
            }
        };
        let second = at.to_string();
        format!("{by} ({} GMT)", second[..19].replace('T', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_for_good() {
        for state in InstanceState::ALL {
            let ends = !InstanceState::ALL.into_iter().any(|next| state.may_become(next));
            assert_eq!(ends, state == InstanceState::Terminated, "{state}");
            assert!(!state.may_become(state), "{state} is no step from itself");
        }
    }

    #[test]
    fn codes_are_the_sixteens() {
        let codes = InstanceState::ALL.map(InstanceState::code);
        assert_eq!(codes, [0, 16, 32, 48]);
    }

    #[test]
    fn the_free_text_is_as_others_have_seen_it() {
        let at = Time::from_ms(1_633_356_813_000);
        let text = |cause| StateReason::of(cause).map(|reason| reason.transition_text(at));
        let user = Some("User initiated (2021-10-04 14:13:33 GMT)".to_owned());
        assert_eq!(text(EndCause::Provisioner), user);
        assert_eq!(text(EndCause::VolumeLimit), Some("Server.InternalError".to_owned()));
        assert_eq!(text(EndCause::Vanished), None);
    }
}
