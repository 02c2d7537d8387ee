//! What occurred in storms, as a table.

use std::fmt::{self, Display};

use provisioner_scenarios::storm::coverage::{Count, Coverage, Kind};

use crate::text::grouped;

/// How often each thing of note occurred, and in how many of the storms; what never did is marked.
pub fn coverage(coverage: &Coverage, storms: usize) -> impl Display {
    Table { rows: coverage.iter().collect(), storms }
}

struct Table {
    rows: Vec<(Kind, &'static str, Count)>,
    storms: usize,
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = None;
        for (kind, name, count) in &self.rows {
            if open != Some(*kind) {
                open = Some(*kind);
                let (kind, of) = (kind.name(), self.storms);
                writeln!(f, "{kind:<28}{:>14}{:>12}", "times", format!("of {of}"))?;
            }
            let never = match (count.times, Coverage::unreachable(*kind, name)) {
                (0, Some(why)) => format!("   never: {why}"),
                (0, None) => "   NEVER".to_owned(),
                _ => String::new(),
            };
            let (times, storms) = (grouped(count.times), grouped(count.storms));
            writeln!(f, "  {name:<26}{times:>14}{storms:>12}{never}")?;
        }
        Ok(())
    }
}
