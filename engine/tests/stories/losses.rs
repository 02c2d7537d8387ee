//! Pools that take back what they sold.

use expect_test::expect;

use crate::story::{check, tell};

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
              build c5.large/us-east-1a $0.02/h #8
              build c5.large/us-east-1b $1.00/h #9..#10
                #7: cancelled, not fulfilled since 1970-01-01T00:11:00Z
                build: 3 pending, 4 claimed, capacity 1 requested + 3 working + 1 stopping → +3 (would keep 7)
                build: 1 × c5.large/us-east-1a from #8, spot at most $0.02/h, price $0.01/h, chosen from 2
                build: 2 × c5.large/us-east-1b from #9, spot at most $1.00/h, price $0.50/h, chosen from 1
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

const TWO_POOLS: &str = "
    limits guards=losses per_call=50
    worker build scaling=target:1 placement=cheapest max=100 request_timeout=50h
    pool c5.large/us-east-1a
    pool c5.large/us-east-1b
";

/// Three workers of the cheap pool are lost; it is closed from 2m until 1h2m.
const OFFENCE: &str = "
    0s price c5.large/us-east-1a 0.01
       price c5.large/us-east-1b 0.50
       demand build 3 0
       decide
    1m registered #1..#3
    2m noticed #1..#3
       ended #1..#3 interruption
       demand build 0 0
";

/// From where is bought what that many tasks need, `a` or `b`, with the launch it begins with.
fn bought(story: &str) -> Vec<String> {
    let told = tell(TWO_POOLS, &format!("{OFFENCE}{story}"));
    let launches = told.lines().filter(|line| line.contains(" #") && line.contains("  build c5"));
    let short = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {}", words[1].split("us-east-1").nth(1).expect("a zone"), words[3])
    };
    launches.skip(1).map(short).collect()
}

#[test]
fn after_a_penalty_one_launch_tries_the_pool() {
    let tried =
        "1h1m59s demand build 2 0\n decide\n demand build 0 0\n 1h2m demand build 5 0\n decide
                 1h3m registered #6\n demand build 6 0\n decide";
    let expected = ["b #4..#5", "a #6", "b #7..#8", "b #9"];
    assert_eq!(bought(tried), expected, "#4 and #5 count, so three are wanted, then one more");
    let and_kept =
        format!("{tried}\n 2h2m demand build 7 0\n decide\n 2h2m1s demand build 9 0\n decide");
    assert_eq!(bought(&and_kept)[4..], ["b #10", "a #11..#12"], "it was not lost within an hour");
    let and_not_given = "1h2m demand build 1 0\n decide\n refused #4 insufficient-capacity
                         1h3m demand build 2 0\n decide";
    assert_eq!(bought(and_not_given), ["a #4", "a #5", "b #6"], "another launch tries it");
}

#[test]
fn each_further_offence_doubles_the_penalty_up_to_its_maximum() {
    let (mut story, mut tried, mut minutes) = (String::new(), Vec::new(), 62);
    for (trial, hours) in (4..).zip([2, 4, 8, 8, 8]) {
        story += &format!(
            "{minutes}m demand build 1 0\n decide\n registered #{trial}
             noticed #{trial}\n ended #{trial} interruption\n demand build 0 0\n"
        );
        tried.push(format!("a #{trial}"));
        minutes += hours * 60;
    }
    assert_eq!(bought(&story), tried, "at the very end of each penalty the cheap pool is tried");
    let sooner = minutes - 1;
    let told = bought(&format!("{story}{sooner}m demand build 1 0\n decide"));
    assert_eq!(told[5], "b #9", "not a minute sooner");
}

#[test]
fn a_day_without_an_offence_makes_the_first_penalty_as_short_as_ever() {
    let after = |hours: i64, ends: i64| {
        let at = 62 + hours * 60;
        bought(&format!(
            "1h2m demand build 1 0\n decide\n registered #4
             {at}m ended #4 worker\n demand build 3 0\n decide\n registered #5..#7
             noticed #5..#7\n ended #5..#7 interruption\n demand build 0 0
             {ends}m demand build 1 0\n decide"
        ))
    };
    assert_eq!(after(24, 62 + 24 * 60 + 60)[1..], ["a #5..#7", "b #8"]);
    assert_eq!(after(24, 62 + 24 * 60 + 120)[1..], ["a #5..#7", "a #8"]);
    assert_eq!(after(25, 62 + 25 * 60 + 60)[1..], ["a #5..#7", "a #8"]);
}
