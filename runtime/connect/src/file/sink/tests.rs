//! Tests of runs of files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tamis_config::spec::RunLimits;
use tamis_config::template::{Part, Template};

use super::*;
use crate::file::path::STAGING;
use crate::testing::{partition, records};

/// 2023-01-18 and the day after.
const DAY: i64 = 1_674_014_706_789;
const NEXT_DAY: i64 = DAY + 86_400_000;
const RANGE: OffsetRange = OffsetRange { start: 5, next: 90 };

fn spec(root: &Path, compression: Compression) -> FileSinkSpec {
    let literal = Part::Literal("/dt=".to_owned());
    let parts = vec![Part::Topic, literal, Part::Time("%Y-%m-%d".to_owned())];
    FileSinkSpec {
        root: root.to_owned(),
        path: Template { parts },
        format: FileFormat::Ndjson,
        compression,
        run: RunLimits::default(),
        paths_max: 2,
    }
}

fn sink(root: &Path, compression: Compression) -> FileSink {
    let store = FileStore::connect(root, "group").unwrap();
    FileSink::new(&spec(root, compression), 1, &store).unwrap()
}

/// Paths of the files below `folder`, without what is staged when `root` is the root.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        match entry.is_dir() {
            true if entry.ends_with(STAGING) => {}
            true => found.extend(files(&entry)),
            false => found.push(entry),
        }
    }
    found.sort();
    found
}

fn seen(root: &Path) -> Vec<String> {
    let relative = |path: PathBuf| {
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    files(root).into_iter().map(relative).collect()
}

/// How many files are staged.
fn staged(root: &Path) -> usize {
    files(&root.join(STAGING).join("group")).len()
}

/// Where runs of `topic` are staged.
fn staging(root: &Path, topic: &str) -> PathBuf {
    root.join(STAGING).join("group/test").join(topic).join("0")
}

async fn reveal(sink: &FileSink, partition: &Partition, run: &StagedRun) {
    sink.layout.store.reveal(partition, run).await.unwrap();
}

const NAME: &str = "logs-0-00000000000000000005-00000000000000000090.ndjson";

#[tokio::test]
async fn files_are_seen_when_their_run_is_revealed_and_not_before() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, Compression::None);
    for batch in [
        records(&logs, &[(5, DAY, Some(b"a")), (6, NEXT_DAY, Some(b"b"))]),
        records(
            &logs,
            &[(7, DAY, Some(b"")), (8, DAY, Some("中文".as_bytes()))],
        ),
    ] {
        assert_eq!(
            sink.append(&batch).await.unwrap(),
            vec![Verdict::Written; 2]
        );
    }
    assert_eq!(seen(root), [""; 0]);
    let run = sink.stage(&logs, RANGE).await.unwrap().unwrap();
    assert_eq!((seen(root).len(), staged(root)), (0, 3));
    for _ in 0..2 {
        reveal(&sink, &logs, &run).await;
        let names = [
            format!("logs/dt=2023-01-18/{NAME}"),
            format!("logs/dt=2023-01-19/{NAME}"),
        ];
        assert_eq!(seen(root), names);
        assert_eq!(
            fs::read(root.join(&names[0])).unwrap(),
            "a\n\n中文\n".as_bytes()
        );
        assert_eq!(fs::read(root.join(&names[1])).unwrap(), b"b\n");
        assert_eq!(staged(root), 1, "the mark that it was shown");
    }
    sink.layout.store.discard(&logs, &run).await.unwrap();
    assert_eq!((seen(root).len(), staged(root)), (2, 0));
}

#[tokio::test]
async fn another_process_finishes_a_reveal_that_was_broken_off() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut first = sink(root, Compression::None);
    let batch = records(&logs, &[(5, DAY, Some(b"a")), (6, NEXT_DAY, Some(b"b"))]);
    first.append(&batch).await.unwrap();
    let run = first.stage(&logs, RANGE).await.unwrap().unwrap();
    let moved = root.join("logs/dt=2023-01-18").join(NAME);
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    let part = format!("{}-0.part", run.0);
    fs::rename(staging(root, "logs").join(part), moved).unwrap();
    drop(first);

    reveal(&sink(root, Compression::None), &logs, &run).await;
    assert_eq!((seen(root).len(), staged(root)), (2, 1));
}

