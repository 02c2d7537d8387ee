//! News of interruptions: twice, late, after the end, or only feared.

use expect_test::expect;

use crate::story::check;

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
