//! Checkpoints, rebalances and where a group starts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rdkafka::consumer::Consumer as _;
use rdkafka::{ClientConfig, TopicPartitionList};
use tamis_config::spec::{Secret, StartAt};
use tamis_core::PipelineError;
use tamis_core::source::SourceError;
use tokio::time::{Duration, Instant};

use super::cluster::{Cluster, Input, TOPIC, WAIT, start};
use super::store::Store;
use crate::kafka::source::Consumer;
use crate::kafka::source::context::{self, Context, Rebalance};

#[tokio::test]
async fn a_stop_drains_and_commits_all_that_was_read() {
    let cluster = Cluster::new(3);
    cluster.fill("a", 500);
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &store);
    store.has(1500).await;
    let summary = running.stop().await;
    assert_eq!(summary.unsettled, 0);
    assert_eq!(
        cluster.committed(),
        BTreeMap::from([(0, 500), (1, 500), (2, 500)])
    );
    assert!(store.kept().iter().all(|kept| kept.times == 1));
}

#[tokio::test]
async fn a_second_run_goes_on_where_the_first_one_was_settled() {
    let cluster = Cluster::new(2);
    cluster.fill("a", 1000);
    let first = Arc::new(Store::with_room(1000));
    let running = start(&cluster.spec(), &first);
    first.has(1000).await;
    running.stop.give_up();
    running.end().await.unwrap();
    let committed = cluster.committed();
    for kept in first.kept() {
        assert_eq!(kept.times, 1);
    }
    for (partition, next) in &committed {
        let before = first
            .kept()
            .iter()
            .filter(|k| k.partition == *partition)
            .count();
        assert!(*next <= before as i64, "{next} committed, {before} written");
    }
    let second = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &second);
    let rest: i64 = committed.values().map(|next| 1000 - next).sum();
    second.has(usize::try_from(rest).unwrap()).await;
    running.stop().await;
    for kept in second.kept() {
        assert_eq!(kept.times, 1);
        assert!(
            kept.offset as i64 >= committed[&kept.partition],
            "{kept:?} was committed"
        );
    }
}

/// Two members of one group, of which the first leaves. The mock refuses the commits of a member that has to give partitions up,
/// so the other one sees some records again; none may be lost.
async fn check_rebalance(strategy: &str) {
    let cluster = Cluster::new(4);
    let mut spec = cluster.spec();
    let name = "partition.assignment.strategy".to_owned();
    spec.properties.insert(name, Secret::new(strategy));
    let (one, two) = (
        Arc::new(Store::with_room(usize::MAX)),
        Arc::new(Store::with_room(usize::MAX)),
    );
    cluster.fill("a", 200);
    let first = start(&spec, &one);
    one.has(800).await;
    let second = start(&spec, &two);
    // Once the second member reads, the first one has given partitions up.
    let mut produced = 800;
    while two.count() == 0 {
        cluster.fill("b", 50);
        produced += 200;
        tokio::task::yield_now().await;
        assert!(produced < 100_000, "the second member never reads");
    }
    first.stop().await;
    cluster.fill("c", 100);
    produced += 400;
    let seen = || {
        let stores = one.kept().into_iter().chain(two.kept());
        stores
            .map(|kept| (kept.partition, kept.offset))
            .collect::<BTreeSet<_>>()
            .len()
    };
    loop {
        let before = two.count();
        if seen() == produced {
            break;
        }
        two.has(before + 1).await;
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_joins_takes_over_without_loss() {
    tokio::join!(
        check_rebalance("range,roundrobin"),
        check_rebalance("cooperative-sticky")
    );
}

#[tokio::test]
async fn the_latest_start_is_kept_though_nothing_was_read() {
    let cluster = Cluster::new(2);
    cluster.fill("old", 10);
    let mut spec = cluster.spec();
    spec.start_at = StartAt::Latest;
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&spec, &store);
    while cluster.committed().len() < 2 {
        tokio::task::yield_now().await;
    }
    running.stop().await;
    assert_eq!(
        (store.count(), cluster.committed()),
        (0, BTreeMap::from([(0, 10), (1, 10)]))
    );
    cluster.fill("while away", 5);
    let running = start(&spec, &store);
    store.has(10).await;
    running.stop().await;
    assert!(store.kept().iter().all(|kept| kept.offset >= 10));
}

#[tokio::test]
async fn a_partition_that_is_new_to_its_group_is_read_from_its_begin() {
    let cluster = Cluster::new(2);
    cluster.fill("a", 10);
    cluster.commit_first(10);
    assert_eq!(cluster.committed(), BTreeMap::from([(0, 10)]));
    let mut spec = cluster.spec();
    spec.start_at = StartAt::Latest;
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&spec, &store);
    store.has(10).await;
    running.stop().await;
    let kept = store.kept();
    assert!(
        kept.iter()
            .all(|kept| kept.partition == 1 && kept.times == 1)
    );
    assert_eq!(cluster.committed(), BTreeMap::from([(0, 10), (1, 10)]));
}

/// How a pipeline ends whose group has committed `committed`.
async fn check_lost(cluster: &Cluster, committed: i64, expected: &str) {
    cluster.commit(committed);
    let store = Arc::new(Store::with_room(usize::MAX));
    let error = start(&cluster.spec(), &store).end().await.unwrap_err();
    let PipelineError::Source(SourceError::Lost(reason)) = &error else {
        panic!("{error}");
    };
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(
        cluster.committed(),
        BTreeMap::from([(0, committed)]),
        "nothing is skipped"
    );
}

#[tokio::test]
async fn offsets_that_the_log_does_not_have_stop_the_pipeline() {
    let overtaken = Cluster::new(1);
    // The mock keeps 5 MB of a partition.
    let input = Input {
        value: Some(vec![b'x'; 100_000]),
        ..Input::default()
    };
    overtaken.produce(&[("batch.size", "150000")], &vec![input; 100]);
    let made_anew = Cluster::new(1);
    made_anew.fill("a", 10);
    tokio::join!(
        check_lost(&overtaken, 1, "retention removed [1, "),
        check_lost(
            &made_anew,
            11,
            "the next offset of log/0 is 11 but its log is [0, 10)"
        )
    );
}

/// What a member that has joined the group is asked first.
fn first_assignment(cluster: &Cluster) -> (Consumer, TopicPartitionList) {
    let brokers = cluster.mock.bootstrap_servers();
    let consumer: Consumer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("group.id", "group")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .create_with_context(Context::new(brokers))
        .unwrap();
    consumer.subscribe(&[TOPIC]).unwrap();
    let since = Instant::now();
    loop {
        context::poll(&consumer, Duration::from_millis(100));
        match consumer.context().next_rebalance() {
            Some(Rebalance::Assign(list)) => return (consumer, list),
            Some(Rebalance::Revoke(_)) => panic!("nothing is assigned yet"),
            None => assert!(since.elapsed() < WAIT, "no assignment comes"),
        }
    }
}

#[test]
fn what_was_never_assigned_can_be_revoked() {
    let cluster = Cluster::new(2);
    let (consumer, list) = first_assignment(&cluster);
    assert_eq!(list.count(), 2);
    let mut first = TopicPartitionList::new();
    first.add_partition(TOPIC, 0);
    context::assign(&consumer, &first);
    assert_eq!(consumer.assignment().unwrap().count(), 1);
    context::unassign(&consumer, &list);
    let left = consumer.assignment().unwrap().count();
    context::desert(&consumer);
    assert_eq!(left, 0);
}
