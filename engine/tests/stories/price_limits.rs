//! Limits on price.

use expect_test::expect;

use crate::story::check;

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
