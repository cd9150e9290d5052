//! What a record is made of arrives as it was produced.

use std::sync::Arc;

use rdkafka::message::{Header, OwnedHeaders};

use super::cluster::{Cluster, Input, TOPIC, start};
use super::store::{Kept, Store};

#[tokio::test]
async fn keys_tombstones_times_and_headers_survive() {
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "a",
            value: Some("1"),
        })
        .insert(Header {
            key: "a",
            value: Some("2"),
        })
        .insert(Header {
            key: "名",
            value: None::<&str>,
        })
        .insert(Header {
            key: "empty",
            value: Some(""),
        });
    let inputs = [
        Input {
            value: Some(b"plain".to_vec()),
            timestamp_ms: Some(1000),
            ..Input::default()
        },
        Input {
            key: Some(b"gone".to_vec()),
            timestamp_ms: Some(2000),
            ..Input::default()
        },
        Input {
            key: Some(Vec::new()),
            value: Some(Vec::new()),
            timestamp_ms: Some(3000),
            headers: Some(headers),
            ..Input::default()
        },
    ];
    let cluster = Cluster::new(1);
    cluster.produce(&[], &inputs);
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &store);
    store.has(inputs.len()).await;
    running.stop().await;
    let expected_headers = [
        ("a", Some("1")),
        ("a", Some("2")),
        ("名", None),
        ("empty", Some("")),
    ];
    let own = |(name, value): (&str, Option<&str>)| {
        (
            name.to_owned(),
            value.map(|value| value.as_bytes().to_vec()),
        )
    };
    let expected = inputs.iter().zip(0..).map(|(input, offset)| Kept {
        partition: 0,
        offset,
        key: input.key.clone(),
        value: input.value.clone(),
        timestamp_ms: input.timestamp_ms,
        headers: input
            .headers
            .iter()
            .flat_map(|_| expected_headers.map(own))
            .collect(),
        times: 1,
    });
    assert_eq!(store.kept(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn every_compression_is_read() {
    let cluster = Cluster::new(2);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let input = |index| Input {
            partition: index % 2,
            value: Some(format!("{codec} {index}").repeat(20).into_bytes()),
            ..Input::default()
        };
        let inputs: Vec<_> = (0..100).map(input).collect();
        cluster.produce(&[("compression.type", codec)], &inputs);
    }
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &store);
    store.has(codecs.len() * 100).await;
    running.stop().await;
    for codec in codecs {
        let of_codec = |kept: &&Kept| kept.value.as_ref().unwrap().starts_with(codec.as_bytes());
        assert_eq!(store.kept().iter().filter(of_codec).count(), 100, "{codec}");
    }
}

#[tokio::test]
async fn a_record_larger_than_all_limits_passes() {
    let cluster = Cluster::new(1);
    let large = Input {
        value: Some(vec![b'x'; 4_500_000]),
        ..Input::default()
    };
    let small = Input {
        value: Some(b"small".to_vec()),
        ..Input::default()
    };
    cluster.produce(&[], &[small.clone(), large, small]);
    let store = Arc::new(Store::with_room(usize::MAX));
    let mut spec = cluster.spec();
    spec.prefetch_bytes_max = 1 << 16;
    let running = start(&spec, &store);
    store.has(3).await;
    running.stop().await;
    let lengths: Vec<_> = store
        .kept()
        .iter()
        .map(|k| k.value.as_ref().unwrap().len())
        .collect();
    assert_eq!(lengths, [5, 4_500_000, 5]);
}

/// The id of the only record, read by a source with this name.
async fn id(cluster: &Cluster, name: Option<&str>) -> String {
    let mut spec = cluster.spec();
    spec.group = format!("group of {name:?}");
    spec.name = name.map(str::to_owned);
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&spec, &store);
    store.has(1).await;
    running.stop().await;
    store.ids().remove(0)
}

#[tokio::test]
async fn ids_name_the_cluster_unless_the_source_has_a_name() {
    let cluster = Cluster::new(1);
    cluster.fill("first", 1);
    let (named, unnamed) = tokio::join!(id(&cluster, Some("mine")), id(&cluster, None));
    assert_eq!(named, format!("mine/{TOPIC}/0/0/0"));
    let cluster = unnamed.strip_suffix(&format!("/{TOPIC}/0/0/0")).unwrap();
    assert!(cluster.starts_with("mock"), "{unnamed}");
}
