//! Encrypted connections: the server is known by its certificate, or the pipeline says at once why it is not.

use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::certificates::Authority;
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mariadb::MariaDb;

use super::records;

const VALUE: &str = "table: t, create: true, columns: { v: { from: '{value}', type: longtext } }";

#[test]
fn a_server_is_known_by_its_certificate() {
    let authority = Authority::default();
    let check = |host: &str, cases: &[(String, Option<&str>)]| {
        let (pem, ca) = (authority.sign("server", host, 7), authority.certificate());
        let pem = pem.display();
        let settings = format!(
            "ssl-cert={pem}\nssl-key={pem}\nssl-ca={}\nrequire-secure-transport=ON",
            ca.display()
        );
        let server = MariaDb::with(&settings);
        server.start();
        let database = server.fresh();
        for (tls, advice) in cases {
            let sink = format!("mysql: {{ url: \"{}\", {tls} {VALUE} }}", database.url());
            let outcome = Subject::connect(&sink).map(|subject| subject.settle(&records(["a"])));
            match (outcome, advice) {
                (Ok(verdicts), None) => assert_eq!(verdicts, [Verdict::Written], "{host} {tls}"),
                (Err(SinkError::Misconfigured(error)), Some(advice)) => {
                    let said = causes(&*error);
                    assert!(said.contains(advice), "{host} {tls}: {said}");
                }
                (other, _) => panic!("{host} {tls}: {other:?}"),
            }
        }
    };
    let ca = authority.certificate();
    let tls = |mode: &str| format!("tls: {{ mode: {mode}, ca: {} }},", ca.display());
    let look = Some("look at `tls` and at its files");
    check(
        "IP:127.0.0.1",
        &[
            (String::new(), None),
            ("tls: { mode: required },".to_owned(), None),
            (tls("verify_ca"), None),
            (tls("verify_identity"), None),
            ("tls: { mode: verify_ca },".to_owned(), look),
            ("tls: {},".to_owned(), look),
            (
                "tls: { ca: /nowhere.pem },".to_owned(),
                Some("a file of `tls` is not there"),
            ),
            ("tls: { mode: disabled },".to_owned(), Some("wants TLS")),
        ],
    );
    check(
        "DNS:elsewhere.example",
        &[(tls("verify_ca"), None), (tls("verify_identity"), look)],
    );
}

#[test]
fn a_user_is_known_by_a_certificate_of_its_own() {
    let (authority, stranger) = (Authority::default(), Authority::default());
    let (pem, ca) = (
        authority.sign("server", "IP:127.0.0.1", 7),
        authority.certificate(),
    );
    let pem = pem.display();
    let server = MariaDb::with(&format!(
        "ssl-cert={pem}\nssl-key={pem}\nssl-ca={}",
        ca.display()
    ));
    server.start();
    let database = server.fresh();
    let _made = server.administer(&format!(
        "CREATE USER 'proven'@'127.0.0.1' REQUIRE X509; GRANT ALL ON {}.* TO 'proven'@'127.0.0.1'",
        database.name
    ));
    let url = database.url().replace("logs:logs@", "proven@");
    let connect = |client: &str| {
        let tls = format!("tls: {{ ca: {}, {client} }}", ca.display());
        Subject::connect(&format!("mysql: {{ url: \"{url}\", {tls}, {VALUE} }}"))
    };
    let by = |authority: &Authority| {
        let pem = authority.sign("client", "DNS:client", 7);
        format!("certificate: {pem}, key: {pem}", pem = pem.display())
    };
    let subject = connect(&by(&authority)).unwrap_or_else(|error| panic!("{}", causes(&error)));
    assert_eq!(subject.settle(&records(["a"])), [Verdict::Written]);
    for client in [String::new(), by(&stranger)] {
        assert!(connect(&client).is_err(), "{client}");
    }
}
