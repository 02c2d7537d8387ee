//! Instances that are listed, missing, found and not ours to keep.

use expect_test::expect;

use crate::story::{check, tell};

const ONE_POOL: &str = "
    limits guards=listing
    worker build registration_timeout=30m
    pool c5.large/us-east-1a
";

/// A launch that is accepted at once.
const LAUNCHED: &str = "
    0s  price c5.large/us-east-1a 0.01
        demand build 1 0
        decide
        pending #1
        demand build 0 0
";

/// A listing each minute, from minute `from` on, that lacks `#1`.
fn missing(from: u32, to: u32) -> String {
    (from..=to).map(|m| format!("{m}m queues\n missed #1\n listed us-east-1\n decide\n")).collect()
}

/// A listing each minute that says nothing of `#1`.
fn silent(from: u32, to: u32) -> String {
    (from..=to).map(|m| format!("{m}m queues\n listed us-east-1\n decide\n")).collect()
}

/// The lines of a story in which something but listing happened.
fn eventful(story: &str) -> String {
    let told = tell(ONE_POOL, &format!("{LAUNCHED}{story}"));
    let dull = |line: &str| line.starts_with("  list") || !line.starts_with("  ");
    let mut time = String::new();
    let mut out = String::new();
    for line in told.lines() {
        if !line.starts_with("  ") {
            time = line.to_owned();
        }
        let is_demand =
            line.contains("pending,") || line.contains("frozen") || line.contains("chosen from");
        if !dull(line) && !is_demand && !line.contains("c5.large") {
            out += &format!("{time}{line}\n");
        }
    }
    out
}

#[test]
fn each_region_is_listed_each_minute_and_after_a_restart() {
    check(
        "
        limits guards=listing
        worker build
        pool c5.large/us-east-1a
        pool c5.large/us-west-2a
        ",
        "
        0s   decide
        30s  decide
        60s  decide
        90s  restarted
             decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              list us-west-2
                build: frozen, counts are not known
            30s: nothing
            60s:
              list us-east-1
              list us-west-2
            90s:
              list us-east-1
              list us-west-2
        "#]],
    );
}

