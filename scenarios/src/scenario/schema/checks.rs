//! What a run's outcome must satisfy.

use crate::file::{Issue, Section, kind};
use crate::scenario::checks::{Bound, Check, Relation};
use crate::scenario::profile::Profile;

pub(super) fn checks(s: &mut Section<'_>) -> Vec<Check> {
    let doc = "What the outcome must satisfy, each under a name of its own; the scenario is the \
               same whatever is checked.";
    let checks: Vec<_> = s.named("checks", doc, check).into_iter().map(|(_, c)| c).collect();
    let mut headlines = checks.iter().filter(|check| check.headline);
    if let (Some(first), Some(second)) = (headlines.next(), headlines.next()) {
        let what = format!("`{}` and `{}` are both the headline", first.name, second.name);
        s.report(Issue::new(what, second.place.clone()).hint("one number matters most: choose"));
    }
    checks
}

fn check(name: &str, s: &mut Section<'_>) -> Check {
    let because =
        s.required("because", kind::words(), "Why it must hold, for whoever sees it fail.");
    let doc = "What is measured: the path of a number in `--json`, for example \
               total.launches.started or worker_types.\"proj/builds\".wait_s.p95.";
    let measure = s.required("measure", kind::text(), doc);
    let place = s.place("measure");
    let mut bounds = Vec::new();
    for (key, relation, doc) in [
        ("at_most", Relation::AtMost, "The measure is at most this; a number is in its unit."),
        ("at_least", Relation::AtLeast, "The measure is at least this."),
        ("equals", Relation::Equals, "The measure is exactly this."),
    ] {
        let amount = s.optional(key, kind::amount(), doc);
        bounds.extend(amount.map(|amount| Bound { relation, amount, place: s.place(key) }));
    }
    let doc = "Whether this is the number that matters most, which `provisioner incidents` shows.";
    let headline = s.defaulted("headline", kind::boolean(), doc, false, "one check of each file");
    let profile = kind::choice(&Profile::ALL.map(|profile| (profile.name(), profile)));
    let doc = "Profiles (`--as`) of which the measure says nothing: it is not checked for them.";
    let except =
        s.defaulted("except", kind::list(profile), doc, Vec::new(), "it is checked for all");
    if s.is_sound() && bounds.is_empty() {
        let issue = Issue::new(format!("the check `{name}` has no bound"), s.here());
        s.report(issue.hint("add `at_most`, `at_least` or `equals`"));
    }
    if s.is_sound() && bounds.len() > 1 && bounds.iter().any(|b| b.relation == Relation::Equals) {
        let issue = Issue::new("`equals` says all there is to say", s.place("equals"));
        s.report(issue.hint("leave the other bounds out"));
    }
    Check { name: name.to_owned(), because, measure, place, bounds, headline, except }
}
