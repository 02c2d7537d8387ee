//! Rows of numbers in blocks of columns, each column's cells as narrow as the block allows: what
//! the canonical form stores, and how a trace holds its tasks.
//!
//! Not here: what the numbers mean, and whether they are in range (the trace says), checksums and
//! the order of the bytes in a file (the canonical form).

use std::borrow::Cow;

/// All blocks but the last have that many rows.
pub(super) const BLOCK_ROWS: usize = 4096;
/// Rows that are decoded together: their cells stay in the nearest cache.
pub(super) const CHUNK_ROWS: usize = 256;

/// Up to `N` rows of `K` numbers each, column by column: what is done to all cells of a column
/// takes an instruction for several of them.
#[derive(Clone, Debug)]
pub(super) struct Cells<const K: usize, const N: usize> {
    rows: usize,
    columns: Box<[[i64; N]; K]>,
    /// What all `N` cells of a column are, if they were decoded as equal.
    equal: [Option<i64>; K],
}

/// Decoded rows.
pub(super) type Chunk<const K: usize> = Cells<K, CHUNK_ROWS>;
/// Rows that will be a block.
pub(super) type Unpacked<const K: usize> = Cells<K, BLOCK_ROWS>;

impl<const K: usize, const N: usize> Default for Cells<K, N> {
    fn default() -> Self {
        let columns = vec![[0; N]; K].into_boxed_slice().try_into();
        Self { rows: 0, columns: columns.expect("it has K columns"), equal: [None; K] }
    }
}

impl<const K: usize, const N: usize> Cells<K, N> {
    pub(super) fn len(&self) -> usize {
        self.rows
    }
    pub(super) fn column(&self, of: usize) -> &[i64] {
        &self.columns[of][..self.rows]
    }
    #[inline]
    pub(super) fn row(&self, row: usize) -> [i64; K] {
        std::array::from_fn(|of| self.columns[of][row])
    }
}

impl<const K: usize> Unpacked<K> {
    /// Adds a row; there must be room.
    #[inline]
    pub(super) fn push(&mut self, cells: [i64; K]) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column[self.rows] = cell;
        }
        self.rows += 1;
    }
    pub(super) fn clear(&mut self) {
        self.rows = 0;
    }
}

/// Some rows of `K` numbers each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block<const K: usize> {
    pub(super) rows: usize,
    /// The least number of each column.
    pub(super) least: [i64; K],
    /// Bytes of a cell, at most 8.
    pub(super) widths: [usize; K],
    /// Of each column its cells, less the least number, little-endian.
    pub(super) bytes: Vec<u8>,
}

/// Calls a function that is generic in the width of a cell, which is not 0.
macro_rules! by_width {
    ($width:expr, $call:ident($($argument:expr),*)) => {
        match $width {
            1 => $call::<1>($($argument),*),
            2 => $call::<2>($($argument),*),
            3 => $call::<3>($($argument),*),
            4 => $call::<4>($($argument),*),
            5 => $call::<5>($($argument),*),
            6 => $call::<6>($($argument),*),
            7 => $call::<7>($($argument),*),
            _ => $call::<8>($($argument),*),
        }
    };
}

impl<const K: usize> Block<K> {
    /// These rows, at least one.
    pub(super) fn pack(unpacked: &Unpacked<K>) -> Self {
        let rows = unpacked.len();
        let (mut least, mut widths) = (unpacked.row(0), [0; K]);
        for of in 0..K {
            let (column, first) = (unpacked.column(of), least[of]);
            // Most columns are the same in all rows, which is cheaper to see than the range.
            if column.iter().fold(0, |differ, cell| differ | (cell ^ first)) != 0 {
                let range = column.iter().fold((first, first), |(least, most), cell| {
                    (least.min(*cell), most.max(*cell))
                });
                least[of] = range.0;
                widths[of] = width(range);
            }
        }
        let mut bytes = vec![0; widths.iter().sum::<usize>() * rows];
        let mut unwritten = bytes.as_mut_slice();
        for of in (0..K).filter(|of| widths[*of] > 0) {
            let (cells, rest) = unwritten.split_at_mut(widths[of] * rows);
            by_width!(widths[of], put(cells, least[of], unpacked.column(of)));
            unwritten = rest;
        }
        Self { rows, least, widths, bytes }
    }

