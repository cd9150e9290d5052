//! Several nodes, and TLS. What stands before the server passes on what it gets, until it does not.

use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::certificates::Authority;
use tamis_tests::laws::{Subject, causes, records};
use tamis_tests::proxy::{Proxy, Way};
use tamis_tests::stand_in::StandIn;
use tamis_tests::tls::TlsServer;

use super::Names;

#[test]
fn a_node_that_is_away_is_passed_over() {
    let names = Names::shared("failover");
    let server = &names.elasticsearch.address;
    let proxies = [Proxy::to(server), Proxy::to(server)];
    // It answers, but has no cluster behind it.
    let lonely = StandIn::new(|_| (503, String::new()));
    let [one, other] = proxies.each_ref().map(Proxy::address);
    let (third, index) = (lonely.address(), &names.start);
    let sink = format!(
        "elasticsearch: {{ urls: ['http://{one}', 'http://{third}', 'http://{other}'], index: '{index}', timeout_ms: 1000 }}"
    );
    let subject = Subject::connect(&sink).unwrap();
    let mut next = 0;
    let mut write = || {
        let written = subject.write(&records(next..next + 10));
        next += 10;
        written.map(|verdicts| assert_eq!(verdicts, vec![Verdict::Written; 10]))
    };
    // Each of them is the first to be asked now and then.
    let mut all = |ways: [Way; 2]| {
        for (proxy, way) in proxies.iter().zip(ways) {
            proxy.set(way);
        }
        (0..4).map(|_| write()).collect::<Result<Vec<_>, _>>()
    };
    for ways in [
        [Way::Open, Way::Open],
        [Way::Closed, Way::Open],
        [Way::Open, Way::Closed],
        [Way::Stalled, Way::Open],
    ] {
        assert!(all(ways).is_ok(), "{ways:?}");
    }
    match all([Way::Closed, Way::Closed]) {
        Err(SinkError::Unavailable(error)) => {
            let said = causes(&*error);
            assert!(
                [&one, &other, &third].iter().all(|it| said.contains(*it)),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(lonely.asked() > 0, "it was asked, too");
    let documents = names.elasticsearch.documents(index);
    assert_eq!(documents.len(), 160);
}

#[test]
fn a_certificate_is_looked_at_and_what_is_wrong_with_it_is_said() {
    let names = Names::shared("tls");
    let (authority, stranger) = (Authority::default(), Authority::default());
    let tls = |name, host, days| {
        let key = authority.sign(name, host, days);
        TlsServer::before(&names.elasticsearch.address, &key)
    };
    let server = tls("server", "IP:127.0.0.1", 7);
    let elsewhere = tls("elsewhere", "DNS:elsewhere.example", 7);
    let expired = tls("expired", "IP:127.0.0.1", -1);
    let connect = |address: &str, trusted: Option<&Authority>| {
        let ca_file = trusted.map_or(String::new(), |it| {
            format!(", ca_file: {}", it.certificate().display())
        });
        let index = &names.start;
        Subject::connect(&format!(
            "elasticsearch: {{ urls: ['https://{address}'], index: '{index}', timeout_ms: 5000{ca_file} }}"
        ))
    };
    let subject = connect(&server.address(), Some(&authority)).unwrap();
    assert_eq!(subject.settle(&records(0..10)), vec![Verdict::Written; 10]);
    assert_eq!(names.elasticsearch.documents(&names.start).len(), 10);

    let plain = &names.elasticsearch.address;
    for (case, address, trusted, advice) in [
        (
            "no one is trusted",
            &server.address(),
            None,
            "set `ca_file`",
        ),
        (
            "a stranger is",
            &server.address(),
            Some(&stranger),
            "set `ca_file`",
        ),
        (
            "the host is another",
            &elsewhere.address(),
            Some(&authority),
            "name its hosts as it does",
        ),
        (
            "it has expired",
            &expired.address(),
            Some(&authority),
            "expired",
        ),
        (
            "there is no TLS",
            plain,
            Some(&authority),
            "write `http://`",
        ),
    ] {
        match connect(address, trusted).map(|_| ()) {
            Err(SinkError::Misconfigured(error)) => {
                let said = causes(&*error);
                assert!(said.contains(advice), "{case}: {said}");
            }
            other => panic!("{case}: {other:?}"),
        }
    }
}
