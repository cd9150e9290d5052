//! Answers that the server at hand does not give: it has no security, and nothing stands before it. A stand-in gives them.

use serde_json::{Value, json};
use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::laws::{Subject, causes, records, records_of};
use tamis_tests::stand_in::{Asked, StandIn};

use super::sink;

/// A stand-in that lets everyone in, and answers `answer` to whatever is to be written.
fn answering(answer: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> StandIn {
    StandIn::new(move |asked| {
        if asked.line.starts_with("GET / ") {
            return (200, json!({ "version": { "number": "8.6.0" } }).to_string());
        }
        let (status, body) = answer(asked);
        (status, body.to_string())
    })
}

/// What a sink says that writes ten records to a server that answers like this.
fn write(index: &str, status: u16, answer: Value) -> Result<Vec<Verdict>, SinkError> {
    let server = answering(move |_| (status, answer.clone()));
    let subject = Subject::connect(&sink(&server.address(), index, ", gzip: false")).unwrap();
    let value = |n: u64| format!(r#"{{"n":{n},"to":"there"}}"#).into_bytes();
    subject.write(&records_of(0, (0..10).map(value)))
}

fn stops(answer: Result<Vec<Verdict>, SinkError>, advice: &str) {
    match answer {
        Err(SinkError::Misconfigured(error)) => {
            let said = causes(&*error);
            assert!(said.contains(advice), "{said:?} does not say {advice:?}");
        }
        other => panic!("{other:?}"),
    }
}

fn waits(answer: Result<Vec<Verdict>, SinkError>) {
    assert!(
        matches!(answer, Err(SinkError::Unavailable(_))),
        "{answer:?}"
    );
}

fn error(kind: &str, reason: &str) -> Value {
    json!({ "type": kind, "reason": reason })
}

/// An answer of which all ten items are this one.
fn items(status: u16, error: &Value) -> Value {
    let item = json!({ "create": { "status": status, "error": error } });
    json!({ "errors": true, "items": vec![item; 10] })
}

#[test]
fn a_user_is_let_in_by_name_or_key_and_by_nothing_else() {
    // `tamis:open-sesame` and `id:key`.
    const PASSWORD: &str = "Basic dGFtaXM6b3Blbi1zZXNhbWU=";
    const KEY: &str = "ApiKey aWQ6a2V5";
    for (known, login, is_let_in) in [
        (PASSWORD, "user: tamis, password: open-sesame", true),
        (PASSWORD, "user: tamis, password: open-barley", false),
        (PASSWORD, "gzip: true", false),
        (KEY, "api_key: 'id:key'", true),
        (KEY, "api_key: aWQ6a2V5", true),
        (KEY, "api_key: aWQ6a2V6", false),
    ] {
        let server = StandIn::new(move |asked| match asked.authorization.as_deref() {
            Some(said) if said == known => (200, "{}".to_owned()),
            _ => {
                let error =
                    json!({ "error": error("security_exception", "unable to authenticate") });
                (401, error.to_string())
            }
        });
        let connected = Subject::connect(&sink(&server.address(), "logs", &format!(", {login}")));
        match connected.map(|_| ()) {
            Ok(()) => assert!(is_let_in, "{login}"),
            Err(SinkError::Misconfigured(error)) => {
                let said = causes(&*error);
                assert!(!is_let_in, "{login}: {said}");
                assert!(
                    said.contains("check `user` and `password`, or `api_key`"),
                    "{said}"
                );
                assert!(
                    said.contains("security_exception: unable to authenticate"),
                    "{said}"
                );
                assert!(!said.contains("open-") && !said.contains("aWQ6"), "{said}");
            }
            Err(error) => panic!("{login}: {error:?}"),
        }
    }
}

#[test]
fn no_right_to_write_stops_unless_the_record_named_the_index() {
    let words = "action [indices:data/write/bulk[s]] is unauthorized for user [tamis]";
    let forbidden = error("security_exception", words);
    let whole = json!({ "error": forbidden, "status": 403 });
    stops(write("logs", 403, whole), "the right to write");
    // Of a day, too: the right is missing, and not on that day alone.
    for index in ["logs", "logs-{time:%Y.%m.%d}"] {
        stops(write(index, 200, items(403, &forbidden)), "give the user");
    }
    let refused = write("logs-{field:/to}", 200, items(403, &forbidden)).unwrap();
    for verdict in refused {
        let Verdict::Rejected(reason) = verdict else {
            panic!("{verdict:?}")
        };
        assert!(
            reason.contains("index logs-there: ") && reason.contains(words),
            "{reason}"
        );
    }
}

#[test]
fn a_server_that_has_no_time_is_waited_for() {
    for status in [408, 429, 500, 502, 503, 504] {
        waits(write("logs", status, json!({ "error": "busy" })));
    }
    // Cut off, or of someone else.
    waits(write("logs", 200, json!({ "took": 3 })));
    waits(write("logs", 200, json!("<html>")));
    let nine = vec![json!({ "create": { "status": 201 } }); 9];
    waits(write(
        "logs",
        200,
        json!({ "errors": false, "items": nine }),
    ));
}

#[test]
fn a_server_that_is_something_else_stops() {
    let advice = "look whether `urls` lead to Elasticsearch";
    for status in [400, 404, 405, 406] {
        stops(write("logs", status, json!("no such page")), advice);
    }
}

#[test]
fn a_record_that_spoils_requests_is_found_among_those_that_do_not() {
    let server = answering(|asked| {
        let body = String::from_utf8_lossy(&asked.body);
        if body.contains("\"n\":13,") {
            let error = error("illegal_argument_exception", "cannot read that");
            return (400, json!({ "error": error }));
        }
        let item = json!({ "create": { "status": 201 } });
        let count = body.matches("\"_id\"").count();
        (200, json!({ "errors": false, "items": vec![item; count] }))
    });
    let subject = Subject::connect(&sink(&server.address(), "logs", ", gzip: false")).unwrap();
    let verdicts = subject.write(&records(0..100)).unwrap();
    for (n, verdict) in verdicts.iter().enumerate() {
        match verdict {
            Verdict::Rejected(reason) => {
                assert_eq!(n, 13);
                assert!(reason.contains("cannot read that"), "{reason}");
            }
            verdict => assert_eq!((n != 13, verdict), (true, &Verdict::Written)),
        }
    }
    assert!(server.asked() < 20, "halves are sent, not each by itself");
}

#[test]
fn a_record_that_elasticsearch_cannot_read_is_a_dead_letter_though_it_came_alone() {
    let unreadable = json!({ "error": error("illegal_argument_exception", "cannot read that") });
    let server = answering(move |_| (400, unreadable.clone()));
    let subject = Subject::connect(&sink(&server.address(), "logs", ", gzip: false")).unwrap();
    for n in 0..3 {
        match &subject.write(&records(n..n + 1)).unwrap()[..] {
            [Verdict::Rejected(reason)] => assert!(reason.contains("cannot read that"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    // So many are not to blame one after the other.
    stops(
        subject.write(&records(0..1_000)),
        "every request is refused",
    );
    let closed = error(
        "illegal_argument_exception",
        "explicit index in bulk is not allowed",
    );
    let closed = json!({ "error": closed });
    stops(
        write("logs", 400, closed),
        "rest.action.multi.allow_explicit_index",
    );
}

#[test]
fn an_index_that_is_not_there_is_the_fault_of_who_named_it() {
    let missing = error("index_not_found_exception", "no such index [logs]");
    let closed = error("index_closed_exception", "closed");
    for index in ["logs", "logs-{topic}", "logs-{time:%Y.%m.%d}"] {
        stops(
            write(index, 200, items(404, &missing)),
            "action.auto_create_index",
        );
    }
    stops(write("logs", 200, items(400, &closed)), "closed");
    // Of a day that is over: others take what comes.
    for (index, error) in [
        ("logs-{time:%Y.%m.%d}", &closed),
        ("logs-{field:/to}", &missing),
        ("logs-{field:/to}", &closed),
    ] {
        let verdicts = write(index, 200, items(404, error)).unwrap();
        let is_rejected = |verdict: &Verdict| matches!(verdict, Verdict::Rejected(_));
        assert!(verdicts.iter().all(is_rejected), "{index}: {verdicts:?}");
    }
}

#[test]
fn what_went_into_a_failure_store_is_a_dead_letter() {
    let server = answering(|asked| {
        // No more is in an answer than what was asked for.
        let said = asked
            .line
            .contains("items.*.failure_store")
            .then_some("used");
        let odd = json!({ "create": { "status": 201, "failure_store": said } });
        let even = json!({ "create": { "status": 201 } });
        (200, json!({ "errors": false, "items": [even, odd] }))
    });
    let subject = Subject::connect(&sink(&server.address(), "logs", ", gzip: false")).unwrap();
    match &subject.write(&records(0..2)).unwrap()[..] {
        [Verdict::Written, Verdict::Rejected(reason)] => {
            assert!(reason.contains("STREAM::failures"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}
