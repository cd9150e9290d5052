//! Users, passwords and certificates.

use serde_json::json;
use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::certificates::Authority;
use tamis_tests::laws::Subject;
use tamis_tests::mongo::MongoServer;

use super::{Place, assert_stops, records};

const PASSWORD: &str = "open-sesame-4711";

/// One write to `uri`.
fn write(place: &Place, uri: &str, more: &str) -> Result<Vec<Verdict>, SinkError> {
    let database = &place.database;
    let sink = format!(
        "mongodb: {{ uri: '{uri}', database: {database}, collection: all, timeout_ms: 10000, {more} }}"
    );
    Subject::connect(&sink)?.try_settle(&records(0, ["{}"]))
}

#[test]
fn a_user_is_let_in_by_password_and_right_or_it_is_said_what_to_mend() {
    let mut server = MongoServer::default();
    server.start();
    let place = Place::new(server.mongo());
    let user = |name: &str, role: &str| {
        let roles = json!([{ "role": role, "db": place.database }]);
        let create = json!({ "createUser": name, "pwd": PASSWORD, "roles": roles });
        place.mongo.must("admin", &create);
    };
    user("tamis", "readWrite");
    user("reader", "read");
    server.stop();
    server.set_flags("--auth");
    server.start();
    let address = &place.mongo.address;
    let uri = |who: &str| format!("mongodb://{who}{address}/?directConnection=true");
    let written = write(&place, &uri(&format!("tamis:{PASSWORD}@")), "");
    assert_eq!(written.unwrap(), [Verdict::Written]);
    let login = "check user, password and `authSource`";
    assert_stops(write(&place, &uri(""), ""), login);
    let said = assert_stops(write(&place, &uri("tamis:open-barley-0815@"), ""), login);
    assert!(!said.contains("open-barley-0815"), "{said}");
    let reader = uri(&format!("reader:{PASSWORD}@"));
    let said = assert_stops(write(&place, &reader, ""), "the right `readWrite`");
    assert!(!said.contains(PASSWORD), "{said}");
    // A password with a `/` that is not written `%2F`.
    let said = assert_stops(
        write(&place, &uri("tamis:secret/4711@"), ""),
        "percent-encoded",
    );
    assert!(!said.contains("4711") && !said.contains("secret"), "{said}");
}

#[test]
fn a_server_is_trusted_by_its_certificate_or_it_is_said_why_not() {
    let (authority, stranger) = (Authority::default(), Authority::default());
    let server_key = authority.sign("server", "IP:127.0.0.1", 7);
    let own_key = authority.sign("tamis", "DNS:tamis", 7);
    let file = |path: std::path::PathBuf| path.display().to_string();
    let (ca, key) = (file(authority.certificate()), file(server_key));
    let flags = format!("--tls-cert-file {key} --tls-key-file {key} --tls-ca-file {ca}");
    let mut server = MongoServer::with_flags(&flags);
    server.start();
    let place = Place::new(server.mongo());
    let uri = format!("mongodb://{}/?directConnection=true", place.mongo.address);
    let trusting = format!("tls: {{ ca: {ca} }}");
    assert_eq!(write(&place, &uri, &trusting).unwrap(), [Verdict::Written]);
    let other = format!("tls: {{ ca: {} }}", file(stranger.certificate()));
    assert_stops(write(&place, &uri, &other), "check `tls.ca`");
    let none = "tls: { ca: /nowhere/ca.crt }";
    assert_stops(write(&place, &uri, none), "check `tls.ca`");
    // Without TLS there is no answer that could be read.
    let plain = write(&place, &uri, "");
    assert!(matches!(plain, Err(SinkError::Unavailable(_))), "{plain:?}");
    server.stop();
    server.set_flags(&format!("{flags} --tls-require-client-cert"));
    server.start();
    let mutual = format!("tls: {{ ca: {ca}, certificate_key: {} }}", file(own_key));
    assert_eq!(write(&place, &uri, &mutual).unwrap(), [Verdict::Written]);
    let refused = write(&place, &uri, &trusting);
    assert!(refused.is_err(), "{refused:?}");
}
