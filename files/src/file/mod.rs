//! Strict TOML: the layer under scenario and experiment files.
//!
//! A schema is a function that asks a [`Section`] for its keys, each with its [`Kind`] and a
//! sentence. [`read`] runs it on a file and gives either the value or every [`Issue`] of the file,
//! each with line, caret and hint; [`describe`] runs it without one and lists the keys, so that
//! what is documented, and what [`json_schema`] tells editors, is what is read. [`read_layers`] reads several files as one, the first of
//! which says most, and tells what was written in them without how; a [`Fragment`] is a part of one
//! file that is laid over others.
//!
//! Units are written in strings (`"2 min"`, `"$0.034/h"`) and parsed exactly; paths are relative
//! to the file; unknown keys are refused.
//!
//! Not here: which keys a scenario has, and what they mean to the simulator.
//!
//! ```
//! use provisioner_engine::units::Duration;
//! use provisioner_files::file::{Source, kind, read};
//!
//! let source = Source::new("week.toml", r#"
//!     seed = 7
//!     [workers]
//!     idle_timout = "15 min"
//! "#);
//! let issues = read(&source, |s| {
//!     let seed = s.defaulted("seed", kind::integer::<u64>(), "The origin of all chance.", 1, "any");
//!     let idle = s.section("workers", "The machines that run tasks.", |s| {
//!         let kind = kind::duration().within(Duration::SECOND..);
//!         s.required("idle_timeout", kind, "How long an idle worker waits for a task.")
//!     });
//!     (seed, idle)
//! });
//! assert_eq!(issues.unwrap_err().to_string(), r#"
//! error: unknown key `idle_timout` in [workers]
//!  --> week.toml:4:5
//!   |
//! 4 |     idle_timout = "15 min"
//!   |     ^^^^^^^^^^^
//! hint: did you mean `idle_timeout`?"#.trim_start());
//! ```

mod fragment;
mod issue;
mod json_schema;
pub mod kind;
pub mod quantity;
mod section;
mod source;
mod suggest;
#[cfg(test)]
mod tests;
mod variant;

pub use fragment::{Fragment, path_key};
pub use issue::{Issue, Issues};
pub use json_schema::{File, json_schema};
pub use kind::Kind;
pub use section::{
    KeyDoc, Presence, Section, Shape, Written, describe, peek, read, read_layers, read_over,
    read_parsed,
};
pub use source::{FILE_BYTES_MAX, Place, Source};
pub use suggest::nearest;
pub use variant::{ShortForm, Variant};
