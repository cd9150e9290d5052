//! Records and the offsets that they come from, committed together. The mock cluster shows what is aborted, too, and forgets the
//! offsets: that a reader of committed records sees each once is proven on a real broker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Error};
use tamis_config::spec::{KafkaDelivery, Routes, RunLimits, SinkKind, SinkSpec, SourceSpec};
use tamis_core::Destination;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, Running, WAIT, start_together};
use super::output::{Output, read, spec};
use super::store::Store;
use crate::kafka::transaction::Transactions;
use crate::sink;

const OUTPUT: &str = "kept";
const RECORDS: usize = 300;
const PARTITIONS: i32 = 2;

fn cluster() -> Cluster {
    let cluster = Cluster::new(PARTITIONS);
    cluster.mock.create_topic(OUTPUT, PARTITIONS, 1).unwrap();
    cluster.fill("a", RECORDS);
    cluster
}

async fn start(cluster: &Cluster, topic: &str, dead: &Arc<Store>) -> Running {
    let mut to = spec(cluster, topic);
    to.delivery = KafkaDelivery::Transactional(RunLimits {
        bytes_max: 1 << 20,
        // Several transactions for each partition.
        records_max: 100,
        age_ms_max: 100,
    });
    let from = cluster.spec();
    let to = [SinkSpec {
        name: "kept".to_owned(),
        kind: SinkKind::Kafka(to),
        routes: Routes::All,
        when: None,
        on_outage: tamis_config::spec::OnOutage::Wait,
    }];
    let transactions = Transactions::of(&SourceSpec::Kafka(from.clone()), &to).unwrap();
    let destination: Destination = sink::connect(&to[0], 2, "group", transactions.as_ref())
        .await
        .unwrap();
    start_together(&from, destination, dead, transactions)
}

/// Waits until each of `records` records is there.
async fn has(cluster: &Cluster, records: usize) {
    let since = Instant::now();
    while ids(&read(cluster, OUTPUT, 0)).len() < records {
        assert!(since.elapsed() < 2 * WAIT, "{records} records do not come");
        sleep(Duration::from_millis(200)).await;
    }
}

fn ids(outputs: &[Output]) -> BTreeSet<String> {
    outputs.iter().map(Output::id).collect()
}

/// Checks that each record is there, and that those of a partition came in order the first time.
fn check_output(outputs: &[Output], records: usize) {
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for output in outputs {
        let id = output.id();
        let mut parts = id.rsplit('/').skip(1);
        let offset: usize = parts.next().unwrap().parse().unwrap();
        let partition: i32 = parts.next().unwrap().parse().unwrap();
        assert_eq!(output.partition, partition, "without a key order is kept");
        if seen.insert(id) {
            let before = last.insert(partition, offset);
            assert!(
                before.is_none_or(|before| before < offset),
                "{before:?} {offset}"
            );
        }
    }
    assert_eq!(seen.len(), records);
}

/// Runs a pipeline while requests for `api` are answered with `errors`.
async fn check_errors(api: Api, errors: &[Error]) {
    let (cluster, dead) = (cluster(), Arc::new(Store::with_room(usize::MAX)));
    let running = start(&cluster, OUTPUT, &dead).await;
    has(&cluster, 600).await;
    cluster.mock.request_errors(api, errors);
    cluster.fill("b", RECORDS);
    has(&cluster, 1200).await;
    running.stop().await;
    check_output(&read(&cluster, OUTPUT, 1200), 1200);
    assert_eq!(dead.count(), 0);
}

#[tokio::test]
async fn offsets_are_committed_with_what_came_of_them() {
    let (cluster, dead) = (cluster(), Arc::new(Store::with_room(usize::MAX)));
    let running = start(&cluster, OUTPUT, &dead).await;
    has(&cluster, 600).await;
    let summary = running.stop().await;
    assert_eq!(summary.unsettled, 0);
    let outputs = read(&cluster, OUTPUT, 600);
    assert_eq!(outputs.len(), 600, "nothing is written twice");
    check_output(&outputs, 600);
}

#[tokio::test]
async fn a_coordinator_that_is_busy_is_waited_for() {
    check_errors(
        Api::EndTxn,
        &[
            Error::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            Error::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            Error::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        ],
    )
    .await;
}

#[tokio::test]
async fn what_a_group_refuses_is_read_again() {
    let refused = [Error::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION; 2];
    check_errors(Api::TxnOffsetCommit, &refused).await;
}

#[tokio::test]
async fn what_is_in_a_transaction_that_breaks_is_read_again() {
    check_errors(Api::EndTxn, &[Error::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID]).await;
}

#[tokio::test]
async fn a_producer_that_was_shut_out_begins_anew() {
    check_errors(
        Api::AddPartitionsToTxn,
        &[Error::RD_KAFKA_RESP_ERR_PRODUCER_FENCED],
    )
    .await;
}

#[tokio::test]
async fn records_that_a_broker_refuses_for_now_are_read_again() {
    let (cluster, dead) = (cluster(), Arc::new(Store::with_room(usize::MAX)));
    let refused = [Error::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER];
    // All of the input is there: whoever writes next is the sink.
    cluster.mock.request_errors(Api::Produce, &refused);
    let running = start(&cluster, OUTPUT, &dead).await;
    has(&cluster, 600).await;
    running.stop().await;
    check_output(&read(&cluster, OUTPUT, 600), 600);
    assert_eq!(dead.count(), 0);
}

#[tokio::test]
async fn a_cluster_that_is_away_for_a_while_is_waited_for() {
    let (cluster, dead) = (cluster(), Arc::new(Store::with_room(usize::MAX)));
    let running = start(&cluster, OUTPUT, &dead).await;
    has(&cluster, 600).await;
    cluster.mock.broker_down(1).unwrap();
    sleep(Duration::from_secs(2)).await;
    cluster.mock.broker_up(1).unwrap();
    cluster.fill("b", RECORDS);
    has(&cluster, 1200).await;
    running.stop().await;
    check_output(&read(&cluster, OUTPUT, 1200), 1200);
}

#[tokio::test]
async fn a_user_without_the_right_to_the_topic_stops() {
    let (cluster, dead) = (cluster(), Arc::new(Store::with_room(usize::MAX)));
    let refused = [Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED];
    cluster
        .mock
        .request_errors(Api::AddPartitionsToTxn, &refused);
    let error = start(&cluster, OUTPUT, &dead)
        .await
        .end()
        .await
        .unwrap_err();
    let reason = error.to_string();
    assert!(reason.contains("the right to use the topic"), "{reason}");
}