    /// The greatest number of each column; `None` if one is no number.
    pub(super) fn most(&self) -> Option<[i64; K]> {
        self.tops(|width, cells| by_width!(width, greatest(cells)))
    }

    /// Nothing in a column is greater than this, which needs as wide cells as the greatest; `None`
    /// if it is no number. Found in a fraction of the time of [`Self::most`].
    pub(super) fn ceiling(&self) -> Option<[i64; K]> {
        self.tops(|width, cells| match width {
            1 => u64::from(cells.iter().copied().fold(0, u8::max)),
            _ => by_width!(width, any_bits(cells)),
        })
    }

    fn tops(&self, offset: impl Fn(usize, &[u8]) -> u64) -> Option<[i64; K]> {
        let (mut tops, mut unread) = (self.least, self.bytes.as_slice());
        for of in (0..K).filter(|of| self.widths[*of] > 0) {
            let (cells, rest) = unread.split_at(self.widths[of] * self.rows);
            tops[of] = tops[of].checked_add_unsigned(offset(self.widths[of], cells))?;
            unread = rest;
        }
        Some(tops)
    }

    /// The same rows in cells that are no wider than they must be, which [`Self::most`] and
    /// [`Self::ceiling`] tell: equal rows are equal blocks, whichever version wrote them.
    pub(super) fn narrowed(self, tops: &[i64; K]) -> Self {
        if self.widths == std::array::from_fn(|of| width((self.least[of], tops[of]))) {
            return self;
        }
        let (mut unpacked, mut chunk) = (Unpacked::default(), Chunk::default());
        for from in (0..self.rows).step_by(CHUNK_ROWS) {
            self.decode(from, &mut chunk);
            (0..chunk.rows).for_each(|row| unpacked.push(chunk.row(row)));
        }
        Self::pack(&unpacked)
    }

    /// The rows from one on, as many as are decoded together; nothing after the last.
    pub(super) fn decode(&self, from: usize, chunk: &mut Chunk<K>) {
        chunk.rows = CHUNK_ROWS.min(self.rows - from);
        let mut column_at = 0;
        for (of, cells) in chunk.columns.iter_mut().enumerate() {
            let (least, width) = (self.least[of], self.widths[of]);
            if width > 0 {
                let cells = &mut cells[..chunk.rows];
                let bytes = &self.bytes[column_at + width * from..][..width * cells.len()];
                by_width!(width, get(bytes, least, cells));
                column_at += width * self.rows;
                chunk.equal[of] = None;
            } else if chunk.equal[of] != Some(least) {
                cells.fill(least);
                chunk.equal[of] = Some(least);
            }
        }
    }

