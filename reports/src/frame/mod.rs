//! A table by columns, each of one type, as CSV and as Parquet.

mod parquet;

use std::io::{self, Write};

use provisioner_engine::units::Time;

use crate::series::io_error;
use crate::show_time;

/// A table for other tools.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub(crate) columns: Vec<(String, Values)>,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Text(Vec<String>),
    Whole(Vec<i64>),
    /// Some may have no value.
    Number(Vec<Option<f64>>),
    /// Instants, in UTC.
    Time(Vec<Time>),
}

impl Frame {
    /// Writes it as CSV; what has no value is empty.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn csv(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(self.columns.iter().map(|(name, _)| name)).map_err(io_error)?;
        for row in 0..self.rows() {
            let cells = self.columns.iter().map(|(_, values)| values.cell(row));
            rows.write_record(cells).map_err(io_error)?;
        }
        rows.flush()
    }

    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Time(values) => values.len(),
        }
    }

    fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].clone(),
            Self::Whole(values) => values[row].to_string(),
            Self::Number(values) => values[row].map_or_else(String::new, |it| it.to_string()),
            Self::Time(values) => show_time(values[row]),
        }
    }
}
