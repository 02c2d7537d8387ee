//! Runs in, files out; whatever happens in between.

use std::fs::{self, OpenOptions};
use std::io::Write;

use proptest::prelude::*;

use super::*;

const COMMIT: &str = "1c798b7aa012";

/// Two points with three seeds.
fn manifest(shard: Option<&str>) -> Manifest {
    let axis = |levels: &[&str]| Axis {
        name: "policy".to_owned(),
        given: false,
        levels: levels.iter().map(|level| (*level).to_owned()).collect(),
    };
    let point = |level: &str| ManifestPoint {
        levels: vec![level.to_owned()],
        scenario_hash: level.to_owned(),
    };
    Manifest {
        format: RESULTS_FORMAT,
        outcome: OUTCOME_VERSION,
        experiment: "bids".to_owned(),
        hash: "00aa11bb22cc33dd".to_owned(),
        commit: COMMIT.to_owned(),
        axes: vec![axis(&["new", "old"])],
        seeds: vec![1, 2, 3],
        points: vec![point("new"), point("old")],
        shard: shard.map(|shard| shard.parse().expect("a part")),
    }
}

/// What a run came to: any outcome, as long as each run has another.
fn outcome(run: usize) -> Outcome {
    let mut outcome = Outcome { version: OUTCOME_VERSION, ..Outcome::default() };
    outcome.events = run as u64 * 1_000;
    outcome.largest_pool_share = 1.0 / (run as f64 + 3.0);
    outcome
}

/// Adds these of the runs that are not there, and says how many were.
fn add(path: &Path, manifest: &Manifest, runs: impl IntoIterator<Item = usize>) -> usize {
    let folder = Folder::open(path, manifest).expect("a folder of ours");
    let missing = runs.into_iter().filter(|run| !folder.done().contains_key(run));
    missing.for_each(|run| folder.add(run, &outcome(run)).expect("space"));
    folder.done().len()
}

fn finish(path: &Path, manifest: &Manifest) -> Results {
    add(path, manifest, manifest.runs());
    Folder::open(path, manifest).expect("a folder of ours").finish().expect("space")
}

fn bytes(path: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("a name of ours");
        (name, fs::read(entry.path()).expect("a file"))
    };
    let mut files: Vec<_> = entries.map(read).collect();
    files.sort();
    files
}

/// What is said when the folder is opened for this; nothing in it changes.
fn refused(path: &Path, manifest: &Manifest) -> String {
    let before = bytes(path);
    let said = Folder::open(path, manifest).expect_err("not ours").to_string();
    assert_eq!(bytes(path), before, "a refused folder was changed");
    said.replace(&path.display().to_string(), "FOLDER")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_cut_off_and_in_whatever_order_the_bytes_are_the_same(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        kills in prop::collection::vec((0..6_usize, any::<prop::sample::Index>()), 0..4),
    ) {
        let (calm, rough) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let manifest = manifest(None);
        finish(calm.path(), &manifest);
        for (runs, cut) in kills {
            let done = add(rough.path(), &manifest, order.iter().copied().take(runs));
            // The process dies while it writes another line.
            let lost = serde_json::to_string(&outcome(0)).unwrap();
            let lost = &lost[..cut.index(lost.len())];
            let mut log = OpenOptions::new().append(true).open(rough.path().join("outcomes.jsonl")).unwrap();
            log.write_all(lost.as_bytes()).unwrap();
            let kept = Folder::open(rough.path(), &manifest).unwrap();
            prop_assert_eq!(kept.done().len(), done.max(runs), "a whole run was lost");
        }
        let results = finish(rough.path(), &manifest);
        prop_assert_eq!(bytes(rough.path()), bytes(calm.path()));
        prop_assert_eq!(results.outcomes[&5].clone(), outcome(5), "as it was, to the bit");
    }
}

#[test]
fn parts_join_to_the_bytes_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    finish(&at("whole"), &manifest(None));
    let parts: Vec<PathBuf> =
        ["3/3", "1/3", "2/3"].iter().map(|shard| at(&shard.replace('/', "-"))).collect();
    for (shard, path) in ["3/3", "1/3", "2/3"].iter().zip(&parts) {
        assert_eq!(finish(path, &manifest(Some(shard))).outcomes.len(), 2);
    }
    let merged = Results::merge(&parts).unwrap();
    add(&at("merged"), &merged.manifest, []);
    finish(&at("merged"), &merged.manifest);
    assert_eq!(bytes(&at("merged")), bytes(&at("whole")));
    assert_eq!(Results::merge(&[at("whole")]).unwrap(), merged);
}

