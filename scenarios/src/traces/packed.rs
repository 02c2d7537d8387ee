//! Rows of numbers in blocks of columns, each column's cells as narrow as the block allows: what
//! the canonical form stores, and how a trace holds its tasks.
//!
//! Not here: what the numbers mean, and whether they are in range (the trace says), checksums and
//! the order of the bytes in a file (the canonical form).

use std::borrow::Cow;

/// All blocks but the last have that many rows.
pub(super) const BLOCK_ROWS: usize = 4096;
/// Rows that are decoded together: their cells stay in the nearest cache.
const CHUNK_ROWS: usize = 256;

/// Some rows of `K` numbers each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block<const K: usize> {
    pub(super) rows: usize,
    /// The least number of each column.
    pub(super) least: [i64; K],
    /// Bytes of a cell: 0, 1, 2, 4 or 8.
    pub(super) widths: [usize; K],
    /// Of each column its cells, less the least number, little-endian.
    pub(super) bytes: Vec<u8>,
}

impl<const K: usize> Block<K> {
    /// These rows, at least one.
    pub(super) fn pack<R>(rows: &[R], pack: impl Fn(&R) -> [i64; K] + Copy) -> Self {
        let column = |of: usize| rows.iter().map(move |row| pack(row)[of]);
        let mut least = pack(&rows[0]);
        let mut most = least;
        // Most columns are the same in all rows: cheaper to see of all at once than of each.
        let mut differ = [0; K];
        for cells in rows.iter().map(pack) {
            for of in 0..K {
                differ[of] |= cells[of] ^ least[of];
            }
        }
        for of in (0..K).filter(|of| differ[*of] != 0) {
            (least[of], most[of]) = column(of).fold((i64::MAX, i64::MIN), |(least, most), cell| {
                (least.min(cell), most.max(cell))
            });
        }
        let widths: [usize; K] = std::array::from_fn(|column| {
            match most[column].wrapping_sub(least[column]).cast_unsigned() {
                0 => 0,
                1..=0xff => 1,
                0x100..=0xffff => 2,
                0x1_0000..=0xffff_ffff => 4,
                _ => 8,
            }
        });
        let mut bytes = vec![0; widths.iter().sum::<usize>() * rows.len()];
        let mut unwritten = bytes.as_mut_slice();
        for of in 0..K {
            let (cells, rest) = unwritten.split_at_mut(widths[of] * rows.len());
            let offsets = column(of).map(|cell| cell.wrapping_sub(least[of]));
            match widths[of] {
                0 => {}
                1 => put::<1>(cells, offsets),
                2 => put::<2>(cells, offsets),
                4 => put::<4>(cells, offsets),
                _ => put::<8>(cells, offsets),
            }
            unwritten = rest;
        }
        Self { rows: rows.len(), least, widths, bytes }
    }

    /// The rows from one on, as many as are decoded together; nothing after the last.
    pub(super) fn decode(&self, from: usize, rows: &mut Vec<[i64; K]>) {
        rows.resize(CHUNK_ROWS.min(self.rows - from), [0; K]);
        let mut column_at = 0;
        for (column, (&least, &width)) in self.least.iter().zip(&self.widths).enumerate() {
            let bytes = &self.bytes[column_at + width * from..][..width * rows.len()];
            column_at += width * self.rows;
            let cells = rows.iter_mut().map(|row| &mut row[column]);
            match width {
                0 => cells.for_each(|cell| *cell = least),
                1 => get::<1>(bytes, least, cells),
                2 => get::<2>(bytes, least, cells),
                4 => get::<4>(bytes, least, cells),
                _ => get::<8>(bytes, least, cells),
            }
        }
    }

    /// Every row in turn, until one is refused.
    pub(super) fn try_each<E>(
        &self,
        mut each: impl FnMut([i64; K]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rows = Vec::new();
        (0..self.rows).step_by(CHUNK_ROWS).try_for_each(|from| {
            self.decode(from, &mut rows);
            rows.iter().try_for_each(|row| each(*row))
        })
    }
}

#[inline]
fn put<const N: usize>(bytes: &mut [u8], offsets: impl Iterator<Item = i64>) {
    for (cell, offset) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(offsets) {
        cell.copy_from_slice(&offset.to_le_bytes()[..N]);
    }
}

#[inline]
fn get<'a, const N: usize>(bytes: &[u8], least: i64, cells: impl Iterator<Item = &'a mut i64>) {
    for (bytes, cell) in bytes.as_chunks::<N>().0.iter().zip(cells) {
        let mut offset = [0; 8];
        offset[..N].copy_from_slice(bytes);
        *cell = least.wrapping_add(i64::from_le_bytes(offset));
    }
}

/// How a trace holds its rows.
pub(super) trait Rows<const K: usize, R>: Sized {
    /// None yet; `None` if so many can never fit.
    fn with_room(rows: usize) -> Option<Self>;
    fn row_count(&self) -> usize;
    /// All rows, in blocks of [`BLOCK_ROWS`].
    fn blocks(&self, pack: fn(&R) -> [i64; K]) -> impl Iterator<Item = Cow<'_, Block<K>>>;
    /// Adds the rows of a block, if each passes the check.
    fn add<E>(
        &mut self,
        block: Block<K>,
        check: impl FnMut([i64; K]) -> Result<R, E>,
    ) -> Result<(), E>;
}

impl<const K: usize, R> Rows<K, R> for Vec<R> {
    fn with_room(rows: usize) -> Option<Self> {
        let mut all = Self::new();
        all.try_reserve_exact(rows).is_ok().then_some(all)
    }
    fn row_count(&self) -> usize {
        self.len()
    }
    fn blocks(&self, pack: fn(&R) -> [i64; K]) -> impl Iterator<Item = Cow<'_, Block<K>>> {
        self.chunks(BLOCK_ROWS).map(move |rows| Cow::Owned(Block::pack(rows, pack)))
    }
    fn add<E>(
        &mut self,
        block: Block<K>,
        mut check: impl FnMut([i64; K]) -> Result<R, E>,
    ) -> Result<(), E> {
        block.try_each(|cells| {
            self.push(check(cells)?);
            Ok(())
        })
    }
}
