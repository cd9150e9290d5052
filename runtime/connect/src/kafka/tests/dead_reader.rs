//! A topic of dead letters is read up to where it ended, with its marks.

use std::thread;

use rdkafka::message::{Header, OwnedHeaders};
use tamis_config::spec::{DeadLettersSpec, DeadTopicSpec};
use tamis_core::dead;

use super::cluster::{Cluster, Input, TOPIC};
use crate::dead::marker::Marker;
use crate::dead::read::{DeadStore, Entry, ReadError, Wanted, open};
use crate::halt::Halt;

fn spec(cluster: &Cluster) -> DeadLettersSpec {
    DeadLettersSpec {
        kafka: Some(DeadTopicSpec {
            brokers: vec![cluster.mock.bootstrap_servers()],
            topic: TOPIC.to_owned(),
            properties: Default::default(),
        }),
        folder: None,
    }
}

/// Puts letters into partition `partition`, with these offsets of their records.
fn bury(cluster: &Cluster, partition: i32, offsets: std::ops::Range<u64>) {
    let letter = |offset: u64| {
        let id = format!("s/t/0/{offset}/0");
        let offset = offset.to_string();
        let said = [
            (dead::HEADER_VERSION, "1"),
            (dead::HEADER_ID, &id),
            (dead::HEADER_STAGE, "mask"),
            (dead::HEADER_STAGE_VERSION, "1.0.0"),
            (dead::HEADER_REASON, "no"),
            (dead::HEADER_TIME, ""),
            (dead::HEADER_SOURCE, "s"),
            (dead::HEADER_TOPIC, "t"),
            (dead::HEADER_PARTITION, "0"),
            (dead::HEADER_OFFSET, &offset),
            (dead::HEADER_NUMBER, "0"),
        ];
        let add = |list: OwnedHeaders, (key, value): (&str, &str)| {
            list.insert(Header {
                key,
                value: Some(value),
            })
        };
        Input {
            partition,
            headers: Some(said.into_iter().fold(OwnedHeaders::new(), add)),
            value: Some(offset.clone().into_bytes()),
            ..Input::default()
        }
    };
    cluster.produce(&[], &offsets.map(letter).collect::<Vec<_>>());
}

fn store(cluster: &Cluster) -> DeadStore {
    open(&spec(cluster), "group", &Halt::default())
        .unwrap()
        .remove(0)
}

/// Place and offset of each letter, sorted; the number of other things.
fn letters(store: &DeadStore) -> (Vec<(u64, String)>, usize) {
    let (mut letters, mut others) = (Vec::new(), 0);
    for entry in store.entries(Wanted::Letters).unwrap() {
        match entry.unwrap() {
            Entry::Letter(found) => letters.push((found.letter.offset, found.place)),
            Entry::Mark(_) | Entry::Unreadable(_) => others += 1,
        }
    }
    letters.sort();
    (letters, others)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_partitions_are_read_up_to_where_they_ended_as_often_as_one_likes() {
    let cluster = Cluster::new(3);
    bury(&cluster, 0, 0..300);
    bury(&cluster, 2, 300..301);
    let opened = store(&cluster);
    assert_eq!(opened.entries_max().unwrap(), 301);
    bury(&cluster, 0, 400..410);
    bury(&cluster, 1, 500..510);
    for _ in 0..2 {
        let (found, others) = letters(&opened);
        let place = |offset: u64| match offset {
            300 => "partition 2 offset 0".to_owned(),
            _ => format!("partition 0 offset {offset}"),
        };
        let expected = (0..301).map(|offset| (offset, place(offset)));
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert_eq!(others, 0);
    }
    assert_eq!(letters(&store(&cluster)).0.len(), 321);
    assert_eq!(cluster.committed(), [].into(), "nothing is committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_lie_beside_letters_and_other_records_are_named() {
    let cluster = Cluster::new(1);
    bury(&cluster, 0, 0..2);
    cluster.fill("no letter", 1);
    let opened = store(&cluster);
    let mark = |offset| {
        let (id, place) = (
            format!("s/t/0/{offset}/0"),
            format!("partition 0 offset {offset}"),
        );
        Marker::new(
            id,
            "mask".to_owned(),
            place,
            "2023-01-18T04:05:06Z".to_owned(),
        )
    };
    let marks = [mark(0), mark(1)];
    opened.mark(&marks).await.unwrap();
    opened.mark(&[]).await.unwrap();
    assert_eq!(opened.entries(Wanted::Marks).unwrap().count(), 0);

    let again = store(&cluster);
    let found = again
        .entries(Wanted::Marks)
        .unwrap()
        .map(|entry| match entry.unwrap() {
            Entry::Mark(mark) => mark,
            other => panic!("{other:?}"),
        });
    assert_eq!(found.collect::<Vec<_>>(), marks);
    let (found, others) = letters(&again);
    assert_eq!((found.len(), others), (2, 1));
    let unreadable =
        again
            .entries(Wanted::Letters)
            .unwrap()
            .find_map(|entry| match entry.unwrap() {
                Entry::Unreadable(what) => Some(what.to_string()),
                Entry::Letter(_) | Entry::Mark(_) => None,
            });
    assert_eq!(
        unreadable.as_deref(),
        Some("partition 0 offset 2: it is no dead letter")
    );
}

#[test]
fn a_cluster_that_is_away_is_waited_for_until_that_is_no_longer_wanted() {
    let cluster = Cluster::new(1);
    bury(&cluster, 0, 0..1);
    cluster.mock.broker_down(1).unwrap();
    let halt = Halt::default();
    let waiting = thread::spawn({
        let (spec, halt) = (spec(&cluster), halt.clone());
        move || open(&spec, "group", &halt).map(|stores| stores.len())
    });
    let answered = thread::spawn({
        let spec = spec(&cluster);
        move || open(&spec, "group", &Halt::default()).map(|stores| letters(&stores[0]))
    });
    halt.set();
    assert!(matches!(waiting.join().unwrap(), Err(ReadError::Halted)));
    assert!(!answered.is_finished());
    cluster.mock.broker_up(1).unwrap();
    let (found, others) = answered.join().unwrap().unwrap();
    assert_eq!((found.len(), others), (1, 0));
}
