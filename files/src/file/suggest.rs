//! The nearest known name to a mistaken one.

/// Longest name that is compared; nobody mistypes by a hundred letters.
const NAME_BYTES_MAX: usize = 64;

/// The known name nearest to `name`, if one is near: at most a third of its letters mistyped,
/// left out or swapped, with its words in any order (`maxCapacity` is near `capacity_max`).
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let distance = |known: &str| {
        let (ours, theirs) = (words(name), words(known));
        let plain = strsim::damerau_levenshtein(&ours.join("_"), &theirs.join("_"));
        plain.min(strsim::damerau_levenshtein(&sorted(ours), &sorted(theirs)))
    };
    let near = |known: &&str| distance(known) <= (known.len() / 3).max(1);
    known.into_iter().filter(near).min_by_key(|known| distance(known))
}

/// The words of a name in lower case, whether it is written in snake, kebab or camel case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c.is_uppercase() || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            let word = words.last_mut().expect("there is always a word");
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn sorted(mut words: Vec<String>) -> String {
    words.sort_unstable();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_nonsense_finds_none() {
        let known = ["capacity_max", "capacity_min", "idle_timeout", "seed"];
        let nearest = |name| nearest(name, known);
        assert_eq!(nearest("capactiy_max"), Some("capacity_max"));
        assert_eq!(nearest("maxCapacity"), Some("capacity_max"));
        assert_eq!(nearest("min-capacity"), Some("capacity_min"));
        assert_eq!(nearest("idle_timout"), Some("idle_timeout"));
        assert_eq!(nearest("sede"), Some("seed"));
        assert_eq!(nearest("zebra"), None);
        assert_eq!(nearest(""), None);
        assert_eq!(nearest(&"seed".repeat(100)), None);
    }
}
