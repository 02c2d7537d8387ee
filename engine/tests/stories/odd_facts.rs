//! Facts that are late, doubled or contradictory.

use expect_test::expect;

use crate::story::check;

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
