//! What single operations cost: `cargo bench -p provisioner-benches --bench micro`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use provisioner_benches::heap::QuadHeap;
use provisioner_benches::ours;
use provisioner_engine::Engine;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::{Duration, Time};
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

/// A turn of the engine in which the counts of one worker type changed and nothing is bought, with
/// that many worker types in all: a turn costs what changed, not what exists.
fn engine_turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine: one count, one decision");
    for worker_types in [1, 100, 1_000] {
        let mut engine = Engine::new(ours::w_config(1, worker_types).engine);
        let mut now = Time::EPOCH;
        for worker_type in (0..worker_types).map(WorkerTypeId::new) {
            let counted =
                Observation::DemandCounted { worker_type, pending: 0, claimed: 0, as_of: now };
            engine.observe(now, counted);
        }
        let _nothing = engine.decide(now);
        group.bench_function(BenchmarkId::new("worker types", worker_types), |bencher| {
            bencher.iter(|| {
                now = now + Duration::MINUTE;
                let worker_type = WorkerTypeId::new(worker_types / 2);
                let claimed = u32::try_from(now.ms() / 60_000 % 2).unwrap_or(0);
                engine.observe(
                    now,
                    Observation::DemandCounted { worker_type, pending: 0, claimed, as_of: now },
                );
                engine.observe(now, Observation::QueuesRead { as_of: now });
                engine.decide(now)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, event_queue, engine_turn);
criterion_main!(benches);
