//! What will happen when: the event queue.
//!
//! Equal times leave first in, first out. An entry is one packed integer, so a comparison is one
//! instruction: 40 bits of milliseconds since the start (34 years), 34 bits of sequence number
//! (1.7 × 10¹⁰ events), 54 bits of event. Delays that are always the same go to a line of their
//! own, in which the first to enter is the first to leave; only the others pay for a heap.
//!
//! Nothing happens after the end, so what would is not entered: a timeout may be as long as it
//! likes.
//!
//! Not here: sorted input (tasks, prices), which is read as it comes and never queued.

use std::collections::VecDeque;

use provisioner_engine::units::{Duration, Time};

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
    heap: Heap,
    /// All delays that were named.
    delays: Vec<Duration>,
    /// The lines of the first of them; the others' events enter the heap.
    lines: Vec<VecDeque<u128>>,
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
        let reach = start.saturating_add(Duration::from_ms((1 << TIME_BITS) - 1));
        let heap = Heap { entries: Vec::new() };
        Self {
            start,
            end: end.min(reach),
            sequence: 0,
            heap,
            delays: Vec::new(),
            lines: Vec::new(),
            next: Next { entry: NOTHING, line: HEAP },
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
    pub(crate) fn enter(&mut self, at: Time, event: Packed) {
        if at <= self.end {
            let entry = self.pack(at, event);
            self.heap.push(entry);
            self.next = self.next.or(entry, HEAP);
        }
    }

    /// Enters an event at `now` plus the line's delay. Calls come in the order of `now`.
    pub(crate) fn enter_line(&mut self, LineId(line): LineId, now: Time, event: Packed) {
        let line = line as usize;
        let at = now.saturating_add(self.delays[line]);
        if at > self.end {
            return;
        }
        let entry = self.pack(at, event);
        match self.lines.get_mut(line) {
            Some(entries) => entries.push_back(entry),
            None => self.heap.push(entry),
        }
        self.next = self.next.or(entry, line);
    }

    /// When the next event happens.
    pub(crate) fn next_time(&self) -> Option<Time> {
        (self.next.entry != NOTHING).then(|| self.time_of(self.next.entry))
    }

    /// Takes the next event out.
    pub(crate) fn pop(&mut self) -> Option<(Time, Packed)> {
        let Next { entry, line } = self.next;
        if entry == NOTHING {
            return None;
        }
        match self.lines.get_mut(line) {
            Some(entries) => drop(entries.pop_front()),
            None => self.heap.pop_top(),
        }
        self.next = self.earliest();
        Some((self.time_of(entry), event_of(entry)))
    }

    fn earliest(&self) -> Next {
        let first = self.heap.entries.first().copied().unwrap_or(NOTHING);
        let mut earliest = Next { entry: first, line: HEAP };
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(&front) = line.front() {
                earliest = earliest.or(front, index);
            }
        }
        earliest
    }

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

    fn time_of(&self, entry: u128) -> Time {
        self.start + Duration::from_ms((entry >> (EVENT_BITS + SEQUENCE_BITS)) as i64)
    }
}

/// The next entry, and where it is.
#[derive(Clone, Copy, Debug)]
struct Next {
    entry: u128,
    /// In this line, or in the heap if there is none.
    line: usize,
}

/// No line.
const HEAP: usize = usize::MAX;

/// Stands for no entry: later than all of them.
const NOTHING: u128 = u128::MAX;

impl Next {
    /// The earlier of this and another one.
    fn or(self, entry: u128, line: usize) -> Self {
        if entry < self.entry { Self { entry, line } } else { self }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the event is the lowest 54 bits")]
const fn event_of(entry: u128) -> Packed {
    (entry as u64) & ((1 << EVENT_BITS) - 1)
}

/// A 4-ary min-heap: half as deep as a binary one, and four children share a cache line.
/// Measured against `std`'s in `benches`.
#[derive(Debug)]
struct Heap {
    entries: Vec<u128>,
}

const ARITY: usize = 4;

impl Heap {
    fn push(&mut self, entry: u128) {
        let mut place = self.entries.len();
        self.entries.push(entry);
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.entries[parent] <= entry {
                break;
            }
            self.entries[place] = self.entries[parent];
            place = parent;
        }
        self.entries[place] = entry;
    }

    fn pop_top(&mut self) {
        let Some(last) = self.entries.pop() else { return };
        if self.entries.is_empty() {
            return;
        }
        let (entries, mut place) = (&mut self.entries[..], 0);
        loop {
            let first = place * ARITY + 1;
            // A tournament of four has no branch that depends on who wins.
            let (child, least) = if let Some(&[a, b, c, d]) = entries.get(first..first + ARITY) {
                let (left, left_least) = if b < a { (1, b) } else { (0, a) };
                let (right, right_least) = if d < c { (3, d) } else { (2, c) };
                let right_wins = right_least < left_least;
                let offset = if right_wins { right } else { left };
                (first + offset, if right_wins { right_least } else { left_least })
            } else {
                let rest = entries.get(first..).unwrap_or_default().iter().copied();
                match (first..).zip(rest).min_by_key(|(_, entry)| *entry) {
                    Some(least) => least,
                    None => break,
                }
            };
            if last <= least {
                break;
            }
            entries[place] = least;
            place = child;
        }
        entries[place] = last;
    }
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
                prop_assert_eq!(agenda.next_time(), Some(entry.0));
                prop_assert_eq!(agenda.pop(), Some(entry));
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
