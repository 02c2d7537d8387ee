//! The time series as CSV or Parquet: the state of each worker type at each step.
//!
//! | column | is |
//! |---|---|
//! | `at` | when: a timestamp in UTC, in CSV as RFC 3339 |
//! | `worker_type` | whose |
//! | `pending`, `claimed` | tasks waiting, tasks held by workers |
//! | `requested_capacity` | capacity of launches without an instance |
//! | `booting_capacity` | capacity of instances whose worker has not registered |
//! | `working_capacity` | capacity of registered workers |
//! | `price_lowest_usd_per_hour` | lowest market price among its pools; empty if none is known |
//! | `spend_rate_usd_per_hour` | what its running instances cost now |

use std::io::{self, Write};

use provisioner_engine::units::{Ratio, UsdPerHour};
use provisioner_sim::Sample;

use crate::frame::{Frame, Values};
use crate::show_time;

const HEADER: [&str; 9] = [
    "at",
    "worker_type",
    "pending",
    "claimed",
    "requested_capacity",
    "booting_capacity",
    "working_capacity",
    "price_lowest_usd_per_hour",
    "spend_rate_usd_per_hour",
];

/// Writes samples: as CSV as they come, as Parquet when all are there.
pub struct SeriesWriter<W: Write> {
    rows: Rows<W>,
    worker_types: Vec<String>,
}

enum Rows<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Parquet(W, Vec<Sample>),
}

impl<W: Write> SeriesWriter<W> {
    /// Writes CSV, beginning with its header; `worker_types` are the names, by id.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn csv(out: W, worker_types: Vec<String>) -> io::Result<Self> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(HEADER).map_err(io_error)?;
        Ok(Self { rows: Rows::Csv(Box::new(rows)), worker_types })
    }

    /// Writes Parquet; `worker_types` are the names, by id.
    pub const fn parquet(out: W, worker_types: Vec<String>) -> Self {
        Self { rows: Rows::Parquet(out, Vec::new()), worker_types }
    }

    /// Writes a row.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn write(&mut self, sample: &Sample) -> io::Result<()> {
        let rows = match &mut self.rows {
            Rows::Csv(rows) => rows,
            Rows::Parquet(_, samples) => {
                samples.push(*sample);
                return Ok(());
            }
        };
        let Sample { at, worker_type, pending, claimed, requested, booting, working, .. } = *sample;
        let counts = [pending, claimed, requested, booting, working].map(|n| n.to_string());
        let price = sample.price_lowest.map_or_else(String::new, dollars);
        let at = show_time(at);
        let names = [at.as_str(), &self.worker_types[worker_type.index()]];
        let counts = counts.iter().map(String::as_str);
        let spend_rate = dollars(sample.spend_rate);
        let row = names.into_iter().chain(counts).chain([price.as_str(), &spend_rate]);
        rows.write_record(row).map_err(io_error)
    }

    /// Hands what was written back.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn finish(self) -> io::Result<W> {
        match self.rows {
            Rows::Csv(rows) => rows.into_inner().map_err(csv::IntoInnerError::into_error),
            Rows::Parquet(mut out, samples) => {
                out.write_all(&frame(&samples, &self.worker_types).parquet())?;
                Ok(out)
            }
        }
    }
}

/// The samples as a table, its columns those of [`HEADER`].
pub(crate) fn frame(samples: &[Sample], worker_types: &[String]) -> Frame {
    let whole = |of: fn(&Sample) -> u32| {
        Values::Whole(samples.iter().map(|sample| i64::from(of(sample))).collect())
    };
    let number = |of: fn(&Sample) -> Option<UsdPerHour>| {
        Values::Number(samples.iter().map(|sample| of(sample).map(UsdPerHour::as_f64)).collect())
    };
    let name = |sample: &Sample| worker_types[sample.worker_type.index()].clone();
    let columns = [
        Values::Time(samples.iter().map(|sample| sample.at).collect()),
        Values::Text(samples.iter().map(name).collect()),
        whole(|sample| sample.pending),
        whole(|sample| sample.claimed),
        whole(|sample| sample.requested),
        whole(|sample| sample.booting),
        whole(|sample| sample.working),
        number(|sample| sample.price_lowest),
        number(|sample| Some(sample.spend_rate)),
    ];
    Frame { columns: HEADER.map(str::to_owned).into_iter().zip(columns).collect() }
}

/// What went wrong below, kind and all.
pub(crate) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Exact, without trailing zeros: `0.0342`. A price is not negative.
fn dollars(price: UsdPerHour) -> String {
    Ratio::from_millionths(price.micros().unsigned_abs()).to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use provisioner_engine::ids::WorkerTypeId;
    use provisioner_engine::units::Time;

    use super::*;

    #[test]
    fn a_row_is_as_documented() {
        let sample = Sample {
            at: Time::from_ms(1_454_284_800_000),
            worker_type: WorkerTypeId::new(1),
            pending: 12,
            claimed: 3,
            requested: 4,
            booting: 2,
            working: 5,
            price_lowest: Some(UsdPerHour::from_micros(8_100)),
            spend_rate: UsdPerHour::from_micros(1_056_700),
        };
        let names = ["ci/linux", "ci/\"win\", old"].map(str::to_owned).to_vec();
        let mut series = SeriesWriter::csv(Vec::new(), names.clone()).unwrap();
        series.write(&sample).unwrap();
        series
            .write(&Sample { price_lowest: None, spend_rate: UsdPerHour::ZERO, ..sample })
            .unwrap();
        expect![[r#"
            at,worker_type,pending,claimed,requested_capacity,booting_capacity,working_capacity,price_lowest_usd_per_hour,spend_rate_usd_per_hour
            2016-02-01T00:00:00Z,"ci/""win"", old",12,3,4,2,5,0.0081,1.0567
            2016-02-01T00:00:00Z,"ci/""win"", old",12,3,4,2,5,,0
        "#]].assert_eq(&String::from_utf8(series.finish().unwrap()).unwrap());
        let mut csv = Vec::new();
        let samples =
            [sample, Sample { price_lowest: None, spend_rate: UsdPerHour::ZERO, ..sample }];
        frame(&samples, &names).csv(&mut csv).unwrap();
        let mut series = SeriesWriter::csv(Vec::new(), names.clone()).unwrap();
        samples.iter().for_each(|sample| series.write(sample).unwrap());
        assert_eq!(csv, series.finish().unwrap(), "Parquet has the figures of the CSV");
        let mut series = SeriesWriter::parquet(Vec::new(), names.clone());
        samples.iter().for_each(|sample| series.write(sample).unwrap());
        assert_eq!(series.finish().unwrap(), frame(&samples, &names).parquet());
    }
}
