//! Pools that take back what they sold.

use expect_test::expect;

use crate::story::check;

#[test]
fn a_pool_that_takes_back_half_of_what_it_gave_is_avoided_and_then_forgiven() {
    check(
        "
        limits guards=losses per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.50
           demand build 4 0
           decide
        1m registered #1..#4
           demand build 0 4
        10m noticed #1..#2
            ended #1..#2 interruption
            demand build 2 2
            decide
        11m registered #5..#6
            noticed #3
            demand build 1 4
            decide
        71m demand build 3 4
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#4
                build: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                build: 4 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            10m:
              build c5.large/us-east-1a $0.02/h #5..#6
                build: 2 pending, 2 claimed, capacity 2 working → +2 (would keep 4)
                build: 2 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 2
            11m:
              build c5.large/us-east-1b $1.00/h #7
                build: 1 pending, 4 claimed, capacity 3 working + 1 stopping → +1 (would keep 5)
                build: 1 × c5.large/us-east-1b from #7, spot at most $1.00/h, price $0.50/h, chosen from 1
            71m:
              cancel #7
              build c5.large/us-east-1a $0.02/h #8..#10
                #7: cancelled, not fulfilled since 1970-01-01T00:11:00Z
                build: 3 pending, 4 claimed, capacity 1 requested + 3 working + 1 stopping → +3 (would keep 7)
                build: 3 × c5.large/us-east-1a from #8, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

#[test]
fn three_of_many_are_no_reason_to_go() {
    check(
        "
        limits guards=losses per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.50
           demand build 7 0
           decide
        1m registered #1..#7
           noticed #1..#3
           demand build 3 4
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#7
                build: 7 pending, 0 claimed, no capacity → +7 (would keep 7)
                build: 7 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1m:
              build c5.large/us-east-1a $0.02/h #8..#10
                build: 3 pending, 4 claimed, capacity 4 working + 3 stopping → +3 (would keep 7)
                build: 3 × c5.large/us-east-1a from #8, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

#[test]
fn old_instances_that_are_taken_back_do_not_count() {
    check(
        "
        limits guards=losses per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.50
           demand build 3 0
           decide
        1m registered #1..#3
        61m noticed #1..#3
            demand build 3 0
            decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            61m:
              build c5.large/us-east-1a $0.02/h #4..#6
                build: 3 pending, 0 claimed, capacity 3 stopping → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #4, spot at most $0.02/h, price $0.01/h, chosen from 2
        "#]],
    );
}

#[test]
fn where_all_are_penalised_the_one_forgiven_first_is_used() {
    check(
        "
        limits guards=losses per_call=50
        worker build scaling=estimator:1 option=requested-once placement=cheapest max=100
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.50
           demand build 3 0
           decide
        1m registered #1..#3
           noticed #1..#3
           decide
        2m registered #4..#6
           noticed #4..#6
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#3
                build: 3 pending, 0 claimed, no capacity → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1m:
              build c5.large/us-east-1b $1.00/h #4..#6
                build: 3 pending, 0 claimed, capacity 3 stopping → +3 (would keep 3)
                build: 3 × c5.large/us-east-1b from #4, spot at most $1.00/h, price $0.50/h, chosen from 1
            2m:
              build c5.large/us-east-1a $0.02/h #7..#9
                build: 3 pending, 0 claimed, capacity 6 stopping → +3 (would keep 3)
                build: 3 × c5.large/us-east-1a from #7, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}