#[test]
fn parts_that_are_no_whole_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let said = |parts: &[&str]| {
        let parts: Vec<PathBuf> = parts.iter().map(|part| at(part)).collect();
        let error = Results::merge(&parts).expect_err("no whole").to_string();
        error.replace(&folder.path().display().to_string(), "")
    };
    finish(&at("a"), &manifest(Some("1/3")));
    finish(&at("b"), &manifest(Some("2/3")));
    assert_eq!(
        said(&["a", "b"]),
        "error: 2 runs are missing\nhint: name all parts; not there: 3/3"
    );
    add(&at("c"), &manifest(Some("3/3")), [2]);
    assert_eq!(
        said(&["a", "b", "c"]),
        "error: `/c` lacks 1 of 2 runs\nhint: run its sweep again: it goes on where it stopped"
    );
    finish(&at("d"), &Manifest { commit: "b676391c9f21".to_owned(), ..manifest(Some("3/3")) });
    assert!(
        said(&["a", "d"])
            .starts_with("error: `/d` holds results by commit b676391c9f21, not 1c798b7aa012\n")
    );
    let log = fs::read_to_string(at("a").join("outcomes.jsonl")).unwrap();
    fs::create_dir(at("e")).unwrap();
    fs::copy(at("a").join("experiment.json"), at("e").join("experiment.json")).unwrap();
    fs::write(at("e").join("outcomes.jsonl"), log.replace("\"events\":3000", "\"events\":3001"))
        .unwrap();
    assert!(
        said(&["a", "e"])
            .starts_with("error: `/e` has another outcome of run 3 than a part before it\n")
    );
    assert!(said(&["nowhere"]).starts_with("error: `/nowhere` holds no results of a sweep"));
}

#[test]
fn results_of_anything_else_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ours) = (folder.path(), manifest(None));
    add(path, &ours, [0, 4]);
    let hint = "\nhint: name another folder with --output";
    let other = Manifest { hash: "1".repeat(16), experiment: "week".to_owned(), ..ours.clone() };
    assert_eq!(
        refused(path, &other),
        format!(
            "error: `FOLDER` holds results of another experiment: bids 00aa11bb22cc33dd, not week \
             1111111111111111{hint}"
        )
    );
    let other = Manifest { commit: "b676391c9f21".to_owned(), ..ours.clone() };
    assert_eq!(
        refused(path, &other),
        format!("error: `FOLDER` holds results by commit {COMMIT}, not b676391c9f21{hint}")
    );
    assert_eq!(
        refused(path, &manifest(Some("1/2"))),
        format!("error: `FOLDER` holds results of the whole, not of part 1/2{hint}")
    );
    let json = fs::read_to_string(path.join("experiment.json")).unwrap();
    fs::write(path.join("experiment.json"), json.replace("\"format\": 1", "\"format\": 2"))
        .unwrap();
    assert_eq!(
        refused(path, &ours),
        "error: `FOLDER` holds results of format 2.1; this program's is 1.1\n\
         hint: use the program that made it, or sweep again"
    );
    fs::write(path.join("experiment.json"), &json[..40]).unwrap();
    assert!(refused(path, &ours).starts_with("error: `FOLDER/experiment.json` is damaged: EOF"));
    fs::write(path.join("experiment.json"), json).unwrap();
    assert_eq!(add(path, &ours, []), 2, "nothing was lost");
}

#[test]
fn a_damaged_line_and_a_folder_of_other_things_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ours) = (folder.path(), manifest(None));
    fs::write(path.join("thesis.tex"), "years of work").unwrap();
    assert_eq!(
        refused(path, &ours),
        "error: `FOLDER` holds files, but no results of a sweep\n\
         hint: name another folder with --output"
    );
    fs::remove_file(path.join("thesis.tex")).unwrap();
    add(path, &ours, [3, 1]);
    let log = fs::read_to_string(path.join("outcomes.jsonl")).unwrap();
    for (from, to, said) in [
        ("\"events\":3000", "\"events\":-1", "is damaged at line 1: invalid value"),
        ("\"run\":1", "\"run\":9", "is damaged at line 2: run 9 does not belong here"),
        ("\"run\":1", "\"run\":3", "is damaged at line 2: run 3 is there twice"),
    ] {
        fs::write(path.join("outcomes.jsonl"), log.replace(from, to)).unwrap();
        let told = refused(path, &ours);
        assert!(told.contains(said) && told.contains("delete that line"), "{told}");
    }
}

#[test]
fn two_processes_do_not_fill_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Folder::open(folder.path(), &manifest(None)).unwrap();
    assert!(
        refused(folder.path(), &manifest(None)).starts_with("error: another process writes to")
    );
    drop(first);
    assert_eq!(add(folder.path(), &manifest(None), [1]), 0);
}

#[test]
fn results_stand_beside_one_another_if_their_points_are_equal() {
    let results = |manifest: Manifest| {
        let outcomes = manifest.runs().map(|run| (run, outcome(run))).collect();
        Results { manifest, outcomes }
    };
    let (a, b) = (results(manifest(None)), results(manifest(None)));
    let both = Results::beside(vec![("a".to_owned(), a.clone()), ("b".to_owned(), b)]).unwrap();
    let levels: Vec<_> = both.manifest.points.iter().map(|point| point.levels.join(" ")).collect();
    assert_eq!(levels, ["a new", "a old", "b new", "b old"]);
    assert_eq!((both.missing(), both.outcomes[&6].clone()), (0, outcome(0)));
    let other = results(Manifest { seeds: vec![1, 2], ..manifest(None) });
    let refused = Results::beside(vec![("a".to_owned(), a), ("c".to_owned(), other)]).unwrap_err();
    assert!(refused.to_string().starts_with("error: `c` has other points or seeds than `a`"));
}

#[test]
fn what_a_killed_process_left_unnamed_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".experiment.json.x1.tmp", ".runs.csv.x2.tmp"] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    add(folder.path(), &manifest(None), [1]);
    fs::write(folder.path().join("notes.md"), "mine").unwrap();
    finish(folder.path(), &manifest(None));
    let names: Vec<String> = bytes(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["experiment.json", "notes.md", "outcomes.jsonl"]);
}
