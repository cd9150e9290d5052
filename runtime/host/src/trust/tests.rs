use std::sync::LazyLock;

use minisign::KeyPair;
use proptest::prelude::*;

use super::*;
use crate::contract::Wants;

const PLUGIN: &[u8] = b"\0asm and what else a plugin is made of";
const COMMENT: &str = "plugin:mask version:1.2.0 file:mask.wasm timestamp:1700000000";

fn key_pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

fn sign(key: &KeyPair, bytes: &[u8], comment: &str) -> String {
    let signature = minisign::sign(None, &key.sk, bytes, Some(comment), None);
    signature.unwrap().into_string()
}

fn trust(keys: &[&KeyPair]) -> Trust {
    let keys: Vec<_> = keys.iter().map(|key| key.pk.to_base64()).collect();
    Trust::new(&keys).unwrap()
}

fn description(name: &str, version: &str) -> Description {
    Description {
        name: name.to_owned(),
        version: version.to_owned(),
        settings_schema: "{}".to_owned(),
        wants: Wants::default(),
    }
}

/// One key, and its signature of [`PLUGIN`].
static SIGNED: LazyLock<(Trust, String)> = LazyLock::new(|| {
    let key = key_pair();
    (trust(&[&key]), sign(&key, PLUGIN, COMMENT))
});

#[test]
fn any_of_the_keys_may_have_signed() {
    let [one, other] = [key_pair(), key_pair()];
    let trust = trust(&[&one, &other]);
    for key in [one, other] {
        let signature = sign(&key, PLUGIN, COMMENT);
        let signed = trust.verify(PLUGIN, Some(signature.as_bytes())).unwrap();
        assert_eq!(signed.comment, COMMENT);
    }
}

#[test]
fn what_is_not_signed_by_a_key_is_refused() {
    let [key, stranger] = [key_pair(), key_pair()];
    let trust = trust(&[&key]);
    let check = |bytes: &[u8], signature: Option<&str>, expected: TrustError| {
        let verified = trust.verify(bytes, signature.map(str::as_bytes));
        assert_eq!(verified, Err(expected), "{signature:?}");
    };
    let signature = sign(&key, PLUGIN, COMMENT);
    check(PLUGIN, None, TrustError::Unsigned);
    check(PLUGIN, Some(""), TrustError::Malformed);
    check(PLUGIN, Some("yes, I signed it"), TrustError::Malformed);
    let mut flipped = PLUGIN.to_vec();
    flipped[9] ^= 1;
    check(&flipped, Some(&signature), TrustError::Altered);
    check(&[], Some(&signature), TrustError::Altered);
    let of_another = sign(&key, b"another file", COMMENT);
    check(PLUGIN, Some(&of_another), TrustError::Altered);
    let by_another = sign(&stranger, PLUGIN, COMMENT);
    check(PLUGIN, Some(&by_another), TrustError::Foreign);
    let comment = signature.replace("version:1.2.0", "version:1.3.0");
    check(PLUGIN, Some(&comment), TrustError::Altered);
    assert_eq!(
        trust.verify(PLUGIN, Some(b"\xff")),
        Err(TrustError::Malformed)
    );
}

#[test]
fn the_signature_of_a_key_under_the_id_of_another_is_refused() {
    let [key, stranger] = [key_pair(), key_pair()];
    let with_id = |id: &[u8]| {
        // Behind the name of the algorithm, two bytes.
        let mut bytes = stranger.sk.to_bytes();
        let at = bytes.len() - 32 - 64 - 8;
        bytes[at..at + 8].copy_from_slice(id);
        minisign::SecretKey::from_bytes(&bytes).unwrap()
    };
    let forged = minisign::sign(None, &with_id(key.sk.keynum()), PLUGIN, Some(COMMENT), None);
    let forged = forged.unwrap().into_string();
    let verified = trust(&[&key]).verify(PLUGIN, Some(forged.as_bytes()));
    assert_eq!(verified, Err(TrustError::Altered));
}

