//! What an experiment file says, before any scenario is made of it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::points::{self, Made, Where, Workshop};
use super::range::Texts;
use super::schema::{self, Document, TuneDoc};
use super::{Axis, Point};
use crate::Scenario;
use crate::file::{Fragment, Issues, Place, Source, read_parsed};
use crate::suite::{Journals, TermsDoc};

/// An experiment file that is right in itself; scenarios are made of it as they are asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The file's name without extension.
    pub(crate) name: String,
    pub(crate) axes: Vec<Axis>,
    /// Where each axis stands.
    pub(crate) places: Vec<Place>,
    pub(crate) seeds: RangeInclusive<u64>,
    /// Where it says how many.
    pub(crate) seeds_place: Place,
    pub(crate) tune: Option<TuneDoc>,
    source: Arc<Source>,
    drops: Vec<Where>,
    terms: TermsDoc,
    overrides: Vec<Where>,
    workshop: Workshop,
}

impl Plan {
    pub(crate) fn read(source: &Arc<Source>) -> Result<Self, Issues> {
        with_document(source, |document| {
            let mut issues = points::clashes(&document.axes);
            let drops = points::drops(document, &mut issues);
            let overrides = points::overrides(document, &mut issues);
            if !issues.is_empty() {
                return Err(issues.into());
            }
            let axes = document.axes.iter().map(|axis| Axis {
                name: axis.name.clone(),
                given: axis.given,
                levels: axis.levels.iter().map(|level| level.name.clone()).collect(),
            });
            Ok(Self {
                name: source.stem(),
                axes: axes.collect(),
                places: document.axes.iter().map(|axis| axis.place.clone()).collect(),
                seeds: document.seeds.clone(),
                seeds_place: document.seeds_place.clone(),
                tune: document.tune.clone(),
                source: Arc::clone(source),
                drops,
                terms: document.terms.clone(),
                overrides,
                workshop: Workshop::new(),
            })
        })
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.source, None)
    }

    /// All points there are, and remarks about their inputs.
    pub(super) fn points(&mut self) -> Result<(Vec<Point>, Vec<String>), Issues> {
        let source = Arc::clone(&self.source);
        with_document(&source, |document| {
            let all = points::combinations(document, &self.drops, &source)?;
            points::used(&self.overrides, &all)?;
            let each: Vec<Vec<_>> =
                all.iter().map(|levels| levels.iter().copied().map(Some).collect()).collect();
            let (scenarios, remarks) =
                self.workshop.make(document, (&source, &self.name), &each)?;
            let point = |(levels, scenario): (Vec<usize>, Scenario)| {
                let terms = self.terms.of(|nth| self.overrides[nth].takes(&levels));
                Point { levels, scenario, terms }
            };
            let points: Vec<Point> = all.into_iter().zip(scenarios).map(point).collect();
            points::twins(&document.axes, &points)?;
            Ok((points, remarks))
        })
    }

    /// All files that were read for the scenarios that were made.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.workshop.files.iter().cloned().collect()
    }

    /// What is left out.
    pub(crate) fn drops(&self) -> &[Where] {
        &self.drops
    }

    /// Of how many of the seeds, from the first on, a baseline keeps journals.
    pub(super) fn journals(&self) -> usize {
        match self.terms.journals {
            Journals::First => 1,
            Journals::All => self.seeds.clone().count(),
            Journals::None => 0,
        }
    }

    /// A scenario for each of these combinations; an axis without a level says nothing.
    pub(crate) fn make(&mut self, all: &[Vec<Option<usize>>]) -> Result<Made, Issues> {
        let source = Arc::clone(&self.source);
        with_document(&source, |document| self.workshop.make(document, (&source, &self.name), all))
    }

    /// What levels set, as a scenario file in that folder.
    pub(crate) fn text(&self, levels: &[Option<usize>], folder: &Path) -> Result<String, Issues> {
        with_document(&self.source, |document| {
            let set = document.axes.iter().zip(levels);
            let set = set.filter_map(|(axis, level)| Some(&axis.levels[(*level)?]));
            Ok(points::text(document, &set.collect::<Vec<_>>(), folder))
        })
    }

    /// The first key of that top-level section that an axis sets, and where.
    pub(crate) fn sets(&self, axis: usize, section: &str) -> Option<(String, Place)> {
        let found = with_document(&self.source, |document| {
            let fragments = document.axes[axis].levels.iter().filter_map(|level| level.keys());
            let mut paths = fragments.flat_map(Fragment::paths);
            Ok(paths.find(|(path, _)| path.split('.').next() == Some(section)))
        });
        found.ok().flatten()
    }
}

fn with_document<T>(
    source: &Arc<Source>,
    read: impl FnOnce(&Document<'_>) -> Result<T, Issues>,
) -> Result<T, Issues> {
    let (table, texts) = (source.parse()?, Texts::default());
    read(&read_parsed(source, &table, |s| schema::document(s, &texts))?)
}
