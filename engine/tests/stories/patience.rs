//! On demand after so long without a spot machine.

use expect_test::expect;

use crate::story::check;

const PATIENT: &str = "
    limits per_call=10 stale=100h
    worker build scaling=estimator:1 option=requested-once option=bias-off on_demand_after=10m price_max=0.05
    pool c5.large/us-east-1a on_demand=0.085
    pool c5.xlarge/us-east-1a capacity=2 utility=2.5 on_demand=0.17
";

#[test]
fn patience_with_high_prices_ends_to_the_millisecond() {
    check(
        PATIENT,
        "
        0s price c5.large/us-east-1a 0.06
           demand build 3 0
           decide
        9m59s999ms decide
        10m decide
        11m decide
        ",
        expect![[r#"
            0s:
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            9m59s999ms:
              wakes after 1 ms
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            10m:
              build c5.xlarge/us-east-1a on-demand #1..#2
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: no spot machine since 1970-01-01T00:00:00Z, on demand now
                build: 2 × c5.xlarge/us-east-1a from #1, on demand, price $0.17/h, chosen from 2
            11m:
                build: 3 pending, 0 claimed, capacity 4 requested → +0 (would keep 3)
        "#]],
    );
}

#[test]
fn patience_counts_from_the_first_refusal_and_a_machine_that_is_given_ends_it() {
    check(
        PATIENT,
        "
        0s price c5.large/us-east-1a 0.01
           demand build 2 0
           decide
        1s500ms refused #1..#2 insufficient-capacity
        1m decide
        1m1s refused #3..#4 insufficient-capacity
        9m decide
        9m1s refused #5 insufficient-capacity
        9m30s pending #6
           decide
        10m1s500ms decide
        11m refused #7 max-price-too-low
        20m30s decide
        21m decide
           supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a $0.02/h #3..#4
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
            9m:
              build c5.large/us-east-1a $0.02/h #5..#6
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
            9m30s:
              build c5.large/us-east-1a $0.02/h #7
                build: 2 pending, 0 claimed, capacity 1 pending → +1 (would keep 2)
                build: 1 × c5.large/us-east-1a from #7, spot at most $0.02/h, price $0.01/h, chosen from 1
            10m1s500ms:
                build: 2 pending, 0 claimed, capacity 1 requested + 1 pending → +0 (would keep 2)
            20m30s:
              build c5.large/us-east-1a $0.02/h #8
              wakes after 30 s
                build: 2 pending, 0 claimed, capacity 1 pending → +1 (would keep 2)
                build: 1 × c5.large/us-east-1a from #8, spot at most $0.02/h, price $0.01/h, chosen from 1
            21m:
                build: 2 pending, 0 claimed, capacity 1 requested + 1 pending → +0 (would keep 2)
            21m: build has capacity 1 requested + 1 pending
        "#]],
    );
}

#[test]
fn while_the_shortage_lasts_what_comes_new_is_bought_on_demand_at_once_and_one_spot_machine_is_asked_for()
 {
    check(
        PATIENT,
        "
        0s price c5.large/us-east-1a 0.01
           demand build 1 0
           decide
        1s refused #1 insufficient-capacity
        10m1s decide
        10m2s refused #2 insufficient-capacity
           decide
        10m3s registered #3
           demand build 0 2
           decide
        30m demand build 4 2
           decide
        31m pending #4
           demand build 6 2
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            10m1s:
              build c5.xlarge/us-east-1a on-demand #2
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: no spot machine since 1970-01-01T00:00:01Z, on demand now
                build: 1 × c5.xlarge/us-east-1a from #2, on demand, price $0.17/h, chosen from 2
            10m2s:
              build c5.xlarge/us-east-1a on-demand #3
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: no spot machine since 1970-01-01T00:00:01Z, on demand now
                build: 1 × c5.xlarge/us-east-1a from #3, on demand, price $0.17/h, chosen from 2
            10m3s:
                build: 0 pending, 2 claimed, capacity 2 working → +0 (would keep 2)
            30m:
              build c5.large/us-east-1a $0.02/h #4
              build c5.xlarge/us-east-1a on-demand #5..#6
                build: 4 pending, 2 claimed, capacity 2 working → +4 (would keep 6)
                build: no spot machine since 1970-01-01T00:00:01Z, on demand now
                build: 1 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 1
                build: 2 × c5.xlarge/us-east-1a from #5, on demand, price $0.17/h, chosen from 2
            31m:
              build c5.large/us-east-1a $0.02/h #7
                build: 6 pending, 2 claimed, capacity 4 requested + 1 pending + 2 working → +1 (would keep 8)
                build: 1 × c5.large/us-east-1a from #7, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn when_nothing_is_wanted_any_more_patience_begins_anew() {
    check(
        PATIENT,
        "
        0s price c5.large/us-east-1a 0.06
           demand build 3 0
           decide
        9m demand build 0 0
           decide
        9m30s demand build 1 0
           decide
        19m29s999ms decide
        19m30s decide
        ",
        expect![[r#"
            0s:
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            9m:
                build: 0 pending, 0 claimed, no capacity → +0 (would keep 0)
            9m30s:
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            19m29s999ms:
              wakes after 1 ms
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            19m30s:
              build c5.xlarge/us-east-1a on-demand #1
                build: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                build: no spot machine since 1970-01-01T00:09:30Z, on demand now
                build: 1 × c5.xlarge/us-east-1a from #1, on demand, price $0.17/h, chosen from 2
        "#]],
    );
}

#[test]
fn our_own_limit_is_no_shortage_and_who_has_no_patience_set_waits_for_ever() {
    check(
        "
        limits per_call=10 stale=100h
        worker full max=1 on_demand_after=1m
        pool c5.large/us-east-1a on_demand=0.085
        worker waits price_max=0.05 scaling=estimator:1
        pool c5.large/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.04
           demand full 3 0
           decide
        5m pending #1
           price c5.large/us-east-1a 0.06
           demand full 3 1
           demand waits 2 0
           decide
        10h decide
        ",
        expect![[r#"
            0s:
              full c5.large/us-east-1a $0.08/h #1
                full: 3 pending, 0 claimed, no capacity → +1
                waits: frozen, counts are not known
                full: 1 × c5.large/us-east-1a from #1, spot at most $0.08/h, price $0.04/h, chosen from 1
            5m:
                full: 3 pending, 1 claimed, capacity 1 pending → +0
                waits: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                waits: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
            10h:
                waits: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                waits: refusing c5.large/us-east-1a, $0.06/h ÷ 1 × 1 is above $0.05/h
        "#]],
    );
}

#[test]
fn a_shortage_ends_when_nothing_waits_though_what_waited_before_took_nothing_more() {
    check(
        "
        limits per_call=10 stale=100h
        worker build scaling=ratio:0 placement=weighted on_demand_after=10m
        pool c5.large/us-east-1a on_demand=0.085
        ",
        "
        0s price c5.large/us-east-1a 0.01
           demand build 2 0
           decide
           refused #1..#2 insufficient-capacity
        1m decide
        2m demand build 1 0
           decide
        3m demand build 0 0
           decide
        10m demand build 4 0
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot without a max price, price $0.01/h, chosen from 1
            1m:
              build c5.large/us-east-1a spot #3..#4
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, price $0.01/h, chosen from 1
            2m:
                build: 1 pending, 0 claimed, capacity 2 requested → -1
            3m:
                build: 0 pending, 0 claimed, capacity 2 requested → -2
            10m:
              build c5.large/us-east-1a spot #5..#6
                build: 4 pending, 0 claimed, capacity 2 requested → +2
                build: 2 × c5.large/us-east-1a from #5, spot without a max price, price $0.01/h, chosen from 1
        "#]],
    );
}