    /// All rows, until one is refused.
    pub(super) fn try_each<E>(
        &self,
        mut each: impl FnMut(&Chunk<K>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut chunk = Chunk::default();
        (0..self.rows).step_by(CHUNK_ROWS).try_for_each(|from| {
            self.decode(from, &mut chunk);
            each(&chunk)
        })
    }
}

/// How many bytes the numbers of a range need, less the least of them.
fn width((least, most): (i64, i64)) -> usize {
    let widest = most.wrapping_sub(least).cast_unsigned();
    widest.checked_ilog2().map_or(0, |bits| bits as usize / 8 + 1)
}

fn put<const N: usize>(bytes: &mut [u8], least: i64, cells: &[i64]) {
    for (bytes, cell) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(cells) {
        bytes.copy_from_slice(&cell.wrapping_sub(least).to_le_bytes()[..N]);
    }
}

fn get<const N: usize>(bytes: &[u8], least: i64, cells: &mut [i64]) {
    for (bytes, cell) in bytes.as_chunks::<N>().0.iter().zip(cells) {
        *cell = least.wrapping_add_unsigned(offset(bytes));
    }
}

fn greatest<const N: usize>(bytes: &[u8]) -> u64 {
    bytes.as_chunks::<N>().0.iter().map(offset).max().unwrap_or(0)
}

/// The bits that any of these cells has, eight cells at a time.
fn any_bits<const N: usize>(bytes: &[u8]) -> u64 {
    let (eights, _) = bytes.as_chunks::<8>().0.as_chunks::<N>();
    let mut any = [0; N];
    for eight in eights {
        for (any, word) in any.iter_mut().zip(eight) {
            *any |= u64::from_le_bytes(*word);
        }
    }
    let any = any.map(u64::to_le_bytes);
    let rest = &bytes[eights.len() * 8 * N..];
    let cells = [any.as_flattened(), rest].into_iter().flat_map(|it| it.as_chunks::<N>().0);
    cells.map(offset).fold(0, std::ops::BitOr::bitor)
}

#[inline]
fn offset<const N: usize>(bytes: &[u8; N]) -> u64 {
    let mut offset = [0; 8];
    offset[..N].copy_from_slice(bytes);
    u64::from_le_bytes(offset)
}

/// How a trace holds its rows.
pub(super) trait Rows<const K: usize, R>: Sized {
    /// None yet; `None` if so many can never fit.
    fn with_room(rows: usize) -> Option<Self>;
    fn row_count(&self) -> usize;
    /// All rows, in blocks of [`BLOCK_ROWS`].
    fn blocks(&self, pack: fn(&R) -> [i64; K]) -> impl Iterator<Item = Cow<'_, Block<K>>>;
    /// Adds the rows of a block, if all pass the check.
    fn add<E>(
        &mut self,
        block: Block<K>,
        check: impl FnMut(&Chunk<K>) -> Result<(), E>,
        unpack: impl Fn([i64; K]) -> Result<R, E>,
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
        let mut unpacked = Unpacked::default();
        self.chunks(BLOCK_ROWS).map(move |rows| {
            unpacked.clear();
            rows.iter().for_each(|row| unpacked.push(pack(row)));
            Cow::Owned(Block::pack(&unpacked))
        })
    }
    fn add<E>(
        &mut self,
        block: Block<K>,
        mut check: impl FnMut(&Chunk<K>) -> Result<(), E>,
        unpack: impl Fn([i64; K]) -> Result<R, E>,
    ) -> Result<(), E> {
        block.try_each(|chunk| {
            check(chunk)?;
            (0..chunk.len()).try_for_each(|row| {
                self.push(unpack(chunk.row(row))?);
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of all widths.
    fn number() -> impl Strategy<Value = i64> {
        (0..=64_u32, any::<i64>()).prop_map(|(bits, any)| any.checked_shr(bits).unwrap_or(0))
    }

    /// Rows of which some columns are the same in all.
    fn rows() -> impl Strategy<Value = Vec<[i64; 3]>> {
        let row = (number(), 0..300_i64, number()).prop_map(|(a, b, c)| [a, b, c]);
        let same = prop::array::uniform3(prop::option::of(-1..2_i64));
        (prop::collection::vec(row, 1..600), same).prop_map(|(mut rows, same)| {
            for row in &mut rows {
                *row = [0, 1, 2].map(|of| same[of].unwrap_or(row[of]));
            }
            rows
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back_and_its_tops_are_known(
            blocks in prop::collection::vec(rows(), 1..5),
        ) {
            let mut chunk = Chunk::default();
            for rows in blocks {
                let mut unpacked = Unpacked::<3>::default();
                rows.iter().for_each(|row| unpacked.push(*row));
                let block = Block::pack(&unpacked);
                let mut back = Vec::new();
                for from in (0..block.rows).step_by(CHUNK_ROWS) {
                    block.decode(from, &mut chunk);
                    back.extend((0..chunk.len()).map(|row| chunk.row(row)));
                }
                prop_assert_eq!(&back, &rows);
                let most = [0, 1, 2].map(|of| rows.iter().map(|row| row[of]).max().unwrap());
                prop_assert_eq!(block.most(), Some(most));
                for (of, ceiling) in block.ceiling().into_iter().flatten().enumerate() {
                    prop_assert!(ceiling >= most[of]);
                    let widths = [most[of], ceiling].map(|top| width((block.least[of], top)));
                    prop_assert_eq!(widths, [block.widths[of]; 2]);
                }
            }
        }
    }
}
