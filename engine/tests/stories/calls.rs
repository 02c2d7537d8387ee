//! Launch calls that are throttled or get no answer, and the allowance of calls.

use expect_test::expect;

use crate::story::check;

const GUARDED: &str = "
    limits guards=calls per_call=50 stale=10h
    worker build scaling=estimator:1 option=requested-once
    pool c5.large/us-east-1a
";

/// As it was before there were guards.
const TRUSTING: &str = "
    limits per_call=50 stale=10h
    worker build scaling=estimator:1 option=requested-once
    pool c5.large/us-east-1a
";

#[test]
fn a_call_without_an_answer_is_repeated_and_nothing_is_bought_twice() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 3 0
            decide
        1m  unanswered #1
            decide
        61s decide
        62s pending #1..#2
            refused #3 insufficient-capacity
            supply build
        2m  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              list us-east-1
              wakes after 1 s
                build: 3 pending, 0 claimed, capacity 3 requested → +0 (would keep 3)
            61s:
              build c5.large/us-east-1a $0.02/h #1..#3
                #1: called again with the same token, in doubt after 1 × before
            62s: build has capacity 2 pending
            2m:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #4
                build: 3 pending, 0 claimed, capacity 2 pending → +1 (would keep 3)
                build: 1 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_forgotten_call_is_bought_anew() {
    check(
        TRUSTING,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 3 0
            decide
        1m  unanswered #1
            decide
        62s pending #1..#2
            supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #4..#6
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
            62s: build has capacity 3 requested
        "#]],
    );
}

#[test]
fn a_call_that_stays_unanswered_waits_twice_as_long_each_time() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        10s unanswered #1
        11s decide
            unanswered #1
            decide
        13s decide
            unanswered #1
            decide
        17s decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            11s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 1 × before
                build: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
            11s: nothing
              wakes after 2 s
            13s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 2 × before
            13s: nothing
              wakes after 4 s
            17s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 3 × before
        "#]],
    );
}

#[test]
fn an_instance_that_turns_up_settles_the_doubt() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  running #1
            unanswered #1
        2m  decide
        3m  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              list us-east-1
                build: 1 pending, 0 claimed, capacity 1 running → +0 (would keep 1)
            3m:
              list us-east-1
        "#]],
    );
}

#[test]
fn what_no_later_listing_shows_never_was() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 2 0
            decide
        19m unanswered #1
        20m decide
            listed us-east-1 as-of 58m
        58m decide
            supply build
        60m listed us-east-1 as-of 59m1s
            decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1..#2
              list us-east-1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                #2: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 2 pending, 0 claimed, capacity 2 requested → +0 (would keep 2)
            58m:
              cancel #1..#2
              list us-east-1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                #2: cancelled, not fulfilled since 1970-01-01T00:00:00Z
            58m: build has capacity 2 requested
            60m:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #3..#4
                #1: never answered, never listed, so it never was
                #2: never answered, never listed, so it never was
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_rejected_repetition_may_have_been_carried_out_and_is_looked_for() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  unanswered #1
        2m  decide
            refused #1 rejected
            supply build
        3m  decide
        4m  running #1
            supply build
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #1
              list us-east-1
                #1: called again with the same token, in doubt after 1 × before
                build: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
            2m: build has capacity 1 requested
            3m:
              list us-east-1
            4m: build has capacity 1 running
        "#]],
    );
}

#[test]
fn a_throttled_call_is_repeated_and_its_demand_is_kept() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 60 0
            decide
            throttled launch #1
            throttled launch #51
        1s  decide
        2s  pending #1..#50
            decide
        3s  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#60
                build: 60 pending, 0 claimed, no capacity → +60 (would keep 60)
                build: 60 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1s:
              build c5.large/us-east-1a $0.02/h #1..#50
              wakes after 1 s
                #1: called again with the same token, in doubt after 1 × before
                build: no launch call to us-east-1 left, next 1970-01-01T00:00:02Z
                build: 60 pending, 0 claimed, capacity 60 requested → +0 (would keep 60)
            2s:
              build c5.large/us-east-1a $0.02/h #51..#60
                #51: called again with the same token, in doubt after 1 × before
                build: 60 pending, 0 claimed, capacity 10 requested + 50 pending → +0 (would keep 60)
            3s: nothing
        "#]],
    );
}

#[test]
fn a_call_that_is_throttled_until_its_time_is_over_makes_room() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m throttled launch #1
            decide
            supply build
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              list us-east-1
              wakes after 1 s
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: no launch call to us-east-1 left, next 1970-01-01T00:20:01Z
            20m: build has no capacity
        "#]],
    );
}

#[test]
fn a_call_whose_worker_asks_whether_to_stop_was_made() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  unanswered #1
            idled #1
        2m  decide
            supply build
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              list us-east-1
                build: 1 pending, 0 claimed, capacity 1 working → +0 (would keep 1)
            2m: build has capacity 1 working
        "#]],
    );
}

#[test]
fn giving_up_is_ordered_again_as_soon_as_a_throttle_allows() {
    check(
        GUARDED,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m decide
            throttled cancel #1
            decide
        20m1s decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1
              list us-east-1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
            20m:
              wakes after 1 s
                no cancel call to us-east-1 left, next 1970-01-01T00:20:01Z
            20m1s:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
        "#]],
    );
}

#[test]
fn the_allowance_of_calls_goes_round_and_the_rest_follows() {
    check(
        "
        limits guards=calls per_call=2 stale=10h
        worker a scaling=ratio:0
        pool c5.large/us-east-1a
        worker b scaling=ratio:0
        pool c5.large/us-east-1a
        worker c scaling=ratio:0
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand a 9 0
            demand b 3 0
            demand c 2 0
            decide
        1s  decide
        2s  decide
        3s  decide
        4s  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              a c5.large/us-east-1a $0.02/h #1..#2
              b c5.large/us-east-1a $0.02/h #3..#4
              c c5.large/us-east-1a $0.02/h #5..#6
              a c5.large/us-east-1a $0.02/h #7..#8
              wakes after 1 s
                a: 9 pending, 0 claimed, no capacity → +9
                b: 3 pending, 0 claimed, no capacity → +3
                c: 2 pending, 0 claimed, no capacity → +2
                a: 4 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
                b: 2 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 2 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
                b: no launch call to us-east-1 left, next 1970-01-01T00:00:01Z
                a: no launch call to us-east-1 left, next 1970-01-01T00:00:01Z
            1s:
              b c5.large/us-east-1a $0.02/h #9
              wakes after 1 s
                a: 9 pending, 0 claimed, capacity 4 requested → +5
                b: 3 pending, 0 claimed, capacity 2 requested → +1
                c: 2 pending, 0 claimed, capacity 2 requested → +0
                b: 1 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: no launch call to us-east-1 left, next 1970-01-01T00:00:02Z
            2s:
              a c5.large/us-east-1a $0.02/h #10..#13
              wakes after 1 s
                a: 9 pending, 0 claimed, capacity 4 requested → +5
                b: 3 pending, 0 claimed, capacity 3 requested → +0
                a: 4 × c5.large/us-east-1a from #10, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: no launch call to us-east-1 left, next 1970-01-01T00:00:03Z
            3s:
              a c5.large/us-east-1a $0.02/h #14
                a: 9 pending, 0 claimed, capacity 8 requested → +1
                a: 1 × c5.large/us-east-1a from #14, spot at most $0.02/h, price $0.01/h, chosen from 1
            4s:
                a: 9 pending, 0 claimed, capacity 9 requested → +0
        "#]],
    );
}
