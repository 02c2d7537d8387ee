//! Random.

use expect_test::expect;

use crate::story::check;

#[test]
fn random_draws_a_pool_for_every_bid_whatever_its_price() {
    check(
        "
        limits seed=7
        worker build placement=random price_max=0.5
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.2
           price c5.large/us-east-1c 0.4
           demand build 12 0
           decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
              build c5.large/us-east-1b $0.40/h #3..#4
              build c5.large/us-east-1c $0.80/h #5
              build c5.large/us-east-1b $0.40/h #6..#7
              build c5.large/us-east-1a $0.02/h #8
              build c5.large/us-east-1c $0.80/h #9
              build c5.large/us-east-1b $0.40/h #10
              build c5.large/us-east-1c $0.80/h #11
              build c5.large/us-east-1a $0.02/h #12
                build: 12 pending, 0 claimed, no capacity → +12
                build: 4 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 3
                build: 5 × c5.large/us-east-1b from #3, spot at most $0.40/h, price $0.20/h, chosen from 3
                build: 3 × c5.large/us-east-1c from #5, spot at most $0.80/h, price $0.40/h, chosen from 3
        "#]],
    );
}

#[test]
fn one_draw_above_price_max_ends_bidding_and_the_next_turn_draws_again() {
    check(
        "
        limits seed=7
        worker build placement=random price_max=0.5
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.01
           price c5.large/us-east-1c 0.6
           demand build 6 0
           decide
        1m decide
        2m decide
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1..#2
              build c5.large/us-east-1b $0.02/h #3..#4
                build: 6 pending, 0 claimed, no capacity → +6
                build: refusing c5.large/us-east-1c, $0.60/h ÷ 1 × 1 is above $0.50/h
                build: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 3
                build: 2 × c5.large/us-east-1b from #3, spot at most $0.02/h, price $0.01/h, chosen from 3
            1m:
              build c5.large/us-east-1b $0.02/h #5..#6
                build: 6 pending, 0 claimed, capacity 4 requested → +2
                build: 2 × c5.large/us-east-1b from #5, spot at most $0.02/h, price $0.01/h, chosen from 3
            2m:
                build: 6 pending, 0 claimed, capacity 6 requested → +0
        "#]],
    );
}

#[test]
fn one_draw_above_the_cap_drops_all_bids_even_with_the_slip_of_2017() {
    check(
        "
        limits seed=4 cap=1
        worker build placement=random option=over-cap-once
        pool c5.large/us-east-1a
        pool c5.large/us-east-1b
        ",
        "
        0s price c5.large/us-east-1a 0.1
           price c5.large/us-east-1b 0.6
           demand build 8 0
           decide
        ",
        expect![[r#"
            0s:
                build: 8 pending, 0 claimed, no capacity → +8
                build: refusing c5.large/us-east-1b, a bid of $1.20/h is above the cap of $1.00/h
        "#]],
    );
}
