//! Quotas of a region, and pools that are not offered.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_quota_closes_the_region_and_no_pool_and_is_told_apart_from_a_lack_of_machines() {
    check(
        "
        limits guards=quota,ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-west-2a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-west-2a 0.02
           demand build 3 0
           decide
        1s refused #1..#3 quota-reached
           decide
           pending #4..#6
        2s demand build 20 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1s:
              build c5.large/us-west-2a $0.04/h #4..#6
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-west-2a from #4, spot at most $0.04/h, price $0.02/h, chosen from 1
            2s:
              build c5.large/us-west-2a $0.04/h #7..#17
                build: 20 pending, 0 claimed, capacity 3 pending → +17 (would keep 20)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
                build: 11 × c5.large/us-west-2a from #7, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_quota_is_probed_by_one_launch_until_an_instance_is_given() {
    check(
        "
        limits guards=quota per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 3 0
           decide
        1s refused #1..#3 quota-reached
           decide
        10m1s queues
           decide
           refused #4 quota-reached
        20m queues
           decide
        20m1s decide
           pending #5
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1s:
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
            10m1s:
              build c5.large/us-east-1a $0.02/h #4
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
                build: 1 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:20:01Z
            20m1s:
              build c5.large/us-east-1a $0.02/h #5
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:20:01Z
                build: 1 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m1s:
              build c5.large/us-east-1a $0.02/h #6..#7
                build: 3 pending, 0 claimed, capacity 1 pending → +2 (would keep 3)
                build: 2 × c5.large/us-east-1a from #6, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn the_spot_quota_says_nothing_about_the_on_demand_quota() {
    check(
        "
        limits guards=quota per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a on_demand=0.085
        worker sure scaling=estimator:1 option=requested-once placement=on-demand
        pool c5.large/us-east-1a on_demand=0.085
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 1 0
           decide
        1s refused #1 quota-reached
           demand sure 1 0
           decide
           refused #2 quota-reached
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                sure: frozen, counts are not known
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1s:
              sure c5.large/us-east-1a on-demand #2
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
                sure: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                sure: 1 × c5.large/us-east-1a from #2, on demand, price $0.085/h, chosen from 1
            1s:
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: the spot quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
                sure: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                sure: the on-demand quota of us-east-1 is used up, next try 1970-01-01T00:10:01Z
        "#]],
    );
}

#[test]
fn a_pool_that_is_not_offered_is_left_alone_for_a_day() {
    check(
        "
        limits guards=unsupported per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 1 0
           decide
        1s refused #1 unsupported
           decide
           registered #2
        24h1s demand build 1 1
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1s:
              build c5.large/us-east-1b $0.04/h #2
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1b from #2, spot at most $0.04/h, price $0.02/h, chosen from 1
            24h1s:
              build c5.large/us-east-1a $0.02/h #3
                build: 1 pending, 1 claimed, capacity 1 working → +1 (would keep 2)
                build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}
