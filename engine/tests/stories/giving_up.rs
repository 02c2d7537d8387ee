//! Giving up.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_request_is_cancelled_in_time_and_forgotten_when_that_is_confirmed() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        19m59s decide
        20m decide
        21m refused #1 cancelled
            supply build
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            19m59s:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
            21m: build has no capacity
            21m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
        "#]],
    );
}

#[test]
fn an_order_that_was_not_carried_out_is_repeated_every_five_minutes() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m decide
        24m59s decide
        25m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            24m59s: nothing
            25m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
        "#]],
    );
}

#[test]
fn a_request_fulfilled_in_spite_of_its_cancellation_is_kept() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        20m decide
        21m pending #1
            refused #1 cancelled
            supply build
        26m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            20m:
              cancel #1
                #1: cancelled, not fulfilled since 1970-01-01T00:00:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            21m: build has capacity 1 pending
            26m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
        "#]],
    );
}

#[test]
fn a_worker_that_does_not_register_is_ended_once_per_order() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            queues
            decide
        1m  pending #1
        2m  running #1
        31m queues
            decide
        32m decide
            ended #1 provisioner
            queues
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            31m:
              terminate #1
              build c5.large/us-east-1a $0.02/h #2
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                build: 1 pending, 0 claimed, capacity 1 running → +1
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
            32m:
                build: 1 pending, 0 claimed, capacity 1 requested + 1 running → +0
            32m:
                build: 1 pending, 0 claimed, capacity 1 requested → +0
        "#]],
    );
}

#[test]
fn an_instance_that_starts_after_it_was_given_up_is_not_ordered_twice() {
    check(
        "
        worker build registration_timeout=30m
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  pending #1
        31m decide
        32m running #1
        33m decide
        36m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            31m:
              terminate #1
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            33m:
                build: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            36m:
              terminate #1
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
        "#]],
    );
}

#[test]
fn a_registered_worker_lives_until_its_lifetime_ends() {
    check(
        "
        worker build registration_timeout=30m lifetime=96h
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  pending #1
            running #1
            registered #1
            demand build 0 1
        96h queues
            demand build 0 1
            decide
        96h1m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            96h:
                build: 0 pending, 1 claimed, capacity 1 working → +0
            96h1m:
              terminate #1
                #1: ended, has lived since 1970-01-01T00:01:00Z
        "#]],
    );
}

#[test]
fn an_end_that_is_never_seen_is_asked_for_at_the_end_of_its_life() {
    check(
        "
        worker build lifetime=1h
        pool c5.large/us-east-1a capacity=4
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  running #1
        2m  stopping #1 worker
            demand build 0 0
            decide
        1h1m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
                build: 0 pending, 0 claimed, capacity 4 stopping → +0
            1h1m:
              terminate #1
                #1: ended, has lived since 1970-01-01T00:01:00Z
        "#]],
    );
}
