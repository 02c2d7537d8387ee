//! Cheapest.

use expect_test::expect;

use crate::story::check;

#[test]
fn the_cheapest_pool_gets_all_bids_of_a_turn_at_twice_its_price() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.034
           price c5.large/us-east-1b 0.033
           demand build 3 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b $0.066/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3
                build: 3 × c5.large/us-east-1b from #1, spot at most $0.066/h, price $0.033/h, chosen from 2
        "#]],
    );
}

#[test]
fn price_is_compared_per_unit_of_utility_not_of_capacity() {
    check(
        "
        worker build
        pool c5.large/us-east-1a  capacity=1 utility=1
        pool c5.2xlarge/us-east-1a capacity=8 utility=2
        pool c5.4xlarge/us-east-1a capacity=1 utility=4
        ",
        "
        0s price c5.large/us-east-1a 0.10
           price c5.2xlarge/us-east-1a 0.18
           price c5.4xlarge/us-east-1a 0.32
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.4xlarge/us-east-1a $0.64/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.4xlarge/us-east-1a from #1, spot at most $0.64/h, price $0.32/h, chosen from 3
        "#]],
    );
}

#[test]
fn of_equal_prices_the_first_defined_wins() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1b 0.034
           price c5.large/us-east-1a 0.034
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.068/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.068/h, price $0.034/h, chosen from 2
        "#]],
    );
}

#[test]
fn the_price_of_a_window_is_its_highest_and_a_spike_counts_for_30_minutes() {
    check(
        "
        limits stale=10h
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s  price c5.large/us-east-1a 0.030
            price c5.large/us-east-1b 0.040
        10m price c5.large/us-east-1a 0.210
        12m price c5.large/us-east-1a 0.030
            demand build 1 0
        41m59s decide
        42m refused #1 max-price-too-low
            decide
        ",
        expect![[r#"
            41m59s:
              build c5.large/us-east-1b $0.08/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1b from #1, spot at most $0.08/h, price $0.04/h, chosen from 2
            42m:
              build c5.large/us-east-1a $0.06/h #2
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.06/h, price $0.03/h, chosen from 2
        "#]],
    );
}

#[test]
fn a_price_from_before_the_window_counts_while_it_holds() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.030 since -300h
           price c5.large/us-east-1b 0.040 since -1s
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.06/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.06/h, price $0.03/h, chosen from 2
        "#]],
    );
}

#[test]
fn a_price_is_never_invented() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 2 0
           decide
        1m price c5.large/us-east-1b 0.034
           decide
        ",
        expect![[r#"
            0s:
                build: 2 pending, 0 claimed, no capacity → +2
                build: no pool has a known price
            1m:
              build c5.large/us-east-1b $0.068/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1b from #1, spot at most $0.068/h, price $0.034/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_late_price_counts_in_its_window_and_one_from_the_future_counts_from_now() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s  price c5.large/us-east-1a 0.030
            price c5.large/us-east-1a 0.900 since -1m
            price c5.large/us-east-1b 0.040
        1m  price c5.large/us-east-1b 0.010 since 300h
        2m  price c5.large/us-east-1b 0.050
            price c5.large/us-east-1a 0.045
            demand build 1 0
        3m  decide
        ",
        expect![[r#"
            3m:
              build c5.large/us-east-1b $0.10/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1b from #1, spot at most $0.10/h, price $0.05/h, chosen from 2
        "#]],
    );
}

#[test]
fn interruptions_bias_against_a_pool_by_their_share_for_a_day() {
    check(
        "
        limits stale=300h
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        worker test
        pool c5.large/us-east-1a
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.04
           price c5.large/us-east-1b 0.06
           price c5.large/us-east-1c 0.09
           demand build 4 0
           demand test 0 0
           decide
        1m pending #1..#4
           running #1..#4
           registered #1..#4
        2m noticed #1
           stopping #1 interruption
           ended #1 interruption
           ended #2..#4 worker
           demand build 1 0
           demand test 1 0
           decide
           refused #5..#6 cancelled
        24h0m59s demand test 0 0
           decide
           refused #7 cancelled
        24h1m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.08/h #1..#4
                build: 4 pending, 0 claimed, no capacity → +4
                test: 0 pending, 0 claimed, no capacity → +0
                build: 4 × c5.large/us-east-1a from #1, spot at most $0.08/h, price $0.04/h, chosen from 2
            2m:
              build c5.large/us-east-1b $0.12/h #5
              test c5.large/us-east-1a $0.08/h #6
                build: 1 pending, 0 claimed, no capacity → +1
                test: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1b from #5, spot at most $0.12/h, price $0.06/h, chosen from 2
                test: 1 × c5.large/us-east-1a from #6, spot at most $0.08/h, price $0.04/h, chosen from 2
            24h0m59s:
              build c5.large/us-east-1b $0.12/h #7
                build: 1 pending, 0 claimed, no capacity → +1
                test: 0 pending, 0 claimed, no capacity → +0
                build: 1 × c5.large/us-east-1b from #7, spot at most $0.12/h, price $0.06/h, chosen from 2
            24h1m:
              build c5.large/us-east-1a $0.08/h #8
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #8, spot at most $0.08/h, price $0.04/h, chosen from 2
        "#]],
    );
}

#[test]
fn a_constant_bias_multiplies_the_compared_price_and_not_the_bid() {
    check(
        "
        worker build
        pool c5.large/us-west-2a bias=1.4
        pool c5.large/us-east-1a
        worker test
        pool c5.large/us-west-2a bias=1.4
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-west-2a 0.030
           price c5.large/us-east-1a 0.041
           price c5.large/us-east-1b 0.043
           demand build 1 0
           demand test 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.082/h #1
              test c5.large/us-west-2a $0.06/h #2
                build: 1 pending, 0 claimed, no capacity → +1
                test: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.082/h, price $0.041/h, chosen from 2
                test: 1 × c5.large/us-west-2a from #2, spot at most $0.06/h, price $0.03/h, chosen from 2
        "#]],
    );
}

#[test]
fn an_interruption_before_anything_else_counts_as_given_and_taken() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b bias=2.4
        ",
        "
        0s price c5.large/us-east-1a 0.010
           price c5.large/us-east-1b 0.010
           demand build 1 0
           decide
        1m noticed #1
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1m:
              build c5.large/us-east-1b $0.02/h #2
                build: 1 pending, 0 claimed, capacity 1 stopping → +1
                build: 1 × c5.large/us-east-1b from #2, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

#[test]
fn on_demand_instances_tell_nothing_about_a_spot_pool() {
    check(
        "
        worker steady placement=on-demand
        pool c5.large/us-east-1a on_demand=0.085
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.034
           price c5.large/us-east-1b 0.034
           demand steady 1 0
           decide
        1m running #1
           ended #1 interruption
           demand steady 0 0
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              steady c5.large/us-east-1a on-demand #1
                steady: 1 pending, 0 claimed, no capacity → +1
                build: frozen, counts are not known
                steady: 1 × c5.large/us-east-1a from #1, on demand, price $0.085/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.068/h #2
                steady: 0 pending, 0 claimed, no capacity → +0
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.068/h, price $0.034/h, chosen from 2
        "#]],
    );
}
