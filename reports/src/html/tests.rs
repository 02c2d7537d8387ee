//! Pages as readers and programs take them: parsed, and held to the figures that they were made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time, Usd};
use provisioner_scenarios::results::{ManifestPoint, Results};
use provisioner_scenarios::timeline::Timeline;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;
use roxmltree::{Document, Node};

use super::{run, sweep};
use crate::sweep::{Frame, Reference};
use crate::testing;
use crate::text::decimal;

const HOSTILE: &str = "<script>alert(\"1\")</script> & 'x' \u{1b}[31m";

/// A run of a scenario, and what to make of it.
struct Watched {
    config: SimConfig,
    outcome: Outcome,
    timeline: Timeline,
}

fn watched(file: &str) -> Watched {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios")).join(file);
    let scenario = provisioner_scenarios::load(&path).unwrap().scenario;
    let (config, outcome, timeline) = Timeline::watch(&scenario, Seed(5), 300, None);
    Watched { config, outcome, timeline }
}

impl Watched {
    fn page(&self) -> String {
        let mut seeds = testing::results();
        seeds.manifest.axes.clear();
        seeds.manifest.points.truncate(1);
        seeds.outcomes.retain(|run, _| *run < 2);
        seeds.outcomes.insert(0, self.outcome.clone());
        run::page(&run::Report {
            run: &testing::run(),
            description: HOSTILE,
            config: &self.config,
            outcome: &self.outcome,
            timeline: &self.timeline,
            seeds: &seeds,
            checked: &[],
            remarks: &[HOSTILE.to_owned()],
            commands: &["provisioner report week.toml".to_owned()],
        })
    }
}

fn sweep_page(results: &Results) -> String {
    let reference = Reference::first(results);
    sweep::page(&sweep::Report { results, reference, commands: &[HOSTILE.to_owned()] })
}

/// What is between the body's tags, where everything is closed.
fn body(page: &str) -> &str {
    let (_, rest) = page.split_once("</head>\n").expect("a head");
    rest.strip_suffix("</html>\n").expect("an end")
}

/// The cells of a table by row and column, the first column first.
fn table(page: &Document<'_>, caption: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let tables = page.descendants().filter(|node| node.has_tag_name("table"));
    let of = |node: &Node<'_, '_>| {
        let caption = node.children().find(|child| child.has_tag_name("caption"));
        caption.and_then(|caption| caption.text()).unwrap_or_default().to_owned()
    };
    let mut found = tables.filter(|node| of(node) == caption);
    let found = found.next().unwrap_or_else(|| panic!("no table `{caption}`"));
    let cells = |row: Node<'_, '_>| {
        let cells = row.children().filter(Node::is_element);
        cells.map(|cell| cell.text().unwrap_or_default().trim().to_owned()).collect::<Vec<_>>()
    };
    let mut rows = found.descendants().filter(|node| node.has_tag_name("tr"));
    let header = cells(rows.next().expect("a header"));
    (header, rows.map(cells).collect())
}

/// Whether a cell shows the number, as exactly as it shows any.
fn shows(cell: &str, number: f64) -> bool {
    let cell = cell.split(" ± ").next().unwrap_or_default().trim();
    let decimals = cell.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    decimal(number, decimals) == cell
}

