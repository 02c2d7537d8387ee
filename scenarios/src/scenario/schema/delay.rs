//! How long something takes, as it is written in a file.
//!
//! A plain duration is a constant; a distribution is a section with its name.

use provisioner_engine::units::Duration;
use provisioner_files::engine::{SPAN_MAX, duration, report_check};
use provisioner_sim::dist::{DELAY_MAX, DurationDist, Part};

use crate::file::quantity::write_duration;
use crate::file::{Section, ShortForm, Variant, kind};

/// A delay is as long as any duration of a file may be.
const _: () = assert!(DELAY_MAX.ms() == SPAN_MAX.ms());

/// What documentation calls a delay, and where it lists its forms.
pub(crate) const DELAY: (&str, &str) = ("a delay (see <delay>)", "<delay>");

/// A delay that may be left out.
pub(super) fn delay(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: &DurationDist,
    default_source: &'static str,
) -> DurationDist {
    s.form(DELAY, |s| forms(s, key, doc, Some((&in_toml(default), default_source))))
}

/// A delay that must be there.
pub(super) fn delay_required(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
) -> DurationDist {
    s.form(DELAY, |s| forms(s, key, doc, None))
}

/// The forms that a delay can have.
pub(crate) fn forms(
    s: &mut Section<'_>,
    key: &'static str,
    doc: &'static str,
    default: Option<(&str, &'static str)>,
) -> DurationDist {
    let uniform = |s: &mut Section<'_>| DurationDist::Uniform {
        min: s.required("min", duration(), "The shortest."),
        max: s.required("max", duration(), "The longest."),
    };
    let exponential = |s: &mut Section<'_>| DurationDist::Exponential {
        mean: s.required("mean", duration(), "The mean."),
    };
    let log_normal = |s: &mut Section<'_>| DurationDist::LogNormal {
        median: s.required("median", duration(), "Half are longer."),
        sigma: s.required("sigma", kind::float(), "Standard deviation of the logarithm."),
    };
    let pareto = |s: &mut Section<'_>| DurationDist::Pareto {
        min: s.required("min", duration(), "The shortest."),
        shape: s.required("shape", kind::float(), "The tail index: the smaller, the heavier."),
    };
    let mixture = |s: &mut Section<'_>| {
        let doc = "What it is chosen from; the weights add up to 1.";
        DurationDist::Mixture(s.sections("parts", doc, |s| Part {
            weight: s.required("weight", kind::float(), "How often this one is chosen."),
            dist: delay_required(s, "delay", "How long it takes then."),
        }))
    };
    let tailed = |s: &mut Section<'_>| DurationDist::Tailed {
        body: Box::new(delay_required(s, "body", "What it always takes.")),
        probability: s.required("probability", kind::float(), "How often it takes longer."),
        extra: Box::new(delay_required(s, "extra", "How much longer it takes then.")),
    };
    let capped = |s: &mut Section<'_>| DurationDist::Capped {
        body: Box::new(delay_required(s, "body", "What it takes without the cap.")),
        max: s.required("max", duration(), "The longest."),
    };
    let variants = [
        Variant::new("log_normal", "Its logarithm is normal.", &log_normal),
        Variant::new("exponential", "Without memory.", &exponential),
        Variant::new("uniform", "Anything between the two, equally likely.", &uniform),
        Variant::new("pareto", "A power law: longer than x with (min / x)^shape.", &pareto),
        Variant::new("mixture", "One of several, chosen by weight.", &mixture),
        Variant::new("tailed", "Sometimes longer by an extra delay.", &tailed),
        Variant::new("capped", "Never longer than a maximum.", &capped),
    ];
    let constant = ShortForm::new(duration(), DurationDist::Constant);
    let read = s.variant(key, doc, &variants, Some(&constant), default);
    report_check(s, Some(key), read.check());
    read
}

/// A delay as it is written in a file.
fn in_toml(delay: &DurationDist) -> String {
    let time = |duration: &Duration| format!("\"{}\"", write_duration(*duration));
    match delay {
        DurationDist::Constant(value) => time(value),
        DurationDist::Uniform { min, max } => {
            format!("{{ uniform = {{ min = {}, max = {} }} }}", time(min), time(max))
        }
        DurationDist::Exponential { mean } => {
            format!("{{ exponential = {{ mean = {} }} }}", time(mean))
        }
        DurationDist::LogNormal { median, sigma } => {
            format!("{{ log_normal = {{ median = {}, sigma = {sigma} }} }}", time(median))
        }
        DurationDist::Pareto { min, shape } => {
            format!("{{ pareto = {{ min = {}, shape = {shape} }} }}", time(min))
        }
        DurationDist::Mixture(parts) => {
            let part = |Part { weight, dist }: &Part| {
                format!("{{ weight = {weight}, delay = {} }}", in_toml(dist))
            };
            let parts: Vec<_> = parts.iter().map(part).collect();
            format!("{{ mixture = {{ parts = [{}] }} }}", parts.join(", "))
        }
        DurationDist::Tailed { body, probability, extra } => {
            let (body, extra) = (in_toml(body), in_toml(extra));
            format!(
                "{{ tailed = {{ body = {body}, probability = {probability}, extra = {extra} }} }}"
            )
        }
        DurationDist::Capped { body, max } => {
            format!("{{ capped = {{ body = {}, max = {} }} }}", in_toml(body), time(max))
        }
    }
}
