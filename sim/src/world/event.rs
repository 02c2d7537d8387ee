//! What can happen, packed into 54 bits: 6 for the kind, 24 for a slot, 24 for its generation.
//!
//! A slot is reused, an entry in the agenda is not taken back: the generation tells whether what
//! was there then is still there. 24 bits outlast any delay: 16 million lives of one slot.

use crate::agenda::Packed;

/// How many generations are told apart.
pub(super) const GENERATIONS: u32 = 1 << GENERATION_BITS;

const GENERATION_BITS: u32 = 24;
const SLOT_BITS: u32 = 24;

/// A slot at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal,)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Event {
            $($(#[$doc])* $name(Handle),)*
        }

        impl Event {
            #[inline(always)]
            pub(super) fn pack(self) -> Packed {
                match self {
                    $(Self::$name(handle) => pack($kind, handle),)*
                }
            }

            #[inline(always)]
            pub(super) fn unpack(packed: Packed) -> Self {
                let (kind, handle) = unpack(packed);
                match kind {
                    $($kind => Self::$name(handle),)*
                    _ => unreachable!("only packed events are unpacked"),
                }
            }
        }
    };
}

events! {
    /// A worker has run a task to its end.
    TaskDone = 0,
    /// The claim of a vanished worker expired.
    ClaimExpired = 1,
    /// A task's deadline.
    Deadline = 2,
    /// A worker's slot has rested after its last task.
    SlotRested = 3,
    /// EC2 answers a launch, or has evaluated a spot request.
    Answered = 4,
    /// The instance is `running`.
    Running = 5,
    /// The worker can claim.
    Booted = 6,
    /// EC2 announces that it takes the instance back.
    Noticed = 7,
    /// Time to see whether that is due soon.
    HazardLook = 8,
    /// EC2 has taken the instance back.
    Reclaimed = 9,
    /// The instance is `terminated`.
    Terminated = 10,
    /// A worker has been idle for its idle timeout; the generation counts idle periods.
    IdleTimeout = 11,
    /// A worker has been up for its longest.
    UptimeReached = 12,
    /// A fact reaches the engine.
    Delivered = 13,
    /// A page of a listing is answered; the slot is the region.
    Page = 14,
    /// A fault that happens once begins, or ends if the generation is 1; the slot is its number.
    FaultTurns = 15,
    /// The engine's process dies by chance.
    ProcessDies = 16,
    /// A spot request's `ValidUntil`.
    Expires = 17,
    /// EC2 carries out the order to end an instance.
    Ends = 18,
    /// A worker hangs.
    Hangs = 40,
    /// A worker dies.
    Dies = 41,
    /// A worker has been idle for so long that it asks whether to stop; the generation counts idle
    /// periods.
    Asks = 42,
}

#[inline(always)]
fn pack(kind: u64, Handle { slot, generation }: Handle) -> Packed {
    assert!(slot < 1 << SLOT_BITS, "more than 16 million tasks or instances at once");
    (kind << (SLOT_BITS + GENERATION_BITS))
        | (u64::from(slot) << GENERATION_BITS)
        | u64::from(generation)
}

#[expect(clippy::cast_possible_truncation, reason = "each part is masked to its bits")]
const fn unpack(packed: Packed) -> (u64, Handle) {
    let generation = (packed & (GENERATIONS as u64 - 1)) as u32;
    let slot = ((packed >> GENERATION_BITS) & ((1 << SLOT_BITS) - 1)) as u32;
    (packed >> (SLOT_BITS + GENERATION_BITS), Handle { slot, generation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_packing() {
        let handle = Handle { slot: (1 << SLOT_BITS) - 1, generation: GENERATIONS - 1 };
        for event in [Event::TaskDone(handle), Event::Delivered(Handle { slot: 0, generation: 7 })]
        {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }
}
