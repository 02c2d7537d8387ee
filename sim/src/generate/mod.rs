//! Seeded generators of tasks, prices and availability, calibrated on recorded data.
