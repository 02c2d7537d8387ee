//! Noise: whatever the bytes, a reader answers; and what is cut is never read as whole.

use proptest::collection::vec;
use proptest::prelude::*;
use provisioner_engine::units::UsdPerHour;
use provisioner_sim::input::Priority;

use super::*;

/// A small sound file of each text format.
const SAMPLES: &[(&str, &str)] = &[
    (
        "t.csv",
        "submitted_ms,duration_ms,queue\n1400000000000,5000,linux\n1400000001000,7000,\"mac,os\"\n",
    ),
    ("m.csv", "project,platform,submit,start,end\r\np,linux,1400000000,1400000005,1400000009\r\n"),
    ("l.csv", "gmt_create,exec_time_seconds,predict_status\n2024-11-15 16:57:50,32.0,SUCCEED\n"),
    ("x.swf", "; UnixStartTime: 1400000000\n1 0 -1 5 1 -1 -1 -1 -1 -1 1 1 1 -1 0 -1 -1 -1\n"),
    (
        "p.tsv",
        "az\ttype\tproduct\tprice\tts\nus-east-1a\tm3.medium\tWindows\t0.1\t2016-02-24T21:10:53Z\n",
    ),
    (
        "p.json",
        "{\"SpotPriceHistory\": [{\"AvailabilityZone\": \"us-east-1a\", \"InstanceType\": \"t\",\n\"ProductDescription\": \"Windows\", \"SpotPrice\": \"0.1\", \"Timestamp\": \"2016-02-24T21:10:53+00:00\"}]}\n",
    ),
    ("g.json", "{\"metadata\": {\"gap_seconds\": 195}, \"data\": [0, 1, 1, 16]}\n"),
    (
        "w.jsonl",
        "{\"env\": \"e\", \"trace\": \"0.json\", \"gap_seconds\": 600, \"start\": 684, \"unavailable\": \"0110\"}\n",
    ),
    (
        "tc.json",
        "{\"status\": {\"taskId\": \"a\", \"provisionerId\": \"p\", \"workerType\": \"w\", \"taskGroupId\": \"g\",\n\"deadline\": \"2026-11-03T10:00:00Z\", \"runs\": [{\"state\": \"completed\", \"reasonCreated\": \"scheduled\", \"scheduled\": \"2026-11-02T10:00:00Z\", \"started\": \"2026-11-02T10:00:00Z\", \"resolved\": \"2026-11-02T10:00:09Z\"}]}}\n",
    ),
    (
        "s.txt",
        "JobID|Submit|Start|End\n1|2026-11-02T10:00:00Z|2026-11-02T10:00:05Z|2026-11-02T10:00:09Z\n",
    ),
    (
        "it.json",
        "{\"InstanceTypes\": [{\"InstanceType\": \"a\", \"SupportedUsageClasses\": [], \"ProcessorInfo\": {\"SupportedArchitectures\": [\"x86_64\"]}, \"VCpuInfo\": {\"DefaultVCpus\": 1}, \"MemoryInfo\": {\"SizeInMiB\": 1}}]}\n",
    ),
    ("f.csv", "0,add,node1\n50,add,node2\n90,remove,node1\n"),
    ("on-demand.us-east-1.tsv", "date\ttype\tod_usd_hr\n2022-06-22\ta1.medium\t0.0255\n"),
    ("it.tsv", "type\tvcpus\tmem_mib\tarch\tgpus\tspot\na1.medium\t1\t2048\tarm64\t0\t1\n"),
    (
        "az.tsv",
        "region\taz\taz_or_azid\ttype\nus-east-1\tuse1-az4\tavailability-zone-id\ta1.medium\n",
    ),
    (
        "ad.json",
        "{\"spot_advisor\": {\"us-east-1\": {\"Linux\": {\"a1.medium\": {\"s\": 56, \"r\": 3}}}}}\n",
    ),
];

fn trace_of(name: &str, bytes: &[u8]) -> Option<(Trace, Findings)> {
    import_from(name, bytes, &Options::default()).ok().map(|found| (found.trace, found.findings))
}

/// Traces of tasks, with ids in range and sorted.
fn task_traces() -> impl Strategy<Value = TaskTrace> {
    let row = (any::<(i64, u8, u8)>(), 0..i64::MAX, any::<i64>(), 0..3_u32, 0..7_usize);
    let near = (1_400_000_000_000..1_400_000_100_000_i64, 0..100_000_i64, 0..3_u32);
    let near = near.prop_map(|(at, ms, queue)| ((at, 0, 5), ms, i64::MAX, queue, 6));
    vec(prop_oneof![row, near], 0..60).prop_map(|rows| {
        let row =
            |((at, _, retries), ms, deadline, queue, priority): ((i64, u8, u8), _, _, _, usize)| {
                TaskRow {
                    submitted: Time::from_ms(at),
                    duration: Duration::from_ms(ms),
                    deadline: Time::from_ms(deadline),
                    queue,
                    priority: Priority::ALL[priority],
                    retries,
                }
            };
        let mut tasks: Vec<_> = rows.into_iter().map(row).collect();
        tasks.sort_by_key(|task| task.submitted);
        let queues = ["a", "b/c", "ü"].map(str::to_owned).to_vec();
        TaskTrace { queues, tasks: tasks.into_iter().collect() }
    })
}

/// Any byte, and more often one that means something.
fn noise_byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(b",\t\n\"-9.{[".as_slice())]
}

