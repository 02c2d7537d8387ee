//! A small scenario that fails as a large one does.
//!
//! Keys, sections and list items are left out one by one, and durations and numbers halved, for as
//! long as the scenario still loads and fails the same rule (after Zeller and Hildebrandt's delta
//! debugging, IEEE TSE 2002, on the tree of the file instead of its lines).

use toml::{Table, Value};

/// Most scenarios that are tried.
const TRIES_MAX: usize = 2_000;

/// Sections and keys without which the scenario would be harder rather than smaller: when it is
/// calm, how long faults last, and what must hold.
const KEPT: [&str; 4] = ["time", "checks", "from", "length"];

/// The smallest scenario found of which `still_fails` says yes. `tried` is told how many were
/// tried. Comments are lost.
///
/// Panics if `text` is not TOML.
pub fn shrink(
    text: &str,
    mut still_fails: impl FnMut(&str) -> bool,
    mut tried: impl FnMut(usize),
) -> String {
    let mut best: Table = text.parse().expect("a scenario that was run");
    let mut tries = 0;
    loop {
        let before = best.clone();
        for change in [Change::LeaveOut, Change::Halve] {
            // From the last place to the first: leaving one out moves none that is still to come.
            let mut place = count(&Value::Table(best.clone()));
            while place > 0 && tries < TRIES_MAX {
                place -= 1;
                let Some(smaller) = changed(&best, place, change) else { continue };
                tries += 1;
                tried(tries);
                if still_fails(&show(&smaller)) {
                    best = smaller;
                    place = place.min(count(&Value::Table(best.clone())));
                }
            }
        }
        if best == before || tries >= TRIES_MAX {
            return show(&best);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    LeaveOut,
    Halve,
    Nothing,
}

fn show(table: &Table) -> String {
    toml::to_string(table).expect("it was read from text")
}

/// How many keys and items there are.
fn count(value: &Value) -> usize {
    match value {
        Value::Table(table) => table.values().map(|value| 1 + count(value)).sum(),
        Value::Array(items) => items.iter().map(|item| 1 + count(item)).sum(),
        _ => 0,
    }
}

/// The table with one change at the n-th key or item, if it can be made there.
fn changed(table: &Table, place: usize, change: Change) -> Option<Table> {
    let mut value = Value::Table(table.clone());
    let mut place = place;
    change_at(&mut value, &mut place, change).filter(|done| *done)?;
    match value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// Says whether the change was made once the place was found.
fn change_at(value: &mut Value, place: &mut usize, change: Change) -> Option<bool> {
    match value {
        Value::Table(table) => {
            let keys: Vec<String> = table.keys().cloned().collect();
            for key in keys {
                if *place == 0 {
                    return Some(match change {
                        _ if KEPT.contains(&key.as_str()) => false,
                        Change::LeaveOut => table.remove(&key).is_some(),
                        Change::Halve => halve(&mut table[&key]),
                        Change::Nothing => false,
                    });
                }
                *place -= 1;
                let is_kept = key == "time" || key == "checks";
                let within = if is_kept { Change::Nothing } else { change };
                if let Some(done) = change_at(&mut table[&key], place, within) {
                    return Some(done);
                }
            }
        }
        Value::Array(items) => {
            for index in 0..items.len() {
                if *place == 0 {
                    return Some(match change {
                        Change::LeaveOut => {
                            items.remove(index);
                            true
                        }
                        Change::Halve => halve(&mut items[index]),
                        Change::Nothing => false,
                    });
                }
                *place -= 1;
                if let Some(done) = change_at(&mut items[index], place, change) {
                    return Some(done);
                }
            }
        }
        _ => {}
    }
    None
}

/// Halves a number, or a whole number with a unit; says whether that changed it.
fn halve(value: &mut Value) -> bool {
    let half = match &*value {
        Value::Integer(number) if *number > 1 => Value::Integer(number / 2),
        Value::String(text) => {
            let Some((number, unit)) = text.split_once(' ') else { return false };
            let Some(number) = number.parse::<i64>().ok().filter(|number| *number > 1) else {
                return false;
            };
            Value::String(format!("{} {unit}", number / 2))
        }
        _ => return false,
    };
    *value = half;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let large = "a = 8\nb = [1, 2, 3]\n[c]\nd = '40 min'\ne = 'x'\n[f.g]\nh = 1\n";
        let fails = |text: &str| {
            let table: Table = text.parse().expect("TOML");
            let d = table.get("c").and_then(|c| c.get("d")).and_then(Value::as_str);
            let b = table.get("b").and_then(Value::as_array).is_some_and(|b| b.contains(&2.into()));
            b && d.is_some_and(|d| d != "1 min")
        };
        assert_eq!(shrink(large, fails, |_| {}), "b = [2]\n\n[c]\nd = \"2 min\"\n");
    }
}
