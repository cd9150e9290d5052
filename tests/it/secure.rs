//! TLS and passwords: a broker is reached by them, or the pipeline says at once why it is not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tamis_tests::broker::{Broker, Listener};
use tamis_tests::certificates::Authority;
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{assert_same, by_partition};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, tamis};

const PASSWORD: &str = "open-sesame-4711";
const WRONG_PASSWORD: &str = "open-barley-0815";
/// How long a refusal may take on a machine that is busy with other tests; a topic of dead letters takes 10 s of it to answer.
const REFUSED_WITHIN: Duration = Duration::from_mins(1);

/// A broker with all sorts of listeners, and who signed their certificates.
struct Cluster {
    authority: Authority,
    broker: Broker,
}

impl Cluster {
    /// How its listener `name` is reached, with the `properties` of one who trusts its certificates.
    fn reached(&self, name: &str, properties: &str) -> String {
        let index = (0..).zip(LISTENERS).find(|(_, it)| it.0 == name);
        let (index, (_, protocol, ..)) = index.expect("there is such a listener");
        let (address, authority) = (self.broker.listener(index), self.authority.certificate());
        format!(
            "brokers: [\"{address}\"], properties: {{ security.protocol: {protocol}, ssl.ca.location: {}, {properties} }}",
            authority.display()
        )
    }
}

/// Name, protocol, for whom its certificate is, the days that it is valid, and what else the broker is to know.
const LISTENERS: [(&str, &str, &str, i32, &[&str]); 5] = [
    (
        "password",
        "SASL_SSL",
        "IP:127.0.0.1",
        7,
        &[
            "sasl.enabled.mechanisms=SCRAM-SHA-512",
            "scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
        ],
    ),
    ("expired", "SSL", "IP:127.0.0.1", -1, &[]),
    ("elsewhere", "SSL", "DNS:elsewhere.example", 7, &[]),
    ("stranger", "SSL", "IP:127.0.0.1", 7, &[]),
    (
        "mutual",
        "SSL",
        "IP:127.0.0.1",
        7,
        &["ssl.client.auth=required"],
    ),
];

fn cluster() -> Cluster {
    let (authority, unknown) = (Authority::default(), Authority::default());
    let listeners = LISTENERS.map(|(name, protocol, host, days, settings)| {
        let signs = if name == "stranger" {
            &unknown
        } else {
            &authority
        };
        let key = signs.sign(name, host, days);
        let mut settings: Vec<_> = settings.iter().map(|it| (*it).to_owned()).collect();
        settings.push("ssl.keystore.type=PEM".to_owned());
        settings.push(format!("ssl.keystore.location={}", key.display()));
        Listener {
            name,
            protocol,
            settings,
        }
    });
    let user = format!("SCRAM-SHA-512=[name=tamis,password={PASSWORD}]");
    let broker = Broker::with_listeners(&listeners, Some(user));
    broker.start();
    Cluster { authority, broker }
}

/// What logs in with a password that stands elsewhere.
fn login(password: &str) -> String {
    format!("sasl.mechanism: SCRAM-SHA-512, sasl.username: tamis, sasl.password: \"{password}\"")
}

/// A source of the topic `logs` that is `reached` like this.
fn source(group: &str, reached: &str) -> String {
    format!("{{ kafka: {{ topics: [logs], group: {group}, start_at: earliest, {reached} }} }}")
}

/// The command line that runs `pipeline` and says all that it can say.
fn run(pipeline: &Path) -> Command {
    let mut command = tamis(["run", "--json", "--log", "debug"]);
    command.arg(pipeline);
    command
}

#[test]
fn brokers_are_reached_by_tls_and_password_or_it_is_said_what_to_mend() {
    let cluster = cluster();
    let kafka = cluster.broker.kafka();
    kafka.create_topic("logs", 4, &[]);
    kafka.create_topic("dead", 1, &[]);
    let input = data::logs(5_000, Kind::Odd);
    kafka.produce_lines("logs", data::lines(&input), 4);
    records_flow(&cluster, &input);
    // All of them at once, for they mostly wait.
    let refused = refusals(&cluster).map(Refusal::start);
    refused.into_iter().for_each(Refused::check);
}

