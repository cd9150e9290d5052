//! The index template for the fleet's records.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tamis_core::sink::Verdict;
use tamis_tests::laws::{Subject, records_of};
use tamis_tests::stand_in::StandIn;

use super::{Names, sink};

fn records(fields: &[&str]) -> Vec<Vec<u8>> {
    let value = |field: &&str| {
        format!(
            r#"{{"Type":"error","Action":"pay","Time":"2023-01-18 12:00:00","@timestamp":"2023-01-18T12:00:00+08:00","Msg":"用户登录成功，支付网关超时","Field":{field},"FuncName":"pay.Charge"}}"#
        )
        .into_bytes()
    };
    fields.iter().map(value).collect()
}

#[test]
fn records_of_the_fleet_find_a_home_whatever_their_fields_are() {
    let names = Names::shared("fleet");
    let start = &names.start;
    let more = format!(", template: {{ name: {start}, replicas: 0, shards: 2, priority: 700 }}");
    let index = "-{time:%Y.%m.%d}";
    // A second time it is made anew.
    for _ in 0..2 {
        let _connected = Subject::connect(&names.sink(index, &more)).unwrap();
    }
    let subject = Subject::connect(&names.sink(index, &more)).unwrap();
    // Each would conflict with the one before.
    let values = records(&[
        "{\"a\":1}",
        "{\"a\":\"x\"}",
        "{\"a\":{\"b\":[true]}}",
        "{\"a\":\"2023-01-18\"}",
        "{}",
    ]);
    let count = values.len();
    let written = subject.settle(&records_of(0, values));
    assert_eq!(written, vec![Verdict::Written; count]);

    let day = format!("{start}-2023.01.18");
    assert_eq!(
        names.elasticsearch.documents(&format!("{start}-*")).len(),
        count
    );
    let made = names.elasticsearch.get(&day);
    let made = &made[&day];
    let kind = |field: &str| made["mappings"]["properties"][field]["type"].clone();
    for (field, expected) in [
        ("@timestamp", "date"),
        ("Time", "date"),
        ("Type", "keyword"),
        ("Action", "keyword"),
        ("FuncName", "keyword"),
        ("Msg", "text"),
        ("Field", "flattened"),
    ] {
        assert_eq!(kind(field), expected, "{field}");
    }
    let message = &made["mappings"]["properties"]["Msg"];
    assert_eq!(
        (&message["analyzer"], &message["search_analyzer"]),
        (&json!("ik_max_word"), &json!("ik_smart"))
    );
    assert_eq!(made["settings"]["index"]["number_of_replicas"], "0");
    assert_eq!(made["settings"]["index"]["number_of_shards"], "2");

    // Words are found, not characters: 网关 is one, 关超 is none.
    let found = |query: Value| {
        let (status, said) = names.elasticsearch.ask(
            "POST",
            &format!("{day}/_count"),
            Some(&json!({ "query": query })),
        );
        assert_eq!(status, 200, "{said}");
        said["count"].as_u64().unwrap()
    };
    assert_eq!(found(json!({ "match": { "Msg": "网关" } })), 5);
    assert_eq!(found(json!({ "match_phrase": { "Msg": "关超" } })), 0);
    assert_eq!(found(json!({ "term": { "Field.a": "x" } })), 1);
    assert_eq!(
        found(
            json!({ "range": { "@timestamp": { "gte": "2023-01-18T03:59:59Z", "lte": "2023-01-18T04:00:01Z" } } })
        ),
        5
    );
    let _removed = names
        .elasticsearch
        .ask("DELETE", &format!("_index_template/{start}"), None);
}

#[test]
fn a_template_of_someone_else_is_left_as_it_is() {
    let names = Names::shared("foreign");
    let start = &names.start;
    let path = format!("_index_template/{start}");
    let theirs = json!({ "index_patterns": [format!("{start}-*")], "priority": 701, "_meta": { "made_by": "someone" } });
    names.elasticsearch.put(&path, &theirs);
    let more = format!(", template: {{ name: {start}, replicas: 0 }}");
    let _connected = Subject::connect(&names.sink("-logs", &more)).unwrap();
    let there = names.elasticsearch.get(&path);
    assert_eq!(
        there["index_templates"][0]["index_template"]["_meta"]["made_by"],
        "someone"
    );
    let _removed = names.elasticsearch.ask("DELETE", &path, None);
}

/// The template that a stand-in is given which is of this `distribution`, and has an IK plugin or not.
fn made(distribution: &str, has_ik: bool) -> Value {
    let put = Arc::new(Mutex::new(None));
    let (taken, version) = (
        Arc::clone(&put),
        json!({ "version": { "distribution": distribution } }),
    );
    let server = StandIn::new(move |asked| match asked.line.split(' ').next() {
        Some("PUT") => {
            *taken.lock().unwrap() = Some(asked.body.clone());
            (200, "{}".to_owned())
        }
        Some("POST") if has_ik => (200, "{}".to_owned()),
        Some("POST") => (
            400,
            json!({ "error": "failed to find global analyzer" }).to_string(),
        ),
        _ if asked.line.starts_with("GET / ") => (200, version.to_string()),
        _ => (404, "{}".to_owned()),
    });
    let more = ", template: { name: logs }";
    let _connected = Subject::connect(&sink(&server.address(), "logs", more)).unwrap();
    let body = put.lock().unwrap().take().expect("a template was put");
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn what_a_cluster_has_not_is_not_asked_of_it() {
    let property =
        |made: &Value, name: &str| made["template"]["mappings"]["properties"][name].clone();
    let plain = made("", false);
    assert_eq!(property(&plain, "Msg")["analyzer"], "standard");
    assert_eq!(property(&plain, "Field")["type"], "flattened");
    let other = made("opensearch", true);
    assert_eq!(property(&other, "Msg")["analyzer"], "ik_max_word");
    assert_eq!(property(&other, "Field")["type"], "flat_object");
}
