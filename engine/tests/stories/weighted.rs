//! Weighted.

use expect_test::expect;

use crate::story::check;

#[test]
fn even_split_rounds_shares_and_instances_up_in_a_shuffled_order() {
    check(
        "
        limits seed=5
        worker build scaling=estimator:1 placement=weighted option=overshoot-historical
        pool c5.large/us-east-1a capacity=2
        pool c5.large/us-east-1b capacity=2
        pool c5.large/us-east-1c capacity=2
        ",
        "
        0s demand build 10 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1c spot #3..#4
              build c5.large/us-east-1a spot #5
                build: 10 pending, 0 claimed, no capacity → +10 (would keep 10)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 3
                build: 2 × c5.large/us-east-1c from #3, spot without a max price, chosen from 3
                build: 1 × c5.large/us-east-1a from #5, spot without a max price, chosen from 3
        "#]],
    );
}

#[test]
fn an_initial_weight_is_a_threshold_of_use_on_aws() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted max=20
        pool c5.large/us-east-1a weight=0.3 max=10
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m running #1..#4
           registered #1..#4
           demand build 4 4
           decide
        2m running #5..#8
           registered #5..#8
           demand build 4 8
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5..#6
              build c5.large/us-east-1b spot #7..#8
                build: 4 pending, 4 claimed, capacity 4 working → +4 (would keep 8)
                build: 2 × c5.large/us-east-1a from #5, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1b from #7, spot without a max price, chosen from 2
            2m:
              build c5.large/us-east-1b spot #9..#12
                build: 4 pending, 8 claimed, capacity 8 working → +4 (would keep 12)
                build: 4 × c5.large/us-east-1b from #9, spot without a max price, chosen from 1
        "#]],
    );
}

#[test]
fn the_first_of_launch_configs_without_weight_keeps_a_hundredth() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a weight=0
        pool c5.large/us-east-1b weight=0
        ",
        "
        0s demand build 2 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot without a max price, chosen from 1
        "#]],
    );
}

#[test]
fn a_launch_config_at_its_own_maximum_gets_nothing() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a max=2
        ",
        "
        0s demand build 2 0
           decide
        1m running #1..#2
           registered #1..#2
           demand build 3 2
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a spot #1..#2
                build: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                build: 2 × c5.large/us-east-1a from #1, spot without a max price, chosen from 1
            1m:
                build: 3 pending, 2 claimed, capacity 2 working → +3 (would keep 5)
                build: no launch config has room
        "#]],
    );
}

#[test]
fn drawn_by_weight_a_launch_config_drops_out_when_its_room_is_used_up() {
    check(
        "
        limits seed=3
        worker build scaling=estimator:1 placement=drawn option=market-on-demand
        pool c5.large/us-east-1a max=3 on_demand=0.085
        pool c5.large/us-east-1b weight=0.01 max=2 on_demand=0.085
        ",
        "
        0s demand build 9 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a on-demand #1..#3
              build c5.large/us-east-1b on-demand #4..#5
                build: 9 pending, 0 claimed, no capacity → +9 (would keep 9)
                build: no launch config has room
                build: 3 × c5.large/us-east-1a from #1, on demand, price $0.085/h, chosen from 2
                build: 2 × c5.large/us-east-1b from #4, on demand, price $0.085/h, chosen from 1
        "#]],
    );
}

#[test]
fn a_refusal_lowers_no_weight_as_aws_errors_name_no_launch_config() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m refused #1..#2 insufficient-capacity
           registered #3..#4
           demand build 2 2
           decide
        2m registered #5..#6
        61m demand build 2 4
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5
              build c5.large/us-east-1b spot #6
                build: 2 pending, 2 claimed, capacity 2 working → +2 (would keep 4)
                build: 1 × c5.large/us-east-1a from #5, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1b from #6, spot without a max price, chosen from 2
            61m:
              build c5.large/us-east-1b spot #7
              build c5.large/us-east-1a spot #8
                build: 2 pending, 4 claimed, capacity 4 working → +2 (would keep 6)
                build: 1 × c5.large/us-east-1b from #7, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1a from #8, spot without a max price, chosen from 2
        "#]],
    );
}

#[test]
fn an_attributed_refusal_keeps_its_launch_config_out_for_an_hour() {
    check(
        "
        worker build scaling=estimator:1 placement=weighted option=errors-attributed
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s demand build 4 0
           decide
        1m refused #1..#2 insufficient-capacity
           registered #3..#4
           demand build 2 2
           decide
        2m registered #5..#6
        61m demand build 2 4
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1b spot #1..#2
              build c5.large/us-east-1a spot #3..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 2 × c5.large/us-east-1b from #1, spot without a max price, chosen from 2
                build: 2 × c5.large/us-east-1a from #3, spot without a max price, chosen from 2
            1m:
              build c5.large/us-east-1a spot #5..#6
                build: 2 pending, 2 claimed, capacity 2 working → +2 (would keep 4)
                build: 2 × c5.large/us-east-1a from #5, spot without a max price, chosen from 1
            61m:
              build c5.large/us-east-1a spot #7
              build c5.large/us-east-1b spot #8
                build: 2 pending, 4 claimed, capacity 4 working → +2 (would keep 6)
                build: 1 × c5.large/us-east-1a from #7, spot without a max price, chosen from 2
                build: 1 × c5.large/us-east-1b from #8, spot without a max price, chosen from 2
        "#]],
    );
}
