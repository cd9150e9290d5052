//! What is asked of a cluster at the start, and the index template for the fleet's records.

use std::time::Duration;

use elasticsearch::http::Method;
use serde_json::{Value, json};
use tamis_config::spec::ElasticsearchTemplate;
use tamis_core::sink::SinkError;
use tracing::{info, warn};

use super::nodes::{Nodes, Question, Reply};
use super::refusal;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cluster {
    /// Or whoever does not say.
    Elasticsearch,
    OpenSearch,
}

/// Which analyzers take `Msg` apart: to index it, and to search it.
type Analyzers = (&'static str, &'static str);

const IK: Analyzers = ("ik_max_word", "ik_smart");
const STANDARD: Analyzers = ("standard", "standard");

/// Bytes of a keyword; a longer one is kept in the document and not indexed, while Lucene would refuse the document.
const KEYWORD_CHARS_MAX: u32 = 8_191;

/// Asks who is there, which a user must be known for, but may lack the right to hear.
///
/// # Errors
/// Where no one answers, or the user is not known.
pub(super) async fn greet(nodes: &Nodes, patience: Duration) -> Result<Cluster, SinkError> {
    let reply = nodes
        .ask(&Question::new(Method::Get, "", None, patience))
        .await?;
    match reply.status {
        401 | 408 | 429 | 500.. => Err(refused(&reply, "")),
        _ => {
            let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            let distribution = said.pointer("/version/distribution");
            Ok(match distribution.and_then(Value::as_str) {
                Some("opensearch") => Cluster::OpenSearch,
                Some(_) | None => Cluster::Elasticsearch,
            })
        }
    }
}

/// Makes the index template, unless someone else has made one of this name.
///
/// # Errors
/// Where the cluster does not answer, or refuses.
pub(super) async fn make(
    nodes: &Nodes,
    patience: Duration,
    cluster: Cluster,
    template: &ElasticsearchTemplate,
    data_stream: bool,
) -> Result<(), SinkError> {
    const ADVICE: &str =
        "; it is asked for by `template`, and wants the right `manage_index_templates`";
    let name = &template.name;
    let path = format!("_index_template/{}", escaped(name));
    let there = nodes
        .ask(&Question::new(Method::Get, &path, None, patience))
        .await?;
    if there.is_success() && !is_ours(&there.body) {
        info!(
            template = name,
            "index template is there already, and someone else's: left as it is"
        );
        return Ok(());
    }
    if !there.is_success() && there.status != 404 {
        return Err(refused(&there, ADVICE));
    }
    let analyzers = analyzers(nodes, patience).await?;
    let body = index_template(cluster, template, data_stream, analyzers).to_string();
    let body = Some(body.as_bytes());
    let made = nodes
        .ask(&Question::new(Method::Put, &path, body, patience))
        .await?;
    if made.is_success() {
        info!(
            template = name,
            pattern = template.pattern,
            "index template is made"
        );
        Ok(())
    } else {
        Err(refused(&made, ADVICE))
    }
}

/// A name that is legal for an index, as part of a path: the few others that it can hold mean something there.
fn escaped(name: &str) -> String {
    name.replace('%', "%25")
}

/// Whether the index template that is there was made here.
fn is_ours(body: &[u8]) -> bool {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let made_by = said.pointer("/index_templates/0/index_template/_meta/made_by");
    made_by.and_then(Value::as_str) == Some("tamis")
}

/// Those of the IK plugin, where the cluster has it.
async fn analyzers(nodes: &Nodes, patience: Duration) -> Result<Analyzers, SinkError> {
    for analyzer in [IK.0, IK.1] {
        let body = json!({ "analyzer": analyzer, "text": "日志" }).to_string();
        let body = Some(body.as_bytes());
        let reply = nodes
            .ask(&Question::new(Method::Post, "_analyze", body, patience))
            .await?;
        match reply.status {
            200..300 => {}
            408 | 429 | 500.. => return Err(refused(&reply, "")),
            _ => {
                let reason = refusal::words(&reply);
                warn!(
                    analyzer,
                    reason,
                    "the cluster has no IK plugin: Chinese text in Msg is found character by character"
                );
                return Ok(STANDARD);
            }
        }
    }
    Ok(IK)
}

fn index_template(
    cluster: Cluster,
    template: &ElasticsearchTemplate,
    data_stream: bool,
    (analyzer, search_analyzer): Analyzers,
) -> Value {
    let keyword = json!({ "type": "keyword", "ignore_above": KEYWORD_CHARS_MAX });
    let field = match cluster {
        Cluster::Elasticsearch => {
            json!({ "type": "flattened", "ignore_above": KEYWORD_CHARS_MAX })
        }
        Cluster::OpenSearch => json!({ "type": "flat_object" }),
    };
    let mut body = json!({
        "index_patterns": [template.pattern],
        "priority": template.priority,
        "_meta": { "made_by": "tamis" },
        "template": {
            "settings": {
                "number_of_shards": template.shards,
                "number_of_replicas": template.replicas,
            },
            "mappings": {
                "properties": {
                    "@timestamp": { "type": "date", "format": "strict_date_optional_time||epoch_millis" },
                    "Time": {
                        "type": "date",
                        "format": "yyyy-MM-dd HH:mm:ss||strict_date_optional_time||epoch_millis",
                    },
                    "Type": keyword,
                    "Action": keyword,
                    "FuncName": keyword,
                    "Msg": { "type": "text", "analyzer": analyzer, "search_analyzer": search_analyzer },
                    "Field": field,
                },
            },
        },
    });
    if data_stream {
        body["data_stream"] = json!({});
    }
    body
}

/// What it means that `reply` is none of those that were hoped for.
fn refused(reply: &Reply, advice: &str) -> SinkError {
    let words = format!("{}{advice}", refusal::words(reply));
    match reply.status {
        408 | 429 | 500.. => SinkError::Unavailable(words.into()),
        401 => SinkError::Misconfigured(
            format!("{words}; check `user` and `password`, or `api_key`").into(),
        ),
        _ => SinkError::Misconfigured(words.into()),
    }
}

#[cfg(test)]
mod tests;
