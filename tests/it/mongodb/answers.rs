//! What a server may answer, and what comes of it.

use std::time::Duration;

use serde_json::{Value, json};
use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mongo::{Mongo, MongoServer};
use tokio::time::Instant;

use super::{Place, answer, assert_stops, assert_verdicts, records};

fn users(names: impl IntoIterator<Item = u64>) -> Vec<String> {
    let value = |name| format!("{{\"user\":\"u{name}\"}}");
    names.into_iter().map(value).collect()
}

#[test]
fn a_duplicate_is_a_repeat_where_the_document_itself_is_there() {
    let place = Place::new(Mongo::shared());
    let unique = json!({ "name": "user_1", "key": { "user": 1 }, "unique": true });
    let indexes = json!({ "createIndexes": "all", "indexes": [unique] });
    place.mongo.must(&place.database, &indexes);
    let sink = place.sink("timeout_ms: 20000");
    let first = sink.settle(&records(0, users(0..10)));
    assert_eq!(first, vec![Verdict::Written; 10]);
    // Ten that are there, of which the server may say that another index is in the way; then new ones, of which one has what
    // another document has, and two have the same.
    let others = [10, 3, 11, 12, 12, 13];
    let verdicts = sink.settle(&records(0, users((0..10).chain(others))));
    let words = Some("index: user_1");
    let new = [None, words, None, None, words, None];
    assert_verdicts(&verdicts, &[vec![None; 10], new.to_vec()].concat());
    assert_eq!(
        place.numbers(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15]
    );
    // Nothing else is said when it is said again.
    let again = sink.settle(&records(0, users((0..10).chain(others))));
    assert_eq!(again, verdicts);
}

#[test]
fn a_name_that_a_record_gives_is_judged_with_it() {
    let place = Place::new(Mongo::shared());
    let more = "collection: 'all{field:/to}', destinations_max: 3";
    let sink = Subject::connect(&place.configuration(more)).unwrap();
    let to = |name: &str| json!({ "to": name }).to_string();
    let long = "x".repeat(300);
    let cases = [
        (to("-1"), None),
        (to("$x"), Some("not a name that MongoDB allows")),
        (to(".."), Some("not a name that MongoDB allows")),
        (to("\0"), Some("not a name that MongoDB allows")),
        (to(&long), Some("not a name that MongoDB allows")),
        ("{}".to_owned(), Some("the record has no {field:/to}")),
        (to("-2"), None),
        (to("-3"), None),
        (to("-4"), Some("one more than the 3 destinations")),
        (to("-1"), None),
    ];
    let values = cases.iter().map(|(value, _)| value);
    let verdicts = sink.settle(&records(0, values));
    let expected: Vec<_> = cases.iter().map(|(_, words)| *words).collect();
    assert_verdicts(&verdicts, &expected);
    let documents = place.mongo.documents(&place.database);
    let mut found: Vec<_> = documents.iter().map(|it| &*it.collection).collect();
    found.sort_unstable();
    assert_eq!(found, ["all-1", "all-1", "all-2", "all-3"]);
}

#[test]
fn records_of_one_write_go_to_many_collections() {
    let place = Place::new(Mongo::shared());
    let more = "collection: '{field:/to}', create: { indexes: [{ keys: [n] }] }";
    let sink = Subject::connect(&place.configuration(more)).unwrap();
    let value = |n: u64| format!("{{\"n\":{n},\"to\":\"c{}\"}}", n % 9);
    let verdicts = sink.settle(&records(0, (0..90).map(value)));
    assert_eq!(verdicts, vec![Verdict::Written; 90]);
    let documents = place.mongo.documents(&place.database);
    assert_eq!(documents.len(), 90);
    for document in documents {
        let (id, fields) = document.plain();
        let n = super::number(&id);
        assert_eq!(fields, json!({ "n": n, "to": format!("c{}", n % 9) }));
        assert_eq!(document.collection, format!("c{}", n % 9));
    }
}

/// A server that does what it is told to once.
struct Told {
    _server: MongoServer,
    place: Place,
}

impl Told {
    fn new() -> Self {
        let server = MongoServer::with_flags("--enable-test-commands");
        server.start();
        let mut place = Place::new(server.mongo());
        // A server that is no primary is looked at again after that; the default is ten seconds.
        place.options = "&heartbeatFrequencyMS=500";
        Self {
            _server: server,
            place,
        }
    }

    /// Has the next `times` inserts fail like this.
    fn fail(&self, times: u32, how: Value) {
        self.fail_command("insert", times, &how);
    }

    fn fail_command(&self, command: &str, times: u32, how: &Value) {
        let mut data = json!({ "failCommands": [command] });
        let fields = data.as_object_mut().unwrap();
        fields.extend(how.as_object().unwrap().clone());
        let fail = json!({ "configureFailPoint": "failCommand", "mode": { "times": times }, "data": data });
        self.place.mongo.must("admin", &fail);
    }
}

