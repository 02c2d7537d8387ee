//! The time series as CSV: the state of each worker type at each step.
//!
//! | column | is |
//! |---|---|
//! | `at` | when, RFC 3339 in UTC |
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

/// Writes samples as they come.
pub struct SeriesWriter<W: Write> {
    rows: csv::Writer<W>,
    worker_types: Vec<String>,
}

impl<W: Write> SeriesWriter<W> {
    /// Writes the header; `worker_types` are the names, by id.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn new(out: W, worker_types: Vec<String>) -> io::Result<Self> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(HEADER).map_err(io_error)?;
        Ok(Self { rows, worker_types })
    }

    /// Writes a row.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn write(&mut self, sample: &Sample) -> io::Result<()> {
        let Sample { at, worker_type, pending, claimed, requested, booting, working, .. } = *sample;
        let counts = [pending, claimed, requested, booting, working].map(|n| n.to_string());
        let price = sample.price_lowest.map_or_else(String::new, dollars);
        let at = show_time(at);
        let names = [at.as_str(), &self.worker_types[worker_type.index()]];
        let counts = counts.iter().map(String::as_str);
        let spend_rate = dollars(sample.spend_rate);
        let row = names.into_iter().chain(counts).chain([price.as_str(), &spend_rate]);
        self.rows.write_record(row).map_err(io_error)
    }

    /// Hands what was written back.
    ///
    /// # Errors
    ///
    /// Whatever `out` says.
    pub fn finish(self) -> io::Result<W> {
        self.rows.into_inner().map_err(csv::IntoInnerError::into_error)
    }
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
        let mut series = SeriesWriter::new(Vec::new(), names).unwrap();
        series.write(&sample).unwrap();
        series
            .write(&Sample { price_lowest: None, spend_rate: UsdPerHour::ZERO, ..sample })
            .unwrap();
        expect![[r#"
            at,worker_type,pending,claimed,requested_capacity,booting_capacity,working_capacity,price_lowest_usd_per_hour,spend_rate_usd_per_hour
            2016-02-01T00:00:00Z,"ci/""win"", old",12,3,4,2,5,0.0081,1.0567
            2016-02-01T00:00:00Z,"ci/""win"", old",12,3,4,2,5,,0
        "#]].assert_eq(&String::from_utf8(series.finish().unwrap()).unwrap());
    }
}