#[test]
fn an_instance_missing_for_long_from_many_listings_is_gone() {
    let told = eventful(&format!(
        "1m found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n decide\n{}",
        missing(2, 14)
    ));
    expect![[r#"
        12m:    #1: missing from the listings since 1970-01-01T00:02:00Z, so it is gone
    "#]]
    .assert_eq(&told);
}

#[test]
fn an_instance_seen_again_is_not_gone() {
    let found = "found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n decide\n";
    let told = eventful(&format!("1m {found}{}10m {found}{}", missing(2, 9), missing(11, 18)));
    assert_eq!(told, "");
}

#[test]
fn few_listings_make_nothing_gone() {
    let told = eventful(
        "
        1m   found i1 #1 build c5.large/us-east-1a
             listed us-east-1
        2m   missed #1
             listed us-east-1
        20m  missed #1
             listed us-east-1
             decide
        ",
    );
    assert_eq!(told, "");
}

#[test]
fn old_listings_are_no_evidence() {
    let stale: String = (2..30)
        .map(|m| {
            format!("{}m missed #1 as-of {m}m\n listed us-east-1 as-of {m}m\n decide\n", m + 6)
        })
        .collect();
    let told =
        eventful(&format!("1m found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n{stale}"));
    assert!(!told.contains("gone"), "{told}");
}

#[test]
fn a_listing_from_before_the_launch_was_accepted_says_nothing_about_it() {
    let told = eventful(&format!(
        "1m missed #1 as-of -1m\n missed #1 as-of -2m\n listed us-east-1\n{}",
        silent(2, 9)
    ));
    assert_eq!(told, "");
}

#[test]
fn a_worker_that_holds_a_task_is_not_gone_whatever_the_listings_say() {
    let told = eventful(&format!(
        "1m found i1 #1 build c5.large/us-east-1a\n registered #1\n listed us-east-1\n decide\n{}
         14m checked #1 1\n{}",
        missing(2, 13),
        missing(15, 24)
    ));
    expect![[r#"
        12m:  check #1
        24m:  check #1
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_worker_of_which_the_queue_knows_nothing_is_gone_after_it_was_asked() {
    let told = eventful(&format!(
        "1m found i1 #1 build c5.large/us-east-1a\n registered #1\n listed us-east-1\n decide\n{}
         14m checked #1 0\n{}",
        missing(2, 13),
        missing(15, 29)
    ));
    expect![[r#"
        12m:  check #1
        17m:  check #1
        22m:  check #1
        27m:    #1: missing from the listings since 1970-01-01T00:02:00Z, so it is gone
    "#]]
    .assert_eq(&told);
}

#[test]
fn an_instance_that_is_never_listed_is_ended_after_forty_minutes_and_then_given_up() {
    let told = tell(
        "
        limits guards=listing
        worker build
        pool c5.large/us-east-1a
        ",
        &format!("{LAUNCHED}{}supply build", silent(1, 56)),
    );
    let end: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("40m")).collect();
    expect![[r#"
        40m:
          list us-east-1
          terminate unless claimed #1
        41m:
          list us-east-1
        42m:
          list us-east-1
        43m:
          list us-east-1
        44m:
          list us-east-1
        45m:
          list us-east-1
          terminate unless claimed #1
        46m:
          list us-east-1
        47m:
          list us-east-1
        48m:
          list us-east-1
        49m:
          list us-east-1
        50m:
          list us-east-1
          terminate unless claimed #1
        51m:
          list us-east-1
        52m:
          list us-east-1
        53m:
          list us-east-1
        54m:
          list us-east-1
        55m:
          list us-east-1
            #1: missing from the listings since 1970-01-01T00:00:00Z, so it is gone
            build: 0 pending, 0 claimed, no capacity → +0
        56m:
          list us-east-1
        56m: build has no capacity"#]]
    .assert_eq(&end.join("\n"));
}

#[test]
fn what_was_listed_before_its_launch_was_answered_is_not_ended_for_never_being_listed() {
    let story = |found: &str| {
        let launched = "
            0s   price c5.large/us-east-1a 0.01
                 demand build 1 0
                 decide
                 demand build 0 0
        ";
        let answered = format!("30s {found} queues\n listed us-east-1\n decide\n 40s pending #1\n");
        tell(ONE_POOL, &format!("{launched}{answered} registered #1\n{}", silent(1, 60)))
    };
    let end = "terminate unless claimed #1";
    assert!(story("").contains(end), "no listing showed it");
    assert!(!story("found i1 - - c5.large/us-east-1a\n").contains(end), "one did");
}

#[test]
fn a_zombie_that_was_never_listed_is_ended_once_in_a_decision() {
    let told = tell(
        "
        limits guards=listing,zombies
        worker build
        pool c5.large/us-east-1a
        ",
        &format!(
            "{LAUNCHED} registered #1\n decide\n{}
            40m queues
                decide
                checked #1 0
            41m queues
                listed us-east-1
                decide
            ",
            silent(1, 39)
        ),
    );
    let last = told.split_once("41m:").expect("that is told").1;
    assert!(last.contains("#1: ended, has claimed nothing"), "{told}");
    assert_eq!(last.matches("terminate unless claimed #1").count(), 1, "{told}");
}

#[test]
fn ends_of_what_is_never_listed_stay_within_the_allowance_of_calls() {
    let launches = 1..=200;
    let given: String = launches.map(|launch| format!("pending #{launch}\n")).collect();
    let told = tell(
        "
        limits guards=calls per_call=50
        worker build max=200
        pool c5.large/us-east-1a
        ",
        &format!(
            "0s price c5.large/us-east-1a 0.01
                demand build 200 0
                decide
                {given}
                demand build 0 0
            {}
            40m1s decide
            ",
            silent(40, 40)
        ),
    );
    let (before, after) = told.split_once("40m1s:").expect("that is told");
    assert!(before.contains("terminate unless claimed #1..#80\n"), "{before}");
    assert!(after.contains("terminate unless claimed #81..#84\n"), "{after}");
}

#[test]
fn an_instance_invisible_for_twenty_minutes_is_neither_gone_nor_bought_again() {
    let told = eventful(&format!(
        "{}21m found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n decide\n{}",
        silent(1, 20),
        silent(22, 24)
    ));
    assert_eq!(told, "");
}

/// Found by storm 52: whoever lists anew after a restart misses nothing that ended meanwhile.
#[test]
fn what_ended_unseen_while_the_process_was_down_is_given_up() {
    let told = eventful(&format!(
        "1m found i1 #1 build c5.large/us-east-1a\n registered #1\n listed us-east-1\n decide\n
         3h restarted\n{}",
        silent(180, 240)
    ));
    expect![[r#"
        220m:  terminate unless claimed #1
        225m:  terminate unless claimed #1
        230m:  terminate unless claimed #1
        235m:    #1: missing from the listings since 1970-01-01T03:00:00Z, so it is gone
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_found_instance_of_an_unknown_launch_is_adopted_under_its_label() {
    check(
        ONE_POOL,
        "
        0s  demand build 0 1
            price c5.large/us-east-1a 0.01
            found i9 #40 build c5.large/us-east-1a
            running #40
            decide
            demand build 2 1
            decide
        ",
        expect![[r#"
            0s:
              list us-east-1
              check #40
                #40: adopted, instance 9
                build: 0 pending, 1 claimed, capacity 1 running → +0
            0s:
              build c5.large/us-east-1a $0.02/h #41..#42
                build: 2 pending, 1 claimed, capacity 1 running → +2
                build: 2 × c5.large/us-east-1a from #41, spot at most $0.02/h, price $0.01/h, chosen from 1
        "#]],
    );
}

#[test]
fn an_adopted_worker_that_registered_long_ago_is_not_ended_for_booting_slowly() {
    let told = tell(
        ONE_POOL,
        "
        9h  demand build 0 1
            found i9 #40 build c5.large/us-east-1a since 0s
            running #40
            decide
            checked #40 1
            supply build
        10h listed us-east-1
            decide
        ",
    );
    assert!(told.contains("build has capacity 1 working"), "{told}");
    assert!(!told.contains("terminate"), "{told}");
}

#[test]
fn a_stray_is_ended_after_patience_again_and_again_until_it_has() {
    check(
        ONE_POOL,
        "
        0s   found i9 - - -
             decide
        19m  decide
        20m  decide
        21m  decide
        25m  decide
        26m  stray-ended i9
        40m  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
                build: frozen, counts are not known
            19m:
              list us-east-1
            20m:
              list us-east-1
              end stray instance 9
                instance 9: ended, belongs to no launch, known since 1970-01-01T00:00:00Z
            21m:
              list us-east-1
            25m:
              list us-east-1
              end stray instance 9
                instance 9: ended, belongs to no launch, known since 1970-01-01T00:00:00Z
            40m:
              list us-east-1
        "#]],
    );
}

#[test]
fn a_label_that_shows_late_saves_a_stray() {
    let told = eventful(
        "
        1m   found i9 - - -
             listed us-east-1
             decide
        5m   found i9 #1 build c5.large/us-east-1a
        6m   found i8 - - -
        7m   found i8 #70 build c5.large/us-east-1a
             listed us-east-1
             decide
        30m  listed us-east-1
             decide
        ",
    );
    // #1 has its instance already, so i9 is a second one.
    expect![[r#"
        7m:  check #70
        7m:    #70: adopted, instance 8
        30m:  terminate unless claimed #1
        30m:  end stray unless claimed instance 9
        30m:    #1: ended, worker not registered since 1970-01-01T00:00:00Z
        30m:    instance 9: ended, belongs to no launch, known since 1970-01-01T00:01:00Z
    "#]]
    .assert_eq(&told);
}

#[test]
fn an_instance_that_ended_is_not_brought_back_by_a_stale_listing() {
    let told = eventful(
        "
        1m   ended #1 worker
        2m   found i1 #1 build c5.large/us-east-1a
             running #1
             listed us-east-1
             decide
             supply build
        3m   stray-ended i1
        30m  decide
        ",
    );
    assert_eq!(told, "");
}

#[test]
fn an_instance_given_up_and_found_again_is_adopted() {
    let told = eventful(&format!(
        "1m found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n decide\n{}
         14m found i1 #1 build c5.large/us-east-1a\n listed us-east-1\n decide\n",
        missing(2, 13)
    ));
    expect![[r#"
        12m:    #1: missing from the listings since 1970-01-01T00:02:00Z, so it is gone
        14m:  check #1
        14m:    #1: adopted, instance 1
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_found_instance_answers_for_its_launch() {
    check(
        ONE_POOL,
        "
        0s  price c5.large/us-east-1a 0.01
            demand build 1 0
            decide
        1m  found i5 #1 build c5.large/us-east-1a
            running #1
            supply build
        ",
        expect![[r#"
            0s:
              list us-east-1
              build c5.large/us-east-1a $0.02/h #1
                build: 1 pending, 0 claimed, no capacity → +1
                build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
            1m: build has capacity 1 running
        "#]],
    );
}

#[test]
fn v1_believes_what_a_listing_lacks() {
    let told = tell(
        &ONE_POOL.replace("listing", "v1"),
        &format!(
            "{LAUNCHED}1m found i1 #1 build c5.large/us-east-1a\n registered #1\n decide\n{}",
            missing(2, 2)
        ),
    );
    assert!(told.contains("#1: missing from the listings since"), "{told}");
    assert!(!told.contains("check"), "{told}");
}

/// Found by storms 97 and 288.
#[test]
fn an_adoption_is_told_in_the_decision_that_makes_it_and_what_is_over_is_not_asked_about() {
    let told = eventful(
        "
        1m   ended #1 worker
        2m   found i1 #1 build c5.large/us-east-1a
             listed us-east-1
             decide
        22m  listed us-east-1
             decide
        23m  found i70 #70 build c5.large/us-east-1a
             ended #70 worker
             decide
        ",
    );
    expect![[r#"
        22m:  check #1
        22m:    #1: adopted, instance 1
        23m:    #70: adopted, instance 70
    "#]]
    .assert_eq(&told);
}

/// Found by storms 25 and 288: its worker held a task.
#[test]
fn an_instance_without_a_label_that_may_be_a_launch_of_ours_is_not_ended_as_a_stray() {
    let told = tell(
        ONE_POOL,
        "
        0s   price c5.large/us-east-1a 0.01
             demand build 1 0
             decide
             registered #1
        1m   found i1 - - c5.large/us-east-1a
        25m  demand build 0 1
             decide
             ended #1 worker
        26m  decide
        ",
    );
    expect![[r#"
        0s:
          list us-east-1
          build c5.large/us-east-1a $0.02/h #1
            build: 1 pending, 0 claimed, no capacity → +1
            build: 1 × c5.large/us-east-1a from #1, spot at most $0.02/h, price $0.01/h, chosen from 1
        25m:
          list us-east-1
            build: 0 pending, 1 claimed, capacity 1 working → +0
        26m:
          list us-east-1
          end stray instance 1
            instance 1: ended, belongs to no launch, known since 1970-01-01T00:01:00Z
            build: 0 pending, 1 claimed, no capacity → +0
    "#]].assert_eq(&told);
}

/// Its label says whose queue may know of a task on it; after its longest life nobody asks.
#[test]
fn a_stray_whose_label_says_for_whom_it_runs_is_ended_unless_it_holds_a_task() {
    check(
        ONE_POOL,
        "
        0s   demand build 0 0
             found i9 - build c5.large/us-east-1a
             decide
        20m  decide
        96h  decide
        ",
        expect![[r#"
            0s:
              list us-east-1
                build: 0 pending, 0 claimed, no capacity → +0
            20m:
              list us-east-1
              end stray unless claimed instance 9
                instance 9: ended, belongs to no launch, known since 1970-01-01T00:00:00Z
            96h:
              list us-east-1
              end stray instance 9
                instance 9: ended, belongs to no launch, known since 1970-01-01T00:00:00Z
        "#]],
    );
}

/// Found by storms 1114 and 1741: with nothing of its own configured it was kept for four days.
#[test]
fn an_adopted_worker_that_never_registers_or_claims_is_ended_after_the_longest_boot() {
    let told = tell(
        "
        limits guards=listing,breaker
        worker build
        pool c5.large/us-east-1a
        ",
        "
        0s   found i9 #40 build c5.large/us-east-1a
             listed us-east-1
             decide
        44m  listed us-east-1
             decide
        45m  listed us-east-1
             decide
        ",
    );
    let lines: Vec<&str> =
        told.lines().filter(|line| line.contains("m:") || line.contains("#40")).collect();
    expect![[r#"
          check #40
            #40: adopted, instance 9
        44m:
        45m:
          terminate unless claimed #40
            #40: ended, worker not registered since 1970-01-01T00:00:00Z"#]]
    .assert_eq(&lines.join("\n"));
}

/// Found by storms 371 and 571.
#[test]
fn what_is_unlisted_and_overdue_at_once_is_ended_once() {
    let told = tell(
        "
        limits guards=listing
        worker build registration_timeout=41m
        pool c5.large/us-east-1a
        ",
        &format!("{LAUNCHED}{}", silent(41, 41)),
    );
    assert_eq!(told.matches("terminate unless claimed #1").count(), 1, "{told}");
}
