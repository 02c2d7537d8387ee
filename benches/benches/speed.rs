//! x
use provisioner_benches::*;
fn main() {
    let n = std::env::args().nth(1).unwrap().parse().unwrap();
    for _ in 0..5 {
        for (name, f) in [
            ("bare", bare::run as fn(u64, u64) -> w::WResult),
            ("nexo", nexo::run),
        ] {
            let t = std::time::Instant::now();
            let r = f(n, 1);
            println!(
                "{name} {:?} {:.1} ns/event {r:?}",
                t.elapsed(),
                t.elapsed().as_nanos() as f64 / r.events as f64
            );
        }
    }
}
