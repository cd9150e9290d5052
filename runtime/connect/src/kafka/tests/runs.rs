//! Files that each record is in once, whatever the cluster does meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::mocking::MockCoordinator;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tamis_config::spec::{Compression, FileFormat, FileSinkSpec, Secret};
use tamis_config::template::{Part, Template};
use tamis_core::source::SourceError;
use tamis_core::{Destination, PipelineError, RunLimits};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, Running, TOPIC, WAIT, start_into};
use super::store::Store;
use crate::file::sink;

/// Records of a partition before the trouble, and as many while it lasts.
const HALF: usize = 300;
const PARTITIONS: i32 = 2;

/// Files below `root`.
fn archive(root: &Path) -> Destination {
    let spec = FileSinkSpec {
        root: root.to_owned(),
        path: Template {
            parts: vec![Part::Topic],
        },
        format: FileFormat::Ndjson,
        compression: Compression::None,
        run: tamis_config::spec::RunLimits::default(),
        paths_max: 1,
    };
    let (sinks, store) = sink::connect(&spec, 2, "group").unwrap();
    let limits = RunLimits {
        bytes_max: 1 << 20,
        records_max: 50,
        age_max: Duration::from_millis(100),
    };
    Destination::Runs(sinks, store, limits)
}

/// A pipeline from the topic into files below `root`.
fn start(cluster: &Cluster, root: &Path) -> Running {
    let mut spec = cluster.spec();
    // How long a request waits for its answer.
    let timeout = ("socket.timeout.ms".to_owned(), Secret::new("3000"));
    spec.properties.extend([timeout]);
    start_into(&spec, archive(root), &Arc::new(Store::with_room(0)))
}

/// Files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines that can be seen, in the order of the files' names.
fn lines(root: &Path) -> Vec<String> {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let files = files(&root.join(TOPIC)).into_iter().map(read);
    let lines = files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.collect()
}

