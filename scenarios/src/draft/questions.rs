//! Wishes, one question after the other.

use super::tasks::PRESETS;
use super::{Draft, Wishes};
use crate::shipped::SHIPPED;

/// Who is asked.
pub trait Dialog {
    /// What can go wrong with asking.
    type Error;

    /// Which of the options; the first is the usual one.
    fn choose(&mut self, question: &str, options: &[String]) -> Result<usize, Self::Error>;

    /// Some text that `check` accepts, or says why not.
    fn text(
        &mut self,
        question: &str,
        usual: &str,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Self::Error>;
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The shipped scenario of that name.
    Like(&'static str),
    /// One of these wishes.
    Wishes(Box<Wishes>),
}

/// Asks until everything is known. Each answer is checked as it is given.
///
/// # Errors
///
/// The dialog fails.
pub fn ask<D: Dialog>(dialog: &mut D) -> Result<Answer, D::Error> {
    let mine = "a scenario of my own: ask me a few questions".to_owned();
    let shipped = SHIPPED.iter().map(|shipped| format!("the shipped `{}`", shipped.name));
    let begin: Vec<_> = std::iter::once(mine).chain(shipped).collect();
    let begin = dialog.choose("Begin with", &begin)?;
    if let Some(shipped) = begin.checked_sub(1).and_then(|index| SHIPPED.get(index)) {
        return Ok(Answer::Like(shipped.name));
    }
    let mut wishes = Wishes::default();
    tasks(dialog, &mut wishes)?;
    market(dialog, &mut wishes)?;
    field(dialog, &mut wishes, "Most tasks at once", "100", |it, said| it.capacity_max = said)?;
    let question = "Buy on demand after how long without a spot machine (empty: never)";
    field(dialog, &mut wishes, question, "", |it, said| it.on_demand_after = said)?;
    let question = "How long may 95 of 100 tasks wait at most (empty: no limit)";
    field(dialog, &mut wishes, question, "", |it, said| it.wait_p95 = said)?;
    Ok(Answer::Wishes(Box::new(wishes)))
}

fn tasks<D: Dialog>(dialog: &mut D, wishes: &mut Wishes) -> Result<(), D::Error> {
    let generated = PRESETS.map(|(_, what, _)| format!("generated {what}"));
    let options = [&generated[..], &["recorded: a file of mine".to_owned()]].concat();
    match PRESETS.get(dialog.choose("Tasks", &options)?) {
        Some((preset, _, usual)) => {
            wishes.tasks = Some((*preset).to_owned());
            let set = |it: &mut Wishes, said| it.tasks_per_hour = said;
            field(dialog, wishes, "Tasks an hour, mean of a week", usual, set)
        }
        None => field(dialog, wishes, "File of tasks", "", |it, said| {
            // Without an answer there is no file.
            it.tasks = said.or(Some(String::new()));
        }),
    }
}

fn market<D: Dialog>(dialog: &mut D, wishes: &mut Wishes) -> Result<(), D::Error> {
    let options = [
        "generated, smooth, as since 2017",
        "generated, restless, as until 2017",
        "recorded: a file of mine",
    ];
    match dialog.choose("Spot prices", &options.map(str::to_owned))? {
        0 => wishes.prices = Some("modern".to_owned()),
        1 => wishes.prices = Some("bid-era".to_owned()),
        _ => {
            let question = "File of spot prices";
            return field(dialog, wishes, question, "", |it, said| {
                it.prices = said.or(Some(String::new()));
            });
        }
    }
    let question = "Zones, or regions for three zones of each";
    field(dialog, wishes, question, "us-east-1", |it, said| it.zones = names(said))?;
    let usual = match wishes.prices.as_deref() {
        Some("bid-era") => "c3.xlarge, m3.xlarge",
        _ => "c6i.xlarge, m6i.xlarge",
    };
    let question = "Instance types (one that is not known: NAME=$0.17/h)";
    field(dialog, wishes, question, usual, |it, said| it.instance_types = names(said))
}

/// Asks for one thing, until it is right together with what is known.
fn field<D: Dialog>(
    dialog: &mut D,
    wishes: &mut Wishes,
    question: &str,
    usual: &str,
    set: impl Fn(&mut Wishes, Option<String>),
) -> Result<(), D::Error> {
    let with = |said: &str| {
        let mut wishes = wishes.clone();
        set(&mut wishes, Some(said.trim().to_owned()).filter(|said| !said.is_empty()));
        wishes
    };
    let check = |said: &str| match Draft::of(&with(said)) {
        Ok(_) => Ok(()),
        Err(wrong) => Err(wrong.iter().map(|it| format!("{}: {}", it.what, it.hint)).collect()),
    };
    let said = dialog.text(question, usual, &check)?;
    *wishes = with(&said);
    Ok(())
}

/// The names between commas.
fn names(said: Option<String>) -> Vec<String> {
    let said = said.unwrap_or_default();
    said.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}
