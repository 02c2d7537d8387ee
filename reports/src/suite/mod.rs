//! What a suite came to, held against its baseline: the verdict, and how it is told.
//!
//! | module | makes |
//! |---|---|
//! | `judge` | rows of measures with their verdicts, from numbers of before and now |
//! | `terminal` | what `provisioner check` prints, and what `--accept` changes |
//! | `junit` | JUnit XML, for systems that collect tests |
//! | `markdown` | GitHub-flavoured Markdown, for a pull request or a job's summary |
//!
//! Equal runs give equal bytes: nothing here tells the time.

mod judge;
mod junit;
mod markdown;
mod terminal;
#[cfg(test)]
mod tests;
mod words;

pub use self::judge::{Cause, Judged, Now, Report, Row, Rules, Verdict, bind};
pub use self::junit::junit;
pub use self::markdown::markdown;
pub use self::terminal::{accepted, terminal};