async fn check_round_trip(compression: Compression, extension: &str, decode: fn(&[u8]) -> Vec<u8>) {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, compression);
    let mut expected = Vec::new();
    // More than one block, and more than a lane may hold in memory.
    let values: Vec<_> = (0..60_000)
        .map(|line| format!("{line:0>width$}", width = 40 + line % 1300))
        .collect();
    for (number, values) in (0_u64..).zip(values.chunks(1000)) {
        let rows: Vec<_> = values
            .iter()
            .map(|v| (number, DAY, Some(v.as_bytes())))
            .collect();
        let verdicts = sink.append(&records(&logs, &rows)).await.unwrap();
        assert_eq!(verdicts, vec![Verdict::Written; 1000]);
        values
            .iter()
            .for_each(|value| expected.extend([value.as_bytes(), b"\n"].concat()));
    }
    let run = sink.stage(&logs, RANGE).await.unwrap().unwrap();
    reveal(&sink, &logs, &run).await;
    let path = root
        .join("logs/dt=2023-01-18")
        .join(NAME)
        .with_extension(extension);
    assert!(
        decode(&fs::read(path).unwrap()) == expected,
        "{compression:?}"
    );
    assert!(expected.len() > HELD_BYTES_MAX);
}

#[tokio::test]
async fn every_compression_gives_back_the_exact_bytes() {
    use std::io::Read as _;
    let gunzip = |bytes: &[u8]| {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes)
            .read_to_end(&mut plain)
            .unwrap();
        plain
    };
    check_round_trip(Compression::None, "ndjson", <[u8]>::to_vec).await;
    check_round_trip(Compression::Gzip(1), "ndjson.gz", gunzip).await;
    check_round_trip(Compression::Zstd(1), "ndjson.zst", |b| {
        zstd::decode_all(b).unwrap()
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_line_is_refused_and_its_neighbours_are_written() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, Compression::None);
    let later = NEXT_DAY + 86_400_000;
    let batch = records(
        &logs,
        &[
            (5, DAY, Some(b"a")),
            (6, DAY, Some(b"two\nlines")),
            (7, DAY, None),
            (8, NEXT_DAY, Some(b"b")),
            (9, later, Some(b"third path")),
            (10, DAY, Some(b"c")),
        ],
    );
    let rejected = |reason: &str| Verdict::Rejected(reason.to_owned());
    let expected = [
        Verdict::Written,
        rejected("its value holds a line feed, which one line cannot"),
        rejected("a tombstone has no line to write"),
        Verdict::Written,
        rejected("its run has 2 paths already, which is paths_max"),
        Verdict::Written,
    ];
    assert_eq!(sink.append(&batch).await.unwrap(), expected);
    let run = sink.stage(&logs, RANGE).await.unwrap().unwrap();
    reveal(&sink, &logs, &run).await;
    assert_eq!(seen(root).len(), 2);
    assert_eq!(
        fs::read(root.join("logs/dt=2023-01-18").join(NAME)).unwrap(),
        b"a\nc\n"
    );

    // The bound is that of a run.
    let batch = records(&logs, &[(9, later, Some(b"third path"))]);
    assert_eq!(sink.append(&batch).await.unwrap(), [Verdict::Written]);
}

#[tokio::test]
async fn an_abandoned_run_leaves_nothing_and_its_neighbours_stay() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs, other) = (root.path(), partition("logs"), partition("other"));
    let mut sink = sink(root, Compression::None);
    let block = vec![b'x'; sink.layout.block_bytes];
    for partition in [&logs, &other, &logs, &other] {
        sink.append(&records(partition, &[(5, DAY, Some(&block))]))
            .await
            .unwrap();
    }
    assert_eq!(staged(root), 2);
    sink.abandon(&logs).await;
    assert_eq!(staged(root), 1);
    assert_eq!(sink.encoder.handles_left, HANDLES_MAX - 1);

    sink.append(&records(&logs, &[(7, DAY, Some(b"again"))]))
        .await
        .unwrap();
    for partition in [&logs, &other] {
        let run = sink.stage(partition, RANGE).await.unwrap().unwrap();
        reveal(&sink, partition, &run).await;
    }
    assert_eq!(
        fs::read(root.join("logs/dt=2023-01-18").join(NAME)).unwrap(),
        b"again\n"
    );
    assert_eq!((seen(root).len(), staged(root)), (2, 2));
    assert_eq!(sink.encoder.handles_left, HANDLES_MAX);
}

