//! What protects us from one accident each, and the engine without it.
//!
//! A scenario names what its accident is about (`[incident] without`) and can then be run without
//! that ([`Profile::Unguarded`](super::Profile::Unguarded)): what is survived either way says
//! nothing about the protection.

use provisioner_engine::guards::{Guards, ListingRule, Memory, Removed, Unanswered};
use provisioner_engine::units::{Duration, Ratio};
use provisioner_engine::worker_type::{EngineConfig, PlacementPolicy, ScalingPolicy, SpendLimits};

macro_rules! guards {
    ($($name:ident = $guard:ident,)*) => {
        /// Something that protects and can be taken away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Protection {
            $(
                #[doc = concat!("The rule `", stringify!($guard), "` of `[engine.guard_rules]`.")]
                $name,
            )*
            /// Machines of what left the configuration are not killed (rule `removed`).
            Removed,
            /// Calls without an answer are not forgotten (rule `unanswered`).
            Unanswered,
            /// A restart remembers what EC2 does not list (rule `memory`).
            Memory,
            /// What a listing lacks is not gone at once (`absence` of the rule `listing`).
            Absence,
            /// Surplus must last, and exceed a band, before a worker is told to stop.
            Settle,
            /// Another pool must be cheaper by a margin, and some time must pass, before it is the favourite.
            Hold,
            /// Ceilings on spending.
            Spend,
            /// Floors follow the clock on the wall; without it they keep the offset from UTC that holds at
    /// the start.
            ClockChanges,
        }

        impl Protection {
            /// All of them, by the names they have in files.
            pub(super) const ALL: &[(&str, Self)] = &[
                $((stringify!($guard), Self::$name),)*
                ("removed", Self::Removed),
                ("unanswered", Self::Unanswered),
                ("memory", Self::Memory),
                ("absence", Self::Absence),
                ("settle", Self::Settle),
                ("hold", Self::Hold),
                ("spend", Self::Spend),
                ("clock_changes", Self::ClockChanges),
            ];

            /// Takes it away; of floors, `resolve` does.
            pub(super) fn take_from(self, engine: &mut EngineConfig) {
                match self {
                    $(Self::$name => engine.guards.$guard = Guards::off().$guard,)*
                    Self::Removed => engine.guards.removed = Removed::Killed,
                    Self::Unanswered => engine.guards.unanswered = Unanswered::Forgotten,
                    Self::Memory => engine.guards.memory = Memory::Listed,
                    Self::Absence => {
                        engine.guards.listing = Some(ListingRule::believed(Duration::ZERO));
                    }
                    Self::Settle => engine.worker_types.iter_mut().for_each(|worker_type| {
                        if let ScalingPolicy::Target { settle, band, .. } = &mut worker_type.scaling {
                            (*settle, *band) = (Duration::ZERO, Ratio::ZERO);
                        }
                    }),
                    Self::Hold => engine.worker_types.iter_mut().for_each(|worker_type| {
                        if let PlacementPolicy::Spread(rule) = &mut worker_type.placement {
                            (rule.margin, rule.hold) = (Ratio::ZERO, Duration::ZERO);
                        }
                    }),
                    Self::Spend => {
                        engine.limits.spend = SpendLimits::default();
                        engine.worker_types.iter_mut().for_each(|it| it.spend = SpendLimits::default());
                    }
                    Self::ClockChanges => {}
                }
            }
        }
    };
}

guards! {
    Listing = listing,
    Strays = strays,
    Api = api,
    Ice = ice,
    Losses = losses,
    Share = share,
    QuotaBlock = quota_block,
    UnsupportedBlock = unsupported_block,
    Breaker = breaker,
    Recheck = recheck,
    Zombies = zombies,
    PricesStaleAfter = prices_stale_after,
    PriceRatioMax = price_ratio_max,
}
