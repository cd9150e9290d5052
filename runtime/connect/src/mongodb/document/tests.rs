use mongodb::bson::{Bson, Document, doc};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};
use tamis_config::spec::{BigNumbers, Decimals, MongodbDate};

use super::*;

const ID: &str = "test/logs/0/7/0";

fn encoder() -> Encoder {
    Encoder {
        numbers: super::Numbers {
            decimals: Decimals::Double,
            big_numbers: BigNumbers::String,
        },
        dates: Dates::default(),
        keep_id_as: None,
    }
}

/// What `value` becomes, read by the driver's own library, which looks at all of it.
fn made(encoder: &Encoder, value: &str) -> Result<Document, String> {
    let document = encoder.document(ID, value.as_bytes())?;
    let mut document = Document::try_from(&*document).expect("what was written is BSON");
    let id = document.remove("_id");
    assert_eq!(id, Some(Bson::String(ID.to_owned())));
    Ok(document)
}

fn check(value: &str, expected: Document) {
    assert_eq!(made(&encoder(), value), Ok(expected), "{value}");
}

fn refused(value: &str, words: &str) {
    let reason = made(&encoder(), value).expect_err(value);
    assert!(reason.contains(words), "{value}: {reason}");
}

#[test]
fn a_document_has_the_fields_of_its_record_in_order() {
    check("{}", doc! {});
    check(
        " {\t\"b\" : 1 ,\r\n\"a\":[ ] } ",
        doc! { "b": 1_i64, "a": [] },
    );
    check(
        r#"{"s":"第 1 条","n":null,"t":true,"f":false,"l":[1,[2,{}],"x"],"m":{"":{"d":-0.5}}}"#,
        doc! {
            "s": "第 1 条", "n": null, "t": true, "f": false,
            "l": [1_i64, [2_i64, {}], "x"], "m": { "": { "d": -0.5 } },
        },
    );
    let long: Vec<String> = (0..120).map(|it| it.to_string()).collect();
    let list: Vec<Bson> = (0..120_i64).map(Bson::Int64).collect();
    check(
        &format!("{{\"l\":[{}]}}", long.join(",")),
        doc! { "l": list },
    );
}

#[test]
fn escapes_stand_for_what_they_stand_for() {
    check(
        r#"{"\u0041\n":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000é"}"#,
        doc! { "A\n": "\"\\/\u{8}\u{c}\n\r\té😀\0é" },
    );
}

