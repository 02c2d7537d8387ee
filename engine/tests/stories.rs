//! What the engine does, told as stories: facts in, orders and reasons out.
//!
//! The language is that of `support/setup.rs` and `support/story.rs`. Stories begin at the Unix
//! epoch. Each name is a claim; the reference is Taskcluster's own source as cited at the policies.

#[path = "support/setup.rs"]
mod setup;
#[path = "support/story.rs"]
mod story;

use expect_test::expect;

use crate::story::{check, tell};

// ---- cheapest ----

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
fn a_late_price_changes_nothing_and_one_from_the_future_counts_from_now() {
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
              build c5.large/us-east-1a $0.09/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.09/h, price $0.045/h, chosen from 2
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

// ---- limits on price ----

#[test]
fn a_normalised_biased_price_above_price_max_stops_bidding() {
    check(
        "
        limits stale=10h
        worker build price_max=0.05 option=bias-off
        pool c5.large/us-east-1a utility=2 bias=1.5
        ",
        "
        0s price c5.large/us-east-1a 0.0667
           demand build 3 0
           decide
        1m price c5.large/us-east-1a 0.0666
        30m decide
        31m decide
        ",
        expect![[r#"
            0s:
                build: 3 pending, 0 claimed, no capacity → +3
                build: refusing c5.large/us-east-1a, $0.0667/h ÷ 2 × 1.5 is above $0.05/h
            30m:
                build: 3 pending, 0 claimed, no capacity → +3
                build: refusing c5.large/us-east-1a, $0.0667/h ÷ 2 × 1.5 is above $0.05/h
            31m:
              build c5.large/us-east-1a $0.1332/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.1332/h, price $0.0666/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_price_of_exactly_price_max_is_bought() {
    check(
        "
        worker build price_max=0.05 option=bias-off
        pool c5.large/us-east-1a utility=2
        ",
        "
        0s price c5.large/us-east-1a 0.10
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.20/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.20/h, price $0.10/h, chosen from 1
        "#]],
    );
}

#[test]
fn price_min_divided_by_utility_becomes_the_bid_and_may_be_below_market() {
    check(
        "
        worker build price_min=0.5
        pool c5.large/us-east-1a utility=2
        ",
        "
        0s price c5.large/us-east-1a 0.8
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.25/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.25/h, price $0.80/h, chosen from 1
        "#]],
    );
}

#[test]
fn price_min_times_utility_is_the_named_alternative() {
    check(
        "
        worker build price_min=0.5 option=price-min-multiplied
        pool c5.large/us-east-1a utility=2
        ",
        "
        0s price c5.large/us-east-1a 0.8
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $1.00/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $1.00/h, price $0.80/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_price_of_exactly_price_min_is_bid_for_as_usual() {
    check(
        "
        worker build price_min=0.4 option=bias-off
        pool c5.large/us-east-1a utility=2
        ",
        "
        0s price c5.large/us-east-1a 0.8
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $1.60/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $1.60/h, price $0.80/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_bid_of_exactly_the_cap_is_made() {
    check(
        "
        worker build
        pool p3.16xlarge/us-east-1a
        ",
        "
        0s price p3.16xlarge/us-east-1a 5
           demand build 1 0
           decide
        ",
        expect![[r#"
            0s:
              build p3.16xlarge/us-east-1a $10.00/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × p3.16xlarge/us-east-1a from #1, spot at most $10.00/h, price $5.00/h, chosen from 1
        "#]],
    );
}

#[test]
fn no_bid_exceeds_the_cap() {
    check(
        "
        worker build
        pool p3.16xlarge/us-east-1a
        ",
        "
        0s price p3.16xlarge/us-east-1a 5.000001
           demand build 3 0
           decide
        ",
        expect![[r#"
            0s:
                build: 3 pending, 0 claimed, no capacity → +3
                build: refusing p3.16xlarge/us-east-1a, a bid of $10.000002/h is above the cap of $10.00/h
        "#]],
    );
}

#[test]
fn historically_the_bid_above_the_cap_slipped_through_once_a_turn() {
    check(
        "
        worker build option=over-cap-once
        pool p3.16xlarge/us-east-1a
        ",
        "
        0s price p3.16xlarge/us-east-1a 5.000001
           demand build 3 0
           decide
        1m decide
        ",
        expect![[r#"
            0s:
              build p3.16xlarge/us-east-1a $10.000002/h #1
                build: 3 pending, 0 claimed, no capacity → +3
                build: refusing p3.16xlarge/us-east-1a, a bid of $10.000002/h is above the cap of $10.00/h
                build: 1 × p3.16xlarge/us-east-1a from #1, spot at most $10.000002/h, price $5.000001/h, chosen from 1
            1m:
              build p3.16xlarge/us-east-1a $10.000002/h #2
                build: 3 pending, 0 claimed, capacity 1 requested → +2
                build: refusing p3.16xlarge/us-east-1a, a bid of $10.000002/h is above the cap of $10.00/h
                build: 1 × p3.16xlarge/us-east-1a from #2, spot at most $10.000002/h, price $5.000001/h, chosen from 1
        "#]],
    );
}

// ---- random ----

#[test]
fn random_draws_a_pool_for_every_bid_whatever_its_price() {
    check(
        "
        limits seed=7
        worker build placement=random price_max=0.5
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.2
           price c5.large/us-east-1c 0.4
           demand build 12 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
              build c5.large/us-east-1b $0.40/h #3..#4
              build c5.large/us-east-1c $0.80/h #5
              build c5.large/us-east-1b $0.40/h #6..#7
              build c5.large/us-east-1a $0.02/h #8
              build c5.large/us-east-1c $0.80/h #9
              build c5.large/us-east-1b $0.40/h #10
              build c5.large/us-east-1c $0.80/h #11
              build c5.large/us-east-1a $0.02/h #12
                build: 12 pending, 0 claimed, no capacity → +12
                build: 4 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 3
                build: 5 × c5.large/us-east-1b from #3, spot at most $0.40/h, price $0.20/h, chosen from 3
                build: 3 × c5.large/us-east-1c from #5, spot at most $0.80/h, price $0.40/h, chosen from 3
        "#]],
    );
}

#[test]
fn one_draw_above_price_max_ends_bidding_and_the_next_turn_draws_again() {
    check(
        "
        limits seed=7
        worker build placement=random price_max=0.5
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.01
           price c5.large/us-east-1c 0.6
           demand build 6 0
           decide
        1m decide
        2m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
              build c5.large/us-east-1b $0.02/h #3..#4
                build: 6 pending, 0 claimed, no capacity → +6
                build: refusing c5.large/us-east-1c, $0.60/h ÷ 1 × 1 is above $0.50/h
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 3
                build: 2 × c5.large/us-east-1b from #3, spot at most $0.02/h, price $0.01/h, chosen from 3
            1m:
              build c5.large/us-east-1b $0.02/h #5..#6
                build: 6 pending, 0 claimed, capacity 4 requested → +2
                build: 2 × c5.large/us-east-1b from #5, spot at most $0.02/h, price $0.01/h, chosen from 3
            2m:
                build: 6 pending, 0 claimed, capacity 6 requested → +0
        "#]],
    );
}

#[test]
fn one_draw_above_the_cap_drops_all_bids_even_with_the_slip_of_2017() {
    check(
        "
        limits seed=4 cap=1
        worker build placement=random option=over-cap-once
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.1
           price c5.large/us-east-1b 0.6
           demand build 8 0
           decide
        ",
        expect![[r#"
            0s:
                build: 8 pending, 0 claimed, no capacity → +8
                build: refusing c5.large/us-east-1b, a bid of $1.20/h is above the cap of $1.00/h
        "#]],
    );
}

// ---- weighted ----

#[test]
fn even_split_rounds_shares_and_instances_up_in_a_shuffled_order() {
    check(
        "
        limits seed=5
        worker build scaling=estimator:1 placement=weighted option=overshoot-historical
        pool c5.large/us-east-1a capacity=2
        pool c5.large/us-east-1b capacity=2
        pool c5.large/us-east-1c capacity=2
        ",
        "
        0s demand build 10 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1c spot #3..#4
              build c5.large/us-east-1a spot #5
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 3
                build: 2 × c5.large/us-east-1c from #3, spot without a max price, chosen from 3
                build: 1 × c5.large/us-east-1a from #5, spot without a max price, chosen from 3
        "#]],
    );
}

#[test]
fn an_initial_weight_is_a_threshold_of_use_on_aws() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted max=20
        pool c5.large/us-east-1a weight=0.3 max=10
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m running #1..#4
           registered #1..#4
           demand build 4 4
           decide
        2m running #5..#8
           registered #5..#8
           demand build 4 8
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5..#6
              build c5.large/us-east-1b spot #7..#8
                build: 4 pending, 4 claimed, capacity 4 working → +4 (would keep 8)
                build: 2 × c5.large/us-east-1a from #5, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1b from #7, spot without a max price, chosen from 2
            2m:
              build c5.large/us-east-1b spot #9..#12
                build: 4 pending, 8 claimed, capacity 8 working → +4 (would keep 12)
                build: 4 × c5.large/us-east-1b from #9, spot without a max price, chosen from 1
        "#]],
    );
}

#[test]
fn the_first_of_launch_configs_without_weight_keeps_a_hundredth() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a weight=0
        pool c5.large/us-east-1b weight=0
        ",
        "
        0s demand build 2 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot without a max price, chosen from 1
        "#]],
    );
}

#[test]
fn a_launch_config_at_its_own_maximum_gets_nothing() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a max=2
        ",
        "
        0s demand build 2 0
           decide
        1m running #1..#2
           registered #1..#2
           demand build 3 2
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot without a max price, chosen from 1
            1m:
                build: 3 pending, 2 claimed, capacity 2 working → +3 (would keep 5)
                build: no launch config has room
        "#]],
    );
}

#[test]
fn drawn_by_weight_a_launch_config_drops_out_when_its_room_is_used_up() {
    check(
        "
        limits seed=3
        worker build scaling=estimator:1 placement=drawn option=market-on-demand
        pool c5.large/us-east-1a max=3 on_demand=0.085
        pool c5.large/us-east-1b weight=0.01 max=2 on_demand=0.085
        ",
        "
        0s demand build 9 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1..#3
              build c5.large/us-east-1b on-demand #4..#5
                build: 9 pending, 0 claimed, no capacity → +9 (would keep 9)
                build: no launch config has room
                build: 3 × c5.large/us-east-1a from #1, on demand, price $0.085/h, chosen from 2
                build: 2 × c5.large/us-east-1b from #4, on demand, price $0.085/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_refusal_lowers_no_weight_as_aws_errors_name_no_launch_config() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m refused #1..#2 insufficient-capacity
           registered #3..#4
           demand build 2 2
           decide
        2m registered #5..#6
        61m demand build 2 4
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5
              build c5.large/us-east-1b spot #6
                build: 2 pending, 2 claimed, capacity 2 working → +2 (would keep 4)
                build: 1 × c5.large/us-east-1a from #5, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1b from #6, spot without a max price, chosen from 2
            61m:
              build c5.large/us-east-1b spot #7
              build c5.large/us-east-1a spot #8
                build: 2 pending, 4 claimed, capacity 4 working → +2 (would keep 6)
                build: 1 × c5.large/us-east-1b from #7, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1a from #8, spot without a max price, chosen from 2
        "#]],
    );
}

#[test]
fn an_attributed_refusal_keeps_its_launch_config_out_for_an_hour() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted option=errors-attributed
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m refused #1..#2 insufficient-capacity
           registered #3..#4
           demand build 2 2
           decide
        2m registered #5..#6
        61m demand build 2 4
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5..#6
                build: 2 pending, 2 claimed, capacity 2 working → +2 (would keep 4)
                build: 2 × c5.large/us-east-1a from #5, spot without a max price, chosen from 1
            61m:
              build c5.large/us-east-1a spot #7
              build c5.large/us-east-1b spot #8
                build: 2 pending, 4 claimed, capacity 4 working → +2 (would keep 6)
                build: 1 × c5.large/us-east-1a from #7, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1b from #8, spot without a max price, chosen from 2
        "#]],
    );
}

// ---- on-demand ----

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

// ---- capacity ----

#[test]
fn capacity_max_is_hard_and_a_smaller_instance_fills_the_rest() {
    check(
        "
        worker build max=10
        pool c5.large/us-east-1a capacity=4
        pool c5.large/us-east-1b capacity=1
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.09
           demand build 50 0
           decide
           supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
              build c5.large/us-east-1b $0.18/h #3..#4
                build: 50 pending, 0 claimed, no capacity → +10
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 2 × c5.large/us-east-1b from #3, spot at most $0.18/h, price $0.09/h, chosen from 1
            0s: build has capacity 10 requested
        "#]],
    );
}

#[test]
fn historically_the_last_instance_overshoots() {
    check(
        "
        worker build max=10 option=overshoot-historical
        pool c5.large/us-east-1a capacity=4
        pool c5.large/us-east-1b capacity=1
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.09
           demand build 50 0
           decide
           supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 50 pending, 0 claimed, no capacity → +10
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            0s: build has capacity 12 requested
        "#]],
    );
}

#[test]
fn what_fits_nowhere_is_told_and_not_bought() {
    check(
        "
        worker build max=3
        pool c5.large/us-east-1a capacity=4
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 50 0
           decide
        ",
        expect![[r#"
            0s:
                build: 50 pending, 0 claimed, no capacity → +3
                build: 3 more wanted, none fits, 0 of 3 in use
        "#]],
    );
}

#[test]
fn even_split_leaves_no_room_under_a_hard_maximum() {
    check(
        "
        limits seed=1
        worker build scaling=estimator:1 placement=weighted max=10
        pool c5.4xlarge/us-east-1a capacity=8
        pool c5.large/us-east-1a
        ",
        "
        0s demand build 50 0
           decide
           supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#10
                build: 50 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: 5 × c5.large/us-east-1a from #1, spot without a max price, chosen from 2
                build: 5 × c5.large/us-east-1a from #6, spot without a max price, chosen from 1
            0s: build has capacity 10 requested
        "#]],
    );
}

#[test]
fn open_requests_count_one_each_so_v1_buys_again_every_turn() {
    check(
        "
        worker build
        pool c5.large/us-east-1a capacity=4
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 8 0
           decide
        1m decide
        2m decide
        3m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 8 pending, 0 claimed, no capacity → +8
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #3..#4
                build: 8 pending, 0 claimed, capacity 8 requested → +6
                build: 2 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #5
                build: 8 pending, 0 claimed, capacity 16 requested → +4
                build: 1 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
            3m:
              build c5.large/us-east-1a $0.02/h #6
                build: 8 pending, 0 claimed, capacity 20 requested → +3
                build: 1 × c5.large/us-east-1a from #6, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn requests_that_count_their_capacity_are_bought_once() {
    check(
        "
        worker build option=requests-by-capacity
        pool c5.large/us-east-1a capacity=4
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 8 0
           decide
        1m decide
        2m decide
        3m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 8 pending, 0 claimed, no capacity → +8
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: 8 pending, 0 claimed, capacity 8 requested → +0
            2m: nothing
            3m: nothing
        "#]],
    );
}

#[test]
fn capacity_min_is_kept_without_tasks() {
    check(
        "
        worker build min=3
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 0 0
           decide
        1m running #1..#3
        2m ended #1 worker
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 0 pending, 0 claimed, no capacity → +3
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #4
                build: 0 pending, 0 claimed, capacity 2 running → +1
                build: 1 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

// ---- giving up ----

#[test]
fn a_request_is_cancelled_in_time_and_forgotten_when_that_is_confirmed() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        19m59s decide
        20m decide
        21m refused #1 cancelled
            supply build
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            19m59s:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
            21m: build has no capacity
            21m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
        "#]],
    );
}

#[test]
fn an_order_that_was_not_carried_out_is_repeated_every_five_minutes() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m decide
        24m59s decide
        25m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            24m59s: nothing
            25m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
        "#]],
    );
}

#[test]
fn a_request_fulfilled_in_spite_of_its_cancellation_is_kept() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m decide
        21m pending #1
            refused #1 cancelled
            supply build
        26m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            21m: build has capacity 1 pending
            26m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
        "#]],
    );
}

#[test]
fn a_worker_that_does_not_register_is_ended_once_per_order() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            queues
            decide
        1m  pending #1
        2m  running #1
        31m queues
            decide
        32m decide
            ended #1 provisioner
            queues
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            31m:
              terminate #1
              build c5.large/us-east-1a $0.02/h #2
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                build: 1 pending, 0 claimed, capacity 1 running → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
            32m:
                build: 1 pending, 0 claimed, capacity 1 requested + 1 running → +0
            32m:
                build: 1 pending, 0 claimed, capacity 1 requested → +0
        "#]],
    );
}

#[test]
fn an_instance_that_starts_after_it_was_given_up_is_not_ordered_twice() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  pending #1
        31m decide
        32m running #1
        33m decide
        36m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            31m:
              terminate #1
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            33m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            36m:
              terminate #1
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
        "#]],
    );
}

#[test]
fn a_registered_worker_lives_until_its_lifetime_ends() {
    check(
        "
        worker build registration_timeout=30m lifetime=96h
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  pending #1
            running #1
            registered #1
            demand build 0 1
        96h queues
            demand build 0 1
            decide
        96h1m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            96h:
                build: 0 pending, 1 claimed, capacity 1 working → +0
            96h1m:
              terminate #1
                #1: ended, has lived since 1970-01-01T00:01:00Z
        "#]],
    );
}

#[test]
fn an_end_that_is_never_seen_is_asked_for_at_the_end_of_its_life() {
    check(
        "
        worker build lifetime=1h
        pool c5.large/us-east-1a capacity=4
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  running #1
        2m  stopping #1 worker
            demand build 0 0
            decide
        1h1m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
                build: 0 pending, 0 claimed, capacity 4 stopping → +0
            1h1m:
              terminate #1
                #1: ended, has lived since 1970-01-01T00:01:00Z
        "#]],
    );
}

// ---- facts that are late, doubled or contradictory ----

#[test]
fn a_launch_only_moves_forward() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide

        1m  registered #1
            running #1
            pending #1
            pending #1
            supply build
            refused #1 insufficient-capacity
            supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m: build has capacity 1 working
            1m: build has capacity 1 working
        "#]],
    );
}

#[test]
fn facts_about_ended_or_unknown_launches_mean_nothing() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide

        1m  ended #1 worker
            running #1
            ended #1 interruption
            noticed #99
            refused #99 cancelled
            supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m: build has no capacity
        "#]],
    );
}

