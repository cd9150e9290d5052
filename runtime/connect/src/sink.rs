//! Which store a specification means.

use std::sync::Arc;

use tamis_config::spec::{
    ElasticsearchSinkSpec, MongodbSinkSpec, MysqlSinkSpec, OnOutage, SinkKind, SinkSpec,
};
use tamis_core::sink::{Sink, SinkError};
use tamis_core::{Destination, causes};
use tracing::warn;

use crate::Transactions;
#[cfg(feature = "elasticsearch")]
use crate::elasticsearch::ElasticsearchSink;
use crate::late::Late;
#[cfg(feature = "mongodb")]
use crate::mongodb::sink::MongodbSink;
#[cfg(feature = "mysql")]
use crate::mysql::sink::MysqlSink;

/// Makes a store of `spec`, for a pipeline with this many `lanes`. `owner` is who has the partitions; `transactions` are those
/// that the source commits; where there are none, records are written at least once.
///
/// # Errors
/// When the store refuses, or cannot be reached; what cannot be reached and parks its records is connected later.
#[cfg_attr(
    not(all(feature = "file", feature = "kafka")),
    expect(unused_variables, reason = "what only one kind of store needs")
)]
pub async fn connect(
    spec: &SinkSpec,
    lanes: usize,
    owner: &str,
    transactions: Option<&Arc<Transactions>>,
) -> Result<Destination, SinkError> {
    match &spec.kind {
        #[cfg(feature = "file")]
        SinkKind::File(spec) => {
            let limits = run_limits(&spec.run);
            let (sinks, store) = crate::file::sink::connect(spec, lanes, owner)?;
            Ok(Destination::Runs(sinks, store, limits))
        }
        #[cfg(not(feature = "file"))]
        SinkKind::File(_) => Err(left_out("file")),
        #[cfg(feature = "kafka")]
        SinkKind::Kafka(spec) => kafka(spec, lanes, transactions),
        #[cfg(not(feature = "kafka"))]
        SinkKind::Kafka(_) => Err(left_out("kafka")),
        kind @ (SinkKind::Elasticsearch(ElasticsearchSinkSpec { requests, .. })
        | SinkKind::Mongodb(MongodbSinkSpec { requests, .. })
        | SinkKind::Mysql(MysqlSinkSpec { requests, .. })) => {
            let sink = match (keyed(kind).await, &spec.on_outage) {
                (Err(SinkError::Unavailable(error)), OnOutage::Park { .. }) => {
                    let (sink, error) = (&spec.name, causes(&*error));
                    warn!(sink, error, "sink is unavailable");
                    Arc::new(Late::new(kind.clone()))
                }
                (connected, OnOutage::Wait | OnOutage::Park { .. }) => connected?,
            };
            Ok(Destination::Keyed(sink, writer_limits(requests)))
        }
    }
}

/// Connects to a store that takes each record by its id, and asks it for what it needs.
pub(crate) async fn keyed(kind: &SinkKind) -> Result<Arc<dyn Sink>, SinkError> {
    match kind {
        #[cfg(feature = "elasticsearch")]
        SinkKind::Elasticsearch(spec) => Ok(Arc::new(ElasticsearchSink::connect(spec).await?)),
        #[cfg(not(feature = "elasticsearch"))]
        SinkKind::Elasticsearch(_) => Err(left_out("elasticsearch")),
        #[cfg(feature = "mongodb")]
        SinkKind::Mongodb(spec) => Ok(Arc::new(MongodbSink::connect(spec).await?)),
        #[cfg(not(feature = "mongodb"))]
        SinkKind::Mongodb(_) => Err(left_out("mongodb")),
        #[cfg(feature = "mysql")]
        SinkKind::Mysql(spec) => Ok(Arc::new(MysqlSink::connect(spec).await?)),
        #[cfg(not(feature = "mysql"))]
        SinkKind::Mysql(_) => Err(left_out("mysql")),
        SinkKind::File(_) | SinkKind::Kafka(_) => unreachable!("these keep an order"),
    }
}

#[cfg(feature = "kafka")]
fn kafka(
    spec: &tamis_config::spec::KafkaSinkSpec,
    lanes: usize,
    transactions: Option<&Arc<Transactions>>,
) -> Result<Destination, SinkError> {
    use tamis_config::spec::{KAFKA_REQUEST, KafkaDelivery};

    match (&spec.delivery, transactions) {
        (KafkaDelivery::Transactional(limits), Some(transactions)) => {
            use crate::kafka::transaction::sink;
            let (sinks, store) = sink::connect(spec, transactions, lanes);
            Ok(Destination::Runs(sinks, store, run_limits(limits)))
        }
        (KafkaDelivery::Transactional(_), None) => at_least_once(spec, &KAFKA_REQUEST),
        (KafkaDelivery::AtLeastOnce(limits), _) => at_least_once(spec, limits),
    }
}

#[cfg(feature = "kafka")]
fn at_least_once(
    spec: &tamis_config::spec::KafkaSinkSpec,
    limits: &tamis_config::spec::WriterLimits,
) -> Result<Destination, SinkError> {
    let sink = crate::kafka::sink::KafkaSink::connect(spec)?;
    Ok(Destination::Keyed(Arc::new(sink), writer_limits(limits)))
}

#[cfg(any(feature = "file", feature = "kafka"))]
fn run_limits(limits: &tamis_config::spec::RunLimits) -> tamis_core::RunLimits {
    tamis_core::RunLimits {
        bytes_max: limits.bytes_max,
        records_max: limits.records_max,
        age_max: std::time::Duration::from_millis(limits.age_ms_max),
    }
}

fn writer_limits(limits: &tamis_config::spec::WriterLimits) -> tamis_core::WriterLimits {
    tamis_core::WriterLimits {
        records_max: limits.records_max,
        bytes_max: limits.bytes_max,
        linger: std::time::Duration::from_millis(limits.linger_ms),
        requests_max: limits.requests_max,
    }
}

/// Tidies up behind an `owner` that will not come back: what it has staged and not shown stays.
#[cfg_attr(
    not(feature = "file"),
    expect(unused_variables, reason = "only files are staged")
)]
pub fn forget(spec: &SinkSpec, owner: &str) {
    match &spec.kind {
        #[cfg(feature = "file")]
        SinkKind::File(spec) => crate::file::sink::forget(spec, owner),
        #[cfg(not(feature = "file"))]
        SinkKind::File(_) => {}
        SinkKind::Elasticsearch(_)
        | SinkKind::Kafka(_)
        | SinkKind::Mongodb(_)
        | SinkKind::Mysql(_) => {}
    }
}

/// A configuration that asks for what this build has not.
#[cfg(not(all(
    feature = "elasticsearch",
    feature = "kafka",
    feature = "file",
    feature = "mongodb",
    feature = "mysql"
)))]
pub(crate) fn left_out(feature: &str) -> SinkError {
    SinkError::Misconfigured(format!("this build of tamis has no {feature}").into())
}
