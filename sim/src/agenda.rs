//! What will happen when: the event queue.
//!
//! Equal times leave first in, first out. An entry is one packed integer, so a comparison is one
//! instruction: 40 bits of milliseconds since the start (34 years), 34 bits of sequence number
//! (1.7 × 10¹⁰ events), 54 bits of event. Delays that are always the same go to a line of their
//! own, in which the first to enter is the first to leave; only the others are sorted.
//!
//! Nothing happens after the end, so what would is not entered: a timeout may be as long as it
//! likes.
//!
//! Not here: sorted input (tasks, prices), which is read as it comes and never queued.

mod heap;
mod wheel;

use std::collections::VecDeque;

use provisioner_engine::units::{Duration, Time};

use self::wheel::Wheel;

const EVENT_BITS: u32 = 54;
const SEQUENCE_BITS: u32 = 34;
const TIME_BITS: u32 = 128 - EVENT_BITS - SEQUENCE_BITS;

/// Most delays that get a line of their own. Each event looks at every line, so they are few, and a
/// thousand worker types with timeouts of their own do not pay for one another.
const LINES_MAX: usize = 8;

/// The event queue.
#[derive(Debug)]
pub(crate) struct Agenda {
    start: Time,
    end: Time,
    sequence: u64,
    wheel: Wheel,
    /// All delays that were named.
    delays: Vec<Duration>,
    /// The lines of the first of them; the others' events enter the wheel.
    lines: Vec<VecDeque<u128>>,
    /// The first of each line: looked at with each event, so they stand side by side.
    fronts: [u128; LINES_MAX],
    /// The earliest of all, which is looked at more often than it changes.
    next: Next,
}

/// An event as a number below 2⁵⁴.
pub(crate) type Packed = u64;

/// Names a delay that is always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineId(u32);

impl Agenda {
    /// An empty agenda from `start` to `end`, or as far as it reaches. Nothing may be entered
    /// before its start.
    pub(crate) fn new(start: Time, end: Time) -> Self {
        let reach = start.saturating_add(Duration::from_ms(NEVER.cast_signed() - 1));
        Self {
            start,
            end: end.min(reach),
            sequence: 0,
            wheel: Wheel::new(),
            delays: Vec::new(),
            lines: Vec::new(),
            fronts: [NOTHING; LINES_MAX],
            next: Next { entry: NOTHING, line: WHEEL },
        }
    }

    /// The last time at which something happens.
    pub(crate) const fn end(&self) -> Time {
        self.end
    }

    /// The line for this delay; new if it is.
    pub(crate) fn line(&mut self, delay: Duration) -> LineId {
        let known = self.delays.iter().position(|known| *known == delay);
        let line = known.unwrap_or_else(|| {
            self.delays.push(delay);
            self.lines.resize(self.delays.len().min(LINES_MAX), VecDeque::new());
            self.delays.len() - 1
        });
        LineId(u32::try_from(line).expect("fewer than four billion delays"))
    }

    /// Enters an event at any time.
    #[inline(always)]
    pub(crate) fn enter(&mut self, at: Time, event: Packed) {
        if at <= self.end {
            let entry = self.pack(at, event);
            self.wheel.push(entry);
            self.next = self.next.or(entry, WHEEL);
        }
    }

    /// Enters an event at `now` plus the line's delay. Calls come in the order of `now`.
    #[inline(always)]
    pub(crate) fn enter_line(&mut self, LineId(line): LineId, now: Time, event: Packed) {
        let line = line as usize;
        let at = now.saturating_add(self.delays[line]);
        if at > self.end {
            return;
        }
        let entry = self.pack(at, event);
        match self.lines.get_mut(line) {
            Some(entries) => {
                entries.push_back(entry);
                self.fronts[line] = self.fronts[line].min(entry);
            }
            None => self.wheel.push(entry),
        }
        self.next = self.next.or(entry, line);
    }

    /// When the next event happens; [`Time::MAX`] if there is none.
    #[inline(always)]
    pub(crate) fn next_time(&self) -> Time {
        match offset_of(self.next.entry) {
            NEVER => Time::MAX,
            offset => self.time_at(offset),
        }
    }

    /// Takes the next event out.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<(Time, Packed)> {
        let Next { entry, line } = self.next;
        let offset = offset_of(entry);
        if offset == NEVER {
            return None;
        }
        match self.lines.get_mut(line) {
            Some(entries) => {
                entries.pop_front();
                self.fronts[line] = entries.front().copied().unwrap_or(NOTHING);
            }
            None => self.wheel.pop_first(),
        }
        self.next = self.earliest();
        Some((self.time_at(offset), event_of(entry)))
    }

    #[inline(always)]
    fn earliest(&self) -> Next {
        let first = self.wheel.first();
        let mut earliest = Next { entry: first, line: WHEEL };
        for (line, front) in self.fronts.iter().enumerate().take(self.lines.len()) {
            earliest = earliest.or(*front, line);
        }
        earliest
    }

    #[inline(always)]
    fn pack(&mut self, at: Time, event: Packed) -> u128 {
        let offset = (at - self.start).ms();
        assert!(offset >= 0, "an event {} ms before the run", -offset);
        assert!(self.sequence < 1 << SEQUENCE_BITS, "more events than the agenda can count");
        debug_assert!(event < 1 << EVENT_BITS, "an event packs into 54 bits");
        let entry = (u128::from(offset.cast_unsigned()) << (EVENT_BITS + SEQUENCE_BITS))
            | (u128::from(self.sequence) << EVENT_BITS)
            | u128::from(event);
        self.sequence += 1;
        entry
    }

    #[inline(always)]
    fn time_at(&self, offset: u64) -> Time {
        self.start + Duration::from_ms(offset.cast_signed())
    }
}

