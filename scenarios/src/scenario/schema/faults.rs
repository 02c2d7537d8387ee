//! What goes wrong at stated times.

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::units::{Duration, Time};
use provisioner_sim::config::{Fault, FaultKind};
use provisioner_sim::dist::DELAY_MAX;

use super::At;
use super::delay::{duration, some_time};
use crate::file::{Issue, Section, Variant, kind};

/// A fault whose times count from the start of the run.
pub(crate) struct FaultDoc {
    from: Duration,
    length: Duration,
    what: FaultKind,
    /// Whose it is, by name; everybody's if left out.
    whose: Option<At<Vec<String>>>,
}

impl FaultDoc {
    /// The fault in a run that starts then.
    pub(crate) fn starting(self, start: Time) -> Fault {
        let from = start.saturating_add(self.from);
        Fault { from, until: from.saturating_add(self.length), what: self.what }
    }

    /// The fault with the worker types that it names, which are among these.
    pub(super) fn among(mut self, s: &mut Section<'_>, names: &[&str]) -> Self {
        let FaultKind::BrokenImage { worker_types, .. } = &mut self.what else { return self };
        let id = |name: &str| names.iter().position(|known| *known == name).map(WorkerTypeId::new);
        let Some(At { value, place }) = &self.whose else {
            *worker_types = (0..names.len()).map(WorkerTypeId::new).collect();
            return self;
        };
        for name in value {
            match id(name) {
                Some(id) => worker_types.push(id),
                None => {
                    let issue =
                        Issue::new(format!("there is no worker type `{name}`"), place.clone());
                    s.report(issue.hint(format!("there is {}", names.join(", "))));
                }
            }
        }
        self
    }
}

pub(super) fn fault(s: &mut Section<'_>) -> FaultDoc {
    type Whose = Option<At<Vec<String>>>;
    let queue_down = |_: &mut Section<'_>| (FaultKind::QueueDown, Whose::None);
    let queue_zero =
        |_: &mut Section<'_>| (FaultKind::QueueSays { pending: 0, claimed: 0 }, Whose::None);
    let queue_says = |s: &mut Section<'_>| {
        let pending = s.required("pending", kind::integer(), "Tasks said to be waiting.");
        let claimed = s.required("claimed", kind::integer(), "Tasks said to be held by workers.");
        (FaultKind::QueueSays { pending, claimed }, Whose::None)
    };
    let broken_image = |s: &mut Section<'_>| {
        let doc = "Of which worker types, by name; of all if left out.";
        let value = s.optional("worker_types", kind::list(kind::text()), doc);
        let whose = value.map(|value| At { value, place: s.place("worker_types") });
        let registers = s.defaulted(
            "registers",
            kind::boolean(),
            "Whether their workers register before they do nothing.",
            false,
            "Taskcluster retrospective 2019-11-20: the image never started a worker",
        );
        (FaultKind::BrokenImage { worker_types: Vec::new(), registers }, whose)
    };
    let boot_slow = |s: &mut Section<'_>| {
        let factor = kind::float().within(1.0..=1_000.0);
        let factor = s.required("factor", factor, "How many times as long boots take.");
        (FaultKind::BootSlow { factor }, Whose::None)
    };
    let variants = [
        Variant::new(
            "queue-down",
            "The queue answers nothing: its counts are unknown, and so is what a worker holds.",
            &queue_down,
        ),
        Variant::new("queue-zero", "The queue says that there is no task.", &queue_zero),
        Variant::new("queue-says", "The queue tells these counts of every queue.", &queue_says),
        Variant::new(
            "broken-image",
            "Instances that start to boot never claim a task.",
            &broken_image,
        ),
        Variant::new("boot-slow", "Instances that start to boot take longer.", &boot_slow),
    ];
    let from = s.defaulted(
        "from",
        duration(),
        "When it begins, counted from the start of the run.",
        Duration::ZERO,
        "from the start",
    );
    let length = s.defaulted(
        "length",
        some_time(),
        "How long it lasts.",
        DELAY_MAX,
        "to the end of the run",
    );
    let (what, whose) = s.variant("what", "What goes wrong.", &variants, None, None);
    FaultDoc { from, length, what, whose }
}
