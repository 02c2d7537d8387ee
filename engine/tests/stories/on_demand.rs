//! On-demand.

use expect_test::expect;

use crate::story::check;

#[test]
fn on_demand_takes_the_cheapest_fixed_price_per_utility() {
    check(
        "
        worker build placement=on-demand
        pool c5.large/us-east-1a  on_demand=0.085
        pool c5.xlarge/us-east-1a capacity=2 utility=2 on_demand=0.17
        pool c5.2xlarge/us-east-1a capacity=4 utility=4 on_demand=0.33
        ",
        "
        0s demand build 6 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.2xlarge/us-east-1a on-demand #1..#2
                build: 6 pending, 0 claimed, no capacity → +6
                build: 2 × c5.2xlarge/us-east-1a from #1, on demand, price $0.33/h, chosen from 3
        "#]],
    );
}

#[test]
fn the_cap_holds_on_demand_too() {
    check(
        "
        limits cap=20
        worker build placement=on-demand
        pool p4d.24xlarge/us-east-1a on_demand=20.01
        ",
        "
        0s demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
                build: 1 pending, 0 claimed, no capacity → +1
                build: refusing p4d.24xlarge/us-east-1a, a bid of $20.01/h is above the cap of $20.00/h
        "#]],
    );
}

#[test]
fn on_demand_without_a_known_price_buys_nothing() {
    check(
        "
        worker build placement=on-demand
        pool c5.large/us-east-1a
        ",
        "
        0s demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
                build: 1 pending, 0 claimed, no capacity → +1
                build: no pool has a known price
        "#]],
    );
}
