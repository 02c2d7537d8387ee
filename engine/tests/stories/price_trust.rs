//! Prices that are too old, or cannot be meant.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_price_is_not_bought_by_an_hour_after_the_feed_was_last_read() {
    check(
        "
        limits stale=100h prices_stale=1h
        worker build scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a
        worker listed placement=weighted scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a
        worker fixed placement=on-demand scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a on_demand=0.1
        ",
        "
        0s price c5.large/us-east-1a 0.04
        3h prices
        4h demand build 1 0
           decide
        4h1ms demand build 2 0
           demand listed 1 0
           demand fixed 1 0
           decide
        4h2m prices
           decide
        ",
        expect![[r#"
            4h:
              build c5.large/us-east-1a $0.08/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                listed: frozen, counts are not known
                fixed: frozen, counts are not known
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.08/h, price $0.04/h, chosen from 1
            4h1ms:
              listed c5.large/us-east-1a spot #2
              fixed c5.large/us-east-1a on-demand #3
                build: 2 pending, 0 claimed, capacity 1 requested → +1 (would keep 2)
                build: the price of c5.large/us-east-1a is of 1970-01-01T03:00:00Z, too old to buy by
                listed: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                fixed: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                listed: 1 × c5.large/us-east-1a from #2, spot without a max price, price $0.04/h, chosen from 1
                fixed: 1 × c5.large/us-east-1a from #3, on demand, price $0.10/h, chosen from 1
            4h2m:
              build c5.large/us-east-1a $0.08/h #4
                build: 2 pending, 0 claimed, capacity 1 requested → +1 (would keep 2)
                listed: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
                fixed: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
                build: 1 × c5.large/us-east-1a from #4, spot at most $0.08/h, price $0.04/h, chosen from 1
        "#]],
    );
}

#[test]
fn pushed_prices_hold_for_good_and_a_pool_s_own_change_is_as_good_as_a_reading() {
    check(
        "
        limits stale=100h prices_stale=1h
        worker build scaling=estimator:1 option=requested-once option=bias-off
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.04
           price c5.large/us-east-1b 0.05
        50h demand build 1 0
           decide
           prices
        50h30m price c5.large/us-east-1b 0.05
        51h30m demand build 4 0
           decide
        51h31m decide
        ",
        expect![[r#"
            50h:
              build c5.large/us-east-1a $0.08/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.08/h, price $0.04/h, chosen from 2
            51h30m:
              cancel #1
              build c5.large/us-east-1b $0.10/h #2..#4
                #1: cancelled, not fulfilled since 1970-01-03T02:00:00Z
                build: 4 pending, 0 claimed, capacity 1 requested → +3 (would keep 4)
                build: 3 × c5.large/us-east-1b from #2, spot at most $0.10/h, price $0.05/h, chosen from 1
            51h31m:
                build: 4 pending, 0 claimed, capacity 4 requested → +0 (would keep 4)
        "#]],
    );
}

#[test]
fn a_price_of_nothing_or_of_more_than_ten_times_on_demand_closes_its_pool_until_it_is_put_right() {
    check(
        "
        limits stale=100h price_ratio=10
        worker build scaling=estimator:1 option=requested-once option=bias-off
        pool c5.large/us-east-1a on_demand=0.085
        pool c5.large/us-west-2a
        ",
        "
        0s price c5.large/us-east-1a 0.03
           price c5.large/us-west-2a 0.04
        1m price c5.large/us-east-1a 30
           price c5.large/us-west-2a 0
           demand build 1 0
           decide
        2m price c5.large/us-east-1a 0.03 since 1m
           decide
        3m price c5.large/us-east-1a 0.85
           demand build 2 0
           decide
        4m price c5.large/us-east-1a 0.850001
           demand build 3 0
           decide
        ",
        expect![[r#"
            1m:
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: $30.00/h cannot be the price of c5.large/us-east-1a, on demand it is $0.085/h
            2m:
              build c5.large/us-east-1a $0.06/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.06/h, price $0.03/h, chosen from 1
            3m:
              build c5.large/us-east-1a $1.70/h #2
                build: 2 pending, 0 claimed, capacity 1 requested → +1 (would keep 2)
                build: 1 × c5.large/us-east-1a from #2, spot at most $1.70/h, price $0.85/h, chosen from 1
            4m:
                build: 3 pending, 0 claimed, capacity 2 requested → +1 (would keep 3)
                build: $0.850001/h cannot be the price of c5.large/us-east-1a, on demand it is $0.085/h
        "#]],
    );
}

#[test]
fn guarded_nothing_that_may_cost_more_than_the_cap_is_bought_without_a_price() {
    check(
        "
        limits stale=100h price_ratio=10 cap=1
        worker listed placement=weighted scaling=estimator:1 option=requested-once
        pool p3.16xlarge/us-east-1a on_demand=24.48
        ",
        "
        0s demand listed 1 0
           decide
        ",
        expect![[r#"
            0s:
                listed: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                listed: refusing p3.16xlarge/us-east-1a, a bid of $24.48/h is above the cap of $1.00/h
        "#]],
    );
}
