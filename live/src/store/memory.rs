//! A store that is forgotten: for those who only look.

use super::{Checkpoint, Entry, Kept, Store, StoreError};

/// What was kept somewhere else, and nothing that is kept here.
#[derive(Debug, Default)]
pub struct MemoryStore {
    kept: Option<Kept>,
}

impl MemoryStore {
    /// Goes on from that.
    #[must_use]
    pub const fn of(kept: Option<Kept>) -> Self {
        Self { kept }
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Option<Kept>, StoreError> {
        Ok(self.kept.take())
    }

    fn append(&mut self, _: &[Entry]) -> Result<(), StoreError> {
        Ok(())
    }

    fn replace(&mut self, _: &Checkpoint) -> Result<(), StoreError> {
        Ok(())
    }
}