/// What is left in staging, but for the name of the store.
fn staged(root: &Path) -> Vec<String> {
    let mut staged = files(&root.join(".staging"));
    staged.retain(|path| !path.ends_with("store"));
    staged
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < 3 * WAIT, "waited in vain until {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Each partition's records of `fill(name, HALF)` for these names, in order.
fn expected(names: &[&str]) -> Vec<String> {
    let record = |partition: i32, name: &str, index: usize| format!("{name} {partition} {index}");
    let partitions = (0..PARTITIONS).flat_map(|partition| {
        names
            .iter()
            .flat_map(move |name| (0..HALF).map(move |index| record(partition, name, index)))
    });
    partitions.collect()
}

/// Records flow while `trouble` begins; when it is over, each of them is in the files once.
async fn check(brokers: i32, trouble: impl Fn(&Cluster), over: impl Fn(&Cluster)) {
    let (cluster, root) = (Cluster::of(brokers, PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    cluster.fill("a", HALF);
    let running = start(&cluster, root);
    until("the first files are seen", || !lines(root).is_empty()).await;
    trouble(&cluster);
    cluster.fill("b", HALF);
    sleep(Duration::from_secs(1)).await;
    over(&cluster);
    let all = expected(&["a", "b"]);
    until("all records are seen", || lines(root).len() >= all.len()).await;
    running.stop().await;
    assert_eq!(lines(root), all);
    assert_eq!(staged(root), [""; 0]);
    let end = i64::try_from(2 * HALF).unwrap();
    assert_eq!(
        cluster.committed(),
        BTreeMap::from([(0, end), (1, end)]),
        "all is committed"
    );
    assert_eq!(cluster.metadata(), ["", ""], "no run is named any more");
}

fn nothing(_: &Cluster) {}

#[tokio::test(flavor = "multi_thread")]
async fn coordinators_and_leaders_may_move() {
    let coordinator = |broker| {
        move |cluster: &Cluster| {
            let group = MockCoordinator::Group("group".to_owned());
            cluster.mock.coordinator(group, broker).unwrap();
        }
    };
    let leader = |broker| {
        move |cluster: &Cluster| {
            for partition in 0..PARTITIONS {
                let moved = cluster
                    .mock
                    .partition_leader(TOPIC, partition, Some(broker));
                moved.unwrap();
            }
        }
    };
    tokio::join!(
        check(3, coordinator(2), coordinator(3)),
        check(3, leader(3), leader(2)),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_fail_are_made_again() {
    use RDKafkaRespErr as Code;
    let errors = [
        Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        // The connection breaks: nobody knows whether it was done.
        Code::RD_KAFKA_RESP_ERR__TRANSPORT,
        Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    ];
    let fail = |cluster: &Cluster| {
        let key = RDKafkaApiKey::OffsetCommit;
        cluster.mock.request_errors(key, &errors);
    };
    let fail_read_back = |cluster: &Cluster| {
        let key = RDKafkaApiKey::OffsetFetch;
        cluster.mock.request_errors(key, &errors);
    };
    tokio::join!(check(1, fail, nothing), check(1, fail_read_back, nothing));
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_that_fail_and_slow_networks_change_nothing() {
    use RDKafkaRespErr as Code;
    let errors = [
        Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        Code::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        Code::RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    let fail = |cluster: &Cluster| cluster.mock.request_errors(RDKafkaApiKey::Fetch, &errors);
    let delay = |delay_ms| {
        move |cluster: &Cluster| {
            let delay = Duration::from_millis(delay_ms);
            cluster.mock.broker_round_trip_time(1, delay).unwrap();
        }
    };
    let down = |cluster: &Cluster| cluster.mock.broker_down(1).unwrap();
    let up = |cluster: &Cluster| cluster.mock.broker_up(1).unwrap();
    // Producing needs the broker, too: in the third case it comes back before.
    let down_and_up = |cluster: &Cluster| {
        down(cluster);
        up(cluster);
    };
    tokio::join!(
        check(1, fail, nothing),
        check(1, delay(500), delay(0)),
        check(1, down_and_up, nothing),
    );
}

/// What a group that has committed `metadata` says when it starts.
async fn refusal(metadata: &str) -> String {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    cluster.fill("a", 10);
    cluster.commit_with(5, metadata);
    let error = start(&cluster, root.path()).end().await.unwrap_err();
    assert_eq!(
        cluster.committed(),
        BTreeMap::from([(0, 5), (1, 5)]),
        "nothing is skipped"
    );
    assert_eq!(cluster.metadata(), [metadata; 2], "nor forgotten");
    match error {
        PipelineError::Source(SourceError::Lost(reason)) | PipelineError::Sink { reason, .. } => {
            reason
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_names_what_cannot_be_shown_stops_the_pipeline() {
    let (version, sink, store) = tokio::join!(
        refusal("tamis/9 store/00000000-1"),
        refusal("tamis/2 gone/00000000-1"),
        refusal("tamis/2 store/00000000-1"),
    );
    assert!(version.contains("version \"9\""), "{version}");
    assert!(sink.contains("sink gone is committed"), "{sink}");
    assert!(store.contains("must share one"), "{store}");
}

/// The name of the store below `root`, which gets one once it is connected.
fn store_name(root: &Path) -> String {
    drop(archive(root));
    fs::read_to_string(root.join(".staging/store")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_run_of_which_there_is_nothing_stops_the_pipeline() {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    cluster.fill("a", 10);
    cluster.commit_with(5, &format!("tamis/2 store/{}-1", store_name(root)));
    let error = start(&cluster, root).end().await.unwrap_err();
    let PipelineError::Source(SourceError::Lost(reason)) = error else {
        panic!("{error}");
    };
    assert!(reason.contains("there is nothing of it in"), "{reason}");
    assert_eq!(cluster.committed(), BTreeMap::from([(0, 5), (1, 5)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_never_left_a_mark_is_not_missed() {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    cluster.fill("a", 10);
    // Whoever wrote version 1 left nothing of a run that was shown.
    cluster.commit_with(5, &format!("tamis/1 store/{}-1", store_name(root)));
    let running = start(&cluster, root);
    until("the rest is seen", || lines(root).len() == 10).await;
    running.stop().await;
}

/// Two runs of each partition, staged by an owner that died; returns the names without their number.
fn leave_runs(root: &Path) -> String {
    let name = store_name(root);
    for partition in 0..PARTITIONS {
        let folder = root.join(format!(".staging/group/cluster/{TOPIC}/{partition}"));
        fs::create_dir_all(&folder).unwrap();
        let manifest = |run: &str| {
            format!(
                r#"{{"version":1,"source":"cluster","topic":"{TOPIC}","partition":{partition},"split":0,"start":0,"next":5,
                    "files":[{{"staged":"{run}.part","path":"{TOPIC}/{TOPIC}-{partition}-0.ndjson"}}]}}"#
            )
        };
        for run in ["1", "2"] {
            let run = format!("{name}-{run}");
            fs::write(folder.join(format!("{run}.json")), manifest(&run)).unwrap();
            fs::write(folder.join(format!("{run}.part")), format!("{run}\n")).unwrap();
        }
    }
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_owner_shows_what_was_committed_and_discards_what_was_not() {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    let name = leave_runs(root);
    cluster.fill("a", 5);
    cluster.commit_with(5, &format!("tamis/1 store/{name}-1"));
    let running = start(&cluster, root);
    until("no run is named any more", || {
        cluster.metadata() == ["", ""]
    })
    .await;
    running.stop().await;
    assert_eq!(lines(root), [format!("{name}-1"), format!("{name}-1")]);
    assert_eq!(staged(root), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_seen_before_a_lost_place_stops_the_pipeline() {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    let name = leave_runs(root);
    cluster.fill("a", 5);
    cluster.commit_with(7, &format!("tamis/2 store/{name}-1"));
    let error = start(&cluster, root).end().await.unwrap_err();
    let PipelineError::Source(SourceError::Lost(reason)) = error else {
        panic!("{error}");
    };
    assert!(reason.contains("its log is [0, 5)"), "{reason}");
    assert_eq!(lines(root), [format!("{name}-1"), format!("{name}-1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_does_not_wait_for_what_cannot_be_shown() {
    let (cluster, root) = (Cluster::new(PARTITIONS), TempDir::new().unwrap());
    let root = root.path();
    // It is in the way of the folder.
    fs::write(root.join(TOPIC), "").unwrap();
    cluster.fill("a", 10);
    let running = start(&cluster, root);
    let all = BTreeMap::from([(0, 10), (1, 10)]);
    until("runs are committed", || cluster.committed() == all).await;
    let since = Instant::now();
    let error = running.end().await.unwrap_err();
    let took = since.elapsed();
    assert!(matches!(error, PipelineError::Sink { .. }), "{error}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}
