//! The report as GitHub-flavoured Markdown, for a pull request or a job's summary.

use std::fmt::{self, Display};

use super::judge::{Judged, Report, Row, Verdict};
use super::words::{HEADERS, cause, cells, conclusion, notes, title};
use crate::Look;
use crate::markdown::{code, escaped, fence};

/// A page may be so long: GitHub takes a mebibyte for all of a job's summaries of one step.
const PAGE_BYTES_MAX: usize = 60_000;

/// What a suite came to, as GitHub-flavoured Markdown.
pub fn markdown(report: &Report) -> impl Display + '_ {
    Markdown { report }
}

struct Markdown<'a> {
    report: &'a Report,
}

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let sign = if report.is_worse() { "❌" } else { "✅" };
        writeln!(f, "### {sign} {}\n", escaped(&conclusion(report)))?;
        writeln!(f, "{}", escaped(&title(report)))?;
        let mut room = PAGE_BYTES_MAX;
        report.scenarios.iter().try_for_each(|judged| scenario(f, judged, &mut room))
    }
}

fn scenario(f: &mut fmt::Formatter<'_>, judged: &Judged, room: &mut usize) -> fmt::Result {
    let is_shown = |row: &&Row| row.verdict != Verdict::Same;
    let rows: Vec<&Row> = judged.judged().filter(is_shown).collect();
    let notes = notes(judged);
    if rows.is_empty() && notes.is_empty() {
        return Ok(());
    }
    let sign = if judged.is_worse() { "❌ " } else { "" };
    writeln!(f, "\n#### {sign}{}", escaped(&judged.name))?;
    if !rows.is_empty() {
        writeln!(f, "\n| measure | {} |", HEADERS.join(" | "))?;
        writeln!(f, "|---|{}:---|", "---:|".repeat(HEADERS.len() - 1))?;
    }
    for row in rows {
        let (on, off) = if row.verdict == Verdict::Worse { ("**", "**") } else { ("", "") };
        let cells = cells(row).map(|cell| escaped(&cell));
        let cells = cells.map(|it| if it.is_empty() { it } else { format!("{on}{it}{off}") });
        let measure = code(&row.measure).replace('|', "\\|");
        writeln!(f, "| {measure} | {} |", cells.join(" | "))?;
    }
    let cause = cause(judged);
    if !notes.is_empty() || !cause.is_empty() {
        writeln!(f)?;
    }
    notes.iter().try_for_each(|note| writeln!(f, "- {}", escaped(note)))?;
    let mut says = cause.iter();
    says.try_for_each(|(word, says)| writeln!(f, "- {}: {}", escaped(word), code(says)))?;
    let Some(cause) = judged.known_cause() else { return Ok(()) };
    let page = cause.page.show(Look::default()).to_string();
    if page.len() > *room {
        return Ok(());
    }
    *room -= page.len();
    let fence = fence(&page);
    writeln!(f, "\n<details><summary>Facts and reasons of both sides</summary>\n")?;
    writeln!(f, "{fence}text\n{}\n{fence}\n\n</details>", page.trim_end())
}
