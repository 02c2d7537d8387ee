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

/// That the process died says nothing about EC2: whoever comes back often asks as soon as whoever came
/// back once, and what waits because EC2 asked for it waits on.
#[test]
fn each_death_is_followed_by_the_same_short_wait() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 2 0
            decide
        2s  restarted
            decide
        3s  decide
        4s  restarted
            decide
        5s  decide
        6s  restarted
            decide
        7s  decide
        8s  throttled launch #1
            decide
        9s  restarted
            decide
        10s decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2s:
              list us-east-1
              wakes after 1 s
                build: 2 pending, 0 claimed, capacity 2 requested → +0 (would keep 2)
            3s:
              build c5.large/us-east-1a $0.02/h #1..#2
                #1: called again with the same token, in doubt after 1 × before
            4s:
              list us-east-1
              wakes after 1 s
            5s:
              build c5.large/us-east-1a $0.02/h #1..#2
                #1: called again with the same token, in doubt after 2 × before
            6s:
              list us-east-1
              wakes after 1 s
            7s:
              build c5.large/us-east-1a $0.02/h #1..#2
                #1: called again with the same token, in doubt after 3 × before
            8s: nothing
              wakes after 2 s
            9s:
              list us-east-1
              wakes after 1 s
            10s:
              build c5.large/us-east-1a $0.02/h #1..#2
                #1: called again with the same token, in doubt after 4 × before
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

/// What the listings tell after forty minutes, the call itself tells at once.
#[test]
fn a_call_that_outlived_its_time_with_the_process_is_made_once_more() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        25m restarted
            decide
        25m1s decide
        26m decide
            pending #1
            supply build
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            25m:
              cancel #1
              list us-east-1
              wakes after 1 s
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
            25m1s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 1 × before
            26m:
              list us-east-1
            26m: build has capacity 1 pending
        "#]],
    );
}

#[test]
fn if_that_is_not_answered_either_it_is_looked_for() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        25m restarted
            decide
        25m1s decide
        25m2s throttled launch #1
        25m4s decide
        26m unanswered #1
            listed us-east-1 as-of 26m
            decide
        66m listed us-east-1 as-of 66m
            decide
            supply build
        67m listed us-east-1 as-of 66m1s
            decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            25m:
              cancel #1
              list us-east-1
              wakes after 1 s
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 1 pending, 0 claimed, capacity 1 requested → +0 (would keep 1)
            25m1s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 1 × before
            25m4s:
              build c5.large/us-east-1a $0.02/h #1
                #1: called again with the same token, in doubt after 2 × before
            26m:
              list us-east-1
            66m:
              cancel #1
              list us-east-1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
            66m: build has capacity 1 requested
            67m:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #2
                #1: never answered, never listed, so it never was
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn nobody_makes_a_call_once_more_that_nobody_wants() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        25m restarted
            demand build 0 0
            decide
        26m decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            25m:
              cancel #1
              list us-east-1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: 0 pending, 0 claimed, capacity 1 requested → +0 (would keep 0)
            26m:
              list us-east-1
        "#]],
    );
}

/// Its worker may have worked for as long as it had to.
#[test]
fn an_instance_that_lived_and_ended_unheard_is_no_failed_boot() {
    check(
        OURS,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 20 0
            decide
        2s  pending #1..#8
            decide
        25m restarted
            decide
        25m1s decide
            ended #9..#20 worker
        26m decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1..#8
                build: 20 pending, 0 claimed, no capacity → +20 (would keep 20)
                build: c5.large/us-east-1a has its 8 launches under way
                build: 8 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2s:
              build c5.large/us-east-1a $0.02/h #9..#14
              wakes after 1 s
                build: 20 pending, 0 claimed, capacity 8 pending → +12 (would keep 20)
                build: 6 × c5.large/us-east-1a from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
                build: no launch call to us-east-1 left, next 1970-01-01T00:00:03Z
            25m:
              terminate unless claimed #1..#8
              cancel #9..#14
              list us-east-1
              check #1..#8
              build c5.large/us-east-1a $0.02/h #15..#20
              wakes after 1 s
                #1: ended, worker not registered since 1970-01-01T00:00:02Z
                #2: ended, worker not registered since 1970-01-01T00:00:02Z
                #3: ended, worker not registered since 1970-01-01T00:00:02Z
                #4: ended, worker not registered since 1970-01-01T00:00:02Z
                #5: ended, worker not registered since 1970-01-01T00:00:02Z
                #6: ended, worker not registered since 1970-01-01T00:00:02Z
                #7: ended, worker not registered since 1970-01-01T00:00:02Z
                #8: ended, worker not registered since 1970-01-01T00:00:02Z
                #9: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                #10: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                #11: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                #12: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                #13: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                #14: cancelled, not fulfilled since 1970-01-01T00:00:02Z
                build: 20 pending, 0 claimed, capacity 6 requested + 8 pending → +6 (would keep 20)
                build: 6 × c5.large/us-east-1a from #15, spot at most $0.02/h, price $0.01/h, chosen from 1
            25m1s:
              build c5.large/us-east-1a $0.02/h #9..#12
              wakes after 1 s
                #9: called again with the same token, in doubt after 1 × before
                #11: called again with the same token, in doubt after 1 × before
                build: no launch call to us-east-1 left, next 1970-01-01T00:25:02Z
                build: 20 pending, 0 claimed, capacity 12 requested + 8 pending → +0 (would keep 20)
            26m:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #21..#28
              wakes after 1 s
                build: 20 pending, 0 claimed, capacity 8 pending → +12 (would keep 20)
                build: 8 × c5.large/us-east-1a from #21, spot at most $0.02/h, price $0.01/h, chosen from 1
                build: no launch call to us-east-1 left, next 1970-01-01T00:26:01Z
        "#]],
    );
}
