//! News of interruptions: twice, late, after the end, or only feared.

use expect_test::expect;

use crate::story::{check, tell};

const TWO_WORKERS: &str = "
    0s  price c5.large/us-east-1a 0.01
        demand build 2 0
        decide
    1m  running #1..#2
        registered #1..#2
        demand build 0 2
";

fn check_two(story: &str, expected: expect_test::Expect) {
    check("worker build\npool c5.large/us-east-1a", &format!("{TWO_WORKERS}{story}"), expected);
}

#[test]
fn a_loss_that_is_told_again_and_again_counts_once() {
    check_two(
        "
        2m  noticed #1
            losses
            noticed #1
            noticed #1
            supply build
            losses
        4m  ended #1 interruption
            noticed #1
            ended #1 interruption
            supply build
            losses
            demand build 1 1
            decide
        5m  noticed #1
            losses
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m: 1 lost
            2m: build has capacity 1 working + 1 stopping
            2m: 1 lost
            4m: build has capacity 1 working
            4m: 1 lost
            4m:
              build c5.large/us-east-1a $0.02/h #3
                build: 1 pending, 1 claimed, capacity 1 working → +1
                build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
            5m: 1 lost
        "#]],
    );
}

#[test]
fn a_loss_without_a_notice_counts_when_it_has_happened() {
    check_two(
        "
        4m  ended #1 interruption
            losses
            noticed #1
            supply build
            losses
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            4m: 1 lost
            4m: build has capacity 1 working
            4m: 1 lost
        "#]],
    );
}

#[test]
fn a_notice_about_what_we_ended_ourselves_is_no_loss() {
    check_two(
        "
        2m  stopping #1 provisioner
            noticed #1
            ended #1 interruption
            supply build
            losses
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m: build has capacity 1 working
            2m: 0 lost
        "#]],
    );
}

#[test]
fn a_recommendation_replaces_nothing() {
    check_two(
        "
        2m  recommended #1..#2
            recommended #1
            recommended #99
            supply build
            losses
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
                build: 2 pending, 0 claimed, no capacity → +2
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            2m: build has capacity 2 working
            2m: 0 lost
            2m:
                build: 0 pending, 2 claimed, capacity 2 working → +0
        "#]],
    );
}

/// Four workers in the cheaper of two pools; then what is told, and from where a fifth is bought.
fn fifth_comes_from(told_before: &str) -> String {
    let told = tell(
        "
        limits guards=rebalance per_call=50
        worker build scaling=target:1 max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        &format!(
            "
            0s  price c5.large/us-east-1a 0.01
                price c5.large/us-east-1b 0.50
                demand build 4 0
                decide
                registered #1..#4
            1m  queues
                {told_before}
                demand build 1 4
                decide
            "
        ),
    );
    let line = told.lines().rfind(|line| line.starts_with("  build")).expect("it is bought");
    line.split_whitespace().nth(1).expect("a pool").to_owned()
}

#[test]
fn where_ec2_recommends_to_leave_a_pool_others_are_tried_first_for_an_hour() {
    assert_eq!(fifth_comes_from("recommended #1..#2"), "c5.large/us-east-1b");
    let [before, after] = [60, 61].map(|minute| {
        fifth_comes_from(&format!("recommended #1..#2\n {minute}m queues\n {minute}m1s queues"))
    });
    assert_eq!((&*before, &*after), ("c5.large/us-east-1b", "c5.large/us-east-1a"));
}

#[test]
fn one_instance_is_no_reason_to_leave_however_often_it_is_recommended() {
    assert_eq!(fifth_comes_from("recommended #1\n recommended #1"), "c5.large/us-east-1a");
    assert_eq!(fifth_comes_from("recommended #1\n recommended #99"), "c5.large/us-east-1a");
    let spread_out = "recommended #1\n 62m recommended #2\n queues";
    assert_eq!(fifth_comes_from(spread_out), "c5.large/us-east-1a");
}

#[test]
fn what_no_other_pool_gives_is_bought_where_ec2_recommends_to_leave() {
    check(
        "
        limits guards=rebalance,ice per_call=50
        worker build scaling=target:1 max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            price c5.large/us-east-1b 0.50
            demand build 4 0
            decide
            registered #1..#4
            recommended #1..#2
        1m  demand build 10 4
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 4 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1m:
              build c5.large/us-east-1b $1.00/h #5..#12
              build c5.large/us-east-1a $0.02/h #13..#14
                build: 10 pending, 4 claimed, capacity 4 working → +10 (would keep 14)
                build: c5.large/us-east-1a comes last, 2 there were to be moved, until 1970-01-01T01:00:00Z
                build: 8 × c5.large/us-east-1b from #5, spot at most $1.00/h, price $0.50/h, chosen from 1
                build: 2 × c5.large/us-east-1a from #13, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}