#[test]
fn the_figures_of_a_run_are_those_of_its_json() {
    let watched = watched("quickstart.toml");
    let mut bytes = Vec::new();
    crate::json::write(&testing::run(), &watched.outcome, &[], &mut bytes).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let page = watched.page();
    let page = Document::parse(body(&page)).unwrap();
    let total = |path: &str| json["total"].pointer(path).and_then(|it| it.as_f64()).unwrap();
    let (_, by_use) = table(&page, "Cost by use");
    let (_, by_market) = table(&page, "Cost by market");
    for row in by_use.iter().chain(&by_market) {
        let dollars = total(&format!("/cost_usd/{}", row[0].replace(' ', "_")));
        assert!(shows(&row[1], dollars), "{row:?}: {dollars}");
    }
    let columns = [
        ("What became of the tasks", "tasks", &["submitted", "done", "rerun"][..]),
        ("Launches", "launches", &["ordered", "insufficient_capacity", "price_too_low"]),
    ];
    for (caption, group, names) in columns {
        let (_, rows) = table(&page, caption);
        for (row, measures) in rows.iter().zip(json["worker_types"].as_array().unwrap()) {
            assert_eq!(row[0], measures["name"]);
            for (cell, name) in row[1..].iter().zip(names) {
                let number = measures[group][name].as_f64().unwrap();
                assert!(shows(cell, number), "{row:?}: {name} {number}");
            }
        }
        let sums = rows.last().expect("a total");
        let number = total(&format!("/{group}/{}", names[0]));
        assert!(sums[0] == "total" && shows(&sums[1], number));
    }
    // What is drawn over time comes to the same.
    let (header, spans) = table(&page, "Money spent over time");
    for (column, name) in header.iter().enumerate().skip(1).take(6) {
        let cells = spans.iter().map(|row| row[column].replace(',', "").parse::<f64>().unwrap());
        let (sum, all) = (cells.sum::<f64>(), total(&format!("/cost_usd/{name}")));
        assert!((sum - all).abs() < 0.0051 * spans.len() as f64, "{name}: {sum}, not {all}");
    }
    let so_far = spans.last().and_then(|row| row.last()).expect("a last span");
    assert!(shows(so_far, total("/cost_usd/total")));
}

