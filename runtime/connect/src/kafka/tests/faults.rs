//! Back-pressure, outages and wrong settings.

use std::sync::Arc;
use std::time::Duration;

use tamis_config::spec::{KafkaSourceSpec, Secret};
use tamis_core::PipelineError;
use tamis_core::source::SourceError;

use super::cluster::{Cluster, Running, start};
use super::store::Store;
use crate::kafka::source::{KafkaSource, SourceSettings};
use crate::source::BatchLimits;

#[tokio::test]
async fn a_store_that_takes_nothing_for_long_holds_up_records_but_not_the_group() {
    let cluster = Cluster::new(3);
    cluster.fill("a", 3000);
    let store = Arc::new(Store::with_room(100));
    let running = start(&cluster.spec(), &store);
    // Longer than the group waits for a member that does not poll, and for one that does not answer.
    let stalled = tokio::time::timeout(Duration::from_secs(6), store.reaches(2000)).await;
    assert!(stalled.is_err());
    store.make_room();
    store.has(9000).await;
    running.stop().await;
    assert!(
        store.kept().iter().all(|kept| kept.times == 1),
        "partitions were lost meanwhile"
    );
}

#[tokio::test]
async fn an_outage_of_the_broker_is_waited_out() {
    let cluster = Cluster::new(2);
    cluster.fill("a", 100);
    let store = Arc::new(Store::with_room(usize::MAX));
    let mut spec = cluster.spec();
    // Longer than the outage, so that the member is not forgotten meanwhile.
    for name in ["session.timeout.ms", "max.poll.interval.ms"] {
        spec.properties
            .insert(name.to_owned(), Secret::new("20000"));
    }
    let running = start(&spec, &store);
    store.has(200).await;
    cluster.mock.broker_down(1).unwrap();
    let stalled = tokio::time::timeout(Duration::from_secs(2), store.reaches(201)).await;
    assert!(stalled.is_err());
    cluster.mock.broker_up(1).unwrap();
    cluster.fill("b", 100);
    store.has(400).await;
    running.stop().await;
    assert_eq!(
        cluster.committed().values().collect::<Vec<_>>(),
        [&200, &200]
    );
}

#[tokio::test]
async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let cluster = Cluster::new(1);
    cluster.fill("a", 10);
    cluster.mock.broker_down(1).unwrap();
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &store);
    let stalled = tokio::time::timeout(Duration::from_secs(2), store.reaches(1)).await;
    assert!(stalled.is_err());
    cluster.mock.broker_up(1).unwrap();
    store.has(10).await;
    running.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_broker_that_is_away() {
    let cluster = Cluster::new(1);
    cluster.mock.broker_down(1).unwrap();
    let store = Arc::new(Store::with_room(usize::MAX));
    start(&cluster.spec(), &store).stop().await;
    assert_eq!(store.count(), 0);
}

async fn misconfigured(running: Running) -> String {
    match running.end().await.unwrap_err() {
        PipelineError::Source(SourceError::Misconfigured(reason)) => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_missing_topic_stops_the_pipeline() {
    let cluster = Cluster::new(1);
    let unknown = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.mock.topic_error("missing", unknown).unwrap();
    let mut spec = cluster.spec();
    spec.topics.push("missing".to_owned());
    let store = Arc::new(Store::with_room(usize::MAX));
    let reason = misconfigured(start(&spec, &store)).await;
    assert!(reason.contains("topic missing does not exist"), "{reason}");
}

#[tokio::test]
async fn a_topic_without_the_right_to_it_stops_the_pipeline() {
    let cluster = Cluster::new(1);
    let refused = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.mock.topic_error("secret", refused).unwrap();
    let mut spec = cluster.spec();
    spec.topics.push("secret".to_owned());
    let store = Arc::new(Store::with_room(usize::MAX));
    let reason = misconfigured(start(&spec, &store)).await;
    assert!(
        reason.contains("topic secret") && reason.contains("right"),
        "{reason}"
    );
}

fn check_property(name: &str, value: &str, expected: &str) {
    let mut spec: KafkaSourceSpec = Cluster::new(1).spec();
    spec.properties.insert(name.to_owned(), Secret::new(value));
    let settings = SourceSettings {
        drain_timeout: Duration::from_secs(1),
        commit_interval: Duration::from_secs(1),
        batch: BatchLimits {
            records_max: 1,
            bytes_max: 1,
        },
    };
    let Err(SourceError::Misconfigured(reason)) = KafkaSource::connect(&spec, settings, None)
    else {
        panic!("{name} was taken");
    };
    assert_eq!(reason, expected);
}

#[test]
fn a_wrong_property_is_named_and_its_value_is_not() {
    check_property(
        "acks.all",
        "x",
        "librdkafka does not know the property acks.all",
    );
    check_property(
        "security.protocol",
        "hunter2",
        "librdkafka refuses the value of property security.protocol",
    );
    check_property(
        "auto.offset.reset",
        "earliest",
        "property auto.offset.reset is set by tamis itself: remove it",
    );
}