#[test]
fn a_plugin_must_be_the_one_that_the_signature_names() {
    let check = |comment: &str, expected: Option<(&str, &str)>| {
        let comment = comment.to_owned();
        let checked = Signed { comment }.check(&description("mask", "1.2.0"), None);
        let expected = expected.map(|(field, signed)| (field, signed.to_owned()));
        let found = checked.err().map(|error| match error {
            TrustError::Claim { field, signed, .. } => (field, signed),
            error => panic!("{error}"),
        });
        assert_eq!(found, expected);
    };
    check(COMMENT, None);
    check("plugin:other version:1.2.0", Some(("plugin", "other")));
    check("plugin:mask version:1.2.1", Some(("version", "1.2.1")));
    check("version:1.2.1 version:1.2.0", Some(("version", "1.2.1")));
    check("plugin: version:1.2.0", Some(("plugin", "")));
    // As minisign's own tool writes it.
    check("timestamp:1700000000\tfile:mask.wasm\thashed", None);
}

#[test]
fn a_plugin_takes_no_place_but_that_of_its_own_versions() {
    let check = |comment: &str, expected_name: Option<&str>, expected: Result<(), TrustError>| {
        let comment = comment.to_owned();
        let checked = Signed { comment }.check(&description("copy", "1.2.0"), expected_name);
        assert_eq!(checked, expected);
    };
    let place = || TrustError::Place {
        found: "copy".to_owned(),
        expected: "mask".to_owned(),
    };
    let comment = "plugin:copy version:1.2.0";
    check(comment, None, Ok(()));
    check(comment, Some("copy"), Ok(()));
    check(comment, Some("mask"), Err(place()));
    // Also where the signature names no plugin.
    check("hashed", Some("mask"), Err(place()));
    let error = place().to_string();
    assert!(error.contains("plugin copy, where mask runs"), "{error}");
    assert!(error.contains("another `path`"), "{error}");
}

#[test]
fn a_key_that_is_none_is_named() {
    let error = Trust::new(&["RWQnone"]).unwrap_err();
    assert_eq!(error, TrustError::Key("RWQnone".to_owned()));
}

#[test]
fn what_minisign_itself_signed_is_trusted() {
    // Of the four bytes `test`, as the documentation of minisign-verify has it.
    let trust = Trust::new(&["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]).unwrap();
    let text = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
";
    trust.verify(b"test", Some(text.as_bytes())).unwrap();
    let crlf = text.replace('\n', "\r\n");
    trust.verify(b"test", Some(crlf.as_bytes())).unwrap();
    // The old form, which signs the bytes themselves.
    let old = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
    let verified = trust.verify(b"test", Some(old.as_bytes()));
    assert_eq!(verified, Err(TrustError::Malformed));
}

#[test]
fn versions_are_compared_as_semver_has_it() {
    let check = |candidate: &str, newest: &str, expected: bool| {
        assert_eq!(
            is_downgrade(candidate, newest),
            expected,
            "{candidate} {newest}"
        );
    };
    check("1.2.0", "1.10.0", true);
    check("1.10.0", "1.2.0", false);
    check("1.2.0", "1.2.0", false);
    check("1.2.0-rc.1", "1.2.0", true);
    check("1.2.0-rc.10", "1.2.0-rc.2", false);
    check("1.2.0+a", "1.2.0+b", false);
    check("one", "1.2.0", true);
    check("1.2.0", "one", false);
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_plugin_is_passed_over(at in 0..PLUGIN.len(), by in 1u8..) {
        let (trust, signature) = &*SIGNED;
        let mut bytes = PLUGIN.to_vec();
        bytes[at] ^= by;
        let verified = trust.verify(&bytes, Some(signature.as_bytes()));
        prop_assert_eq!(verified, Err(TrustError::Altered));
    }
}

/// All of them, not some. The first line is a comment that minisign does not sign: what it says means nothing.
#[test]
fn no_changed_byte_of_a_signature_is_passed_over() {
    let (trust, signature) = &*SIGNED;
    let signed_from = signature.find('\n').unwrap();
    // Editors may take the last line feed away.
    for at in signed_from..signature.trim_end().len() {
        // A bit more or less, another letter of base64, blanks, the end of a line, nothing.
        let now = signature.as_bytes()[at];
        let others = (0..8).map(|bit| now ^ (1 << bit)).chain(*b"Aa0+/= \n\r\0");
        for other in others.filter(|other| *other != now) {
            let mut bytes = signature.clone().into_bytes();
            bytes[at] = other;
            let verified = trust.verify(PLUGIN, Some(&bytes));
            assert!(
                verified.is_err(),
                "{at}: {}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}
