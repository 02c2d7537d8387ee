//! Our own scaling policy: one target, a surplus that must last, floors.

use expect_test::expect;

use crate::story::check;

const SETUP: &str = "
    worker builds max=20 scaling=target:1 placement=spread
    pool c5.large/us-east-1a on_demand=0.10
";

#[test]
fn an_idle_worker_is_told_to_stop_once_a_surplus_has_lasted() {
    check(
        SETUP,
        "
        0s   price c5.large/us-east-1a 0.030
             demand builds 4 0
             decide
             pending #1..#4
             registered #1..#4
        1m   demand builds 0 2
             decide
             idled #1
        2m   decide
        11m  queues
             idled #1..#4
             decide
        12m  idled #2..#3
             decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1..#4
                builds: 4 pending, 0 claimed, no capacity → +4 (would keep 4)
                builds: 4 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 1
            1m:
                builds: 0 pending, 2 claimed, capacity 4 working → -2 (would keep 2)
            2m: nothing
            11m:
              advise to stop #1..#2
                builds: 0 pending, 2 claimed, capacity 4 working → -2 (would keep 2)
                #1: told to stop, 4 live and 2 wanted
                #2: told to stop, 3 live and 2 wanted
            12m: nothing
        "#]],
    );
}

#[test]
fn a_surplus_that_was_needed_again_starts_anew() {
    check(
        SETUP,
        "
        0s   price c5.large/us-east-1a 0.030
             demand builds 2 0
             decide
             pending #1..#2
             registered #1..#2
        1m   demand builds 0 1
             decide
        9m   demand builds 0 2
             decide
        10m  demand builds 0 1
             decide
             idled #2
        12m  decide
        20m  queues
             idled #2
             decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1..#2
                builds: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                builds: 2 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 1
            1m:
                builds: 0 pending, 1 claimed, capacity 2 working → -1 (would keep 1)
            9m:
                builds: 0 pending, 2 claimed, capacity 2 working → +0 (would keep 2)
            10m:
                builds: 0 pending, 1 claimed, capacity 2 working → -1 (would keep 1)
            12m: nothing
            20m:
              advise to stop #2
                builds: 0 pending, 1 claimed, capacity 2 working → -1 (would keep 1)
                #2: told to stop, 2 live and 1 wanted
        "#]],
    );
}

#[test]
fn on_stale_counts_nobody_is_told_to_stop() {
    check(
        &format!("limits stale=5m {SETUP}").replace("limits stale=5m \n", "limits stale=5m\n"),
        "
        0s   price c5.large/us-east-1a 0.030
             demand builds 2 0
             decide
             pending #1..#2
             registered #1..#2
        1m   demand builds 0 0
             decide
        20m  idled #1..#2
             decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1..#2
                builds: 2 pending, 0 claimed, no capacity → +2 (would keep 2)
                builds: 2 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 1
            1m:
                builds: 0 pending, 0 claimed, capacity 2 working → -2 (would keep 0)
            20m: nothing
        "#]],
    );
}

#[test]
fn a_floor_holds_from_its_time_on() {
    check(
        "
        worker builds min=1 max=20 scaling=target:1 placement=spread floor=1h:3 floor=2h:0
        pool c5.large/us-east-1a on_demand=0.10
        ",
        "
        0s    price c5.large/us-east-1a 0.030
              demand builds 0 0
              decide
              pending #1
              registered #1
        59m   queues
              decide
        60m   queues
              decide
              pending #2..#3
              registered #2..#3
        119m  queues
              idled #1
              decide
        2h    queues
              decide
        131m  queues
              idled #1..#3
              decide
        ",
        expect![[r#"
            0s:
              builds c5.large/us-east-1a $0.10/h #1
                builds: 0 pending, 0 claimed, no capacity → +1 (would keep 1)
                builds: 1 × c5.large/us-east-1a from #1, spot at most $0.10/h, price $0.03/h, chosen from 1
            59m:
                builds: 0 pending, 0 claimed, capacity 1 working → +0 (would keep 1)
            60m:
              builds c5.large/us-east-1a $0.10/h #2..#3
                builds: 0 pending, 0 claimed, capacity 1 working → +2 (would keep 3)
                builds: 2 × c5.large/us-east-1a from #2, spot at most $0.10/h, price $0.03/h, chosen from 1
            119m:
                builds: 0 pending, 0 claimed, capacity 3 working → +0 (would keep 3)
            2h:
                builds: 0 pending, 0 claimed, capacity 3 working → -2 (would keep 1)
            131m:
              advise to stop #1..#2
                builds: 0 pending, 0 claimed, capacity 3 working → -2 (would keep 1)
                #1: told to stop, 3 live and 1 wanted
                #2: told to stop, 2 live and 1 wanted
        "#]],
    );
}
