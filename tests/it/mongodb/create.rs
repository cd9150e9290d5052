//! What is made with a collection.

use serde_json::{Value, json};
use tamis_core::sink::Verdict;
use tamis_tests::laws::Subject;
use tamis_tests::mongo::Mongo;

use super::{Place, answer, assert_stops, assert_verdicts, options, records};

/// The indexes of a collection beside that of `_id`, by their names.
fn indexes(place: &Place, collection: &str) -> Vec<Value> {
    let answer = answer(place, &json!({ "listIndexes": collection }));
    let all = answer["cursor"]["firstBatch"].as_array().cloned();
    let all = all.unwrap_or_default().into_iter();
    let mut found: Vec<_> = all.filter(|it| it["name"] != "_id_").collect();
    found.sort_by_key(|it| it["name"].to_string());
    found
}

#[test]
fn indexes_are_made_at_the_start_and_once() {
    let place = Place::new(Mongo::shared());
    let more = "dates: { /Time: UTC }, create: { indexes: [{ keys: [Type, -Field.user], name: mine }, { keys: [Time], expire_after_s: 86400 }] }";
    for _ in 0..2 {
        let _sink = place.sink(more);
        let found = indexes(&place, "all");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0]["name"], "Time_1");
        assert_eq!(found[0]["key"], json!({ "Time": 1 }));
        assert_eq!(found[0]["expireAfterSeconds"], 86_400);
        assert_eq!(found[1]["name"], "mine");
        assert_eq!(found[1]["key"], json!({ "Type": 1, "Field.user": -1 }));
    }
    let other = place.configuration("collection: all, dates: { /Time: UTC }, create: { indexes: [{ keys: [Time], expire_after_s: 5 }] }");
    assert_stops(Subject::connect(&other), "expireAfterSeconds");
}

#[test]
fn what_records_name_is_made_when_the_first_one_does() {
    let place = Place::new(Mongo::shared());
    let more = "collection: 'all{field:/to}', create: { indexes: [{ keys: [n] }], capped: { bytes_max: 1048576, records_max: 5 } }";
    let sink = Subject::connect(&place.configuration(more)).unwrap();
    assert_eq!(options(&place, "all-1"), Value::Null);
    let values = (0..20).map(|n| format!("{{\"n\":{n},\"to\":\"-{}\"}}", n % 2));
    let verdicts = sink.settle(&records(0, values));
    assert_eq!(verdicts, vec![Verdict::Written; 20]);
    for name in ["all-0", "all-1"] {
        assert_eq!(options(&place, name)["capped"], true);
        assert_eq!(options(&place, name)["max"], 5);
        assert_eq!(indexes(&place, name).len(), 1);
    }
}

#[test]
fn a_collection_of_another_kind_stops_or_is_a_dead_letter() {
    let place = Place::new(Mongo::shared());
    place
        .mongo
        .must(&place.database, &json!({ "create": "all" }));
    let capped = "create: { capped: { bytes_max: 4096 } }";
    let fixed = place.configuration(&format!("collection: all, {capped}"));
    assert_stops(
        Subject::connect(&fixed),
        "is there already, and is not capped",
    );
    let named = place.configuration(&format!("collection: 'al{{field:/to}}', {capped}"));
    let sink = Subject::connect(&named).unwrap();
    let verdicts = sink.settle(&records(0, ["{\"to\":\"l\"}", "{\"to\":\"so\"}"]));
    assert_verdicts(&verdicts, &[Some("is not capped"), None]);
    // One that is there and capped is as it should be.
    assert_eq!(
        sink.settle(&records(2, ["{\"to\":\"so\"}"])),
        [Verdict::Written]
    );
    let fixed = place.configuration(&format!("collection: also, {capped}"));
    Subject::connect(&fixed).unwrap();
}

#[test]
fn measurements_have_a_time() {
    let place = Place::new(Mongo::shared());
    let more = "dates: { /at: UTC }, create: { time_series: { time_field: at, meta_field: of, granularity: minutes, expire_after_s: 86400 } }";
    let sink = place.sink(more);
    let made = options(&place, "all");
    assert_eq!(made["timeseries"]["timeField"], "at");
    assert_eq!(made["timeseries"]["metaField"], "of");
    assert_eq!(made["timeseries"]["granularity"], "minutes");
    assert_eq!(made["expireAfterSeconds"], 86_400);
    let value = "{\"at\":\"2026-01-18 12:00:00\",\"of\":\"x\",\"n\":1}";
    assert_eq!(sink.settle(&records(0, [value])), [Verdict::Written]);
    let found = place.mongo.documents(&place.database);
    let found = found.iter().find(|it| it.collection == "all").unwrap();
    assert_eq!(
        found.fields["at"],
        json!({ "$date": { "$numberLong": "1768737600000" } })
    );
}
