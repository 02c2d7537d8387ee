//! What single operations cost: `cargo bench -p provisioner-benches --bench micro`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use provisioner_benches::heap::QuadHeap;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// An event is taken and another scheduled, so that as many stay pending: once with the standard
/// binary heap, once with the bare loop's.
fn event_queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event queue pop + push");
    for pending in [1_000_u32, 100_000] {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut later = move |time: u64| time + (random.next_u64() >> 24);

        let mut std_heap: BinaryHeap<_> = (0..pending)
            .map(|event| Reverse(u128::from(later(0)) << 64 | u128::from(event)))
            .collect();
        group.bench_function(BenchmarkId::new("std BinaryHeap<u128>", pending), |bencher| {
            bencher.iter(|| {
                let Reverse(event) = std_heap.pop().expect("as many as before");
                let time = later((event >> 64) as u64);
                std_heap.push(Reverse(u128::from(time) << 64 | event & u128::from(u32::MAX)));
            });
        });

        let mut quad_heap = QuadHeap::default();
        (0..pending).for_each(|event| quad_heap.push(later(0), event));
        group.bench_function(BenchmarkId::new("4-ary heap", pending), |bencher| {
            bencher.iter(|| {
                let event = quad_heap.pop().expect("as many as before");
                quad_heap.push(later(event.time()), event.payload());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, event_queue);
criterion_main!(benches);
