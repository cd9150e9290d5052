//! Tests of what is left of a login in the words of a server.

use serde_json::json;
use tamis_config::spec::Secret;

use super::*;
use crate::elasticsearch::answer;

/// `said` is what a server says of `login`; nothing of `secret` is left of it, in whichever part of its answer it stands.
fn check(login: &ElasticsearchLogin, said: &str, secret: &str) {
    let mask = mask(login);
    let bodies = [
        json!({ "error": { "type": "security_exception", "reason": said } }).to_string(),
        json!({ "error": { "cause": said } }).to_string(),
        json!({ "error": said }).to_string(),
        format!("<html>{}{said}", "-".repeat(170)),
    ];
    for body in bodies {
        let reply = Reply {
            status: 401,
            body: body.into_bytes(),
            mask: mask.clone(),
        };
        let words = refusal::words(&reply);
        assert!(words.contains("***"), "{words}");
        assert!(!words.contains(secret), "{words}");
    }
    let body = json!(said).to_string();
    let error = answer::items(body.as_bytes(), 1, &mask).unwrap_err();
    let words = format!("{error:?}");
    assert!(!words.contains(secret), "{words}");
}

/// In base64, without what would tell where it ends.
fn encoded(text: &str) -> String {
    STANDARD_NO_PAD.encode(text)
}

#[test]
fn a_password_that_a_server_repeats_is_hidden_in_all_its_forms() {
    let login = ElasticsearchLogin::User("tamis".into(), Secret::new("se\"same 4711?"));
    let sent = STANDARD.encode("tamis:se\"same 4711?");
    check(&login, &format!("Basic {sent}"), &encoded("tamis:se")[..8]);
    check(&login, "no user has se\"same 4711?", "same");
    let alone = STANDARD.encode("se\"same 4711?");
    check(&login, &format!("it is {alone}"), &alone[..8]);
}

#[test]
fn a_key_that_a_server_repeats_is_hidden_in_all_its_forms() {
    let (plain, sent) = ("tamis1:sesame4711", STANDARD.encode("tamis1:sesame4711"));
    for written in [plain, &sent] {
        let login = ElasticsearchLogin::ApiKey(Secret::new(written));
        check(&login, &format!("ApiKey {sent}"), &sent[..8]);
        check(&login, &format!("is {plain}"), "sesame");
        check(&login, "the key sesame4711 is none", "sesame");
    }
}
