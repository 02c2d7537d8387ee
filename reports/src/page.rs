//! A page of an explanation: sections of timed lines and tables, for people as text and for
//! programs as JSON.

use std::fmt;

use provisioner_engine::units::Time;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Map, Value, json};

use crate::table::Table;
use crate::text::printable;
use crate::{Look, show_time};

/// An explanation.
#[derive(Default)]
pub struct Page {
    sections: Vec<Section>,
}

/// A part of it, under its title.
#[derive(Default)]
pub(crate) struct Section {
    title: String,
    lines: Vec<Line>,
    table: Option<Table<'static>>,
}

struct Line {
    at: Option<Time>,
    says: String,
}

impl Page {
    /// Under a title; the first one is the page's.
    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// The page as text.
    #[must_use]
    pub fn show(&self, look: Look) -> impl fmt::Display + '_ {
        Shown { page: self, look }
    }
}

impl Section {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A line without a time.
    pub(crate) fn say(&mut self, says: impl AsRef<str>) {
        self.lines.push(Line { at: None, says: printable(says.as_ref()) });
    }

    /// What was at that time.
    pub(crate) fn tell(&mut self, at: Time, says: impl AsRef<str>) {
        self.lines.push(Line { at: Some(at), says: printable(says.as_ref()) });
    }

    /// Lines in order, the first `most` of them.
    pub(crate) fn list(&mut self, lines: impl IntoIterator<Item = String>, most: usize) {
        let mut lines = lines.into_iter();
        lines.by_ref().take(most).for_each(|line| self.say(line));
        match lines.count() {
            0 => {}
            more => self.say(format!("and {more} more")),
        }
    }

    /// A table below the lines.
    pub(crate) fn set(mut self, table: Table<'static>) -> Self {
        self.table = Some(table);
        self
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.table.is_none()
    }
}

struct Shown<'a> {
    page: &'a Page,
    look: Look,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bold, _, off) = self.look.codes();
        for (index, section) in self.page.sections.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{bold}{}{off}", printable(&section.title))?;
            let times = section.lines.iter().filter_map(|line| line.at);
            let width = times.map(|at| show_time(at).len() + 2).max().unwrap_or(0);
            let mut last = None;
            for Line { at, says } in &section.lines {
                let time = at.filter(|_| *at != last).map(show_time).unwrap_or_default();
                last = at.or(last);
                writeln!(f, "  {time:width$}{says}")?;
            }
            if let Some(table) = &section.table {
                let mut text = String::new();
                Table::render_all(std::slice::from_ref(table), self.look, &mut text)?;
                writeln!(f, "{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let section = |section: &Section| {
            let lines: Vec<Value> = section.lines.iter().map(line).collect();
            let rows = section.table.as_ref().map(rows).unwrap_or_default();
            json!({ "title": section.title, "lines": lines, "rows": rows })
        };
        let sections: Vec<Value> = self.sections.iter().map(section).collect();
        let mut page = serializer.serialize_struct("Page", 2)?;
        page.serialize_field("page", &PAGE_VERSION)?;
        page.serialize_field("sections", &sections)?;
        page.end()
    }
}

/// The form of a page as JSON.
const PAGE_VERSION: u32 = 1;

fn line(Line { at, says }: &Line) -> Value {
    json!({ "at": at.map(show_time), "says": says })
}

/// A table's rows, cells by their column's header and unit.
fn rows(table: &Table<'_>) -> Vec<Value> {
    let row = |(name, cells): &(String, Vec<String>)| {
        let key = |(header, unit): &(&str, &str)| match (*header, *unit) {
            (header, "") => header.to_owned(),
            (header, unit) => format!("{header} ({unit})"),
        };
        let cells = table.columns.iter().map(key).zip(cells.iter().map(|it| it.clone().into()));
        let cells: Map<String, Value> = cells.collect();
        json!({ "name": name, "cells": cells })
    };
    table.rows.iter().map(row).collect()
}