#[test]
fn what_is_not_safe_is_written_again_and_there_once() {
    let told = Told::new();
    let sink = told.place.sink("timeout_ms: 20000");
    let all = records(0, users(0..5));
    let error = json!({ "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out" });
    for _ in 0..2 {
        // Of new ones first, then of repeats.
        told.fail(1, json!({ "writeConcernError": error }));
        let verdicts = sink.write(&all).unwrap();
        let is_so = |verdict: &Verdict| matches!(verdict, Verdict::Retry(words) if words.contains("replication timed out"));
        assert!(verdicts.iter().all(is_so), "{verdicts:?}");
    }
    assert_eq!(sink.write(&all).unwrap(), vec![Verdict::Written; 5]);
    assert_eq!(told.place.numbers(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_server_that_steps_down_or_hangs_up_is_waited_for() {
    let told = Told::new();
    let sink = told.place.sink("timeout_ms: 20000");
    // As often as the driver tries by itself, and once more.
    let troubles = [
        json!({ "errorCode": 10107 }),
        json!({ "errorCode": 91 }),
        json!({ "closeConnection": true }),
    ];
    for (first, trouble) in (0..).step_by(5).zip(troubles) {
        told.fail(3, trouble.clone());
        let all = records(first, users(0..5));
        let outcome = sink.write(&all);
        assert!(
            matches!(outcome, Err(SinkError::Unavailable(_))),
            "{trouble}: {outcome:?}"
        );
        assert_eq!(sink.settle(&all), vec![Verdict::Written; 5], "{trouble}");
    }
    assert_eq!(told.place.numbers(), (0..15).collect::<Vec<_>>());
}

#[test]
fn a_server_that_does_not_answer_is_waited_for() {
    let told = Told::new();
    let sink = told.place.sink("timeout_ms: 1000");
    told.fail(1, json!({ "blockConnection": true, "blockTimeMS": 5_000 }));
    let all = records(0, users(0..5));
    let Some(Err(SinkError::Unavailable(error))) = sink.write_within(&all, Duration::from_secs(4))
    else {
        panic!("it waits for longer than it may");
    };
    assert!(causes(&*error).contains("no answer within 1000 ms"));
    assert_eq!(sink.settle(&all), vec![Verdict::Written; 5]);
    assert_eq!(told.place.numbers(), [0, 1, 2, 3, 4]);
}

#[test]
fn indexes_that_take_longer_than_an_answer_are_waited_for() {
    let told = Told::new();
    let slow = json!({ "blockConnection": true, "blockTimeMS": 3_500 });
    told.fail_command("createIndexes", 1, &slow);
    let started = Instant::now();
    let more = "timeout_ms: 1000, create: { indexes: [{ keys: [user] }] }";
    let sink = told.place.sink(more);
    assert!(started.elapsed() >= Duration::from_millis(3_500));
    let all = records(0, users(0..5));
    assert_eq!(sink.settle(&all), vec![Verdict::Written; 5]);
    let indexes = answer(&told.place, &json!({ "listIndexes": "all" }));
    let indexes = indexes["cursor"]["firstBatch"].as_array().unwrap().clone();
    assert!(
        indexes.iter().any(|it| it["name"] == "user_1"),
        "{indexes:?}"
    );
}

#[test]
fn one_that_the_server_does_not_understand_is_found_among_its_neighbours() {
    let told = Told::new();
    let sink = told.place.sink("timeout_ms: 20000");
    // The whole, its first half, and the first of that.
    told.fail(3, json!({ "errorCode": 22 }));
    let verdicts = sink.settle(&records(0, users(0..2)));
    assert_verdicts(&verdicts[..1], &[Some("code 22")]);
    assert_verdicts(&verdicts[1..], &[Some("code 22")]);
    told.fail(2, json!({ "errorCode": 22 }));
    let verdicts = sink.settle(&records(2, users(2..6)));
    assert_eq!(verdicts, vec![Verdict::Written; 4]);
    told.fail(3, json!({ "errorCode": 22 }));
    let verdicts = sink.settle(&records(6, users(6..10)));
    assert_verdicts(&verdicts, &[Some("code 22"), None, None, None]);
    assert_eq!(told.place.numbers(), [2, 3, 4, 5, 7, 8, 9]);
}

#[test]
fn a_right_that_is_missing_stops_or_is_a_dead_letter() {
    let told = Told::new();
    let unauthorized = json!({ "errorCode": 13 });
    let fixed = told.place.sink("timeout_ms: 20000");
    told.fail(1, unauthorized.clone());
    let said = assert_stops(
        fixed.write(&records(0, users(0..5))),
        "the right `readWrite`",
    );
    assert!(
        said.contains(&format!("{}.all", told.place.database)),
        "{said}"
    );
    // Of a day, too: the right is missing, and not on that day alone.
    let daily = told.place.configuration("collection: 'all{time:%d}'");
    let daily = Subject::connect(&daily).unwrap();
    told.fail(1, unauthorized.clone());
    assert_stops(
        daily.write(&records(0, users(0..5))),
        "the right `readWrite`",
    );
    let named = told.place.configuration("collection: 'all{field:/to}'");
    let named = Subject::connect(&named).unwrap();
    told.fail(1, unauthorized);
    let verdicts = named.settle(&records(0, ["{\"to\":\"\"}", "{\"to\":\"\"}"]));
    assert_verdicts(&verdicts, &[Some("the right `readWrite`"); 2]);
    assert_eq!(told.place.numbers(), [0; 0]);
}

#[test]
fn a_write_concern_that_the_cluster_does_not_have_stops() {
    let place = Place::new(Mongo::shared());
    for concern in ["{ w: 3 }", "{ w: nowhere }"] {
        let sink = place.sink(&format!("write_concern: {concern}"));
        assert_stops(
            sink.write(&records(0, users(0..5))),
            "check `write_concern`",
        );
    }
}
