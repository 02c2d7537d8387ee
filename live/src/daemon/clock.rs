//! The daemon's clock: it never runs backwards, and never leaps.
//!
//! The engine's time is the wall clock's at the start, and then goes on with the machine's own time
//! since boot, sleep included. Small corrections of the wall clock (NTP's) are followed; a leap is
//! not, for it would make every instance as much older at once: it is kept as [`Clock::skew`], to be
//! told. A wall clock that is behind what the store has seen is not believed either.

use std::sync::{Arc, Mutex};

use provisioner_engine::units::{Duration, Time};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A difference between two looks that is still a correction.
const CORRECTION_MAX: Duration = Duration::SECOND;

/// What time it is for the engine.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Time when the machine booted, by the wall clock, as far as it is followed.
    epoch: Time,
    /// The wall clock's own idea of that.
    wall_epoch: Time,
    last: Time,
}

/// What the machine's clocks show at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The wall clock.
    pub wall: Time,
    /// Time since boot.
    pub up: Duration,
}

impl Look {
    /// At the machine's clocks, now.
    #[must_use]
    pub fn now() -> Self {
        let ms = |at: Timespec| at.tv_sec.saturating_mul(1_000) + at.tv_nsec / 1_000_000;
        let wall = Time::from_ms(ms(clock_gettime(ClockId::Realtime)));
        Self { wall, up: Duration::from_ms(ms(clock_gettime(ClockId::Boottime))) }
    }
}

impl Clock {
    /// Begins at a look, or at `last`, the latest time that anybody remembers, if that is later.
    #[must_use]
    pub fn start(look: Look, last: Option<Time>) -> Self {
        let now = last.map_or(look.wall, |last| last.max(look.wall));
        Self { epoch: now - look.up, wall_epoch: look.wall - look.up, last: now }
    }

    /// What time it is at that look.
    pub fn at(&mut self, look: Look) -> Time {
        let wall_epoch = look.wall - look.up;
        let correction = wall_epoch.ms() - self.wall_epoch.ms();
        if correction.abs() <= CORRECTION_MAX.ms() {
            self.epoch = Time::from_ms(self.epoch.ms() + correction);
        }
        self.wall_epoch = wall_epoch;
        self.last = self.last.max(self.epoch.saturating_add(look.up));
        self.last
    }

    /// What time it is now.
    pub fn now(&mut self) -> Time {
        self.at(Look::now())
    }

    /// How far the wall clock is from the engine's: positive if it is ahead.
    #[must_use]
    pub const fn skew(&self) -> Duration {
        Duration::from_ms(self.wall_epoch.ms() - self.epoch.ms())
    }
}

/// One clock for all tasks of the daemon.
#[derive(Clone, Debug)]
pub struct SharedClock(Arc<Mutex<Clock>>);

impl SharedClock {
    /// That clock, for everybody.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Mutex::new(clock)))
    }

    /// What time it is now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.lock().expect("nobody panics with it").now()
    }

    /// How far the wall clock is from it: positive if that is ahead.
    #[must_use]
    pub fn skew(&self) -> Duration {
        self.0.lock().expect("nobody panics with it").skew()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_000_000_000;

    fn look(wall: i64, up: i64) -> Look {
        Look { wall: Time::from_ms(wall), up: Duration::from_ms(up) }
    }

    fn clock() -> Clock {
        Clock::start(look(START, 500), None)
    }

    #[test]
    fn it_goes_on_with_the_wall_clock_and_its_small_corrections() {
        let mut clock = clock();
        assert_eq!(clock.at(look(START + 60_000, 60_500)).ms(), START + 60_000);
        assert_eq!(clock.at(look(START + 120_300, 120_500)).ms(), START + 120_300, "NTP");
        assert_eq!(clock.skew(), Duration::ZERO);
    }

    #[test]
    fn a_leap_is_not_followed_and_is_told() {
        for leap in [-86_400_000, 3_600_000, 2_000] {
            let mut clock = clock();
            let now = clock.at(look(START + 60_000 + leap, 60_500));
            assert_eq!((now.ms(), clock.skew().ms()), (START + 60_000, leap));
            let later = clock.at(look(START + 61_000 + leap, 61_500));
            assert_eq!((later.ms(), clock.skew().ms()), (START + 61_000, leap), "it goes on");
            let back = clock.at(look(START + 62_000, 62_500));
            assert_eq!((back.ms(), clock.skew().ms()), (START + 62_000, 0), "it was set right");
        }
    }

    #[test]
    fn it_never_runs_backwards() {
        let mut clock = clock();
        let mut last = Time::EPOCH;
        for (step, drift) in (0..1_000).zip([0, -900, 400, -999, 5_000, -5_000].iter().cycle()) {
            let now = clock.at(look(START + step * 10 + drift, 500 + step * 10));
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    }

    #[test]
    fn a_wall_clock_behind_what_is_remembered_is_not_believed() {
        let last = Time::from_ms(START + 7_000);
        let mut clock = Clock::start(look(START, 500), Some(last));
        assert_eq!(clock.at(look(START + 1_000, 1_500)).ms(), START + 8_000);
        assert_eq!(clock.skew().ms(), -7_000);
    }
}
