use mongodb::bson::{Document, deserialize_from_document, doc};

use super::*;

fn item(document: Document) -> Item {
    let error: IndexedWriteError = deserialize_from_document(document).unwrap();
    Item::of(&error, "logs.all")
}

fn duplicate(message: &str) -> Item {
    item(doc! { "index": 0, "code": 11000, "errmsg": message })
}

#[test]
fn a_duplicate_is_a_repeat_where_it_is_surely_one_of_the_id() {
    for message in [
        "E11000 duplicate key error collection: logs.all index: _id_ dup key: { _id: \"a/b/0/1/0\" }",
        "E11000 duplicate key error collection: logs.all dup key: { _id: \"a/b/0/1/0\" }",
    ] {
        assert_eq!(duplicate(message), Item::Repeat, "{message}");
    }
    for message in [
        "E11000 duplicate key error collection: logs.all index: _id_ collation: { locale: \"zh\" } dup key: { _id: \"CE\" }",
        "E11000 duplicate key error collection: logs.all index: user_1 dup key: { user: \" index: _id_ dup key: \" }",
        "E11000 duplicate key error collection: logs.all index: _id_2 dup key: { x: 1 }",
        "E11000 duplicate key error collection: logs.all2 index: _id_ dup key: { _id: 1 }",
        "E11000 duplicate key error collection: logs.all. Failed _id or unique index constraint.",
    ] {
        assert!(
            matches!(duplicate(message), Item::Taken(words) if words.contains(message)),
            "{message}"
        );
    }
}

#[test]
fn an_answer_on_one_document_says_what_becomes_of_it() {
    let invalid = item(doc! {
        "index": 0, "code": 121, "errmsg": "Document failed validation", "errInfo": { "details": { "reason": "field was missing" } },
    });
    let Item::Refused(words) = invalid else {
        panic!("{invalid:?}")
    };
    assert!(
        words.starts_with("Document failed validation (code 121)"),
        "{words}"
    );
    assert!(words.contains("field was missing"), "{words}");
    for code in [2, 52, 10334, 17280, 16755] {
        let refused = item(doc! { "index": 0, "code": code, "errmsg": "no" });
        assert_eq!(refused, Item::Refused(format!("no (code {code})")));
    }
    for code in [91, 112, 10107, 11602, 14031, 462] {
        let again = item(doc! { "index": 0, "code": code, "errmsg": "no", "codeName": "Name" });
        assert_eq!(again, Item::Again(format!("no (code {code}, Name)")));
    }
}

#[test]
fn an_answer_on_all_says_who_has_to_do_something() {
    let of = |code| Failure::of_code(code, "Name", "words");
    let said = |code| format!("words (code {code}, Name)");
    for code in [6, 91, 189, 10107, 11600, 13435, 50, 262, 999_999] {
        assert_eq!(of(code), Failure::Away(said(code)));
    }
    for code in [22, 10334] {
        assert_eq!(of(code), Failure::Document(said(code)));
    }
    for code in [73, 166] {
        assert_eq!(of(code), Failure::Collection(said(code)));
    }
    for (code, advice) in [
        (18, "check user"),
        (100, "check `write_concern`"),
        (59, "too old"),
    ] {
        let Failure::Person(words) = of(code) else {
            panic!("{code}")
        };
        assert!(words.contains(advice), "{words}");
    }
    let words = "not authorized on logs to execute command";
    assert!(
        matches!(Failure::of_code(13, "Unauthorized", words), Failure::Collection(it) if it.contains("readWrite"))
    );
    let words = "Command insert requires authentication";
    assert!(
        matches!(Failure::of_code(13, "Unauthorized", words), Failure::Person(it) if it.contains("check user"))
    );
}

#[test]
fn a_quota_that_is_used_up_is_waited_for_and_a_login_that_atlas_refuses_is_not() {
    let quota = "you are over your space quota, using 514 MB of 512 MB";
    let room = "give the cluster more room";
    let Failure::Away(words) = Failure::of_code(8000, "AtlasError", quota) else {
        panic!("it is a full disk");
    };
    assert!(words.contains(quota) && words.contains(room), "{words}");
    let Item::Again(words) = item(doc! { "index": 0, "code": 8000, "errmsg": quota }) else {
        panic!("it is a full disk");
    };
    assert!(words.contains(quota) && words.contains(room), "{words}");
    let login = Failure::of_code(8000, "AtlasError", "bad auth : authentication failed");
    assert!(matches!(login, Failure::Person(words) if words.contains("check user")));
}
