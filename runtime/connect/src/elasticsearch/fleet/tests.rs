//! Tests of the index template, as far as they need no cluster.

use super::*;

fn template() -> ElasticsearchTemplate {
    ElasticsearchTemplate {
        name: "logs".to_owned(),
        pattern: "logs-*".to_owned(),
        replicas: 0,
        shards: 2,
        priority: 300,
    }
}

#[test]
fn free_fields_are_of_the_kind_that_the_cluster_knows() {
    let field = |cluster| {
        let made = index_template(cluster, &template(), false, IK);
        made["template"]["mappings"]["properties"]["Field"]["type"].clone()
    };
    assert_eq!(field(Cluster::Elasticsearch), "flattened");
    assert_eq!(field(Cluster::OpenSearch), "flat_object");
}

#[test]
fn only_a_data_stream_is_called_one() {
    let made = |data_stream| index_template(Cluster::Elasticsearch, &template(), data_stream, IK);
    assert_eq!(made(true)["data_stream"], json!({}));
    assert_eq!(made(false).get("data_stream"), None);
}

#[test]
fn a_template_that_was_made_here_is_known_again() {
    let made = index_template(Cluster::Elasticsearch, &template(), false, STANDARD);
    let answer = json!({ "index_templates": [{ "name": "logs", "index_template": made }] });
    assert!(is_ours(answer.to_string().as_bytes()));
    let other = json!({ "index_templates": [{ "name": "logs", "index_template": {} }] });
    assert!(!is_ours(other.to_string().as_bytes()));
}
