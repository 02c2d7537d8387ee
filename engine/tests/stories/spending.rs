//! Ceilings on spending.

use expect_test::expect;

use crate::story::{check, tell};

#[test]
fn no_more_is_launched_than_the_hour_has_room_for_and_the_rest_when_something_ends() {
    check(
        "
        limits per_call=10
        worker build placement=on-demand scaling=estimator:1 option=requested-once spend_hour=0.30
        pool c5.large/us-east-1a on_demand=0.085
        ",
        "
        0s demand build 5 0
           decide
        1m pending #1..#3
           decide
        2m ended #2 worker
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1..#3
                build: 5 pending, 0 claimed, no capacity → +5 (would keep 5)
                build: 3 × c5.large/us-east-1a from #1, on demand, price $0.085/h, chosen from 1
                build: $0.255/h of its $0.30/h committed
            1m:
                build: 5 pending, 0 claimed, capacity 3 pending → +2 (would keep 5)
                build: $0.255/h of its $0.30/h committed
            2m:
              build c5.large/us-east-1a on-demand #4
                build: 5 pending, 0 claimed, capacity 2 pending → +3 (would keep 5)
                build: 1 × c5.large/us-east-1a from #4, on demand, price $0.085/h, chosen from 1
                build: $0.255/h of its $0.30/h committed
        "#]],
    );
}

#[test]
fn the_overall_ceiling_is_shared_call_by_call() {
    check(
        "
        limits per_call=2 spend_hour=0.5
        worker build placement=on-demand scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a on_demand=0.1
        worker test placement=on-demand scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a
        ",
        "
        0s demand build 4 0
           demand test 4 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1..#2
              test c5.large/us-east-1a on-demand #3..#4
              build c5.large/us-east-1a on-demand #5
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                test: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 3 × c5.large/us-east-1a from #1, on demand, price $0.10/h, chosen from 1
                test: 2 × c5.large/us-east-1a from #3, on demand, price $0.10/h, chosen from 1
                test: $0.50/h of all $0.50/h committed
                build: $0.50/h of all $0.50/h committed
        "#]],
    );
}

