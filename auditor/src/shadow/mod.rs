//! Rules that need only what was told and decided: a live system can be held to them too.

mod advice;
mod breaker;
mod calls;
mod capacity;
mod demand;
mod doubts;
mod dry;
mod ends;
mod on_demand;
mod pools;
mod prices;
mod rates;
mod rests;
mod share;
mod spend;
mod starving;
mod turn;

use crate::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Box<dyn Check>> {
    vec![
        Box::new(turn::Turn),
        Box::new(calls::Calls),
        Box::new(doubts::Doubts::default()),
        Box::new(demand::Demand::default()),
        Box::new(capacity::Capacity),
        Box::new(prices::Prices::default()),
        Box::new(on_demand::Patience::default()),
        Box::new(rates::Rates::default()),
        Box::new(ends::Ends),
        Box::new(dry::Dry::default()),
        Box::new(breaker::Breakers::default()),
        Box::new(rests::Rests::default()),
        Box::new(share::Shares::default()),
        Box::new(spend::Spending::default()),
        Box::new(starving::Starving::default()),
        Box::new(advice::Advice::default()),
    ]
}
