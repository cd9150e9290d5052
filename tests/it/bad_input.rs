//! Records that no one should send, among good ones: each ends where it belongs, and its neighbours do not notice.

use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use tamis_connect::dead_folder::letter::{Content, DeadLetter};
use tamis_tests::files::{assert_same, by_partition, dead_letters, visible};
use tamis_tests::kafka::{Kafka, Message, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, run};

use crate::main_job::kafka_source;
use Becomes::{Dead, Line};

/// What becomes of a record.
enum Becomes {
    /// This line.
    Line(Vec<u8>),
    /// A dead letter of this stage and version, with this word in its reason.
    Dead(&'static str, &'static str, &'static str),
}

fn case(value: impl Into<Vec<u8>>, becomes: Becomes) -> (Message, Becomes) {
    (Message::value(value), becomes)
}

fn line(text: &str) -> Becomes {
    Line(text.as_bytes().to_vec())
}

/// A value of about 5 MB, with and without its end.
fn large(end: &str) -> Vec<u8> {
    format!(r#"{{"Type":"info","Msg":"{}{end}"#, "x".repeat(5_000_000)).into_bytes()
}

fn cases() -> Vec<(Message, Becomes)> {
    let deep = format!(
        r#"{{"Type":"info","Deep":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let with_all = Message {
        key: Some(vec![0xff, 0]),
        headers: vec![
            ("trace".into(), Some(vec![0xfe])),
            ("none".into(), None),
            ("trace".into(), Some(vec![])),
        ],
        timestamp_ms: Some(1_700_000_000_123),
        ..Message::value("not json")
    };
    vec![
        (with_all, Dead("level", "0.1.0", "json")),
        case(
            "{\"Type\":\"info\",\"Msg\":\"\u{4e2d}".as_bytes(),
            Dead("level", "0.1.0", "json"),
        ),
        case(
            b"{\"Type\":\"info\",\"Msg\":\"\xff\"}",
            Dead("level", "0.1.0", "utf-8"),
        ),
        case(b"\xef\xbb\xbf{}", Dead("level", "0.1.0", "json")),
        case("", Dead("level", "0.1.0", "json")),
        case(deep, Dead("level", "0.1.0", "deep")),
        case(
            r#"{"Type":"info","Msg":"\ud800"}"#,
            Dead("level", "0.1.0", "surrogate"),
        ),
        case("[1]", Dead("enrich", "0.1.0", "object")),
        (
            Message {
                key: Some(b"k".to_vec()),
                ..Message::default()
            },
            Dead("archive", "", "tombstone"),
        ),
        case(
            "{\"Type\":\"info\",\n\"Msg\":1}",
            Dead("archive", "", "line feed"),
        ),
        case(
            large(r#""}"#),
            Line(large(r#"","env":"prod","level":"info"}"#)),
        ),
        case(
            r#"{"Type":"debug","Type":"ERROR","level":1,"level":2}"#,
            line(r#"{"Type":"debug","Type":"ERROR","level":1,"level":"error","env":"prod"}"#),
        ),
        case(
            r#"{"Time":"2023-02-30 12:00:00"}"#,
            line(r#"{"Time":"2023-02-30 12:00:00","env":"prod"}"#),
        ),
        case(
            r#"{"Time":"2023-01-18 12:00:00"}"#,
            line(
                r#"{"Time":"2023-01-18 12:00:00","env":"prod","@timestamp":"2023-01-18T12:00:00+08:00"}"#,
            ),
        ),
        case("{}", line(r#"{"env":"prod"}"#)),
    ]
}

/// `cases` with a good record before, between and after them.
fn among_good_ones(cases: Vec<(Message, Becomes)>) -> Vec<(Message, Becomes)> {
    let good = |n: usize| {
        let value = format!(r#"{{"Type":"Info","n":{n}}}"#);
        let becomes = format!(r#"{{"Type":"Info","n":{n},"env":"prod","level":"info"}}"#);
        case(value, Line(becomes.into_bytes()))
    };
    let count = cases.len();
    let pairs = cases
        .into_iter()
        .enumerate()
        .flat_map(|(n, case)| [good(n), case]);
    pairs.chain([good(count)]).collect()
}

/// Runs the main job over `records` on a topic of one partition, until all of them are settled.
fn process(place: &Place, records: &[(Message, Becomes)], job: Pipeline<'_>) -> (String, Ended) {
    let (kafka, group) = (Kafka::shared(), unique("bad-input"));
    let topic = kafka.new_topic("bad-input", 1, &[("max.message.bytes", "10000000")]);
    kafka.produce(&topic, records.iter().map(|(message, _)| message.clone()));
    let job = place.main_job(&kafka_source(&kafka, &topic, &group), job);
    let mut tamis = Running::start(&mut run(&job));
    tamis.await_settled(&kafka.group(&group, &topic), records.len() as u64);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let lines = records.iter().filter_map(|(_, becomes)| match becomes {
        Line(line) => Some([line, &b"\n"[..]].concat()),
        Dead(..) => None,
    });
    let written = by_partition(&place.out())
        .remove(&format!("{topic}-0"))
        .unwrap_or_default();
    assert_same("output", &written, &lines.collect::<Vec<_>>().concat());
    (topic, ended)
}

/// Those of `records` that become dead letters: offset, record, stage, its version, a word of the reason.
fn dead(records: &[(Message, Becomes)]) -> Vec<(u64, &Message, [&'static str; 3])> {
    let dead = (0..)
        .zip(records)
        .filter_map(|(offset, (message, becomes))| match becomes {
            Dead(stage, version, word) => Some((offset, message, [*stage, *version, *word])),
            Line(_) => None,
        });
    dead.collect()
}

#[test]
fn bad_records_become_dead_letters_with_stage_version_reason_and_all_their_bytes() {
    let (place, records) = (Place::default(), among_good_ones(cases()));
    let (topic, ended) = process(&place, &records, Pipeline::default());
    let (letters, expected) = (dead_letters(&place.dead()), dead(&records));
    assert_eq!(letters.len(), expected.len(), "{letters:?}");
    assert_eq!(ended.summary()["dead"], expected.len(), "{ended:?}");
    for (letter, (offset, message, said)) in letters.iter().zip(expected) {
        check_letter(letter, &topic, offset, message, said);
    }
}

fn check_letter(letter: &DeadLetter, topic: &str, offset: u64, message: &Message, said: [&str; 3]) {
    let [stage, version, word] = said;
    assert_eq!(
        (&*letter.topic, letter.partition, letter.offset),
        (topic, 0, offset),
        "{letter:?}"
    );
    assert_eq!(
        (&*letter.stage, without_digest(&letter.stage_version)),
        (stage, version),
        "{letter:?}"
    );
    let reason = letter.reason.to_lowercase();
    assert!(reason.contains(word), "{reason} is not about {word}");
    assert!(
        letter.id.ends_with(&format!("/{topic}/0/{offset}/0")),
        "{letter:?}"
    );
    let bytes = |content: &Option<Content>| content.as_ref().map(|content| content.0.clone());
    assert_eq!(bytes(&letter.value), message.value, "{letter:?}");
    assert_eq!(bytes(&letter.key), message.key, "{letter:?}");
    let headers = letter
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), bytes(value)));
    assert_eq!(headers.collect::<Vec<_>>(), message.headers, "{letter:?}");
    if message.timestamp_ms.is_some() {
        assert_eq!(letter.time.as_deref(), Some("2023-11-14T22:13:20.123Z"));
    }
}

#[test]
fn dead_letters_go_to_a_topic_and_to_the_folder_where_they_are_too_large_for_it() {
    let (place, kafka) = (Place::default(), Kafka::shared());
    let dead_topic = kafka.new_topic("bad-input-dead", 1, &[("max.message.bytes", "1000000")]);
    let folder = place.dead();
    let dead_letters_in = format!(
        "{{ kafka: {{ topic: {dead_topic} }}, folder: {{ path: {} }} }}",
        folder.display()
    );
    let too_large = case(large("no end"), Dead("level", "0.1.0", "json"));
    let mut cases = cases();
    cases.push(too_large);
    let records = among_good_ones(cases);
    let job = Pipeline {
        dead_letters: Some(&dead_letters_in),
        ..Pipeline::default()
    };
    let (topic, ended) = process(&place, &records, job);

    let mut expected = dead(&records);
    assert_eq!(ended.summary()["dead"], expected.len(), "{ended:?}");
    let (offset, message, said) = expected.pop().unwrap();
    let [letter] = &dead_letters(&folder)[..] else {
        panic!("{:?}", visible(&folder))
    };
    check_letter(letter, &topic, offset, message, said);

    let mut letters = kafka.read_all(&dead_topic);
    letters.sort_by_key(|letter| header(letter, "tamis-offset").parse::<u64>().unwrap());
    assert_eq!(letters.len(), expected.len());
    for (letter, (offset, message, [stage, version, word])) in letters.iter().zip(expected) {
        assert_eq!(header(letter, "tamis-offset"), offset.to_string());
        assert_eq!(header(letter, "tamis-topic"), topic);
        assert_eq!(header(letter, "tamis-stage"), stage);
        let stamped = header(letter, "tamis-stage-version");
        assert_eq!(without_digest(&stamped), version);
        assert!(
            header(letter, "tamis-reason").to_lowercase().contains(word),
            "{letter:?}"
        );
        assert_eq!(letter.payload(), message.value.as_deref());
        assert_eq!(letter.key(), message.key.as_deref());
        let names = message.headers.iter().map(|(name, _)| name);
        assert!(own_headers(letter).iter().eq(names), "{letter:?}");
    }
}

/// The version that a plugin says it has. Behind it stands which file it is.
fn without_digest(version: &str) -> &str {
    version.split('+').next().expect("there is a first part")
}

fn header(letter: &OwnedMessage, name: &str) -> String {
    let mut headers = letter.headers().expect("a letter has headers").iter();
    let header = headers.find(|header| header.key == name);
    let value = header
        .unwrap_or_else(|| panic!("no {name} in {letter:?}"))
        .value;
    String::from_utf8(value.unwrap_or_default().to_vec()).unwrap()
}

fn own_headers(letter: &OwnedMessage) -> Vec<String> {
    let headers = letter
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    let names = headers.map(|header| header.key.to_owned());
    names.filter(|name| !name.starts_with("tamis-")).collect()
}

#[test]
fn times_that_are_missing_or_absurd_have_a_folder_too() {
    const FAR: i64 = i64::MAX / 4;
    // Kafka itself takes them, where the topic lets it.
    let cases = [
        (Some(1), "1970-01-01"),
        (Some(-1), "none"),
        (Some(FAR), "none"),
    ];
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("times"));
    let far = FAR.to_string();
    let topic = kafka.new_topic("times", 1, &[("message.timestamp.after.max.ms", &far)]);
    let messages = cases.iter().map(|(timestamp_ms, _)| Message {
        timestamp_ms: *timestamp_ms,
        ..Message::value("{}")
    });
    kafka.produce(&topic, messages);
    let job = place.copy(&kafka_source(&kafka, &topic, &group), Pipeline::default());
    let mut tamis =
        Running::start(run(&job).env("TAMIS__SINKS__ARCHIVE__FILE__PATH", "dt={time:%Y-%m-%d}"));
    tamis.await_settled(&kafka.group(&group, &topic), cases.len() as u64);
    tamis.signal("TERM");
    assert_eq!(tamis.wait().code, Some(0));
    for (time, folder) in cases {
        let folder = place.out().join(format!("dt={folder}"));
        assert!(folder.is_dir(), "{time:?}: {:?}", visible(&place.out()));
    }
    assert_eq!(
        by_partition(&place.out())[&format!("{topic}-0")],
        b"{}\n{}\n{}\n"
    );
}