/// The rows of a Parquet file: texts and numbers by column.
fn rows(frame: &Frame) -> Vec<(BTreeMap<String, String>, BTreeMap<String, f64>)> {
    let file = SerializedFileReader::new(bytes::Bytes::from(frame.parquet())).unwrap();
    let mut all = Vec::new();
    for row in file.get_row_iter(None).unwrap() {
        let (mut names, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for (name, field) in row.unwrap().get_column_iter() {
            match field {
                Field::Str(text) => drop(names.insert(name.clone(), text.clone())),
                Field::Long(number) => drop(numbers.insert(name.clone(), *number as f64)),
                Field::Double(number) => drop(numbers.insert(name.clone(), *number)),
                _ => {}
            }
        }
        all.push((names, numbers));
    }
    all
}

#[test]
fn the_figures_of_a_run_are_those_of_its_parquet() {
    let watched = watched("quickstart.toml");
    let mut results = testing::results();
    results.manifest.points.truncate(1);
    results.manifest.seeds.truncate(1);
    results.outcomes = [(0, watched.outcome.clone())].into();
    let mut parquet = rows(&Frame::worker_types(&results));
    parquet.extend(rows(&Frame::runs(&results)));
    let page = watched.page();
    let page = Document::parse(body(&page)).unwrap();
    let parts = ["spot", "useful", "idle", "boot", "redone", "wasted"];
    let mut compared = 0;
    let mut same = |caption: &str, of: &dyn Fn(&BTreeMap<String, f64>) -> Vec<f64>| {
        let (_, table) = table(&page, caption);
        assert_eq!(table.len(), parquet.len(), "{caption}");
        for (row, (names, numbers)) in table.iter().zip(&parquet) {
            assert_eq!(names.get("worker_type").map_or("total", String::as_str), row[0]);
            for (cell, number) in row[1..].iter().zip(of(numbers)) {
                assert!(shows(cell, number), "{caption}: {row:?}, {number}");
                compared += 1;
            }
        }
    };
    same("Cost by worker type", &|of| {
        let total = of["cost_usd_total"];
        let shares = parts.map(|part| of[&format!("cost_usd_{part}")] / total * 100.0);
        [total, of["cost_per_task_usd"]].into_iter().chain(shares).collect()
    });
    same("What became of the tasks", &|of| {
        ["submitted", "done", "rerun", "expired", "exhausted", "left"]
            .map(|name| of[&format!("tasks_{name}")])
            .into()
    });
    same("Launches", &|of| {
        ["ordered", "insufficient_capacity", "price_too_low", "cancelled", "started", "interrupted"]
            .map(|name| of[&format!("launches_{name}")])
            .into()
    });
    same("Instances", &|of| {
        let shares = [of["utilisation"] * 100.0, of["over_provisioned_h"], of["churn_per_task_h"]];
        [of["instance_h"]].into_iter().chain(shares).collect()
    });
    assert!(compared > 60, "{compared}");
    // What is drawn of the capacity comes to the capacity that was paid for.
    for (name, line) in parquet.iter().zip(&watched.timeline.worker_types) {
        let hours = (line.working.time() + line.booting.time()).as_hours_f64();
        assert!((hours - name.1["capacity_h"]).abs() < 1e-6, "{name:?}");
    }
}

#[test]
fn the_figures_of_a_sweep_are_those_of_its_parquet() {
    let results = testing::results();
    let mut parquet: BTreeMap<(String, String), Vec<BTreeMap<String, f64>>> = BTreeMap::new();
    for (names, numbers) in rows(&Frame::runs(&results)) {
        let point = (names["policy"].clone(), names["bid"].clone());
        parquet.entry(point).or_default().push(numbers);
    }
    let page = sweep_page(&results);
    let page = Document::parse(body(&page)).unwrap();
    let (header, rows) = table(&page, "Points");
    assert_eq!(rows.len(), parquet.len());
    type Of = fn(&BTreeMap<String, f64>) -> f64;
    let measures: [(&str, Of); 7] = [
        ("cost", |of| of["cost_usd_total"]),
        ("wait mean", |of| of["wait_s_mean"]),
        ("wait p95", |of| of["wait_s_p95"]),
        ("useful", |of| of["utilisation"] * 100.0),
        ("launches", |of| of["launches_started"]),
        ("interrupted", |of| of["launches_interrupted"] / of["launches_started"] * 100.0),
        ("undone", |of| of["tasks_submitted"] - of["tasks_done"]),
    ];
    let mean = |runs: &[BTreeMap<String, f64>], of: Of| {
        runs.iter().map(of).sum::<f64>() / runs.len() as f64
    };
    for row in &rows {
        let runs = &parquet[&(row[0].clone(), row[1].clone())];
        for (name, of) in measures {
            let at = header.iter().position(|header| header == name).expect("a column");
            assert!(shows(&row[at], mean(runs, of)), "{row:?}: {name} {}", mean(runs, of));
        }
    }
    let (header, rows) = table(&page, "policy = old, with bid = 2");
    assert_eq!(header[2..4], ["ours".to_owned(), "old".to_owned()]);
    for (row, (name, of)) in rows.iter().zip(measures) {
        let [ours, old] =
            ["ours", "old"].map(|policy| mean(&parquet[&(policy.to_owned(), "2".to_owned())], of));
        assert_eq!(row[0], name);
        assert!(shows(&row[2], ours) && shows(&row[3], old), "{row:?}");
        let sign = if old < ours { "" } else { "+" };
        assert!(row[4].starts_with(sign) && shows(row[4].trim_start_matches('+'), old - ours));
    }
    let (_, rows) = table(&page, "Differences of cost and wait, with 95 % intervals");
    assert_eq!((rows.len(), rows[0][1].split(" ± ").next()), (1, Some("+400.0")));
}

/// What must hold of any page.
fn sound(page: &str) {
    let tree = Document::parse(body(page)).unwrap_or_else(|error| panic!("{error}"));
    let mut ids = BTreeSet::new();
    for id in tree.descendants().filter_map(|node| node.attribute("id")) {
        assert!(ids.insert(id), "`{id}` is twice");
    }
    for svg in tree.descendants().filter(|node| node.tag_name().name() == "svg") {
        let named = svg.attribute("aria-labelledby").expect("a picture says what it is");
        assert!(named.split(' ').all(|id| ids.contains(id)), "{named}");
        let words = svg.children().filter(Node::is_element).take(2).filter_map(|it| it.text());
        assert!(words.filter(|words| !words.trim().is_empty()).count() == 2, "{named}");
    }
    for link in tree.descendants().filter_map(|node| node.attribute("href")) {
        assert!(ids.contains(link.strip_prefix('#').expect("a place on the page")), "{link}");
    }
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    for absent in ["<script", " src=", "url(", "@import", "NaN", "inf,", "\u{1b}"] {
        assert!(!page.contains(absent), "`{absent}`");
    }
    assert!(page.replace("http://www.w3.org/2000/svg", "").find("http").is_none());
}

#[test]
fn pages_are_whole_and_need_nothing_else() {
    for file in ["quickstart.toml", "incidents/type-removed.toml"] {
        sound(&watched(file).page());
    }
    sound(&sweep_page(&testing::results()));
}

#[test]
fn pages_of_nothing_are_whole_too() {
    let mut none = watched("incidents/one-task.toml");
    let empty = |name: &str| provisioner_sim::outcome::Measures {
        name: name.to_owned(),
        ..Default::default()
    };
    none.outcome.total = empty("");
    none.outcome.worker_types.iter_mut().for_each(|it| *it = empty(&it.name));
    let types = none.timeline.worker_types.len();
    none.timeline = Timeline {
        worker_types: vec![Default::default(); types],
        start: none.timeline.start,
        step: none.timeline.step,
        ..Timeline::default()
    };
    sound(&none.page());
    let mut results = testing::results();
    results.outcomes.clear();
    sound(&sweep_page(&results));
    let mut one = testing::results();
    one.manifest.seeds.truncate(1);
    one.manifest.points.truncate(1);
    one.outcomes.retain(|run, _| *run == 0);
    sound(&sweep_page(&one));
}

#[test]
fn hostile_names_are_words() {
    let mut watched = watched("incidents/one-task.toml");
    watched.outcome.worker_types[0].name = HOSTILE.to_owned();
    watched.config.engine.worker_types[0].name = HOSTILE.to_owned();
    let page = watched.page();
    sound(&page);
    let told = HOSTILE.replace('\u{1b}', "\u{fffd}");
    let tree = Document::parse(body(&page)).unwrap();
    let texts: BTreeSet<&str> = tree.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains(told.as_str()));
    let mut results = testing::results();
    results.manifest.experiment = HOSTILE.to_owned();
    results.manifest.axes[0].name = HOSTILE.to_owned();
    results.manifest.axes[0].levels[0] = HOSTILE.to_owned();
    results.manifest.points[0].levels[0] = HOSTILE.to_owned();
    let page = sweep_page(&results);
    sound(&page);
    assert!(page.contains("&lt;script&gt;"));
}

