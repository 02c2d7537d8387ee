//! The journal in chapters: a file for each checkpoint and what followed it.
//!
//! The store is the truth, and a chapter what people and `provisioner replay` read of it: it begins
//! with the store's checkpoint and has the records since, and nothing that the store has not. A
//! process that died may leave the last one behind the store, or cut short; whoever comes next writes
//! it again from the store. The chapter that grows is plain text; one that has ended is packed.

use std::io;
use std::path::PathBuf;

use provisioner_engine::journal::Record;

use crate::store::{Checkpoint, Entry};

/// Where chapters are kept.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// So many ended chapters are kept; older ones are removed.
    pub kept: usize,
}

/// The chapter that grows.
pub(super) struct Chapters {}

impl Folder {
    pub(super) fn begin(
        &self,
        _provisioner: &str,
        _checkpoint: &Checkpoint,
        _since: &[Record],
    ) -> io::Result<Chapters> {
        Ok(Chapters {})
    }
}

impl Chapters {
    pub(super) fn append(&mut self, _entries: &[Entry]) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn next(&mut self, _checkpoint: &Checkpoint) -> io::Result<()> {
        Ok(())
    }
}
