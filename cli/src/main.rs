//! `provisioner`: the command.
fn main() {}
