//! Decisions in words: orders, reasons, and where a replay parts from its journal.

use std::fmt::{self, Display};

use provisioner_engine::decision::{Action, Decision};
use provisioner_engine::journal::Divergence;
use provisioner_engine::orders::in_words;
use provisioner_engine::worker_type::EngineConfig;

use crate::show_time;
use crate::text::{grouped, printable};

/// No more lines than this of each kind are printed for one decision.
const LINES_MAX: usize = 12;

/// A decision in words: when, what, and why.
pub fn decision<'a>(config: &'a EngineConfig, decision: &'a Decision) -> impl Display + 'a {
    Words { config, decision }
}

/// What was recorded, and what the engine says now, from the first order that differs on.
pub fn divergence<'a>(config: &'a EngineConfig, divergence: &'a Divergence) -> impl Display + 'a {
    Parting { config, divergence }
}

struct Words<'a> {
    config: &'a EngineConfig,
    decision: &'a Decision,
}

struct Parting<'a> {
    config: &'a EngineConfig,
    divergence: &'a Divergence,
}

impl Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", show_time(self.decision.at))?;
        lines(f, &orders(self.config, &self.decision.actions))?;
        because(f, self.config, self.decision)
    }
}

impl Display for Parting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { recorded, replayed } = self.divergence;
        let both = recorded.actions.iter().zip(&replayed.actions);
        let equal = both.take_while(|(recorded, replayed)| recorded == replayed).count();
        if equal > 0 {
            writeln!(f, "the first {} orders are equal, then", grouped(equal as u64))?;
        }
        for (who, decision) in [("recorded", recorded), ("replayed", replayed)] {
            writeln!(f, "{who}:")?;
            match orders(self.config, &decision.actions[equal..]) {
                none if none.is_empty() => {
                    let wake = show_time(decision.wake_at);
                    writeln!(f, "  nothing more; call again at {wake}")?;
                }
                orders => lines(f, &orders)?,
            }
            because(f, self.config, decision)?;
        }
        Ok(())
    }
}

fn because(f: &mut fmt::Formatter<'_>, config: &EngineConfig, decision: &Decision) -> fmt::Result {
    let words = |reason: &provisioner_engine::decision::Reason| {
        format!("because {}", printable(&reason.describe(config).to_string()))
    };
    lines(f, &decision.reasons.iter().map(words).collect::<Vec<_>>())
}

fn lines(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    for line in lines.iter().take(LINES_MAX) {
        writeln!(f, "  {line}")?;
    }
    match lines.len().saturating_sub(LINES_MAX) {
        0 => Ok(()),
        more => writeln!(f, "  and {} more", grouped(more as u64)),
    }
}

/// Orders in words; launches that differ only in their numbers together.
pub(crate) fn orders(config: &EngineConfig, actions: &[Action]) -> Vec<String> {
    in_words(config, actions).iter().map(|order| printable(order)).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use provisioner_engine::decision::{Market, Reason};
    use provisioner_engine::ids::{LaunchId, PoolId, WorkerTypeId};
    use provisioner_engine::units::{Time, UsdPerHour};

    use super::*;
    use crate::testing::{config, outcome};

    fn launch(id: u64, bid: i64) -> Action {
        let max_price = Some(UsdPerHour::from_micros(bid));
        let (worker_type, pool) = (WorkerTypeId::new(0), PoolId::new(0));
        Action::Launch {
            launch: LaunchId(id),
            count: 1,
            worker_type,
            pool,
            market: Market::Spot { max_price },
        }
    }

    fn decided(actions: Vec<Action>) -> Decision {
        let reasons = vec![Reason::NoPrice { worker_type: WorkerTypeId::new(1) }];
        Decision {
            at: Time::EPOCH,
            actions,
            reasons,
            wake_at: Time::from_ms(60_000),
            limits: Vec::new(),
        }
    }

    #[test]
    fn equal_launches_in_a_row_are_one_line() {
        let config = config(&outcome()).engine;
        let actions = vec![
            Action::Cancel { launch: LaunchId(1) },
            Action::Cancel { launch: LaunchId(2) },
            launch(7, 16_200),
            launch(8, 16_200),
            launch(9, 17_000),
        ];
        expect![[r#"
            1970-01-01T00:00:00Z
              #1..#2 cancel
              #7..#8 launch m3.medium/us-east-1b for gecko-3/b-linux, spot at most $0.0162/h
              #9 launch m3.medium/us-east-1b for gecko-3/b-linux, spot at most $0.017/h
              because gecko-t/t-linux-large: no pool has a known price
        "#]]
        .assert_eq(&decision(&config, &decided(actions)).to_string());
    }

    #[test]
    fn a_divergence_starts_at_the_first_order_that_differs() {
        let config = config(&outcome()).engine;
        let recorded = decided(vec![launch(1, 16_200), launch(2, 16_200)]);
        let replayed = decided(vec![launch(1, 16_200), launch(2, 17_000)]);
        let parting = Divergence { recorded: recorded.clone(), replayed };
        expect![[r#"
            the first 1 orders are equal, then
            recorded:
              #2 launch m3.medium/us-east-1b for gecko-3/b-linux, spot at most $0.0162/h
              because gecko-t/t-linux-large: no pool has a known price
            replayed:
              #2 launch m3.medium/us-east-1b for gecko-3/b-linux, spot at most $0.017/h
              because gecko-t/t-linux-large: no pool has a known price
        "#]]
        .assert_eq(&divergence(&config, &parting).to_string());
        let parting = Divergence { recorded, replayed: decided(Vec::new()) };
        expect![[r#"
            recorded:
              #1..#2 launch m3.medium/us-east-1b for gecko-3/b-linux, spot at most $0.0162/h
              because gecko-t/t-linux-large: no pool has a known price
            replayed:
              nothing more; call again at 1970-01-01T00:01:00Z
              because gecko-t/t-linux-large: no pool has a known price
        "#]]
        .assert_eq(&divergence(&config, &parting).to_string());
    }
}
