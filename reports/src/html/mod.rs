//! Reports for others to read: one HTML page each, with its pictures, that needs nothing else.
//!
//! | file | holds |
//! |---|---|
//! | [`run`] | one scenario: cost, queue, waits, market, reasons |
//! | [`sweep`] | a sweep: cost against wait, what each axis does, differences |
//! | `chart`, `axis` | plots as SVG |
//! | `markup`, `page.css` | the page around them |
//!
//! Equal input gives equal bytes: no page says when it was made. Figures are those of the terminal's
//! tables. The page is readable without its colours: every picture says in words what it shows, and
//! has its figures in a table.

mod axis;
mod chart;
mod markup;
pub mod run;
pub mod sweep;
#[cfg(test)]
mod tests;