#[test]
fn spot_counts_with_its_max_price_or_the_on_demand_price_or_the_cap() {
    check(
        "
        limits per_call=10 cap=1 spend_hour=2
        worker bids scaling=estimator:1 option=requested-once
        pool c5.large/us-east-1a
        worker listed placement=weighted scaling=estimator:1 option=requested-once
        pool c5.xlarge/us-east-1a on_demand=0.17
        worker unlisted placement=weighted scaling=estimator:1 option=requested-once
        pool c5.2xlarge/us-east-1a
        ",
        "
        0s price c5.large/us-east-1a 0.2
           demand bids 2 0
           decide
        1m demand unlisted 5 0
           decide
        2m demand listed 5 0
           decide
        ",
        expect![[r#"
            0s:
              bids c5.large/us-east-1a $0.40/h #1..#2
                bids: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                listed: frozen, counts are not known
                unlisted: frozen, counts are not known
                bids: 2 × c5.large/us-east-1a from #1, spot at most $0.40/h, price $0.20/h, chosen from 1
            1m:
              unlisted c5.2xlarge/us-east-1a spot #3
                bids: 2 pending, 0 claimed, capacity 2 requested → +0 (would keep 2)
                unlisted: 5 pending, 0 claimed, no capacity → +5 (would keep 5)
                unlisted: 1 × c5.2xlarge/us-east-1a from #3, spot without a max price, chosen from 1
                unlisted: $1.80/h of all $2.00/h committed
            2m:
              listed c5.xlarge/us-east-1a spot #4
                listed: 5 pending, 0 claimed, no capacity → +5 (would keep 5)
                unlisted: 5 pending, 0 claimed, capacity 1 requested → +4 (would keep 5)
                listed: 1 × c5.xlarge/us-east-1a from #4, spot without a max price, chosen from 1
                unlisted: $1.97/h of all $2.00/h committed
                listed: $1.97/h of all $2.00/h committed
        "#]],
    );
}

#[test]
fn before_the_day_s_money_is_spent_all_is_ended_and_bought_again_after_midnight() {
    check(
        "
        limits per_call=10 stale=100h
        worker build placement=on-demand scaling=estimator:1 option=requested-once spend_day=10
        pool c5.large/us-east-1a on_demand=1
        ",
        "
        0s demand build 4 0
           decide
        1m running #1..#4
           registered #1..#3
           demand build 0 4
           decide
        2h20m demand build 9 3
           decide
        2h27m30s decide
        2h27m59s999ms decide
        2h28m decide
        2h29m decide
        2h33m stopping #1..#3 provisioner
           decide
        2h34m ended #1..#4 provisioner
           decide
        23h59m30s decide
        24h decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 4 × c5.large/us-east-1a from #1, on demand, price $1.00/h, chosen from 1
            1m:
                build: 0 pending, 4 claimed, capacity 1 running + 3 working → +0 (would keep 4)
            2h20m:
                build: 9 pending, 3 claimed, capacity 1 running + 3 working → +8 (would keep 12)
                build: $13.333334 of its $10.00 a day committed
            2h27m30s:
              wakes after 30 s
                build: 9 pending, 3 claimed, capacity 1 running + 3 working → +8 (would keep 12)
                build: $13.833334 of its $10.00 a day committed
            2h27m59s999ms:
              wakes after 1 ms
                build: 9 pending, 3 claimed, capacity 1 running + 3 working → +8 (would keep 12)
                build: $13.866666 of its $10.00 a day committed
            2h28m:
              terminate #4..#1
                build: $10.000002 of its $10.00 a day committed
                build: 9 pending, 3 claimed, capacity 1 running + 3 working → +8 (would keep 12)
                build: $13.866667 of its $10.00 a day committed
            2h29m:
                build: 9 pending, 3 claimed, capacity 1 running + 3 working → +8 (would keep 12)
                build: $13.933334 of its $10.00 a day committed
            2h33m:
              terminate #4
                build: $10.333335 of its $10.00 a day committed
                build: 9 pending, 3 claimed, capacity 1 running + 3 stopping → +9 (would keep 12)
                build: $14.20 of its $10.00 a day committed
            2h34m:
                build: 9 pending, 3 claimed, no capacity → +9 (would keep 12)
                build: $10.266667 of its $10.00 a day committed
            23h59m30s:
              wakes after 30 s
                build: 9 pending, 3 claimed, no capacity → +9 (would keep 12)
                build: $10.266667 of its $10.00 a day committed
            24h:
              build c5.large/us-east-1a on-demand #5..#13
                build: 9 pending, 3 claimed, no capacity → +9 (would keep 12)
                build: 9 × c5.large/us-east-1a from #5, on demand, price $1.00/h, chosen from 1
        "#]],
    );
}

#[test]
fn what_is_not_given_yet_is_withdrawn_and_ended_once_it_is_given() {
    check(
        "
        limits stale=100h
        worker build placement=on-demand request_timeout=10h spend_day=1
        pool c5.large/us-east-1a on_demand=1
        ",
        "
        0s demand build 1 0
           decide
        1h decide
        1h1m decide
           pending #1
           decide
        1h2m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, on demand, price $1.00/h, chosen from 1
            1h:
              cancel #1
                build: $1.033334 of its $1.00 a day committed
                build: 1 pending, 0 claimed, capacity 1 requested → +0
            1h1m: nothing
            1h1m:
              terminate #1
                build: $1.050001 of its $1.00 a day committed
                build: 1 pending, 0 claimed, capacity 1 pending → +0
            1h2m: nothing
        "#]],
    );
}

/// Found by storms 260 and 1136: it began the day anew.
#[test]
fn a_worker_type_that_leaves_the_configuration_and_comes_back_has_spent_what_it_had() {
    let build = "worker build placement=on-demand scaling=target:1 spend_day=0.1
        | pool c5.large/us-east-1a on_demand=0.085";
    let other = "worker other placement=on-demand\n | pool c5.large/us-east-1a on_demand=0.085";
    let story = |back: &str| {
        tell(
            &format!("{build}\n {other}").replace('|', ""),
            &format!(
                "
                0s   demand build 1 0
                     decide
                     pending #1
                1h   ended #1 worker
                     decide
                2h   configure
                     | {other}
                     decide
                {back}
                     | {build}
                     | {other}
                     demand build 1 0
                     decide
                "
            ),
        )
    };
    let bought = "build c5.large/us-east-1a on-demand #2";
    assert!(!story("3h configure").contains(bought), "{}", story("3h configure"));
    assert!(story("24h configure").contains(bought), "it is another day");
}
