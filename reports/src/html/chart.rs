//! Plots as SVG: the only place that knows the `plotters` crate.
//!
//! A plot has two axes and marks in its own units; several may share a picture. Sizes are in CSS
//! pixels. Colours are those of the light page, one for each [`Tone`]; the style sheet puts others in
//! their place in the dark and nothing else depends on them. Text is set in the page's font: no font
//! file is needed, and widths are estimated.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::markup::escape;
use crate::text::printable;

/// A colour by what it means. Okabe and Ito's, told apart by those who see few colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Ink,
    Muted,
    Grid,
    Blue,
    Sky,
    Orange,
    Purple,
    Red,
}

impl Tone {
    const fn rgb(self) -> RGBColor {
        match self {
            Self::Ink => RGBColor(0x1B, 0x1F, 0x24),
            Self::Muted => RGBColor(0x5A, 0x63, 0x70),
            Self::Grid => RGBColor(0xDD, 0xE1, 0xE6),
            Self::Blue => RGBColor(0x00, 0x72, 0xB2),
            Self::Sky => RGBColor(0x56, 0xB4, 0xE9),
            Self::Orange => RGBColor(0xE6, 0x9F, 0x00),
            Self::Purple => RGBColor(0xCC, 0x79, 0xA7),
            Self::Red => RGBColor(0xD5, 0x5E, 0x00),
        }
    }

    /// Its name in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Ink => "ink",
            Self::Muted => "muted",
            Self::Grid => "grid",
            Self::Blue => "blue",
            Self::Sky => "sky",
            Self::Orange => "orange",
            Self::Purple => "purple",
            Self::Red => "red",
        }
    }
}

/// What is drawn, later ones over earlier ones.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// Between two lines: place, lower and upper end.
    Area(Tone, Vec<(f64, f64, f64)>),
    /// With a width in quarters of a pixel.
    Line(Tone, u32, Vec<(f64, f64)>),
    Dashed(Tone, Vec<(f64, f64)>),
    /// With a radius in tenths of a pixel.
    Dots(Tone, u32, Vec<(f64, f64)>),
    Crosses(Tone, Vec<(f64, f64)>),
    Text {
        tone: Tone,
        at: (f64, f64),
        shift: (i32, i32),
        side: Side,
        words: String,
    },
}

/// On which side of its place a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Right,
    Left,
    Above,
    Below,
}

/// Marks between two axes.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Room for what is written beside it: left, right, top, bottom.
    pub(super) margins: [i32; 4],
    pub(super) marks: Vec<Mark>,
}

/// A picture, and what it is in words.
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) says: String,
    pub(super) width: i32,
    /// Plots from top to bottom, each with its height.
    pub(super) plots: Vec<(i32, Plot)>,
}

/// Units of the drawing for each pixel: lines are placed to a quarter of one.
const SCALE: i32 = 4;
const TEXT: i32 = 12;
/// What the crate divides a font's size by when it writes it down.
const FONT_SIZE_DIVISOR: f64 = 1.24;

/// The width that stands for a dashed line until it is written down.
const DASHED: u32 = 7;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<Axis, Axis>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.place(*value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.start()..self.end()
    }
}

