//! Imports files and prints what was found; a stand-in for `provisioner import` while it is made.
use provisioner_scenarios::traces::{Options, import};
fn main() {
    for file in std::env::args().skip(1) {
        match import(file.as_ref(), &Options::default()) {
            Ok(imported) => println!("{}", imported.findings),
            Err(error) => println!("{error}\n"),
        }
    }
}