/// As many worker types as wanted, each like one of the quickstart's.
fn crowd(count: usize) -> Watched {
    let mut crowd = watched("quickstart.toml");
    let like = crowd.outcome.worker_types.clone();
    let lines = crowd.timeline.worker_types.clone();
    let types = crowd.config.engine.worker_types.clone();
    (crowd.outcome.worker_types, crowd.timeline.worker_types) = (Vec::new(), Vec::new());
    for index in 0..count {
        let of = index % like.len();
        let mut measures = like[of].clone();
        let long = "ein-sehr-langer-name-".repeat(6);
        let names = ["בדיקות/לינוקס", "🦊🚀/ビルド", long.as_str(), "ci/<b>&amp;|`x`"];
        measures.name = format!("{} {index}", names[index % names.len()]);
        crowd.outcome.worker_types.push(measures);
        crowd.timeline.worker_types.push(lines[of].clone());
        crowd.config.engine.worker_types.push(types[of].clone());
    }
    crowd
}

#[test]
fn of_many_worker_types_the_small_ones_are_drawn_together() {
    let page = crowd(50).page();
    sound(&page);
    let tree = Document::parse(body(&page)).unwrap();
    let queue = tree.descendants().find(|node| node.attribute("id") == Some("queue")).unwrap();
    let titles: Vec<&str> = queue
        .descendants()
        .filter(|node| node.has_tag_name("strong"))
        .filter_map(|node| node.text())
        .collect();
    assert_eq!((titles.len(), titles.last()), (12, Some(&"39 others together")));
    assert!(page.len() < 700_000, "{} bytes", page.len());
    // All of them are in the pictures: capacity is not lost by being small.
    let (_, rows) = table(&tree, "Queue and capacity of 39 others together");
    assert!(rows.iter().any(|row| row[3] != "0.0"), "{rows:?}");
}