fn records_flow(cluster: &Cluster, input: &[u8]) {
    let place = Place::default();
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(input, 4);
    let password = place.write("password", format!("{PASSWORD}\n"));
    let login = login(&format!("${{file:{}}}", password.display()));
    let job = Pipeline {
        // Reached like the source.
        dead_letters: Some("{ kafka: { topic: dead } }"),
        ..Pipeline::default()
    };
    let pipeline = place.main_job(&source("secure", &cluster.reached("password", &login)), job);
    let mut tamis = Running::start(&mut run(&pipeline));
    let kafka = cluster.broker.kafka();
    tamis.await_settled(&kafka.group("secure", "logs"), counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (partition, expected) in written.iter().enumerate() {
        let name = format!("logs-{partition}");
        assert_same(&name, &by_partition(&place.out())[&name], expected);
    }
    assert_eq!(kafka.read_all("dead").len(), dead.len());
    let said = format!("{ended:?}");
    assert!(!said.contains(PASSWORD), "the password was said");
}

/// A pipeline that cannot go on, and what it must say.
struct Refusal {
    name: &'static str,
    source: String,
    dead_letters: Option<String>,
    advice: &'static str,
}

fn refusals(cluster: &Cluster) -> [Refusal; 7] {
    const PASSWORD_ADVICE: &str = "check sasl.mechanism, sasl.username and sasl.password";
    let wrong = login("${env:TAMIS_TEST_PASSWORD}");
    let refusal = |name, source, dead_letters, advice| Refusal {
        name,
        source,
        dead_letters,
        advice,
    };
    let reached = |listener, properties: &str, advice| {
        let source = source("refused", &cluster.reached(listener, properties));
        refusal(listener, source, None, advice)
    };
    let dead = |listener, properties: &str, advice| {
        let plain = format!("brokers: [\"{}\"]", cluster.broker.kafka().address);
        let reached = cluster.reached(listener, properties);
        let dead_letters = format!("{{ kafka: {{ topic: dead, {reached} }} }}");
        // A group of its own, so that it meets the records.
        let source = source(&format!("dead-{listener}"), &plain);
        refusal(listener, source, Some(dead_letters), advice)
    };
    [
        reached("password", &wrong, PASSWORD_ADVICE),
        reached("expired", "", "has expired"),
        reached("elsewhere", "", "for another host"),
        reached("stranger", "", "ssl.ca.location"),
        reached("mutual", "", "ssl.certificate.location"),
        dead("password", &wrong, PASSWORD_ADVICE),
        dead("expired", "", "has expired"),
    ]
}

impl Refusal {
    fn start(self) -> Refused {
        let Self {
            name,
            source,
            dead_letters,
            advice,
        } = self;
        let place = Place::default();
        let job = Pipeline {
            dead_letters: dead_letters.as_deref(),
            ..Pipeline::default()
        };
        let pipeline = place.main_job(&source, job);
        let mut command = run(&pipeline);
        let tamis = Running::start(command.env("TAMIS_TEST_PASSWORD", WRONG_PASSWORD));
        Refused {
            name,
            advice,
            tamis,
            _place: place,
        }
    }
}

/// A process that must end soon.
struct Refused {
    name: &'static str,
    advice: &'static str,
    tamis: Running,
    _place: Place,
}

impl Refused {
    fn check(self) {
        let Self {
            name,
            advice,
            tamis,
            _place,
        } = self;
        let ended = tamis.ends_within(REFUSED_WITHIN);
        assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
        let error = ended.summary()["error"].to_string();
        assert!(error.contains(advice), "{name}: {error}");
        let said = format!("{ended:?}");
        for password in [PASSWORD, WRONG_PASSWORD] {
            assert!(!said.contains(password), "{name} says {password}");
        }
    }
}