#[tokio::test]
async fn a_batch_that_finds_the_disk_gone_is_not_taken() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, Compression::None);
    let block = vec![b'x'; sink.layout.block_bytes];
    sink.append(&records(&logs, &[(5, DAY, Some(&block))]))
        .await
        .unwrap();
    let (staging, away) = (staging(root, "logs"), root.join("away"));
    fs::rename(&staging, &away).unwrap();
    let batch = records(&logs, &[(6, DAY, Some(b"once"))]);
    for _ in 0..2 {
        let error = sink.append(&batch).await.unwrap_err();
        assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
    }
    fs::rename(&away, &staging).unwrap();
    sink.append(&batch).await.unwrap();
    let run = sink.stage(&logs, RANGE).await.unwrap().unwrap();
    reveal(&sink, &logs, &run).await;
    let written = fs::read(root.join("logs/dt=2023-01-18").join(NAME)).unwrap();
    assert!(written == [&block[..], b"\nonce\n"].concat());
}

#[tokio::test]
async fn a_run_is_staged_again_after_the_disk_was_full() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, Compression::Zstd(1));
    sink.append(&records(&logs, &[(5, DAY, Some(b"a"))]))
        .await
        .unwrap();
    let manifest = sink.open[&*logs].manifest();
    symlink("/dev/full", &manifest).unwrap();
    for _ in 0..2 {
        let error = sink.stage(&logs, RANGE).await.unwrap_err();
        assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
    }
    fs::remove_file(&manifest).unwrap();
    let run = sink.stage(&logs, RANGE).await.unwrap().unwrap();
    reveal(&sink, &logs, &run).await;
    let path = root
        .join("logs/dt=2023-01-18")
        .join(NAME)
        .with_extension("ndjson.zst");
    assert_eq!(
        zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap(),
        b"a\n"
    );
}

#[tokio::test]
async fn an_empty_call_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let mut sink = sink(root.path(), Compression::None);
    assert_eq!(sink.append(&Records::default()).await.unwrap(), []);
    sink.abandon(&partition("logs")).await;
    assert!(!root.path().join(STAGING).join("group").exists());
}

#[tokio::test]
async fn a_run_whose_files_were_taken_away_is_not_staged() {
    let root = tempfile::tempdir().unwrap();
    let (root, logs) = (root.path(), partition("logs"));
    let mut sink = sink(root, Compression::None);
    let block = vec![b'x'; sink.layout.block_bytes];
    let batch = records(&logs, &[(5, DAY, Some(&block))]);
    sink.append(&batch).await.unwrap();
    sink.append(&batch).await.unwrap();
    // What the next owner of the partition does.
    for run in sink.layout.store.staged(&logs).await.unwrap() {
        sink.layout.store.discard(&logs, &run).await.unwrap();
    }
    for _ in 0..2 {
        let error = sink.stage(&logs, RANGE).await.unwrap_err();
        assert!(matches!(error, SinkError::Gone(_)), "{error:?}");
    }
    // Neither has the lane room for what comes of other partitions.
    sink.held_bytes = HELD_BYTES_MAX;
    sink.open.values_mut().for_each(|run| {
        let file = &mut run.files[0];
        file.push(b"more");
        file.close(&mut sink.encoder);
    });
    let other = records(&partition("other"), &[(5, DAY, Some(b"a"))]);
    let error = sink.append(&other).await.unwrap_err();
    assert!(matches!(error, SinkError::Gone(_)), "{error:?}");
    sink.abandon(&logs).await;
    sink.append(&other).await.unwrap();
    assert_eq!(staged(root), 0);
    // A disk that is away is waited for.
    fs::rename(root.join(STAGING), root.join("away")).unwrap();
    let error = sink.stage(&partition("other"), RANGE).await.unwrap_err();
    assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
}

#[test]
fn a_root_that_cannot_be_a_folder_stops_with_its_name() {
    let root = tempfile::tempdir().unwrap();
    let taken = root.path().join("file");
    fs::write(&taken, "").unwrap();
    let error = connect(&spec(&taken, Compression::None), 1, "group")
        .err()
        .unwrap();
    let SinkError::Misconfigured(error) = error else {
        panic!("{error:?}")
    };
    assert!(
        error.to_string().contains(taken.to_str().unwrap()),
        "{error}"
    );
    let spec = spec(&root.path().join("new/root"), Compression::None);
    let (sinks, _) = connect(&spec, 3, "group").unwrap();
    assert_eq!(sinks.len(), 3);
}
