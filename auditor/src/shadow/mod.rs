//! Rules that need only what was told and decided: a live system can be held to them too.

mod absence;
mod advice;
mod backoff;
mod breaker;
mod calls;
mod capacity;
mod demand;
mod doubts;
mod dry;
mod ends;
mod evidence;
mod losses;
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
        Box::new(backoff::Backoff::default()),
        Box::new(ends::Ends),
        Box::new(evidence::Evidence::default()),
        Box::new(absence::Absent::default()),
        Box::new(dry::Dry::default()),
        Box::new(breaker::Breakers::default()),
        Box::new(rests::Rests::default()),
        Box::new(share::Shares::default()),
        Box::new(losses::Losses::default()),
        Box::new(spend::Spending::default()),
        Box::new(starving::Starving::default()),
        Box::new(advice::Advice::default()),
    ]
}
