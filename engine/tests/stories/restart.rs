//! The process died and came back: what is asked, ordered and believed anew.

use expect_test::expect;

use crate::story::check;

const OURS: &str = "
    limits guards=on per_call=2 stale=10h
    worker build scaling=estimator:1 option=requested-once registration_timeout=5m
    pool c5.large/us-east-1a
";

#[test]
fn calls_that_were_not_answered_are_made_again_and_regions_listed_at_once() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 3 0
            decide
        2s  pending #3
            decide
        10s restarted
            supply build
            decide
        11s decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2s:
                build: 3 pending, 0 claimed, capacity 2 requested + 1 pending → +0 (would keep 3)
            10s: build has capacity 2 requested + 1 pending
            10s:
              list us-east-1
              check #3
              wakes after 1 s
            11s:
              build c5.large/us-east-1a $0.02/h #1..#2
                #1: called again with the same token, in doubt after 1 × before
        "#]],
    );
}

#[test]
fn what_was_to_be_ended_is_ended_again_at_once() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1s  pending #1
        6m  demand build 0 0
            decide
        7m  decide
        8m  restarted
            decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            6m:
              terminate unless claimed #1
              list us-east-1
                #1: ended, worker not registered since 1970-01-01T00:00:01Z
                build: 0 pending, 0 claimed, capacity 1 pending → +0 (would keep 0)
            7m:
              list us-east-1
            8m:
              terminate unless claimed #1
              list us-east-1
              check #1
                #1: ended, worker not registered since 1970-01-01T00:00:01Z
        "#]],
    );
}

#[test]
fn without_a_memory_requests_are_forgotten_and_bought_again() {
    check(
        "
        limits guards=v1 per_call=2 stale=10h
        worker build scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 3 0
            decide
        2s  pending #3
        10s restarted
            supply build
            decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            10s: build has capacity 1 pending
            10s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #4..#5
                build: 3 pending, 0 claimed, capacity 1 pending → +2 (would keep 3)
                build: 2 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}
