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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}