#[test]
fn a_refused_launch_is_wanted_again() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide

        1m  refused #1 max-price-too-low
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #2
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_notice_makes_its_replacement_wanted() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 2 0
            decide
        1m  running #1..#2
            registered #1..#2
            demand build 0 2
            decide
        2m  noticed #1
            supply build
            demand build 1 1
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: 0 pending, 2 claimed, capacity 2 working → +0
            2m: build has capacity 1 working + 1 stopping
            2m:
              build c5.large/us-east-1a $0.02/h #3
                build: 1 pending, 1 claimed, capacity 1 working + 1 stopping → +1
                build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn of_two_counts_the_newest_holds_in_any_order() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        5m  price c5.large/us-east-1a 0.01
            demand build 2 0 as-of 5m
            demand build 9 0 as-of 4m
            decide
        ",
        expect![[r#"
            5m:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

// ---- demand that is not known ----

#[test]
fn without_counts_nothing_is_bought() {
    check(
        "
        worker build min=5
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           decide
        1m queues
           decide
        ",
        expect![[r#"
            0s:
                build: frozen, counts are not known
            1m:
                build: frozen, counts are not known
        "#]],
    );
}

#[test]
fn stale_counts_freeze_and_a_reading_thaws_them() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            queues
            demand build 1 0
            decide
        1m  refused #1 insufficient-capacity
        10m decide
            refused #2 insufficient-capacity
        10m1s decide
        12m decide
        13m queues
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            10m:
              build c5.large/us-east-1a $0.02/h #2
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
            10m1s:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            12m: nothing
            13m:
              build c5.large/us-east-1a $0.02/h #3
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn counts_dated_after_now_do_not_stay_fresh_for_ever() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0 as-of 300h
            decide
        11m refused #1 insufficient-capacity
            decide
        12m demand build 2 0
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            11m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            12m:
              build c5.large/us-east-1a $0.02/h #2..#3
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn an_unknown_is_not_ended_by_a_reading_nor_by_counts_from_before_it() {
    check(
        "
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            queues
            demand build 1 0
            decide
        1m  unknown build
            queues
            refused #1 insufficient-capacity
            decide
        2m  demand build 5 0 as-of 59s
            decide
        3m  demand build 1 0 as-of 1m
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: frozen, counts are not known
            2m: nothing
            3m:
              build c5.large/us-east-1a $0.02/h #2
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

// ---- worker types together ----

#[test]
fn worker_types_launch_in_turn_and_the_turn_goes_on_in_the_next_decision() {
    check(
        "
        limits launches=4
        worker a
        pool c5.large/us-east-1a
        worker b
        pool c5.large/us-east-1b
        worker c
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.01
           price c5.large/us-east-1c 0.01

           demand a 9 0
           demand b 1 0
           demand c 9 0
           decide
        1m decide
        2m decide
        ",
        expect![[r#"
            0s:
              a c5.large/us-east-1a $0.02/h #1
              b c5.large/us-east-1b $0.02/h #2
              c c5.large/us-east-1c $0.02/h #3
              a c5.large/us-east-1a $0.02/h #4
                a: 9 pending, 0 claimed, no capacity → +9
                b: 1 pending, 0 claimed, no capacity → +1
                c: 9 pending, 0 claimed, no capacity → +9
                a: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
                b: 1 × c5.large/us-east-1b from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 1 × c5.large/us-east-1c from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 8 instances left for later, 4 a decision
                a: 7 instances left for later, 4 a decision
            1m:
              c c5.large/us-east-1c $0.02/h #5
              a c5.large/us-east-1a $0.02/h #6
              c c5.large/us-east-1c $0.02/h #7
              a c5.large/us-east-1a $0.02/h #8
                a: 9 pending, 0 claimed, capacity 2 requested → +7
                b: 1 pending, 0 claimed, capacity 1 requested → +0
                c: 9 pending, 0 claimed, capacity 1 requested → +8
                c: 2 × c5.large/us-east-1c from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: 2 × c5.large/us-east-1a from #6, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 6 instances left for later, 4 a decision
                a: 5 instances left for later, 4 a decision
            2m:
              c c5.large/us-east-1c $0.02/h #9
              a c5.large/us-east-1a $0.02/h #10
              c c5.large/us-east-1c $0.02/h #11
              a c5.large/us-east-1a $0.02/h #12
                a: 9 pending, 0 claimed, capacity 4 requested → +5
                c: 9 pending, 0 claimed, capacity 3 requested → +6
                c: 2 × c5.large/us-east-1c from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: 2 × c5.large/us-east-1a from #10, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 4 instances left for later, 4 a decision
                a: 3 instances left for later, 4 a decision
        "#]],
    );
}

#[test]
fn a_worker_type_that_can_buy_nothing_delays_no_other() {
    check(
        "
        limits launches=4
        worker a
        pool c5.large/us-east-1a
        worker b
        pool c5.large/us-east-1b
        worker c
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1c 0.01
           demand a 90 0
           unknown b
           demand c 3 0
           decide
        ",
        expect![[r#"
            0s:
              c c5.large/us-east-1c $0.02/h #1..#3
                a: 90 pending, 0 claimed, no capacity → +90
                a: no pool has a known price
                b: frozen, counts are not known
                c: 3 pending, 0 claimed, no capacity → +3
                c: 3 × c5.large/us-east-1c from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn draws_follow_the_seed_and_the_name_of_the_worker_type() {
    let draws = |seed: u64, before: &str, name: &str| {
        let pool = "pool c5.large/us-east-1a\npool c5.large/us-east-1b\n";
        let worker = |name: &str| format!("worker {name} placement=random\n{pool}");
        let others = if before.is_empty() { String::new() } else { worker(before) };
        let setup = format!("limits seed={seed}\n{others}{}", worker(name));
        let story = format!(
            "0s price c5.large/us-east-1a 0.01
            price c5.large/us-east-1b 0.01
            demand {name} 40 0
            decide"
        );
        tell(&setup, &story).replace(name, "it")
    };
    let plain = draws(7, "", "build");
    assert_eq!(plain, draws(7, "", "build"));
    assert_ne!(plain, draws(8, "", "build"));
    assert_ne!(plain, draws(7, "", "other"));
    let said = |text: &str| text.lines().filter(|line| line.contains("it")).count();
    assert_eq!(said(&plain), said(&draws(7, "first", "build")));
    assert_eq!(
        plain,
        draws(7, "first", "build").replace("    first: frozen, counts are not known\n", "")
    );
}
