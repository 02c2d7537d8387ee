//! Many tasks in little memory: in packed blocks, as the canonical form stores them, seven to ten
//! bytes each instead of 32.
//!
//! They are decoded a few hundred at a time, which costs less than fetching them from memory
//! would.

use std::borrow::Cow;
use std::ops::Deref;

use super::columns::Columns;
use super::packed::{BLOCK_ROWS, Block, CHUNK_ROWS, Chunk, Rows, Unpacked};
use super::tasks::{TaskRow, TaskTrace};

/// Tasks, in the order in which they were collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskList {
    /// All but the last have [`BLOCK_ROWS`] rows, and none is empty.
    blocks: Vec<Block<6>>,
}

impl TaskList {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.rows).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// All of them.
    #[must_use]
    pub fn iter(&self) -> TaskRows<&Self> {
        TaskRows::new(self)
    }

    /// All of them as they are decoded.
    pub(super) fn each_chunk(&self, mut each: impl FnMut(&Chunk<6>)) {
        let mut chunk = Chunk::default();
        for block in &self.blocks {
            for from in (0..block.rows).step_by(CHUNK_ROWS) {
                block.decode(from, &mut chunk);
                each(&chunk);
            }
        }
    }
}

/// Blocks of a file are checked, and stay as they are.
impl Rows<6, TaskRow> for TaskList {
    fn with_room(_: usize) -> Option<Self> {
        Some(Self::default())
    }
    fn row_count(&self) -> usize {
        self.len()
    }
    fn blocks(&self, _: fn(&TaskRow) -> [i64; 6]) -> impl Iterator<Item = Cow<'_, Block<6>>> {
        self.blocks.iter().map(Cow::Borrowed)
    }
    fn add<E>(
        &mut self,
        block: Block<6>,
        check: impl FnMut(&Chunk<6>) -> Result<(), E>,
        _: impl Fn([i64; 6]) -> Result<TaskRow, E>,
    ) -> Result<(), E> {
        block.try_each(check)?;
        self.blocks.push(block);
        Ok(())
    }
}

impl<'a> IntoIterator for &'a TaskList {
    type Item = TaskRow;
    type IntoIter = TaskRows<&'a TaskList>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<TaskRow> for TaskList {
    fn from_iter<I: IntoIterator<Item = TaskRow>>(tasks: I) -> Self {
        let mut packer = TaskPacker::default();
        tasks.into_iter().for_each(|task| packer.push(task));
        packer.finish()
    }
}

/// Gathers a [`TaskList`].
#[derive(Default)]
pub(super) struct TaskPacker {
    blocks: Vec<Block<6>>,
    unpacked: Unpacked<6>,
}

impl TaskPacker {
    #[inline]
    pub(super) fn push(&mut self, task: TaskRow) {
        self.unpacked.push(TaskTrace::pack(&task));
        if self.unpacked.len() == BLOCK_ROWS {
            self.pack();
        }
    }

    #[cold]
    fn pack(&mut self) {
        self.blocks.push(Block::pack(&self.unpacked));
        self.unpacked.clear();
    }

    pub(super) fn finish(mut self) -> TaskList {
        if self.unpacked.len() > 0 {
            self.pack();
        }
        TaskList { blocks: self.blocks }
    }
}

/// The tasks of a list that is borrowed or shared, one after the other.
#[derive(Clone, Debug)]
pub struct TaskRows<L> {
    list: L,
    /// The block that is being read, and from which of its rows on it is not decoded.
    block: usize,
    from: usize,
    decoded: Chunk<6>,
    next: usize,
}

impl<L: Deref<Target = TaskList>> TaskRows<L> {
    /// From the first on.
    #[must_use]
    pub fn new(list: L) -> Self {
        Self { list, block: 0, from: 0, decoded: Chunk::default(), next: 0 }
    }

    #[cold]
    fn decode(&mut self) -> Option<()> {
        if self.list.blocks.get(self.block)?.rows == self.from {
            (self.block, self.from) = (self.block + 1, 0);
        }
        self.list.blocks.get(self.block)?.decode(self.from, &mut self.decoded);
        self.from += self.decoded.len();
        self.next = 0;
        Some(())
    }
}

impl<L: Deref<Target = TaskList>> Iterator for TaskRows<L> {
    type Item = TaskRow;

    #[inline]
    fn next(&mut self) -> Option<TaskRow> {
        if self.next == self.decoded.len() {
            self.decode()?;
        }
        self.next += 1;
        let row = TaskTrace::unpack(self.decoded.row(self.next - 1), &[u32::MAX]);
        Some(row.expect("only sound tasks are packed"))
    }
}
