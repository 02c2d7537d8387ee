//! Worker types together.

use expect_test::expect;

use crate::story::{check, tell};

#[test]
fn worker_types_launch_in_turn_and_the_turn_goes_on_in_the_next_decision() {
    check(
        "
        limits launches=4
        worker a
        pool c5.large/us-east-1a
        worker b
        pool c5.large/us-east-1b
        worker c
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1a 0.01
           price c5.large/us-east-1b 0.01
           price c5.large/us-east-1c 0.01

           demand a 9 0
           demand b 1 0
           demand c 9 0
           decide
        1m decide
        2m decide
        ",
        expect![[r#"
            0s:
              a c5.large/us-east-1a $0.02/h #1
              b c5.large/us-east-1b $0.02/h #2
              c c5.large/us-east-1c $0.02/h #3
              a c5.large/us-east-1a $0.02/h #4
                a: 9 pending, 0 claimed, no capacity → +9
                b: 1 pending, 0 claimed, no capacity → +1
                c: 9 pending, 0 claimed, no capacity → +9
                a: 2 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
                b: 1 × c5.large/us-east-1b from #2, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 1 × c5.large/us-east-1c from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 8 instances left for later, 4 a decision
                a: 7 instances left for later, 4 a decision
            1m:
              c c5.large/us-east-1c $0.02/h #5
              a c5.large/us-east-1a $0.02/h #6
              c c5.large/us-east-1c $0.02/h #7
              a c5.large/us-east-1a $0.02/h #8
                a: 9 pending, 0 claimed, capacity 2 requested → +7
                b: 1 pending, 0 claimed, capacity 1 requested → +0
                c: 9 pending, 0 claimed, capacity 1 requested → +8
                c: 2 × c5.large/us-east-1c from #5, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: 2 × c5.large/us-east-1a from #6, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 6 instances left for later, 4 a decision
                a: 5 instances left for later, 4 a decision
            2m:
              c c5.large/us-east-1c $0.02/h #9
              a c5.large/us-east-1a $0.02/h #10
              c c5.large/us-east-1c $0.02/h #11
              a c5.large/us-east-1a $0.02/h #12
                a: 9 pending, 0 claimed, capacity 4 requested → +5
                c: 9 pending, 0 claimed, capacity 3 requested → +6
                c: 2 × c5.large/us-east-1c from #9, spot at most $0.02/h, price $0.01/h, chosen from 1
                a: 2 × c5.large/us-east-1a from #10, spot at most $0.02/h, price $0.01/h, chosen from 1
                c: 4 instances left for later, 4 a decision
                a: 3 instances left for later, 4 a decision
        "#]],
    );
}

#[test]
fn a_worker_type_that_can_buy_nothing_delays_no_other() {
    check(
        "
        limits launches=4
        worker a
        pool c5.large/us-east-1a
        worker b
        pool c5.large/us-east-1b
        worker c
        pool c5.large/us-east-1c
        ",
        "
        0s price c5.large/us-east-1c 0.01
           demand a 90 0
           unknown b
           demand c 3 0
           decide
        ",
        expect![[r#"
            0s:
              c c5.large/us-east-1c $0.02/h #1..#3
                a: 90 pending, 0 claimed, no capacity → +90
                a: no pool has a known price
                b: frozen, counts are not known
                c: 3 pending, 0 claimed, no capacity → +3
                c: 3 × c5.large/us-east-1c from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn draws_follow_the_seed_and_the_name_of_the_worker_type() {
    let draws = |seed: u64, before: &str, name: &str| {
        let pool = "pool c5.large/us-east-1a\npool c5.large/us-east-1b\n";
        let worker = |name: &str| format!("worker {name} placement=random\n{pool}");
        let others = if before.is_empty() { String::new() } else { worker(before) };
        let setup = format!("limits seed={seed}\n{others}{}", worker(name));
        let story = format!(
            "0s price c5.large/us-east-1a 0.01
            price c5.large/us-east-1b 0.01
            demand {name} 40 0
            decide"
        );
        tell(&setup, &story).replace(name, "it")
    };
    let plain = draws(7, "", "build");
    assert_eq!(plain, draws(7, "", "build"));
    assert_ne!(plain, draws(8, "", "build"));
    assert_ne!(plain, draws(7, "", "other"));
    let said = |text: &str| text.lines().filter(|line| line.contains("it")).count();
    assert_eq!(said(&plain), said(&draws(7, "first", "build")));
    assert_eq!(
        plain,
        draws(7, "first", "build").replace("    first: frozen, counts are not known\n", "")
    );
}
