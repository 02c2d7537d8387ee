//! Demand that is not known.

use expect_test::expect;

use crate::story::check;

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
