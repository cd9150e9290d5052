use std::collections::BTreeSet;
use std::path::Path;

use expect_test::{Expect, expect};
use tamis_config::{Environment, PipelineSpec};

use super::*;

fn load(text: &str) -> PipelineSpec {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    std::fs::write(&file, text).unwrap();
    let loaded = tamis_config::load(&file, &Environment::default(), PluginFiles::MayBeMissing);
    loaded.unwrap_or_else(|problems| panic!("{problems}"))
}

const PIPELINE: &str = r#"
pipeline: logs
source: { kafka: { brokers: ["b:9092"], topics: [a, "^b.*"], group: g, start_at: earliest, properties: { sasl.password: hidden } } }
plugins:
  - { name: level, path: /p/level.wasm, settings: { key: hidden } }
  - { name: odd, path: '/p/say "hi" & <b>|x\.wasm' }
sinks:
  search:
    elasticsearch: { urls: ["http://e:9200"], index: "logs-{time:%Y}", user: u, password: hidden }
    when: { field: /Type, is: [error, 'a"|b'] }
    on_outage: { park: { after_ms: 500, folder: { path: /parked } } }
  all: { mongodb: { uri: "mongodb://u:hidden@m/", database: logs, collection: "{topic}" }, routes: "*" }
dead_letters: { kafka: { topic: logs.dead }, folder: { path: /dead } }
"#;

fn check(written: &str, expected: &Expect) {
    assert!(!written.contains("hidden"), "{written}");
    expected.assert_eq(written);
}

#[test]
fn mermaid_draws_the_way_of_records_without_secrets() {
    let expected = expect![[r#"
        ---
        title: "logs"
        ---
        flowchart LR
            n0(["kafka: a, ^b.#42;<br/>group g"])
            n1["level<br/>level.wasm"]
            n2["odd<br/>say #34;hi#34; #38; #60;b#62;#124;x#92;.wasm"]
            n3[("all<br/>mongodb: logs.{topic}")]
            n4[("search<br/>elasticsearch: logs-{time:%Y}")]
            n5[/"dead letters<br/>kafka: logs.dead"/]
            n6[/"dead letters<br/>folder: /dead"/]
            n7[/"parked of search<br/>folder: /parked"/]
            n0 --> n1
            n1 --> n2
            n2 -->|"all routes"| n3
            n2 -->|"no route#59; /Type is error, a#34;#124;b"| n4
            n5 -.->|"refused"| n6
            n1 -.->|"refused"| n5
            n2 -.->|"refused"| n5
            n3 -.->|"refused"| n5
            n4 -.->|"refused"| n5
            n4 -.->|"away for 500 ms"| n7
    "#]];
    check(&mermaid::write(&way::of(&load(PIPELINE))), &expected);
}

#[test]
fn dot_draws_the_same() {
    let expected = expect![[r#"
        digraph "logs" {
            rankdir=LR;
            node [fontname="sans-serif"];
            n0 [shape=ellipse, label="kafka: a, ^b.*\ngroup g"];
            n1 [shape=box, label="level\nlevel.wasm"];
            n2 [shape=box, label="odd\nsay \"hi\" & <b>|x\\.wasm"];
            n3 [shape=cylinder, label="all\nmongodb: logs.{topic}"];
            n4 [shape=cylinder, label="search\nelasticsearch: logs-{time:%Y}"];
            n5 [shape=note, label="dead letters\nkafka: logs.dead"];
            n6 [shape=note, label="dead letters\nfolder: /dead"];
            n7 [shape=note, label="parked of search\nfolder: /parked"];
            n0 -> n1 [style=solid, label=""];
            n1 -> n2 [style=solid, label=""];
            n2 -> n3 [style=solid, label="all routes"];
            n2 -> n4 [style=solid, label="no route; /Type is error, a\"|b"];
            n5 -> n6 [style=dashed, label="refused"];
            n1 -> n5 [style=dashed, label="refused"];
            n2 -> n5 [style=dashed, label="refused"];
            n3 -> n5 [style=dashed, label="refused"];
            n4 -> n5 [style=dashed, label="refused"];
            n4 -> n7 [style=dashed, label="away for 500 ms"];
        }
    "#]];
    check(&dot::write(&way::of(&load(PIPELINE))), &expected);
}

/// Reads what is quoted in a line, as both languages do; panics where a quote does not end.
fn without_quoted(line: &str, escape: Option<char>) -> String {
    let (mut rest, mut chars) = (String::new(), line.chars());
    while let Some(char) = chars.next() {
        if char != '"' {
            rest.push(char);
            continue;
        }
        loop {
            let next = chars.next().expect("a quote ends in its line");
            if Some(next) == escape {
                chars.next().expect("something is escaped");
            } else if next == '"' {
                break;
            }
        }
        rest.push('Q');
    }
    rest
}

#[test]
fn whatever_names_are_no_line_is_broken_and_every_edge_has_its_nodes() {
    let way = way::of(&load(PIPELINE));
    let nodes = way.nodes.len();
    for (written, escape) in [(dot::write(&way), Some('\\')), (mermaid::write(&way), None)] {
        let lines: Vec<_> = written
            .lines()
            .map(|line| without_quoted(line.trim(), escape))
            .collect();
        let is_edge = |line: &&String| line.contains("->");
        let ends: BTreeSet<&str> = lines
            .iter()
            .filter(is_edge)
            .flat_map(|line| line.split(|char: char| !char.is_ascii_alphanumeric()))
            .filter(|word| word.starts_with('n'))
            .collect();
        assert_eq!(ends.len(), nodes, "{written}");
        assert_eq!(lines.iter().filter(is_edge).count(), way.edges.len());
        let declared = |end: &&str| {
            let is_node = |line: &&String| {
                line.strip_prefix(*end)
                    .is_some_and(|rest| rest.starts_with(['[', '(', ' ']) && !rest.contains("->"))
            };
            lines.iter().any(|line| is_node(&line))
        };
        assert!(ends.iter().all(declared), "{written}");
    }
}

#[test]
fn every_example_can_be_drawn() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let environment: Environment = [
            ("ELASTICSEARCH_API_KEY", "x"),
            ("MYSQL_PASSWORD", "x"),
            ("MONGO_PASSWORD", "x"),
            ("KAFKA_USER", "x"),
            ("KAFKA_PASSWORD", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        let spec = tamis_config::load(&path, &environment, PluginFiles::MayBeMissing);
        let spec = spec.unwrap_or_else(|problems| panic!("{problems}"));
        assert!(mermaid::write(&way::of(&spec)).contains("flowchart"));
    }
}
