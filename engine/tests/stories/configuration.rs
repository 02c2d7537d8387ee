//! Going over to another configuration while machines run.

use expect_test::expect;

use crate::story::{check, tell};

const TWO_TYPES: &str = "
    worker build
    pool c5.large/us-east-1a capacity=2
    worker test lifetime=2h
    pool c5.large/us-east-1b
    pool m5.large/us-east-1b
";

const BOTH_RUN: &str = "
    0s  price c5.large/us-east-1a 0.01
        price c5.large/us-east-1b 0.02
        price m5.large/us-east-1b 0.03
        demand build 2 0
        demand test 1 0
        decide
        running #1..#2
        registered #1..#2
";

#[test]
fn an_empty_configuration_is_refused_and_nothing_ends() {
    let told = tell(
        TWO_TYPES,
        &format!("{BOTH_RUN}1m configure\n decide\n supply build\n 30m demand build 4 0\n decide"),
    );
    let end: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("1m")).collect();
    expect![[r#"
        1m:
          build c5.large/us-east-1a $0.02/h #3
          test c5.large/us-east-1b $0.04/h #4
            refused a configuration without worker types, still serving 2
            build: 2 pending, 0 claimed, capacity 2 working → +2
            test: 1 pending, 0 claimed, capacity 1 working → +1
            build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
            test: 1 × c5.large/us-east-1b from #4, spot at most $0.04/h, price $0.02/h, chosen from 2
        1m: build has capacity 2 requested + 2 working
        30m:
          cancel #3..#4
          build c5.large/us-east-1a $0.02/h #5..#6
            #3: cancelled, not fulfilled since 1970-01-01T00:01:00Z
            #4: cancelled, not fulfilled since 1970-01-01T00:01:00Z
            build: 4 pending, 0 claimed, capacity 2 requested + 2 working → +3
            test: frozen, counts of 1970-01-01T00:00:00Z are older than 10 min
            build: 2 × c5.large/us-east-1a from #5, spot at most $0.02/h, price $0.01/h, chosen from 1"#]]
    .assert_eq(&end.join("\n"));
}

#[test]
fn a_removed_worker_type_is_not_fed_and_lives_out_its_time() {
    let told = tell(
        TWO_TYPES,
        &format!(
            "{BOTH_RUN}
            1m  configure
                | worker build
                | pool c5.large/us-east-1a capacity=2
                supply test
                demand build 4 0
                decide
            2h  decide
                ended #2 provisioner
                supply test
            "
        ),
    );
    let end: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("1m")).collect();
    expect![[r#"
        1m: test has capacity 1 working
        1m:
          build c5.large/us-east-1a $0.02/h #3..#4
            build: 4 pending, 0 claimed, capacity 2 working → +4
            build: 2 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
        2h:
          terminate #2
          cancel #3..#4
            #2: ended, has lived since 1970-01-01T00:00:00Z
            #3: cancelled, not fulfilled since 1970-01-01T00:01:00Z
            #4: cancelled, not fulfilled since 1970-01-01T00:01:00Z
            build: frozen, counts of 1970-01-01T00:01:00Z are older than 10 min
        2h: test has no capacity"#]]
    .assert_eq(&end.join("\n"));
}

#[test]
fn a_worker_type_that_comes_back_finds_its_machines() {
    let told = tell(
        TWO_TYPES,
        &format!(
            "{BOTH_RUN}
            1m  configure
                | worker build
                | pool c5.large/us-east-1a capacity=2
            2m  configure
                | worker test
                | pool c5.large/us-east-1b
                | worker build
                | pool c5.large/us-east-1a capacity=2
                supply test
                supply build
                demand test 2 0
                decide
            "
        ),
    );
    let end: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("2m")).collect();
    expect![[r#"
        2m: test has capacity 1 working
        2m: build has capacity 2 working
        2m:
          build c5.large/us-east-1a $0.02/h #3
          test c5.large/us-east-1b $0.04/h #4..#5
            test: 2 pending, 0 claimed, capacity 1 working → +2
            build: 2 pending, 0 claimed, capacity 2 working → +2
            build: 1 × c5.large/us-east-1a from #3, spot at most $0.02/h, price $0.01/h, chosen from 1
            test: 2 × c5.large/us-east-1b from #4, spot at most $0.04/h, price $0.02/h, chosen from 1"#]]
    .assert_eq(&end.join("\n"));
}

#[test]
fn capacity_of_a_removed_instance_type_still_counts() {
    check(
        "
        worker build
        pool c5.large/us-east-1a capacity=2
        pool m5.large/us-east-1a capacity=4
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            price m5.large/us-east-1a 0.03
            demand build 2 0
            decide
            running #1
        1m  configure
            | worker build
            | pool r5.large/us-west-2a
            | pool m5.large/us-east-1a capacity=4
            supply build
            demand build 6 0
            price r5.large/us-west-2a 0.09
            decide
            refused #1 insufficient-capacity
            ended #1 interruption
            refused #2 insufficient-capacity
            supply build
        ",
        expect![[r#"
            0s:
              build c5.large/us-east-1a $0.02/h #1
                build: 2 pending, 0 claimed, no capacity → +2
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 2
            1m: build has capacity 2 running
            1m:
              build m5.large/us-east-1a $0.06/h #2..#3
                build: 6 pending, 0 claimed, capacity 2 running → +6
                build: 2 × m5.large/us-east-1a from #2, spot at most $0.06/h, price $0.03/h, chosen from 2
            1m: build has capacity 4 requested
        "#]],
    );
}

#[test]
fn an_equal_configuration_changes_nothing() {
    let turn = "1m demand build 6 0\n decide\n supply build\n supply test";
    let configured = TWO_TYPES.replace("\n", "\n|");
    let kept = tell(TWO_TYPES, &format!("{BOTH_RUN}{turn}"));
    let told = tell(TWO_TYPES, &format!("{BOTH_RUN}30s configure\n{configured}\n{turn}"));
    // Only everything is looked at once more.
    let without = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("test: 1 pending"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(without(&told), without(&kept));
}

#[test]
fn v1_kills_what_an_empty_configuration_does_not_name() {
    let told = tell(
        &format!("limits guards=v1\n{TWO_TYPES}"),
        &format!("{BOTH_RUN}1m configure\n| limits guards=v1\n decide"),
    );
    assert!(told.contains("terminate #1..#2"), "{told}");
}

#[test]
fn v1_does_not_serve_a_worker_type_with_machines_of_a_removed_instance_type() {
    let told = tell(
        "
        limits guards=v1
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
            running #1
        1m  configure
            | limits guards=v1
            | worker build
            | pool m5.large/us-east-1a
            price m5.large/us-east-1a 0.01
            demand build 9 0
            decide
            supply build
        2m  ended #1 worker
            decide
            supply build
        ",
    );
    assert!(told.contains("1m: build has capacity 1 running"), "{told}");
    assert!(told.contains("2m: build has capacity 9 requested"), "{told}");
}

#[test]
fn what_was_learnt_of_a_pool_stays_with_its_name() {
    let told = tell(
        "
        limits guards=ice
        worker build scaling=target:1
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
            refused #1 insufficient-capacity
        1m  configure
            | limits guards=ice
            | worker new
            | pool c5.large/us-west-2a
            | worker build scaling=target:1
            | pool c5.large/us-east-1a
            decide
        ",
    );
    assert!(told.contains("build: c5.large/us-east-1a has no machine"), "{told}");
}

/// Nobody hears any more how they come out, so they must not count for ever.
#[test]
fn launches_in_a_pool_that_their_worker_type_has_left_keep_no_other_out() {
    let told = tell(
        "
        limits guards=ice per_call=50
        worker build scaling=target:1
        pool c5.large/us-east-1a
        ",
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 8 0
            decide
        1m  configure
            | limits guards=ice per_call=50
            | worker build scaling=target:1
            | pool c5.large/us-east-1b
            | worker test scaling=target:1
            | pool c5.large/us-east-1a
            refused #1..#8 max-price-too-low
            demand test 9 0
            decide
        ",
    );
    assert!(told.contains("test c5.large/us-east-1a $0.02/h #9..#16"), "{told}");
}
