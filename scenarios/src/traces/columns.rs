//! Rows as fixed numbers of integers, and back: what the canonical form stores of each trace.
//!
//! Going back checks that every number is in range; the canonical form checks the rest.

use provisioner_engine::units::{Duration, Time, UsdPerHour};
use provisioner_sim::input::Priority;

use super::packed::Rows;
use super::task_list::TaskList;
use super::{
    AdvisorRow, AdvisorTable, AvailabilityPool, AvailabilityRow, AvailabilityTrace,
    InstanceTypeRow, InstanceTypeTable, Market, OfferingRow, OfferingTable, OnDemandRow,
    OnDemandTable, PriceRow, PriceTrace, TaskRow, TaskTrace,
};

/// A trace as tables of names and rows of `K` numbers.
pub(super) trait Columns<const K: usize>: Sized {
    const KIND: u8;
    /// Whether the first number is a time, which must not go back.
    const ORDERED: bool;
    type Row: Copy;
    type Rows: Rows<K, Self::Row>;

    fn rows(&self) -> &Self::Rows;
    fn names(&self) -> Vec<Vec<String>>;
    fn pack(row: &Self::Row) -> [i64; K];
    /// The row, if all numbers are in range; `limits` are the lengths of the name tables. Each
    /// number has one range of its own, whatever the others are.
    fn unpack(cells: [i64; K], limits: &[u32]) -> Option<Self::Row>;
    /// The trace, if the names are what they should be.
    fn build(names: Vec<Vec<String>>, rows: Self::Rows) -> Option<Self>;
}

fn id(cell: i64, limit: u32) -> Option<u32> {
    u32::try_from(cell).ok().filter(|id| *id < limit)
}

fn price(cell: i64) -> Option<UsdPerHour> {
    (cell >= 0).then(|| UsdPerHour::from_micros(cell))
}

impl Columns<6> for TaskTrace {
    const KIND: u8 = 1;
    const ORDERED: bool = true;
    type Row = TaskRow;
    type Rows = TaskList;

    fn rows(&self) -> &TaskList {
        &self.tasks
    }
    fn names(&self) -> Vec<Vec<String>> {
        vec![self.queues.clone()]
    }
    fn pack(row: &TaskRow) -> [i64; 6] {
        let (queue, priority) = (i64::from(row.queue), row.priority as i64);
        let (submitted, duration) = (row.submitted.ms(), row.duration.ms());
        [submitted, duration, row.deadline.ms(), queue, priority, i64::from(row.retries)]
    }
    #[inline]
    fn unpack(
        [submitted, duration, deadline, queue, priority, retries]: [i64; 6],
        limits: &[u32],
    ) -> Option<TaskRow> {
        Some(TaskRow {
            submitted: Time::from_ms(submitted),
            duration: (duration >= 0).then(|| Duration::from_ms(duration))?,
            deadline: Time::from_ms(deadline),
            queue: id(queue, limits[0])?,
            priority: *Priority::ALL.get(usize::try_from(priority).ok()?)?,
            retries: u8::try_from(retries).ok()?,
        })
    }
    fn build(names: Vec<Vec<String>>, tasks: TaskList) -> Option<Self> {
        let [queues] = names.try_into().ok()?;
        Some(Self { queues, tasks })
    }
}

impl Columns<3> for PriceTrace {
    const KIND: u8 = 2;
    const ORDERED: bool = true;
    type Row = PriceRow;
    type Rows = Vec<PriceRow>;

    fn rows(&self) -> &Vec<PriceRow> {
        &self.changes
    }
    fn names(&self) -> Vec<Vec<String>> {
        let joined = |m: &Market| format!("{}\t{}\t{}", m.zone, m.instance_type, m.product);
        vec![self.markets.iter().map(joined).collect()]
    }
    fn pack(row: &PriceRow) -> [i64; 3] {
        [row.at.ms(), i64::from(row.market), row.price.micros()]
    }
    #[inline]
    fn unpack([at, market, cell]: [i64; 3], limits: &[u32]) -> Option<PriceRow> {
        let (at, market) = (Time::from_ms(at), id(market, limits[0])?);
        Some(PriceRow { at, market, price: price(cell)? })
    }
    fn build(names: Vec<Vec<String>>, changes: Vec<PriceRow>) -> Option<Self> {
        let [names] = names.try_into().ok()?;
        let market = |name: String| {
            let mut parts = name.split('\t').map(str::to_owned);
            let (zone, instance_type) = (parts.next()?, parts.next()?);
            let product = parts.next()?;
            parts.next().is_none().then_some(Market { zone, instance_type, product })
        };
        let markets = names.into_iter().map(market).collect::<Option<_>>()?;
        Some(Self { markets, changes })
    }
}

