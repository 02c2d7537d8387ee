//! Pages as text: escaped words, tables, figures.
//!
//! Every element is closed and every attribute quoted, so that what is between the body's tags is
//! XML too.

use std::fmt::Write;

use super::chart::{Picture, Tone};
use crate::table::Table;
use crate::text::printable;

/// Words as they stand between tags and in attributes.
pub(super) fn escape(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in printable(words).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The same without line breaks between a number and its unit.
fn unbroken(words: &str) -> String {
    let mut whole = String::with_capacity(words.len());
    let mut last = ' ';
    for c in words.chars() {
        whole.push(if c == ' ' && last.is_ascii_digit() { '\u{a0}' } else { c });
        last = c;
    }
    whole
}

/// The body of a page, as it is written.
#[derive(Default)]
pub(super) struct Body {
    html: String,
    /// Ids and titles of the sections.
    sections: Vec<(String, String)>,
    pictures: usize,
}

impl Body {
    /// Begins a section: `name` for the list of contents, `says` what is to be seen.
    pub(super) fn section(&mut self, id: &str, name: &str, says: &str) {
        if !self.sections.is_empty() {
            self.html.push_str("</section>\n");
        }
        self.sections.push((id.to_owned(), name.to_owned()));
        let (name, says) = (escape(name), escape(&unbroken(says)));
        self.add(&format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<p class=\"kicker\">{name}</p>\n\
             <h2 id=\"{id}-h\">{says}</h2>\n"
        ));
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.add(&format!("<p>{}</p>\n", escape(&unbroken(words))));
    }

    /// What colours mean.
    pub(super) fn key(&mut self, key: &[(Tone, &str)]) {
        let entry = |(tone, words): &(Tone, &str)| {
            format!("<li><span class=\"swatch {}\"></span>{}</li>", tone.class(), escape(words))
        };
        self.add(&format!(
            "<ul class=\"key\">{}</ul>\n",
            key.iter().map(entry).collect::<String>()
        ));
    }

    /// Small lines of the same kind.
    pub(super) fn list(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let line = |line: &String| format!("<li>{}</li>\n", escape(line));
        let lines: String = lines.iter().map(line).collect();
        self.add(&format!("<ul class=\"notes\">\n{lines}</ul>\n"));
    }

    /// Pictures side by side where there is room, each below its title.
    pub(super) fn pictures(&mut self, pictures: &[(Picture, String)], class: &str) {
        self.add(&format!("<div class=\"pictures {class}\">\n"));
        for (picture, unit) in pictures {
            self.pictures += 1;
            let svg = picture.svg(&format!("p{}", self.pictures));
            let (title, unit) = (escape(&picture.title), escape(unit));
            self.add(&format!(
                "<figure><figcaption><strong>{title}</strong> <span>{unit}</span></figcaption>\
                 {svg}</figure>\n"
            ));
        }
        self.add("</div>\n");
    }

    /// A table with its caption. The first column, called `names`, says what a row is of.
    pub(super) fn table(&mut self, caption: &str, names: &str, table: &Table<'_>) {
        self.table_of("figures", 0, caption, names, table);
    }

    /// The same, its last column words.
    pub(super) fn prose(&mut self, caption: &str, names: &str, table: &Table<'_>) {
        self.table_of("prose", 0, caption, names, table);
    }

    /// The same, so many of its columns after the first words.
    pub(super) fn words(&mut self, words: usize, caption: &str, names: &str, table: &Table<'_>) {
        self.table_of("figures", words, caption, names, table);
    }

    fn table_of(
        &mut self,
        class: &str,
        words: usize,
        caption: &str,
        names: &str,
        table: &Table<'_>,
    ) {
        let class_of = |column: usize| if column < words { " class=\"word\"" } else { "" };
        let mut html = String::new();
        let label = escape(caption);
        let mut put = |text: std::fmt::Arguments<'_>| html.write_fmt(text).expect("a text");
        put(format_args!("<section class=\"scroll\" tabindex=\"0\" aria-label=\"{label}\">"));
        put(format_args!("<table class=\"{class}\">\n<caption>{label}</caption>\n<thead><tr>"));
        put(format_args!("<th scope=\"col\">{}</th>", escape(names)));
        for (column, (header, unit)) in table.columns.iter().enumerate() {
            let class = class_of(column);
            let unit = if unit.is_empty() {
                String::new()
            } else {
                format!(" <span class=\"unit\">{}</span>", escape(unit))
            };
            put(format_args!("<th scope=\"col\"{class}>{}{unit}</th>", escape(header)));
        }
        put(format_args!("</tr></thead>\n<tbody>\n"));
        for (index, (name, cells)) in table.rows.iter().enumerate() {
            let is_sum = table.sums && index + 1 == table.rows.len();
            let class = if is_sum { " class=\"sum\"" } else { "" };
            put(format_args!("<tr{class}><th scope=\"row\">{}</th>", escape(name)));
            for (column, cell) in cells.iter().enumerate() {
                put(format_args!("<td{}>{}</td>", class_of(column), escape(cell)));
            }
            put(format_args!("</tr>\n"));
        }
        put(format_args!("</tbody></table></section>\n"));
        self.add(&html);
    }

    /// Tables side by side where there is room.
    pub(super) fn beside(&mut self, inside: impl FnOnce(&mut Self)) {
        self.add("<div class=\"beside\">\n");
        inside(self);
        self.add("</div>\n");
    }

    /// What is folded away until somebody asks.
    pub(super) fn folded(&mut self, summary: &str, inside: impl FnOnce(&mut Self)) {
        self.add(&format!("<details><summary>{}</summary>\n", escape(summary)));
        inside(self);
        self.add("</details>\n");
    }

    /// Commands to copy.
    pub(super) fn commands(&mut self, commands: &[String]) {
        for command in commands {
            self.add(&format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(command)));
        }
    }

    /// Names and values.
    pub(super) fn facts(&mut self, class: &str, facts: &[(&str, String)]) {
        let fact = |(name, value): &(&str, String)| {
            format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
        };
        let facts: String = facts.iter().map(fact).collect();
        self.add(&format!("<dl class=\"{class}\">\n{facts}</dl>\n"));
    }

    fn add(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// The whole page, under its title.
    pub(super) fn page(
        mut self,
        title: &str,
        about: &str,
        lede: &[String],
        facts: &[(&str, String)],
    ) -> String {
        if !self.sections.is_empty() {
            self.html.push_str("</section>\n");
        }
        let mut head = Self::default();
        head.facts("headline", facts);
        let paragraph =
            |words: &String| format!("<p class=\"lede\">{}</p>\n", escape(&unbroken(words)));
        let lede: String = lede.iter().map(paragraph).collect();
        let link = |(id, name): &(String, String)| {
            format!("<li><a href=\"#{id}\">{}</a></li>", escape(name))
        };
        let contents: String = self.sections.iter().map(link).collect();
        let (title, about) = (escape(title), escape(about));
        let about = if about.is_empty() {
            String::new()
        } else {
            format!("<p class=\"about\">{about}</p>\n")
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<header>\n<h1>{title}</h1>\n{about}{lede}{}</header>\n\
             <nav aria-label=\"On this page\"><ul>{contents}</ul></nav>\n\
             <main>\n{}</main>\n</body>\n</html>\n",
            head.html, self.html
        )
    }
}

const STYLE: &str = include_str!("page.css");
