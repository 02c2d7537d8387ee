//! Capacity.

use expect_test::expect;

use crate::story::check;

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
