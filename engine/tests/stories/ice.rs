//! Pools that have no machine to give.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_pool_nothing_is_known_of_gets_eight_launches_and_more_with_each_success() {
    check(
        "
        limits guards=ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 30 0
           decide
        1m pending #1..#8
           decide
        2m pending #9..#24
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has its 8 launches under way
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #9..#24
                build: 30 pending, 0 claimed, capacity 8 pending → +22 (would keep 30)
                build: c5.large/us-east-1a has its 16 launches under way
                build: 16 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #25..#30
                build: 30 pending, 0 claimed, capacity 24 pending → +6 (would keep 30)
                build: 6 × c5.large/us-east-1a from #25, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_dry_pool_is_left_alone_and_then_probed_by_one_launch_at_a_time() {
    check(
        "
        limits guards=ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 30 0
           decide
           refused #1..#8 insufficient-capacity
           decide
        2m59s decide
        3m decide
           refused #9 insufficient-capacity
           queues
        8m59s decide
        9m queues
           decide
        10m pending #10
           decide
        11m pending #11..#12
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has its 8 launches under way
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            0s:
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:00Z
            2m59s:
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:00Z
            3m:
              build c5.large/us-east-1a $0.02/h #9
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:00Z
                build: 1 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
            8m59s:
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has no machine (2 × in a row), next try 1970-01-01T00:09:00Z
            9m:
              build c5.large/us-east-1a $0.02/h #10
                build: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                build: c5.large/us-east-1a has no machine (2 × in a row), next try 1970-01-01T00:09:00Z
                build: 1 × c5.large/us-east-1a from #10, spot at most $0.02/h, price $0.01/h, chosen from 1
            10m:
              build c5.large/us-east-1a $0.02/h #11..#12
                build: 30 pending, 0 claimed, capacity 1 pending → +29 (would keep 30)
                build: c5.large/us-east-1a has its 2 launches under way
                build: 2 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 1
            11m:
              build c5.large/us-east-1a $0.02/h #13..#16
                build: 30 pending, 0 claimed, capacity 3 pending → +27 (would keep 30)
                build: c5.large/us-east-1a has its 4 launches under way
                build: 4 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn refusals_of_one_moment_count_once_and_a_success_from_before_reopens_nothing() {
    check(
        "
        limits guards=ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 8 0
           decide
        1s pending #1
           refused #2..#4 insufficient-capacity
        2s pending #5
           refused #6..#8 insufficient-capacity
           decide
        3m1s decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#8
                build: 8 pending, 0 claimed, no capacity → +8 (would keep 8)
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2s:
                build: 8 pending, 0 claimed, capacity 2 pending → +6 (would keep 8)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:01Z
            3m1s:
              build c5.large/us-east-1a $0.02/h #9
                build: 8 pending, 0 claimed, capacity 2 pending → +6 (would keep 8)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:01Z
                build: 1 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn another_pool_takes_over_while_one_is_dry() {
    check(
        "
        limits guards=ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 6 0
           decide
        1s refused #1..#6 insufficient-capacity
           decide
        4m pending #7..#12
           demand build 10 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#6
                build: 6 pending, 0 claimed, no capacity → +6 (would keep 6)
                build: 6 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1s:
              build c5.large/us-east-1b $0.04/h #7..#12
                build: 6 pending, 0 claimed, no capacity → +6 (would keep 6)
                build: 6 × c5.large/us-east-1b from #7, spot at most $0.04/h, price $0.02/h, chosen from 1
            4m:
              build c5.large/us-east-1a $0.02/h #13
              build c5.large/us-east-1b $0.04/h #14..#16
                build: 10 pending, 0 claimed, capacity 6 pending → +4 (would keep 10)
                build: 1 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 3 × c5.large/us-east-1b from #14, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_dry_spot_pool_says_nothing_about_the_pool_on_demand() {
    check(
        "
        limits guards=ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a on_demand=0.085
        worker sure scaling=estimator:1 option=requested-once placement=on-demand
        pool c5.large/us-east-1a on_demand=0.085
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 1 0
           decide
        1s refused #1 insufficient-capacity
           demand sure 2 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                sure: frozen, counts are not known
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1s:
              sure c5.large/us-east-1a on-demand #2..#3
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:01Z
                sure: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                sure: 2 × c5.large/us-east-1a from #2, on demand, price $0.085/h, chosen from 1
        "#]],
    );
}

#[test]
fn worker_types_share_the_budget_of_a_pool_and_take_turns() {
    check(
        "
        limits guards=ice per_call=50
        worker big scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a
        worker small scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand big 90 0
           demand small 3 0
           decide
        1s refused #1..#8 insufficient-capacity
        3m1s decide
        4m refused #9 insufficient-capacity
        9m1s queues
           decide
        ",
        expect![[r#"
            0s:
              big c5.large/us-east-1a $0.02/h #1..#8
                big: 90 pending, 0 claimed, no capacity → +90 (would keep 90)
                big: c5.large/us-east-1a has its 8 launches under way
                small: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                big: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
                small: c5.large/us-east-1a has its 8 launches under way
            3m1s:
              small c5.large/us-east-1a $0.02/h #9
                big: 90 pending, 0 claimed, no capacity → +90 (would keep 90)
                big: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:01Z
                small: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                small: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:03:01Z
                small: 1 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
                big: c5.large/us-east-1a has no machine (1 × in a row), next try 1970-01-01T00:09:01Z
            9m1s:
              big c5.large/us-east-1a $0.02/h #10
                big: 90 pending, 0 claimed, no capacity → +90 (would keep 90)
                big: c5.large/us-east-1a has no machine (2 × in a row), next try 1970-01-01T00:09:01Z
                small: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                small: c5.large/us-east-1a has no machine (2 × in a row), next try 1970-01-01T00:09:01Z
                big: 1 × c5.large/us-east-1a from #10, spot at most $0.02/h, price $0.01/h, chosen from 1
                small: c5.large/us-east-1a has no machine (2 × in a row), next try 1970-01-01T00:21:01Z
        "#]],
    );
}