fn written(trace: &Trace) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::write(trace, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_samples_are_sound() {
    for (name, text) in SAMPLES {
        let (trace, _) = trace_of(name, text.as_bytes()).expect(name);
        assert!(trace.row_count() > 0, "{name}");
    }
}

/// Cut anywhere, a file is refused, or ends where a shorter file could end: at a line end, or
/// with the warning that there is none. JSON is refused unless only white space is cut.
#[test]
fn no_file_that_was_cut_is_read_as_whole() {
    for (name, text) in SAMPLES {
        for end in 1..text.len() {
            let cut = &text[..end];
            let Some((_, findings)) = trace_of(name, cut.as_bytes()) else {
                continue;
            };
            let whole_lines = cut.ends_with('\n') && !name.ends_with(".json");
            let said = findings.count(NoteKind::NoLineEnd) == 1;
            assert!(whole_lines || said || cut == text.trim_end(), "{name}: {cut:?}");
        }
    }
}

fn read_in_every_format(bytes: &[u8]) {
    for &format in Format::ALL {
        let options = Options { format: Some(format), ..Options::default() };
        let _ = import_from("on-demand.us-east-1.x", bytes, &options);
    }
    let run = Run::Duration("2".into(), Unit::Text);
    let columns = TaskColumns { header: false, ..TaskColumns::of("1".into(), run, Unit::Seconds) };
    let _ = import_from("x", bytes, &Options { columns: Some(columns), ..Options::default() });
    let _ = trace_of("x", bytes);
}

#[test]
fn a_file_of_empty_lines_is_read_or_refused_in_every_format() {
    read_in_every_format(b"\n");
    read_in_every_format(b"\n\r\n\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_or_refused_in_every_format(bytes in vec(any::<u8>(), 0..200)) {
        read_in_every_format(&bytes);
    }

    #[test]
    fn sound_files_with_noise_in_them_are_read_or_refused(
        edits in vec((any::<prop::sample::Index>(), noise_byte(), 0..3_u8), 1..4),
    ) {
        for (name, text) in SAMPLES {
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte, edit) in &edits {
                let at = at.index(bytes.len());
                match edit {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => drop(bytes.drain(at..(at + 3).min(bytes.len()))),
                }
                bytes.push(b'\n');
            }
            if let Some((trace, findings)) = trace_of(name, &bytes) {
                prop_assert_eq!(trace.row_count(), findings.kept, "{}", findings);
                let again = canonical::read("again", written(&trace).as_slice());
                prop_assert_eq!(again.as_ref(), Ok(&trace), "{}", name);
            }
        }
    }

    #[test]
    fn records_of_any_bytes_give_one_task_each(bytes in vec(any::<[u8; 8]>(), 1..50)) {
        let bytes = [bytes.concat(), vec![0; 8]].concat();
        let (trace, findings) = trace_of("firefox-ci.any.dat", &bytes).expect("whole records");
        prop_assert_eq!(trace.row_count(), bytes.len() as u64 / 8);
        prop_assert_eq!(findings.rows, trace.row_count());
    }

    #[test]
    fn tasks_come_back_as_they_were_written(trace in task_traces()) {
        let trace = Trace::Tasks(trace);
        let bytes = written(&trace);
        prop_assert_eq!(canonical::read("trace", bytes.as_slice()), Ok(trace));
        let imported = import_from("trace", bytes.as_slice(), &Options::default());
        let imported = imported.expect("just written");
        prop_assert!(imported.findings.to_string().starts_with("trace: canonical form"));
        prop_assert_eq!(written(&imported.trace), bytes);
    }

    #[test]
    fn equal_tasks_and_queues_are_counted_as_from_a_sorted_list(
        rows in vec((0..3_i64, 0..4_i64, 0..2_u32), 1..900),
    ) {
        let mut at = 1_400_000_000_000;
        let row = |(pause, duration, queue)| {
            // Of three rows two follow at once: instants of all sizes, everywhere in a chunk.
            at += i64::from(pause == 2);
            format!("{at},{duration},{}\n", ["a", "b"][queue as usize])
        };
        let mut rows: Vec<_> = rows.into_iter().map(row).collect();
        let text = format!("submitted_ms,duration_ms,queue\n{}", rows.concat());
        let (trace, found) = trace_of("t.csv", text.as_bytes()).expect("sound");
        let (_, again) = trace_of("t", &written(&trace)).expect("just written");
        let of_queue = |queue: &str| rows.iter().filter(|row| row.ends_with(queue)).count() as u64;
        let mut queues = vec![("a".to_owned(), of_queue("a\n")), ("b".to_owned(), of_queue("b\n"))];
        queues.retain(|(_, rows)| *rows > 0);
        queues.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        rows.sort();
        let equal = rows.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        for findings in [found, again] {
            prop_assert_eq!(findings.count(NoteKind::EqualTask), equal);
            prop_assert_eq!(&findings.group_rows, &queues);
        }
    }

    #[test]
    fn prices_come_back_as_they_were_written(rows in vec((any::<i64>(), 0..2_u32, 0..i64::MAX), 0..60)) {
        let market = |zone: &str| Market {
            zone: zone.to_owned(),
            instance_type: "t".to_owned(),
            product: "Linux/UNIX".to_owned(),
        };
        let row = |(at, market, micros)| PriceRow {
            at: Time::from_ms(at),
            market,
            price: UsdPerHour::from_micros(micros),
        };
        let mut changes: Vec<_> = rows.into_iter().map(row).collect();
        changes.sort_by_key(|row| row.at);
        let trace = Trace::Prices(PriceTrace { markets: ["a", "b"].map(market).to_vec(), changes });
        prop_assert_eq!(canonical::read("trace", written(&trace).as_slice()), Ok(trace));
    }

    #[test]
    fn a_damaged_canonical_file_is_refused(
        trace in task_traces(),
        at: prop::sample::Index,
        byte in 1..=255_u8,
        cut: bool,
    ) {
        let mut bytes = written(&Trace::Tasks(trace));
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= byte;
        }
        prop_assert!(canonical::read("trace", bytes.as_slice()).is_err());
    }
}