impl Plot {
    pub(super) fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, margins: [52, 12, 10, 22], marks: Vec::new() }
    }

    /// Where on a picture of one plot that is drawn, in cells of so many pixels.
    pub(super) fn pixel(&self, size: (i32, i32), (x, y): (f64, f64), cell: i32) -> (i32, i32) {
        let [left, right, top, bottom] = self.margins;
        let across = self.x.place(x, (left, size.0 - right));
        let down = self.y.place(y, (size.1 - bottom, top));
        (across / cell, down / cell)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Drawn {
        let [left, right, top, bottom] = self.margins.map(|margin| margin * SCALE);
        let mut chart = ChartBuilder::on(canvas);
        chart.margin_left(left).margin_right(right).margin_top(top).margin_bottom(bottom);
        let chart = chart.build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let area = chart.plotting_area();
        for (at, words) in &self.y.ticks {
            let line = [(self.x.start(), *at), (self.x.end(), *at)];
            area.draw(&PathElement::new(line, stroke(Tone::Grid, 3)))?;
            write(area, Tone::Muted, (self.x.start(), *at), (-6, 0), Side::Left, words)?;
        }
        for (at, words) in self.x.ticks.iter().filter(|(_, words)| !words.is_empty()) {
            let place = (*at, self.y.start());
            write(area, Tone::Muted, place, (0, 7), Side::Below, words)?;
        }
        for mark in &self.marks {
            match mark {
                Mark::Area(tone, points) => {
                    let there = points.iter().map(|(x, low, _)| (*x, *low));
                    let back = points.iter().rev().map(|(x, _, high)| (*x, *high));
                    let outline: Vec<_> = there.chain(back).collect();
                    area.draw(&Polygon::new(outline, tone.rgb().filled()))?;
                }
                Mark::Line(tone, width, points) => {
                    area.draw(&PathElement::new(points.clone(), stroke(*tone, *width)))?;
                }
                Mark::Dashed(tone, points) => {
                    area.draw(&PathElement::new(points.clone(), stroke(*tone, DASHED)))?;
                }
                Mark::Dots(tone, radius, points) => {
                    for point in points {
                        area.draw(&Circle::new(*point, dot(*radius), tone.rgb().filled()))?;
                    }
                }
                Mark::Crosses(tone, points) => {
                    for point in points {
                        area.draw(&Cross::new(*point, dot(30), stroke(*tone, 6)))?;
                    }
                }
                Mark::Text { tone, at, shift, side, words } => {
                    write(area, *tone, *at, *shift, *side, words)?;
                }
            }
        }
        Ok(())
    }
}

impl Picture {
    /// As an element of a page, with its words; `id` names it there.
    pub(super) fn svg(&self, id: &str) -> String {
        let Self { title, says, width, plots } = self;
        let height: i32 = plots.iter().map(|(height, _)| height).sum();
        let size = [*width, height].map(|it| u32::try_from(it * SCALE).unwrap_or(1));
        let mut drawn = String::new();
        let root = SVGBackend::with_string(&mut drawn, size.into()).into_drawing_area();
        let mut from = 0;
        for (height, plot) in plots {
            let (_, rest) = root.split_vertically(from * SCALE);
            let (canvas, _) = rest.split_vertically(height * SCALE);
            plot.draw(&canvas).expect("a drawing in memory");
            from += height;
        }
        root.present().expect("a drawing in memory");
        drop(root);
        let marks = drawn.split_once('>').map_or("", |(_, marks)| marks);
        let (title, says, [width, height]) = (escape(title), escape(says), size);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title>\
             <desc id=\"{id}-d\">{says}</desc>{}",
            plain(marks)
        )
    }
}

/// The same without what goes without saying.
fn plain(svg: &str) -> String {
    let dashed = format!("stroke-width=\"{DASHED}\"");
    svg.replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\" stroke-width=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(&dashed, "stroke-width=\"6\" stroke-dasharray=\"20 14\"")
        .replace(" \"/>", "\"/>")
        .replace('\n', "")
}

fn stroke(tone: Tone, width: u32) -> ShapeStyle {
    tone.rgb().stroke_width(width)
}

/// A radius in tenths of a pixel, in units of the drawing.
fn dot(tenths: u32) -> i32 {
    i32::try_from(tenths).unwrap_or(0) * SCALE / 10
}

fn write(
    area: &Area<'_>,
    tone: Tone,
    at: (f64, f64),
    (right, down): (i32, i32),
    side: Side,
    words: &str,
) -> Drawn {
    let (h, v) = match side {
        Side::Right => (HPos::Left, VPos::Center),
        Side::Left => (HPos::Right, VPos::Center),
        Side::Above => (HPos::Center, VPos::Bottom),
        Side::Below => (HPos::Center, VPos::Top),
    };
    let size = f64::from(TEXT * SCALE) * FONT_SIZE_DIVISOR;
    let font = ("sans-serif", size).into_font();
    let style = font.color(&tone.rgb()).pos(Pos::new(h, v));
    let text = Text::new(printable(words), (right * SCALE, down * SCALE), style);
    area.draw(&(EmptyElement::at(at) + text))
}
