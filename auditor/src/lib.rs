//! A naive accountant of money, capacity and ownership, who shares no code and no thought with
//! what is audited.
//!
//! It is told plainly what the provisioner was told, what it ordered and, in a simulation, what
//! really happened. From that it recounts everything by itself, in the most obvious way, and notes
//! what must not be: when, which rule, and what exactly. It has no dependencies, knows no clock and
//! never panics.
//!
//! | file | holds |
//! |---|---|
//! | `rules` | what must hold, as plain numbers |
//! | `event` | what is told, decided and true |
//! | `note` | each rule with its sentence, and notes |
//! | `book` | what the provisioner ought to know: launches by what was ordered and told |
//! | `world` | what is there: launches by what was true |
//! | `shadow/` | rules that need only what was told and decided: a live system has those too |
//! | `truth/` | rules that need to know what really happened |
//!
//! Where a rule has exceptions they stand at the top of its file. Whatever a rule cannot know for
//! sure it reads in favour of the accused: a note is meant to be a bug, of whoever it is about or
//! of the rule.
//!
//! Units: [`Ms`] are milliseconds since the Unix epoch or between two times, [`Micros`] are
//! micro-dollars, or micro-dollars an hour where they are a price. Shares and ratios are in
//! millionths. Ids are the caller's, and name the same thing for ever.
//!
//! ```
//! use provisioner_auditor::{Auditor, Decided, Event, Rule, Rules};
//!
//! let mut auditor = Auditor::new(Rules { iteration_interval: 60_000, ..Rules::default() });
//! auditor.event(1_000, Event::Decided(Decided { wake_at: 1_000, ..Decided::default() }));
//! assert_eq!(auditor.notes()[0].rule, Rule::WakeLater);
//! ```

mod book;
mod event;
mod note;
mod rules;
mod shadow;
#[cfg(test)]
mod support;
mod truth;
mod world;

pub use event::{
    Call, Decided, EndedBy, Event, Instance, Launch, Market, Micros, Ms, Order, Pool, Refusal,
    Region, Task, Told, Truth, WorkerType,
};
pub use note::{Half, Note, Rule};
pub use rules::{
    Absence, Api, BillingRule, Breaker, Bucket, Candidate, Ice, Keeps, OnDemand, PoolRules, Refund,
    Reread, Rules, Share, Spend, TypeRules, WorldRules, Zombies,
};

use book::Book;
use note::Notes;
use world::World;

/// Judges one run, event by event.
pub struct Auditor {
    rules: Rules,
    book: Book,
    world: World,
    shadow: Vec<Box<dyn Check>>,
    truth: Vec<Box<dyn Check>>,
    notes: Notes,
}

impl Auditor {
    /// An auditor who goes by these rules and has seen nothing.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            book: Book::default(),
            world: World::default(),
            shadow: shadow::checks(),
            truth: truth::checks(),
            notes: Notes::default(),
        }
    }

    /// Takes in one event. What was told and decided comes in its own order, and what is true in
    /// its own; the one may lag behind the other.
    pub fn event(&mut self, at: Ms, event: Event) {
        match event {
            Event::Told(told) => {
                self.check(at, Half::Shadow, |check, scene, notes| check.told(scene, &told, notes));
                self.book.told(at, &told);
                if let Told::Configured(rules) = told
                    && rules.is_served()
                {
                    self.rules = Rules { world: self.rules.world, ..*rules };
                }
            }
            Event::Decided(decided) => {
                self.book.said(&self.rules, at, &decided);
                for order in &decided.orders {
                    self.check(at, Half::Shadow, |check, scene, notes| {
                        check.ordered(scene, order, notes);
                    });
                    self.book.ordered(&self.rules, at, order);
                }
                for half in [Half::Shadow, Half::Truth] {
                    self.check(at, half, |check, scene, notes| {
                        check.decided(scene, &decided, notes);
                    });
                }
            }
            Event::Truth(truth) => {
                self.check(at, Half::Truth, |check, scene, notes| {
                    check.happened(scene, &truth, notes);
                });
                self.world.happened(at, &truth);
            }
        }
    }

    /// The run is over: what should have come has not.
    pub fn close(&mut self, at: Ms) {
        self.check(at, Half::Truth, |check, scene, notes| check.closed(scene, notes));
    }

    /// What was noted so far, in the order of the events; at most [`Auditor::NOTES_MAX`].
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        self.notes.all()
    }

    /// More notes than this are only counted: they say nothing new, and a bad run has millions.
    pub const NOTES_MAX: usize = 10_000;

    /// How many notes there were.
    #[must_use]
    pub const fn notes_len(&self) -> u64 {
        self.notes.count()
    }

    /// What was noted, and the auditor is dismissed.
    #[must_use]
    pub fn into_notes(self) -> Vec<Note> {
        self.notes.into_all()
    }

    /// What was told and ordered is only for those who need no more; what happened, for the others.
    fn check(
        &mut self,
        at: Ms,
        half: Half,
        mut each: impl FnMut(&mut dyn Check, &Scene<'_>, &mut Notes),
    ) {
        let Self { rules, book, world, shadow, truth, notes } = self;
        notes.at = at;
        let scene = Scene { at, rules, book, world };
        let checks = match half {
            Half::Shadow => shadow,
            Half::Truth => truth,
        };
        checks.iter_mut().for_each(|check| each(&mut **check, &scene, notes));
    }
}

/// How things stand before an event, or an order, is taken in.
pub(crate) struct Scene<'a> {
    /// When the event is.
    pub(crate) at: Ms,
    pub(crate) rules: &'a Rules,
    pub(crate) book: &'a Book,
    pub(crate) world: &'a World,
}

/// A rule or a family of rules.
pub(crate) trait Check {
    /// A fact was told.
    fn told(&mut self, _scene: &Scene<'_>, _told: &Told, _notes: &mut Notes) {}
    /// An order was given; those before it in the same decision were taken in.
    fn ordered(&mut self, _scene: &Scene<'_>, _order: &Order, _notes: &mut Notes) {}
    /// A decision was made; all its orders were taken in.
    fn decided(&mut self, _scene: &Scene<'_>, _decided: &Decided, _notes: &mut Notes) {}
    /// Something happened.
    fn happened(&mut self, _scene: &Scene<'_>, _truth: &Truth, _notes: &mut Notes) {}
    /// Nothing more will.
    fn closed(&mut self, _scene: &Scene<'_>, _notes: &mut Notes) {}
}