#[test]
fn of_fields_with_one_name_the_last_one_counts() {
    check(r#"{"a":1,"b":2,"a":3}"#, doc! { "b": 2_i64, "a": 3_i64 });
    check(r#"{"a":1,"\u0061":[2]}"#, doc! { "a": [2_i64] });
    check(
        r#"{"m":{"x":{"y":1,"y":2},"x":{"y":3,"z":[{"q":1,"q":2}],"y":4}},"k":0}"#,
        doc! { "m": { "x": { "z": [{ "q": 2_i64 }], "y": 4_i64 } }, "k": 0_i64 },
    );
    // In a map so large that its names are looked up, each of them three times.
    let fields = |round: usize| (0..40).map(move |it| format!("\"k{it}\":{}", it * 10 + round));
    let all: Vec<_> = (0..3).flat_map(fields).collect();
    let expected: Document = (0..40_i64)
        .map(|it| (format!("k{it}"), Bson::Int64(it * 10 + 2)))
        .collect();
    let whole = format!("{{{},\"in\":{{{}}}}}", all.join(","), all.join(","));
    let mut both = expected.clone();
    both.insert("in", expected);
    check(&whole, both);
}

#[test]
fn an_id_of_the_record_is_kept_under_another_name_or_refused() {
    refused(r#"{"_id":1}"#, "set `keep_id_as`");
    check(r#"{"m":{"_id":1}}"#, doc! { "m": { "_id": 1_i64 } });
    let keeping = Encoder {
        keep_id_as: Some("id".to_owned()),
        ..encoder()
    };
    let kept = doc! { "a": 1_i64, "id": { "$oid": "x" }, "b": 2_i64 };
    assert_eq!(
        made(&keeping, r#"{"a":1,"_id":{"$oid":"x"},"b":2}"#),
        Ok(kept)
    );
    assert_eq!(
        made(&keeping, r#"{"\u005fid":1,"_id":2}"#),
        Ok(doc! { "id": 2_i64 })
    );
    for value in [r#"{"_id":1,"id":2}"#, r#"{"id":1,"_id":2}"#] {
        let reason = made(&keeping, value).expect_err(value);
        assert!(reason.contains("`_id` and `id`"), "{reason}");
    }
}

#[test]
fn numbers_are_placed_wherever_they_are() {
    check(
        r#"{"a":[9223372036854775807,9223372036854775808,-9223372036854775808],"b":1e400,"c":{"d":0.1}}"#,
        doc! {
            "a": [i64::MAX, "9223372036854775808", i64::MIN], "b": "1e400", "c": { "d": 0.1 },
        },
    );
    let mut strict = encoder();
    strict.numbers.big_numbers = BigNumbers::DeadLetter;
    let reason = made(&strict, r#"{"a":18446744073709551615}"#).expect_err("it is too big");
    assert!(reason.contains("18446744073709551615"), "{reason}");
}

#[test]
fn a_text_becomes_a_date_where_it_was_asked_for() {
    let date = |names: &[&str]| MongodbDate {
        field: names.iter().map(|name| (*name).to_owned()).collect(),
        zone: "Asia/Shanghai".to_owned(),
    };
    let dates = [date(&["Time"]), date(&["Field", "at"]), date(&["l", "1"])];
    let dating = Encoder {
        dates: Dates::new(&dates).unwrap(),
        ..encoder()
    };
    let text = "2023-01-18 12:00:00";
    let value = json!({
        "Time": text, "Msg": text, "at": text,
        "Field": { "at": text, "Time": text }, "l": [text, text],
    });
    let instant = Bson::DateTime(mongodb::bson::DateTime::from_millis(1_674_014_400_000));
    let expected = doc! {
        "Time": &instant, "Msg": text, "at": text,
        "Field": { "at": &instant, "Time": text }, "l": [text, &instant],
    };
    assert_eq!(made(&dating, &value.to_string()), Ok(expected));
    let others = r#"{"Time":"soon","Field":{"at":5},"l":[0,{"x":null}]}"#;
    let expected = doc! { "Time": "soon", "Field": { "at": 5_i64 }, "l": [0_i64, { "x": null }] };
    assert_eq!(made(&dating, others), Ok(expected));
}

#[test]
fn what_is_no_document_is_refused_with_the_reason() {
    refused("", "a value was expected at byte 0");
    refused("[{}]", "no map");
    refused("\"text\"", "no map");
    refused("{} x", "behind the value at byte 3");
    refused("{\"a\":1,}", "a name in quotes was expected at byte 7");
    refused("{\"a\" 1}", "`:` was expected");
    refused("{\"a\":1", "`}` was expected");
    refused("{\"a\":[1}", "`]` was expected");
    refused("{\"a\":01}", "`}` was expected");
    refused("{\"a\":-}", "no number at byte 5");
    refused("{\"a\":nul}", "a value was expected at byte 5");
    refused("{\"a\":\"\u{1}\"}", "control character");
    refused("{\"a\":\"\\x\"}", "no such escape");
    refused(r#"{"a":"\ud800"}"#, "half of a character");
    refused(r#"{"a":"\udc00"}"#, "half of a character");
    refused(r#"{"a":"\u12"}"#, "four digits");
    refused("{\"a\":\"", "a text has no end");
    refused(r#"{"a":{"b\u0000c":1}}"#, "zero byte");
    let reason = encoder()
        .document(ID, b"{\"a\":\"\xff\"}")
        .expect_err("it is no text");
    assert!(reason.contains("byte 6 is not UTF-8"), "{reason}");
}

#[test]
fn levels_are_counted() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
        format!("{open}{{}}{close}")
    };
    let max = LEVELS_MAX as usize;
    assert!(made(&encoder(), &nested(max)).is_ok());
    refused(&nested(max + 1), "more than 100 levels");
    refused(&"[".repeat(1_000_000), "more than 100 levels");
}

/// What JSON has for `value`.
fn json(value: Bson) -> Value {
    match value {
        Bson::Null => Value::Null,
        Bson::Boolean(value) => value.into(),
        Bson::Int64(number) => number.into(),
        Bson::Double(number) => Number::from_f64(number).map(Value::Number).unwrap(),
        Bson::String(text) => text.into(),
        Bson::Array(list) => list.into_iter().map(json).collect(),
        Bson::Document(map) => json_map(map),
        other => panic!("{other:?} was never written"),
    }
}

fn json_map(map: Document) -> Value {
    let fields = map.into_iter().map(|(name, value)| (name, json(value)));
    Value::Object(fields.collect())
}

/// `value` with text in the place of numbers that neither an int64 nor a double holds: such are whole numbers of 64 bits without a
/// sign, of which a double in its shortest form has other digits.
fn placed(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(big) if number.as_i64().is_none() => {
                #[expect(clippy::cast_precision_loss, reason = "that is the question")]
                let double = big as f64;
                if double.to_string() == big.to_string() {
                    json!(double)
                } else {
                    big.to_string().into()
                }
            }
            _ => Value::Number(number),
        },
        Value::Array(list) => list.into_iter().map(placed).collect(),
        Value::Object(map) => {
            let fields = map.into_iter().map(|(name, value)| (name, placed(value)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let float = any::<f64>().prop_filter("JSON has no such number", |it| it.is_finite());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..2_000).prop_map(|it| Value::from(u64::MAX / 2 + 1 + it * 1_000)),
        float.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 200, 20, |inner| {
        let name = any::<String>().prop_map(|name| name.replace('\0', ""));
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::from),
            btree_map(name, inner, 0..30)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Bytes that are JSON here and there.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let edited = (any_json(), any::<prop::sample::Index>(), any::<u8>());
    prop_oneof![
        edited.prop_map(|(json, at, byte)| {
            let mut bytes = json.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        r#"[ \n{}\[\]",:\\u0-9eE+.truefalsn-]{0,24}"#.prop_map(String::into_bytes),
        r#"\{"a":[-+0-9.eE]{1,12}\}"#.prop_map(String::into_bytes),
        r#"\{"a":"(\\u[dD][89a-fA-F0-9]{3}|\\[a-z"]|x){0,4}"\}"#.prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn json_comes_back_as_it_was(value in any_json()) {
        let value = json!({ "value": value });
        for text in [value.to_string(), format!("{value:#}")] {
            let made = made(&encoder(), &text);
            prop_assert_eq!(made.map(json_map), Ok(placed(value.clone())), "{}", text);
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused_and_nothing_else(bytes in near_json()) {
        let made = encoder().document(ID, &bytes);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(Value::Object(_)) => if let Err(reason) = made {
                let own = ["zero byte", "keep_id_as"];
                prop_assert!(own.iter().any(|own| reason.contains(own)), "{}", reason);
            },
            Ok(_) => prop_assert!(made.is_err()),
            Err(error) => prop_assert!(
                made.is_err() || error.to_string().contains("number out of range"), "{}", error
            ),
        }
    }
}
