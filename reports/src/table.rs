//! Aligned columns: a title and names on the left, figures on the right, units under the headers.

use std::fmt::{self, Write};

use crate::Look;
use crate::text::shortened;

/// Names are not shortened below this; the terminal may wrap instead.
const NAME_WIDTH_MIN: usize = 12;
const GAP: usize = 2;

/// A table; every row has a cell for each column.
pub(crate) struct Table<'a> {
    pub(crate) title: &'a str,
    /// Header and unit of each column.
    pub(crate) columns: Vec<(&'a str, &'a str)>,
    /// Name and cells.
    pub(crate) rows: Vec<(String, Vec<String>)>,
    /// The last row is a sum.
    pub(crate) sums: bool,
}

impl Table<'_> {
    /// Writes tables below one another, their names equally wide.
    pub(crate) fn render_all(tables: &[Self], look: Look, out: &mut impl Write) -> fmt::Result {
        let names = tables.iter().map(Self::names_width).max().unwrap_or(0);
        let figures = tables.iter().map(Self::figures_width).max().unwrap_or(0);
        let room = look.width.map_or(usize::MAX, |width| width.saturating_sub(figures));
        let names = names.min(room.max(NAME_WIDTH_MIN));
        tables.iter().try_for_each(|table| {
            table.render(names, look, out)?;
            writeln!(out)
        })
    }

    fn render(&self, names: usize, look: Look, out: &mut impl Write) -> fmt::Result {
        let (bold, dim, off) = look.codes();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let headers = self.columns.iter().map(|(header, _)| *header);
        line(out, (bold, off), (self.title, names), headers.zip(&widths))?;
        let units = self.columns.iter().map(|(_, unit)| *unit);
        if self.columns.iter().any(|(_, unit)| !unit.is_empty()) {
            line(out, (dim, off), ("", names), units.zip(&widths))?;
        }
        for (index, (name, cells)) in self.rows.iter().enumerate() {
            let total = self.sums && index + 1 == self.rows.len();
            let paint = if total { (bold, off) } else { ("", "") };
            let name = shortened(name, names);
            line(out, paint, (&name, names), cells.iter().map(String::as_str).zip(&widths))?;
        }
        Ok(())
    }

    fn names_width(&self) -> usize {
        let names = self.rows.iter().map(|(name, _)| name.as_str());
        names.chain([self.title]).map(|name| name.chars().count()).max().unwrap_or(0)
    }

    fn figures_width(&self) -> usize {
        (0..self.columns.len()).map(|column| self.width(column) + GAP).sum()
    }

    fn width(&self, column: usize) -> usize {
        let (header, unit) = self.columns[column];
        let cells = self.rows.iter().map(|(_, cells)| cells[column].as_str());
        cells.chain([header, unit]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

fn line<'a>(
    out: &mut impl Write,
    (on, off): (&str, &str),
    (name, names): (&str, usize),
    cells: impl Iterator<Item = (&'a str, &'a usize)>,
) -> fmt::Result {
    let mut text = format!("{name:names$}");
    for (cell, width) in cells {
        write!(text, "{:GAP$}{cell:>width$}", "")?;
    }
    writeln!(out, "{on}{}{off}", text.trim_end())
}