/// The next entry, and where it is.
#[derive(Clone, Copy, Debug)]
struct Next {
    entry: u128,
    /// In this line, or in the wheel if there is none.
    line: usize,
}

/// No line.
const WHEEL: usize = usize::MAX;

/// Stands for no entry: later than all of them. It is told by its time, as that is in one register.
const NOTHING: u128 = u128::MAX;

/// The time of no entry.
const NEVER: u64 = (1 << TIME_BITS) - 1;

impl Next {
    /// The earlier of this and another one.
    #[inline(always)]
    fn or(self, entry: u128, line: usize) -> Self {
        if entry < self.entry { Self { entry, line } } else { self }
    }
}

/// Milliseconds since the start.
#[inline(always)]
const fn offset_of(entry: u128) -> u64 {
    (entry >> (EVENT_BITS + SEQUENCE_BITS)) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the event is the lowest 54 bits")]
const fn event_of(entry: u128) -> Packed {
    (entry as u64) & ((1 << EVENT_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_leave_by_time_then_first_in_first_out(
            entries in prop::collection::vec((0_i64..50, any::<bool>()), 0..300),
        ) {
            let mut agenda = Agenda::new(Time::EPOCH, Time::MAX);
            let line = agenda.line(Duration::from_ms(50));
            let mut expected = Vec::new();
            for (number, (at, constant)) in (0..).zip(entries) {
                if constant {
                    // Lines take entries in the order of time only, here all at once.
                    agenda.enter_line(line, Time::EPOCH, number);
                    expected.push((Time::from_ms(50), number));
                } else {
                    agenda.enter(Time::from_ms(at), number);
                    expected.push((Time::from_ms(at), number));
                }
            }
            expected.sort();
            for entry in expected {
                prop_assert_eq!(agenda.next_time(), entry.0);
                prop_assert_eq!(agenda.pop(), Some(entry));
            }
            prop_assert_eq!(agenda.pop(), None);
        }
    }

    /// Milliseconds, seconds, minutes, hours and days from now.
    fn delay() -> impl Strategy<Value = i64> {
        prop_oneof![
            0..5_i64,
            0..10_000_i64,
            0..600_000_i64,
            0..40_000_000_i64,
            0..3_000_000_000_i64
        ]
    }

    proptest! {
        #[test]
        fn what_is_entered_meanwhile_leaves_in_order_too(
            steps in prop::collection::vec(prop_oneof![delay().prop_map(Some), Just(None)], 0..400),
        ) {
            let mut agenda = Agenda::new(Time::EPOCH, Time::MAX);
            let (mut now, mut expected) = (0, std::collections::BTreeSet::new());
            for (number, step) in (0..).zip(steps) {
                if let Some(delay) = step {
                    agenda.enter(Time::from_ms(now + delay), number);
                    expected.insert((now + delay, number));
                } else {
                    let first = expected.pop_first();
                    prop_assert_eq!(agenda.pop(), first.map(|(at, it)| (Time::from_ms(at), it)));
                    now = first.map_or(now, |(at, _)| at);
                }
            }
            for (at, number) in expected {
                prop_assert_eq!(agenda.pop(), Some((Time::from_ms(at), number)));
            }
            prop_assert_eq!(agenda.pop(), None);
        }
    }

    #[test]
    fn many_delays_share_few_lines_and_leave_in_order() {
        let mut agenda = Agenda::new(Time::EPOCH, Time::MAX);
        let delays: Vec<LineId> =
            (1..=1_000).map(|ms| agenda.line(Duration::from_ms(1_001 - ms))).collect();
        assert!(agenda.lines.len() <= LINES_MAX, "each event looks at {}", agenda.lines.len());
        for (number, delay) in (0..).zip(&delays) {
            agenda.enter_line(*delay, Time::EPOCH, number);
        }
        for number in (0..1_000).rev() {
            let at = Time::from_ms(1_000 - i64::try_from(number).unwrap());
            assert_eq!(agenda.pop(), Some((at, number)));
        }
    }

    #[test]
    #[should_panic(expected = "before the run")]
    fn an_event_before_the_start_is_a_bug() {
        Agenda::new(Time::from_ms(5), Time::MAX).enter(Time::from_ms(4), 0);
    }

    #[test]
    fn nothing_happens_after_the_end() {
        let mut agenda = Agenda::new(Time::EPOCH, Time::from_ms(5));
        let never = agenda.line(Duration::MAX);
        agenda.enter_line(never, Time::from_ms(1), 0);
        agenda.enter(Time::from_ms(6), 1);
        agenda.enter(Time::from_ms(5), 2);
        assert_eq!(agenda.pop(), Some((Time::from_ms(5), 2)));
        assert_eq!(agenda.pop(), None);
    }
}
