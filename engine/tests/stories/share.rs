//! The largest share of a worker type in one pool.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_pool_holds_half_of_a_fleet_and_the_next_cheapest_the_rest() {
    check(
        "
        limits guards=share per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           price c5.large/us-east-1c 0.03
           demand build 21 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#11
              build c5.large/us-east-1b $0.04/h #12..#21
                build: 21 pending, 0 claimed, no capacity → +21 (would keep 21)
                build: 11 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 3
                build: 10 × c5.large/us-east-1b from #12, spot at most $0.04/h, price $0.02/h, chosen from 2
        "#]],
    );
}

#[test]
fn a_small_fleet_may_stand_in_one_pool() {
    check(
        "
        limits guards=share per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 8 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
                build: 8 pending, 0 claimed, no capacity → +8 (would keep 8)
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

#[test]
fn one_usable_pool_may_hold_everything() {
    check(
        "
        limits guards=share,ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 40 0
           decide
        1m pending #1..#8
           refused #9..#16 insufficient-capacity
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
              build c5.large/us-east-1b $0.04/h #9..#16
                build: 40 pending, 0 claimed, no capacity → +40 (would keep 40)
                build: c5.large/us-east-1a has its 8 launches under way
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 8 × c5.large/us-east-1b from #9, spot at most $0.04/h, price $0.02/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #17..#32
                build: 40 pending, 0 claimed, capacity 8 pending → +32 (would keep 40)
                build: c5.large/us-east-1a has its 16 launches under way
                build: 16 × c5.large/us-east-1a from #17, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn the_last_instance_may_exceed_the_share_by_less_than_its_capacity() {
    check(
        "
        limits guards=share per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a capacity=4
        pool c5.large/us-east-1b capacity=4
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 21 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
              build c5.large/us-east-1b $0.04/h #4..#6
                build: 21 pending, 0 claimed, no capacity → +21 (would keep 21)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 3 × c5.large/us-east-1b from #4, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_pool_that_is_too_dear_claims_no_part() {
    check(
        "
        limits guards=share per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 120
           demand build 20 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#20
                build: 20 pending, 0 claimed, no capacity → +20 (would keep 20)
                build: 20 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

/// Who holds everything because the others were dry would hold it for good if they were not asked
/// again.
#[test]
fn a_pool_that_was_dry_is_asked_as_soon_as_it_may_be_and_holds_its_part_again() {
    check(
        "
        limits guards=share,ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 16 0
           decide
        1m pending #1..#8
           refused #9..#16 insufficient-capacity
           decide
        2m pending #17..#24
           demand build 20 0
           decide
        3m pending #25..#28
        4m demand build 24 0
           decide
        5m pending #29..#32
           demand build 28 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
              build c5.large/us-east-1b $0.04/h #9..#16
                build: 16 pending, 0 claimed, no capacity → +16 (would keep 16)
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 8 × c5.large/us-east-1b from #9, spot at most $0.04/h, price $0.02/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #17..#24
                build: 16 pending, 0 claimed, capacity 8 pending → +8 (would keep 16)
                build: 8 × c5.large/us-east-1a from #17, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #25..#28
                build: 20 pending, 0 claimed, capacity 16 pending → +4 (would keep 20)
                build: 4 × c5.large/us-east-1a from #25, spot at most $0.02/h, price $0.01/h, chosen from 1
            4m:
              build c5.large/us-east-1a $0.02/h #29..#31
              build c5.large/us-east-1b $0.04/h #32
                build: 24 pending, 0 claimed, capacity 20 pending → +4 (would keep 24)
                build: 3 × c5.large/us-east-1a from #29, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 1 × c5.large/us-east-1b from #32, spot at most $0.04/h, price $0.02/h, chosen from 1
            5m:
              build c5.large/us-east-1b $0.04/h #33..#34
                build: 28 pending, 0 claimed, capacity 24 pending → +4 (would keep 28)
                build: c5.large/us-east-1a holds 23, and may hold 14 at most
                build: 2 × c5.large/us-east-1b from #33, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}
