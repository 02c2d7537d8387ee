//! What reaches the loop: answers of EC2 and of queues, in their own names.

use provisioner_engine::ids::{InstanceId, LaunchId};
use provisioner_engine::units::Time;

use crate::cloud::{CallError, Launched, Listed, Notice, PriceRow, Terminated};
use crate::queue::{Counts, Holds, QueueError, Worker};

/// One piece of news.
#[derive(Debug)]
pub enum News {
    /// A queue was asked for its counts.
    Counted {
        /// Whose queue.
        worker_type: String,
        /// When it was asked.
        asked: Time,
        /// What it said.
        answer: Result<Counts, QueueError>,
    },
    /// Spot prices of a region were asked for.
    Priced {
        /// Where.
        region: String,
        /// When they were asked for.
        asked: Time,
        /// What they are.
        answer: Result<Vec<PriceRow>, CallError>,
    },
    /// EC2 was asked for notices.
    Noticed {
        /// Where.
        region: String,
        /// What it announced.
        answer: Result<Vec<Notice>, CallError>,
    },
    /// Something hints that there is something to do: a task came in.
    Nudged,
    /// An order was carried out, as far as it was.
    Done(Box<Done>),
    /// The worker types were read anew.
    Configured(Box<super::Setup>),
    /// The process is to end.
    Stop,
}

impl News {
    /// Whether it tells of counts, prices or instances.
    pub(super) fn is_reading(&self) -> bool {
        match self {
            Self::Counted { .. } | Self::Priced { .. } => true,
            Self::Done(done) => matches!(**done, Done::List { .. }),
            Self::Noticed { .. } | Self::Nudged | Self::Configured(_) | Self::Stop => false,
        }
    }
}

/// What became of an order.
#[derive(Debug)]
pub enum Done {
    /// A launch call.
    Launch {
        /// Its first launch.
        first: LaunchId,
        /// How many launches it was for.
        count: u32,
        /// Where.
        region: String,
        /// What EC2 said.
        answer: Result<Launched, CallError>,
    },
    /// An order to end an instance that the queue let pass.
    End {
        /// Its launch; `None` if it is nobody's.
        launch: Option<LaunchId>,
        /// Which instance.
        instance: InstanceId,
        /// Where.
        region: String,
        /// What EC2 said.
        answer: Result<Terminated, CallError>,
    },
    /// A request was withdrawn.
    Cancel {
        /// Its launch.
        launch: LaunchId,
        /// Where.
        region: String,
        /// How many requests there were.
        answer: Result<u32, CallError>,
    },
    /// A region was listed.
    List {
        /// Where.
        region: String,
        /// When the listing began.
        began: Time,
        /// What is there.
        answer: Result<Vec<Listed>, CallError>,
    },
    /// A queue was asked what a worker holds; also before it was to be ended, which it was not.
    Check {
        /// Its launch; `None` if it is nobody's.
        launch: Option<LaunchId>,
        /// When the queue was asked.
        asked: Time,
        /// What it said; `None` if it cannot tell.
        answer: Result<Option<Holds>, QueueError>,
    },
    /// A queue was asked for all its workers.
    Workers {
        /// Of which worker type.
        worker_type: String,
        /// Who they are; `None` if it cannot tell.
        answer: Result<Option<Vec<Worker>>, QueueError>,
    },
}
