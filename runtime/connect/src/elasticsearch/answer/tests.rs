//! Tests of answers, as clusters give them.

use serde_json::json;

use super::*;

fn fates(items: &Value) -> Vec<Fate> {
    let body = json!({ "errors": true, "items": items }).to_string();
    let count = items.as_array().unwrap().len();
    let items = super::items(body.as_bytes(), count, &Mask::default()).unwrap();
    items.iter().map(Item::fate).collect()
}

/// What it means that an item has this `status` and this error.
fn check(status: u16, kind: &str, reason: &str, expected: fn(String) -> Fate) {
    let error = json!({ "type": kind, "reason": reason });
    let item = json!({ "create": { "status": status, "error": error } });
    let words = format!("status {status}: {kind}: {reason}");
    assert_eq!(fates(&json!([item])), [expected(words)], "{kind}");
}

#[test]
fn an_item_says_what_became_of_its_document() {
    let items = json!([
        { "create": { "status": 201 } },
        { "index": { "status": 200 } },
        { "create": { "status": 409, "error": {
            "type": "version_conflict_engine_exception", "reason": "[a]: document already exists",
        } } },
    ]);
    assert_eq!(fates(&items), [Fate::Written, Fate::Written, Fate::Written]);
}

#[test]
fn a_cluster_at_its_limits_is_not_the_fault_of_a_document() {
    check(
        429,
        "es_rejected_execution_exception",
        "queue is full",
        Fate::Retry,
    );
    check(
        503,
        "unavailable_shards_exception",
        "primary shard is not active",
        Fate::Retry,
    );
    let disk = "index [a] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];";
    check(403, "cluster_block_exception", disk, Fate::Retry);
    let maintenance = "blocked by: [FORBIDDEN/6/cluster read-only (api)];";
    check(403, "cluster_block_exception", maintenance, Fate::Retry);
    let shards = "this action would add [2] shards, but this cluster currently has [999]/[1000] maximum normal shards open;";
    check(400, "validation_exception", shards, Fate::Retry);
}

#[test]
fn an_index_that_takes_nothing_is_not_the_fault_of_a_document() {
    check(
        404,
        "index_not_found_exception",
        "no such index [a]",
        Fate::NoSuchIndex,
    );
    check(400, "index_closed_exception", "closed", Fate::Retired);
    check(
        400,
        "invalid_index_name_exception",
        "Invalid index name [A]",
        Fate::NoSuchIndex,
    );
    let read_only = "index [a] blocked by: [FORBIDDEN/8/index write (api)];";
    check(403, "cluster_block_exception", read_only, Fate::Retired);
    let alias = "no write index is defined for alias [a]";
    check(400, "illegal_argument_exception", alias, Fate::NoSuchIndex);
    check(
        403,
        "security_exception",
        "action is unauthorized",
        Fate::Forbidden,
    );
}

#[test]
fn a_document_that_does_not_fit_is_refused_in_the_words_of_the_cluster() {
    let error = json!({
        "type": "document_parsing_exception",
        "reason": "failed to parse field [n] of type [long]",
        "caused_by": { "type": "illegal_argument_exception", "reason": "For input string: \"x\"" },
    });
    let words = "status 400: document_parsing_exception: failed to parse field [n] of type [long]; \
                 caused by illegal_argument_exception: For input string: \"x\"";
    let items = json!([{ "create": { "status": 400, "error": error } }]);
    assert_eq!(fates(&items), [Fate::Rejected(words.to_owned())]);
    let limit = "Limit of total fields [1000] has been exceeded";
    check(400, "illegal_argument_exception", limit, Fate::Rejected);
}

#[test]
fn a_document_that_a_pipeline_stumbles_over_is_not_sent_for_ever() {
    let of_500 = |error: Value| {
        let item = json!({ "create": { "status": 500, "error": error } });
        fates(&json!([item])).remove(0)
    };
    let grok = json!({
        "type": "exception",
        "reason": "java.lang.IllegalArgumentException: Provided Grok expressions do not match field value: [x]",
        "caused_by": { "type": "illegal_state_exception", "reason": "no match" },
    });
    // As 6 and 7 say where it comes from, and as later ones do.
    for place in [
        json!({ "header": { "processor_type": "grok" } }),
        json!({ "pipeline_origin": ["logs"] }),
    ] {
        let mut error = grok.clone();
        error
            .as_object_mut()
            .unwrap()
            .extend(place.as_object().unwrap().clone());
        let Fate::Rejected(words) = of_500(error.clone()) else {
            panic!("{error}")
        };
        assert!(
            words.contains("Provided Grok expressions") && words.contains("no match"),
            "{words}"
        );
        error["caused_by"]["type"] = "es_rejected_execution_exception".into();
        assert!(
            matches!(of_500(error), Fate::Retry(_)),
            "the processor may have more luck"
        );
    }
    assert!(
        matches!(of_500(grok), Fate::Retry(_)),
        "no one says that it is a pipeline's"
    );
    check(
        500,
        "null_pointer_exception",
        "because it is null",
        Fate::Rejected,
    );
    check(
        500,
        "ingest_processor_exception",
        "java.lang.RuntimeException",
        Fate::Rejected,
    );
    check(500, "i_o_exception", "disk", Fate::Retry);
    check(503, "null_pointer_exception", "on the way", Fate::Retry);
}

#[test]
fn a_document_in_the_failure_store_is_not_written() {
    let fate = |said: &str| {
        let item = json!({ "create": { "status": 201, "failure_store": said } });
        fates(&json!([item])).remove(0)
    };
    assert!(matches!(fate("used"), Fate::Rejected(words) if words.contains("failure store")));
    assert_eq!(fate("not_enabled"), Fate::Written);
}

#[test]
fn an_answer_that_is_cut_off_or_about_other_documents_says_nothing() {
    let whole = json!({ "errors": false, "items": [{ "create": { "status": 201 } }] }).to_string();
    let items = |body: &[u8], count| items(body, count, &Mask::default());
    assert!(items(whole.as_bytes(), 1).is_ok());
    for len in 0..whole.len() {
        let cut = items(&whole.as_bytes()[..len], 1);
        assert!(matches!(cut, Err(SinkError::Unavailable(_))), "{len}");
    }
    for count in [0, 2] {
        let other = items(whole.as_bytes(), count);
        assert!(matches!(other, Err(SinkError::Unavailable(_))), "{count}");
    }
    let page = items(b"<html>gateway</html>", 1);
    assert!(matches!(page, Err(SinkError::Unavailable(_))));
}