impl Columns<3> for AvailabilityTrace {
    const KIND: u8 = 3;
    const ORDERED: bool = true;
    type Row = AvailabilityRow;
    type Rows = Vec<AvailabilityRow>;

    fn rows(&self) -> &Vec<AvailabilityRow> {
        &self.changes
    }
    fn names(&self) -> Vec<Vec<String>> {
        let joined = |pool: &AvailabilityPool| format!("{}\t{}", pool.name, pool.end.ms());
        vec![self.pools.iter().map(joined).collect()]
    }
    fn pack(row: &AvailabilityRow) -> [i64; 3] {
        [row.at.ms(), i64::from(row.pool), i64::from(row.available)]
    }
    #[inline]
    fn unpack([at, pool, available]: [i64; 3], limits: &[u32]) -> Option<AvailabilityRow> {
        let (at, pool) = (Time::from_ms(at), id(pool, limits[0])?);
        Some(AvailabilityRow { at, pool, available: u32::try_from(available).ok()? })
    }
    fn build(names: Vec<Vec<String>>, changes: Vec<AvailabilityRow>) -> Option<Self> {
        let [names] = names.try_into().ok()?;
        let pool = |joined: String| {
            let (name, end) = joined.rsplit_once('\t')?;
            let end = Time::from_ms(end.parse().ok()?);
            Some(AvailabilityPool { name: name.to_owned(), end })
        };
        let pools = names.into_iter().map(pool).collect::<Option<_>>()?;
        Some(Self { pools, changes })
    }
}

/// A catalogue table: its name tables are its fields, and so are its columns.
macro_rules! table {
    ($table:ident, $kind:literal, $row:ident, [$($names:ident),*], ordered $ordered:literal,
     $columns:literal: |$packed:ident| $pack:expr, |$cells:pat_param, $limits:ident| $unpack:expr) => {
        impl Columns<$columns> for $table {
            const KIND: u8 = $kind;
            const ORDERED: bool = $ordered;
            type Row = $row;
            type Rows = Vec<$row>;

            fn rows(&self) -> &Vec<$row> {
                &self.rows
            }
            fn names(&self) -> Vec<Vec<String>> {
                vec![$(self.$names.clone()),*]
            }
            fn pack($packed: &$row) -> [i64; $columns] {
                $pack
            }
            fn unpack($cells: [i64; $columns], $limits: &[u32]) -> Option<$row> {
                Some($unpack)
            }
            fn build(names: Vec<Vec<String>>, rows: Vec<$row>) -> Option<Self> {
                let [$($names),*] = names.try_into().ok()?;
                Some(Self { $($names,)* rows })
            }
        }
    };
}

table!(OnDemandTable, 4, OnDemandRow, [regions, instance_types, products],
ordered true,
5: |row| [row.since.ms(), row.region.into(), row.instance_type.into(), row.product.into(),
    row.price.micros()],
|[since, region, instance_type, product, cell], limits| OnDemandRow {
    since: Time::from_ms(since),
    region: id(region, limits[0])?,
    instance_type: id(instance_type, limits[1])?,
    product: id(product, limits[2])?,
    price: price(cell)?,
});

table!(InstanceTypeTable, 5, InstanceTypeRow, [instance_types, architectures], ordered false,
6: |row| [row.instance_type, row.architecture, row.vcpus, row.memory_mib, row.gpus,
    u32::from(row.spot)].map(i64::from),
|[instance_type, architecture, vcpus, memory_mib, gpus, spot], limits| InstanceTypeRow {
    instance_type: id(instance_type, limits[0])?,
    architecture: id(architecture, limits[1])?,
    vcpus: u32::try_from(vcpus).ok()?,
    memory_mib: u32::try_from(memory_mib).ok()?,
    gpus: u32::try_from(gpus).ok()?,
    spot: id(spot, 2)? == 1,
});

table!(OfferingTable, 6, OfferingRow, [regions, zones, instance_types], ordered false,
4: |row| [row.region, row.zone, u32::from(row.is_zone_id), row.instance_type].map(i64::from),
|[region, zone, is_zone_id, instance_type], limits| OfferingRow {
    region: id(region, limits[0])?,
    zone: id(zone, limits[1])?,
    is_zone_id: id(is_zone_id, 2)? == 1,
    instance_type: id(instance_type, limits[2])?,
});

table!(AdvisorTable, 7, AdvisorRow, [regions, products, instance_types], ordered false,
5: |row| [row.region.into(), row.product.into(), row.instance_type.into(), row.band.into(),
    row.savings_percent.into()],
|[region, product, instance_type, band, savings], limits| AdvisorRow {
    region: id(region, limits[0])?,
    product: id(product, limits[1])?,
    instance_type: id(instance_type, limits[2])?,
    band: u8::try_from(band).ok().filter(|band| *band <= 4)?,
    savings_percent: i16::try_from(savings).ok()?,
});
