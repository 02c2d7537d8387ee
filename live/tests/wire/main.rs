//! The EC2 adapter against a server that answers as EC2 does when it has nothing to give, and fails
//! as networks do. What moto can show is in `tests/moto`.

mod orders;
mod server;

mod errors;
mod faults;
mod fleets;
mod reading;
mod requests;

use self::orders::{REGION, order};
