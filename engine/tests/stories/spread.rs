//! Our own placement policy: expected cost of work, a favourite, instances that fit.

use expect_test::expect;

use crate::story::check;

const TWO_POOLS: &str = "
    worker builds scaling=target:1 placement=spread
    pool c5.large/us-east-1a on_demand=0.10
    pool c5.large/us-east-1b on_demand=0.10
";

#[test]
fn the_favourite_is_left_only_for_a_clear_difference_and_not_soon() {
    check(
        TWO_POOLS,
        "
        0s   price c5.large/us-east-1a 0.030
             price c5.large/us-east-1b 0.040
             demand builds 1 0
             decide
             pending #1
        10m  price c5.large/us-east-1a 0.060
             demand builds 2 0
             decide
             pending #2
        31m  price c5.large/us-east-1a 0.050
             demand builds 3 0
             decide
             pending #3
        70m  price c5.large/us-east-1b 0.054
             demand builds 4 0
             decide
             pending #4
        80m  price c5.large/us-east-1b 0.057
             demand builds 5 0
             decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1
                builds: 1 pending, 0 claimed, no capacity → +1 (would keep 1)
                builds: 1 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 2
            10m:
              builds c5.large/us-east-1b $0.10/h #2
                builds: 2 pending, 0 claimed, capacity 1 pending → +1 (would keep 2)
                builds: 1 × c5.large/us-east-1b from #2, spot at most $0.10/h, price $0.04/h, chosen from 2
            31m:
              builds c5.large/us-east-1b $0.10/h #3
                builds: 3 pending, 0 claimed, capacity 2 pending → +1 (would keep 3)
                builds: 1 × c5.large/us-east-1b from #3, spot at most $0.10/h, price $0.04/h, chosen from 2
            70m:
              builds c5.large/us-east-1b $0.10/h #4
                builds: 4 pending, 0 claimed, capacity 3 pending → +1 (would keep 4)
                builds: 1 × c5.large/us-east-1b from #4, spot at most $0.10/h, price $0.054/h, chosen from 2
            80m:
              builds c5.large/us-east-1a $0.10/h #5
                builds: 5 pending, 0 claimed, capacity 4 pending → +1 (would keep 5)
                builds: 1 × c5.large/us-east-1a from #5, spot at most $0.10/h, price $0.05/h, chosen from 2
        "#]],
    );
}

#[test]
fn large_machines_are_bought_when_their_slots_are_needed() {
    check(
        "
        worker builds scaling=target:1 placement=spread
        pool c5.large/us-east-1a capacity=1 on_demand=0.10
        pool c5.4xlarge/us-east-1a capacity=8 on_demand=0.70
        ",
        "
        0s  price c5.large/us-east-1a 0.030
            price c5.4xlarge/us-east-1a 0.200
            demand builds 19 0
            decide
        ",
        expect![[r#"
            0s:
              builds c5.4xlarge/us-east-1a $0.70/h #1..#2
              builds c5.large/us-east-1a $0.10/h #3..#5
                builds: 19 pending, 0 claimed, no capacity → +19 (would keep 19)
                builds: 2 × c5.4xlarge/us-east-1a from #1, spot at most $0.70/h, price $0.20/h, chosen from 2
                builds: 3 × c5.large/us-east-1a from #3, spot at most $0.10/h, price $0.03/h, chosen from 2
        "#]],
    );
}

#[test]
fn a_pool_that_takes_back_what_it_sells_is_dear() {
    check(
        TWO_POOLS,
        "
        0s   price c5.large/us-east-1a 0.030
             price c5.large/us-east-1b 0.035
             demand builds 4 0
             decide
             pending #1..#4
        31m  noticed #1..#4
             demand builds 4 0
             decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1..#4
                builds: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                builds: 4 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 2
            31m:
              builds c5.large/us-east-1b $0.10/h #5..#8
                builds: 4 pending, 0 claimed, capacity 4 stopping → +4 (would keep 4)
                builds: 4 × c5.large/us-east-1b from #5, spot at most $0.10/h, price $0.035/h, chosen from 2
        "#]],
    );
}

#[test]
fn nobody_pays_more_than_on_demand() {
    check(
        TWO_POOLS,
        "
        0s  price c5.large/us-east-1a 0.11
            price c5.large/us-east-1b 0.12
            demand builds 4 0
            decide
        ",
        expect![[r#"
            0s:
                builds: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                builds: refusing c5.large/us-east-1a, a bid of $0.11/h is above the cap of $0.10/h
        "#]],
    );
}