#[test]
fn runs_of_an_hour_and_of_ten_years_have_a_readable_axis() {
    for (hours, expected) in [(1, "00:30"), (24 * 365, "Jul"), (24 * 3_650, "2024")] {
        let mut watched = watched("incidents/one-task.toml");
        let length = Duration::from_hours(hours);
        watched.timeline.start = Time::from_ms(1_614_556_800_000);
        watched.timeline.end = watched.timeline.start + length;
        let steps = i64::try_from(watched.timeline.steps()).unwrap();
        watched.timeline.step = Duration::from_ms(length.ms() / steps);
        let page = watched.page();
        sound(&page);
        assert!(page.contains(&format!(">{expected}<")), "{hours} h");
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    assert_eq!(watched("quickstart.toml").page(), watched("quickstart.toml").page());
    assert_eq!(sweep_page(&testing::results()), sweep_page(&testing::results()));
}

#[test]
fn what_an_axis_does_is_told_of_points_that_have_every_level() {
    let mut results = testing::results();
    // A third point, dear, whose counterpart was dropped.
    results.manifest.axes[1].levels.push("9".to_owned());
    let levels = ["ours", "9"].map(str::to_owned).into();
    results.manifest.points.push(ManifestPoint { levels, scenario_hash: "odd".to_owned() });
    let mut dear = results.outcomes[&0].clone();
    dear.total.cost.spot += Usd::from_micros(9_000_000_000);
    results.outcomes.insert(4, dear);
    let page = sweep_page(&results);
    let page = Document::parse(body(&page)).unwrap();
    let (_, rows) = table(&page, "Medians by policy");
    assert!(rows[0][1] == "1" && shows(&rows[0][2], 830.863_664), "{rows:?}");
}

#[test]
fn the_style_sheet_knows_every_colour_of_the_pictures() {
    let page = sweep_page(&many(100)) + &watched("quickstart.toml").page();
    let (style, pictures) = page.split_once("</style>").expect("a style sheet");
    let colours: BTreeSet<&str> = ["fill=\"#", "stroke=\"#"]
        .into_iter()
        .flat_map(|name| pictures.match_indices(name))
        .map(|(at, name)| &pictures[at..at + name.len() + 7])
        .collect();
    assert!(colours.len() > 8, "{colours:?}");
    for colour in colours {
        assert!(style.contains(&format!("svg [{colour}]")), "{colour}");
    }
}

/// Results of so many points of four axes.
fn many(points: usize) -> Results {
    let mut results = testing::results();
    let side = (1_usize..).find(|side| side.pow(4) >= points).expect("a number");
    results.manifest.seeds.truncate(1);
    results.manifest.axes = ["policy", "bid", "patience", "zones"]
        .map(|name| provisioner_scenarios::experiment::Axis {
            name: name.to_owned(),
            given: false,
            levels: (0..side).map(|level| format!("{name} {level}")).collect(),
        })
        .into();
    let like = results.outcomes[&0].clone();
    results.outcomes.clear();
    results.manifest.points = (0..points)
        .map(|index| {
            let level = |axis: u32| index / side.pow(axis) % side;
            let axes = (0..).zip(&results.manifest.axes);
            ManifestPoint {
                levels: axes.map(|(axis, it)| it.levels[level(axis)].clone()).collect(),
                scenario_hash: format!("{index:016x}"),
            }
        })
        .collect();
    for index in 0..points {
        let mut outcome = like.clone();
        let noise = i64::try_from(index * 7_919 % 10_007).expect("a small number");
        outcome.total.cost.spot += Usd::from_micros(noise * 100_000);
        outcome.total.wait.p95 = Duration::from_ms(
            1_000 * (10_100 - noise) + 30_000 * i64::try_from(index % 97).expect("a small number"),
        );
        outcome.decision_digest = format!("{index:016x}");
        results.outcomes.insert(index, outcome);
    }
    results
}

#[test]
fn what_chance_may_explain_is_marked_on_the_page_too() {
    let mut results = testing::results();
    // The other point is dearer, but not with every seed.
    let cost = |results: &mut Results, run: usize, dollars: i64| {
        let outcome = results.outcomes.get_mut(&run).expect("a run");
        outcome.total.cost.spot = Usd::from_micros(dollars * 1_000_000);
    };
    for (run, dollars) in [(0, 100), (1, 110), (2, 99), (3, 113)] {
        cost(&mut results, run, dollars);
    }
    let page = sweep_page(&results);
    let tree = Document::parse(body(&page)).unwrap();
    let (_, rows) = table(&tree, "Points");
    let marks: Vec<&str> = rows.iter().map(|row| row[row.len() - 1].as_str()).collect();
    assert_eq!(marks, ["*", "~"]);
    assert!(page.contains("~ another is, but by no more than chance explains."));
    assert!(page.contains("2 seeds are few"), "too few seeds are told of");
}

#[test]
fn a_page_of_ten_thousand_points_is_no_larger_than_a_photograph() {
    for (points, most) in [(1, 40_000), (100, 200_000), (10_000, 500_000)] {
        let page = sweep_page(&many(points));
        sound(&page);
        assert!(page.len() < most, "{points} points: {} bytes", page.len());
    }
}
