//! A table as Parquet: one row group, uncompressed; what may have no value is an optional column, and
//! instants are milliseconds in UTC.
//!
//! The only place that knows the `parquet` crate.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::{Frame, Values};

impl Frame {
    /// The bytes of a Parquet file; equal tables give equal bytes.
    #[must_use]
    pub fn parquet(&self) -> Vec<u8> {
        self.write().expect("columns of equal length, written to memory")
    }

    fn write(&self) -> Result<Vec<u8>> {
        let fields = self.columns.iter().map(|(name, values)| field(name, values).map(Arc::new));
        let schema = Type::group_type_builder("table").with_fields(fields.collect::<Result<_>>()?);
        let properties = WriterProperties::builder().set_created_by("provisioner".to_owned());
        let (schema, properties) = (Arc::new(schema.build()?), Arc::new(properties.build()));
        let mut bytes = Vec::new();
        let mut file = SerializedFileWriter::new(&mut bytes, schema, properties)?;
        let mut rows = file.next_row_group()?;
        for (_, values) in &self.columns {
            let mut column = rows.next_column()?.expect("a writer for each column");
            write(values, &mut column)?;
            column.close()?;
        }
        rows.close()?;
        file.close()?;
        Ok(bytes)
    }
}

fn field(name: &str, values: &Values) -> Result<Type> {
    let (physical, logical, repetition) = match values {
        Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
        Values::Whole(_) => (Physical::INT64, None, Repetition::REQUIRED),
        Values::Number(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
        Values::Time(_) => (
            Physical::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            Repetition::REQUIRED,
        ),
    };
    let field = Type::primitive_type_builder(name, physical).with_logical_type(logical);
    field.with_repetition(repetition).build()
}

fn write(values: &Values, column: &mut SerializedColumnWriter<'_>) -> Result<usize> {
    match values {
        Values::Text(values) => {
            let values: Vec<ByteArray> = values.iter().map(|it| it.as_str().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None)
        }
        Values::Whole(values) => column.typed::<Int64Type>().write_batch(values, None, None),
        Values::Time(values) => {
            let values: Vec<i64> = values.iter().map(|time| time.ms()).collect();
            column.typed::<Int64Type>().write_batch(&values, None, None)
        }
        Values::Number(values) => {
            let there: Vec<i16> = values.iter().map(|it| i16::from(it.is_some())).collect();
            let values: Vec<f64> = values.iter().copied().flatten().collect();
            column.typed::<DoubleType>().write_batch(&values, Some(&there), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use provisioner_engine::units::Time;

    use super::*;
    use crate::show_time;
    use crate::testing::results;

    #[test]
    fn what_is_read_back_is_what_the_csv_says() {
        let frame = Frame::runs(&results());
        let mut csv = Vec::new();
        frame.csv(&mut csv).unwrap();
        let mut lines = csv::Reader::from_reader(csv.as_slice());
        let file = SerializedFileReader::new(bytes::Bytes::from(frame.parquet())).unwrap();
        let mut rows = 0;
        for (row, line) in file.get_row_iter(None).unwrap().zip(lines.records()) {
            let (row, line) = (row.unwrap(), line.unwrap());
            let cells = row.get_column_iter().map(|(_, cell)| match cell {
                Field::Null => String::new(),
                Field::Str(text) => text.clone(),
                Field::Long(number) => number.to_string(),
                Field::Double(number) => number.to_string(),
                Field::TimestampMillis(ms) => show_time(Time::from_ms(*ms)),
                other => panic!("{other:?}"),
            });
            assert!(cells.eq(line.iter().map(str::to_owned)));
            rows += 1;
        }
        assert_eq!(rows, results().outcomes.len());
    }

    #[test]
    fn no_run_at_all_is_a_file_too() {
        let none = provisioner_scenarios::results::Results {
            outcomes: std::collections::BTreeMap::new(),
            ..results()
        };
        let file = bytes::Bytes::from(Frame::runs(&none).parquet());
        assert_eq!(
            SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows(),
            0
        );
    }
}
