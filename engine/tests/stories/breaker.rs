//! What never becomes a worker is not bought again and again.

use expect_test::expect;

use crate::story::{check, tell};

#[test]
fn what_never_registers_is_ended_and_then_probed_after_ever_longer_times() {
    check(
        "
        limits guards=breaker per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 11 0
           decide
        1m pending #1..#11
           decide
        46m queues
            decide
            ended #1..#11 provisioner
            decide
        56m queues
            decide
            pending #12
        75m59s queues
            decide
        76m queues
            decide
            pending #13
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#11
                build: 11 pending, 0 claimed, no capacity → +11 (would keep 11)
                build: 11 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: 11 pending, 0 claimed, capacity 11 pending → +0 (would keep 11)
            46m:
              terminate #1..#11
                #1: ended, worker not registered since 1970-01-01T00:01:00Z
                #2: ended, worker not registered since 1970-01-01T00:01:00Z
                #3: ended, worker not registered since 1970-01-01T00:01:00Z
                #4: ended, worker not registered since 1970-01-01T00:01:00Z
                #5: ended, worker not registered since 1970-01-01T00:01:00Z
                #6: ended, worker not registered since 1970-01-01T00:01:00Z
                #7: ended, worker not registered since 1970-01-01T00:01:00Z
                #8: ended, worker not registered since 1970-01-01T00:01:00Z
                #9: ended, worker not registered since 1970-01-01T00:01:00Z
                #10: ended, worker not registered since 1970-01-01T00:01:00Z
                #11: ended, worker not registered since 1970-01-01T00:01:00Z
                build: 11 pending, 0 claimed, capacity 11 pending → +0 (would keep 11)
            46m:
                build: 11 pending, 0 claimed, no capacity → +11 (would keep 11)
                build: the worker type is degraded (11 × failed), next try 1970-01-01T00:56:00Z
            56m:
              build c5.large/us-east-1a $0.02/h #12
                build: 11 pending, 0 claimed, no capacity → +11 (would keep 11)
                build: the worker type is degraded (11 × failed), next try 1970-01-01T00:56:00Z
                build: 1 × c5.large/us-east-1a from #12, spot at most $0.02/h, price $0.01/h, chosen from 1
            75m59s:
                build: 11 pending, 0 claimed, capacity 1 pending → +10 (would keep 11)
                build: the worker type is degraded (11 × failed), next try 1970-01-01T01:16:00Z
            76m:
              build c5.large/us-east-1a $0.02/h #13
                build: 11 pending, 0 claimed, capacity 1 pending → +10 (would keep 11)
                build: the worker type is degraded (11 × failed), next try 1970-01-01T01:16:00Z
                build: 1 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_worker_that_registers_closes_the_breaker() {
    check(
        "
        limits guards=breaker per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 10 0
           decide
        1m ended #1..#10 launch-failed
           decide
        11m queues
           decide
        12m registered #11
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#10
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: 10 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T00:11:00Z
            11m:
              build c5.large/us-east-1a $0.02/h #11
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T00:11:00Z
                build: 1 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 1
            12m:
              build c5.large/us-east-1a $0.02/h #12..#20
                build: 10 pending, 0 claimed, capacity 1 working → +9 (would keep 10)
                build: 9 × c5.large/us-east-1a from #12, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_broken_worker_type_condemns_neither_the_image_nor_the_region_of_others() {
    check(
        "
        limits guards=breaker per_call=50
        worker broken scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=one
        worker sound scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=one
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand broken 30 0
           decide
        1m ended #1..#30 launch-failed
           demand sound 2 0
           decide
        2m registered #31..#32
           demand sound 3 2
           decide
        ",
        expect![[r#"
            0s:
              broken c5.large/us-east-1a $0.02/h #1..#30
                broken: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                sound: frozen, counts are not known
                broken: 30 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              sound c5.large/us-east-1a $0.02/h #31..#32
                broken: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                broken: the worker type is degraded (30 × failed), next try 1970-01-01T00:11:00Z
                sound: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                sound: 2 × c5.large/us-east-1a from #31, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              sound c5.large/us-east-1a $0.02/h #33..#35
                broken: 30 pending, 0 claimed, no capacity → +30 (would keep 30)
                broken: the worker type is degraded (30 × failed), next try 1970-01-01T00:11:00Z
                sound: 3 pending, 2 claimed, capacity 2 working → +3 (would keep 5)
                sound: 3 × c5.large/us-east-1a from #33, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn what_fails_for_several_worker_types_is_held_against_their_image() {
    check(
        "
        limits guards=breaker per_call=50
        worker one scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=broken
        worker two scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=broken
        worker three scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=broken
        worker four scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=sound
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand one 10 0
           demand two 2 0
           decide
        1m ended #1..#12 launch-failed
           demand three 1 0
           demand four 1 0
           decide
        ",
        expect![[r#"
            0s:
              one c5.large/us-east-1a $0.02/h #1..#10
              two c5.large/us-east-1a $0.02/h #11..#12
                one: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                two: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                three: frozen, counts are not known
                four: frozen, counts are not known
                one: 10 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
                two: 2 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              four c5.large/us-east-1a $0.02/h #13
                one: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                one: the worker type is degraded (10 × failed), next try 1970-01-01T00:11:00Z
                two: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                two: image broken is degraded (11 × failed), next try 1970-01-01T00:11:00Z
                three: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                three: image broken is degraded (11 × failed), next try 1970-01-01T00:11:00Z
                four: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                four: 1 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn an_unproven_image_is_filled_up_and_starves_nobody() {
    check(
        "
        limits guards=breaker per_call=50
        worker broken scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=one
        worker sound scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=one
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand broken 90 0
           decide
        1m demand sound 5 0
           decide
        2m registered #51
           decide
        ",
        expect![[r#"
            0s:
              broken c5.large/us-east-1a $0.02/h #1..#50
                broken: 90 pending, 0 claimed, no capacity → +90 (would keep 90)
                broken: the worker type is unproven, 0 are under way
                sound: frozen, counts are not known
                broken: 50 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              sound c5.large/us-east-1a $0.02/h #51
                broken: 90 pending, 0 claimed, capacity 50 requested → +40 (would keep 90)
                broken: the worker type is unproven, 50 are under way
                sound: 5 pending, 0 claimed, no capacity → +5 (would keep 5)
                sound: image one is unproven, 50 are under way
                sound: 1 × c5.large/us-east-1a from #51, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m:
              sound c5.large/us-east-1a $0.02/h #52..#55
                broken: 90 pending, 0 claimed, capacity 50 requested → +40 (would keep 90)
                broken: the worker type is unproven, 50 are under way
                sound: 5 pending, 0 claimed, capacity 1 working → +4 (would keep 5)
                sound: 4 × c5.large/us-east-1a from #52, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn interruptions_before_the_worker_registers_are_no_failed_boots() {
    check(
        "
        limits guards=breaker per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 12 0
           decide
        1m ended #1..#12 interruption
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#12
                build: 12 pending, 0 claimed, no capacity → +12 (would keep 12)
                build: 12 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #13..#24
                build: 12 pending, 0 claimed, no capacity → +12 (would keep 12)
                build: 12 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_volume_limit_closes_the_region_at_once_and_another_takes_over() {
    check(
        "
        limits guards=breaker per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-west-2a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-west-2a 0.02
           demand build 3 0
           decide
        1s ended #1..#3 volume-limit
           decide
           registered #4..#6
        2s demand build 4 3
           decide
        10m1s demand build 4 3
           decide
           registered #8
        11m demand build 9 3
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
              build c5.large/us-west-2a $0.04/h #7..#10
                build: 4 pending, 3 claimed, capacity 3 working → +4 (would keep 7)
                build: 4 × c5.large/us-west-2a from #7, spot at most $0.04/h, price $0.02/h, chosen from 1
            10m1s:
                build: 4 pending, 3 claimed, capacity 4 requested + 3 working → +0 (would keep 7)
            11m:
              build c5.large/us-east-1a $0.02/h #11
              build c5.large/us-west-2a $0.04/h #12..#15
                build: 9 pending, 3 claimed, capacity 3 requested + 4 working → +5 (would keep 12)
                build: 1 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 4 × c5.large/us-west-2a from #12, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn an_unusable_image_closes_its_own_breaker_at_once() {
    check(
        "
        limits guards=breaker per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a image=missing
        pool c5.large/us-east-1b image=there
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 3 0
           decide
        1s refused #1..#3 image-unusable
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1s:
              build c5.large/us-east-1b $0.04/h #4..#6
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1b from #4, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_rejected_launch_closes_the_worker_type() {
    check(
        "
        limits guards=breaker per_call=50
        worker broken scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=one
        worker sound scaling=estimator:1 option=requested-once placement=cheapest
        pool c5.large/us-east-1a image=two
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand broken 3 0
           decide
        1s refused #1..#3 rejected
           demand sound 1 0
           decide
        ",
        expect![[r#"
            0s:
              broken c5.large/us-east-1a $0.02/h #1..#3
                broken: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                sound: frozen, counts are not known
                broken: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1s:
              sound c5.large/us-east-1a $0.02/h #4
                broken: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                broken: the worker type is degraded (1 × failed), next try 1970-01-01T00:10:01Z
                sound: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                sound: 1 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_probe_that_came_to_nothing_is_made_again_at_once() {
    check(
        "
        limits guards=breaker,ice per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.02
           demand build 1 0
           decide
        1s refused #1 rejected
        10m1s queues
           decide
        10m2s refused #2 insufficient-capacity
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            10m1s:
              build c5.large/us-east-1a $0.02/h #2
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #2, spot at most $0.02/h, price $0.01/h, chosen from 2
            10m2s:
              build c5.large/us-east-1b $0.04/h #3
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1b from #3, spot at most $0.04/h, price $0.02/h, chosen from 1
        "#]],
    );
}

#[test]
fn workers_that_register_and_never_claim_are_failed_boots_until_one_claims() {
    check(
        "
        limits guards=breaker,zombies per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 10 0
           decide
        1m registered #1..#10
        41m checked #1..#10 0
        42m ended #1..#10 provisioner
            queues
            decide
        52m queues
            decide
            registered #11
            decide
        72m queues
            demand build 10 0
            decide
        73m checked #11 1
            demand build 9 1
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#10
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: 10 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            42m:
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T00:52:00Z
            52m:
              build c5.large/us-east-1a $0.02/h #11
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T00:52:00Z
                build: 1 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 1
            52m:
                build: 10 pending, 0 claimed, capacity 1 working → +9 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T01:12:00Z
            72m:
              check #11
              build c5.large/us-east-1a $0.02/h #12
                build: 10 pending, 0 claimed, capacity 1 working → +9 (would keep 10)
                build: the worker type is degraded (10 × failed), next try 1970-01-01T01:12:00Z
                build: 1 × c5.large/us-east-1a from #12, spot at most $0.02/h, price $0.01/h, chosen from 1
            73m:
              build c5.large/us-east-1a $0.02/h #13..#20
                build: 9 pending, 1 claimed, capacity 1 requested + 1 working → +8 (would keep 10)
                build: 8 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

const HOLLOW: &str = "
    limits guards=breaker,zombies per_call=50
    worker build scaling=target:1 placement=cheapest max=100
    pool c5.large/us-east-1a
";

/// Ten workers that register and stop themselves after ten minutes; what the queue says meanwhile.
fn ten_idle_out(meanwhile: &str) -> String {
    let told = tell(
        HOLLOW,
        &format!(
            "
            0s  price c5.large/us-east-1a 0.01
                demand build 10 0
                decide
            1m  registered #1..#10
                {meanwhile}
            11m queues
                ended #1..#10 worker
                demand build 10 0
                decide
            "
        ),
    );
    told[told.find("11m:\n").expect("the end is told")..].to_owned()
}

#[test]
fn workers_that_stop_themselves_unclaimed_while_tasks_wait_are_failed_boots() {
    expect![[r#"
        11m:
            build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
            build: the worker type is degraded (10 × failed), next try 1970-01-01T00:21:00Z
    "#]]
    .assert_eq(&ten_idle_out("5m queues\n demand build 12 0"));
    let bought = "build c5.large/us-east-1a $0.02/h #11..#20";
    for (meanwhile, why) in [
        ("5m demand build 0 0\n 6m demand build 10 0", "nothing was left to do"),
        ("5m demand build 9 1\n 6m demand build 10 0", "one of them claimed"),
        ("5m unknown build\n 6m demand build 10 0", "nobody knows"),
    ] {
        let told = ten_idle_out(meanwhile);
        assert!(told.contains(bought), "{why}: {told}");
    }
    // Others claim, but the queue knows of no claim by these.
    let told = ten_idle_out("5m demand build 10 1\n 6m checked #1..#10 0");
    assert!(told.contains("degraded (10 × failed)"), "{told}");
}

#[test]
fn where_workers_stop_unclaimed_the_next_is_asked_early_and_its_claim_closes_the_breaker() {
    let told = tell(
        HOLLOW,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 10 0
            decide
        1m  registered #1..#10
        11m queues
            ended #1..#10 worker
            decide
        21m queues
            decide
        22m registered #11
            demand build 9 1
            decide
        26m59s queues
            decide
        27m queues
            decide
            checked #11 1 last 22m
            decide
        ",
    );
    let after = told.split_once("\n21m:\n").expect("the probe is told").1;
    expect![[r#"
          build c5.large/us-east-1a $0.02/h #11
            build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
            build: the worker type is degraded (10 × failed), next try 1970-01-01T00:21:00Z
            build: 1 × c5.large/us-east-1a from #11, spot at most $0.02/h, price $0.01/h, chosen from 1
        22m:
            build: 9 pending, 1 claimed, capacity 1 working → +9 (would keep 10)
            build: the worker type is degraded (10 × failed), next try 1970-01-01T00:41:00Z
        26m59s:
            build: 9 pending, 1 claimed, capacity 1 working → +9 (would keep 10)
            build: the worker type is degraded (10 × failed), next try 1970-01-01T00:41:00Z
        27m:
          check #11
            build: 9 pending, 1 claimed, capacity 1 working → +9 (would keep 10)
            build: the worker type is degraded (10 × failed), next try 1970-01-01T00:41:00Z
        27m:
          build c5.large/us-east-1a $0.02/h #12..#20
            build: 9 pending, 1 claimed, capacity 1 working → +9 (would keep 10)
            build: 9 × c5.large/us-east-1a from #12, spot at most $0.02/h, price $0.01/h, chosen from 1
    "#]].assert_eq(after);
}

#[test]
fn a_worker_that_was_to_be_asked_early_is_left_alone_once_another_claimed() {
    let told = tell(
        &HOLLOW.replace("worker build", "worker build lifetime=40m"),
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 11 0
            decide
        1m  registered #1..#10
            pending #11
        11m queues
            ended #1..#10 worker
            decide
        21m queues
            decide
        22m registered #11
            registered #12
        23m checked #12 1 last 22m
            demand build 0 2
            decide
        27m queues
            decide
        40m queues
            decide
        41m queues
            decide
        ",
    );
    let after = told.split_once("\n23m:\n").expect("the claim is told").1;
    expect![[r#"
            build: 0 pending, 2 claimed, capacity 2 working → +0 (would keep 2)
        27m: nothing
        40m:
            build: 0 pending, 2 claimed, capacity 2 working → +0 (would keep 2)
        41m:
          terminate #11
            #11: ended, has lived since 1970-01-01T00:01:00Z
    "#]]
    .assert_eq(after);
}
