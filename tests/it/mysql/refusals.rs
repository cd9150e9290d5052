//! What the server refuses to a user: the pipeline stops with what to mend.

use std::process::{Child, Stdio};

use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mariadb::{Database, MariaDb};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};
use tamis_tests::wait::{LONG, eventually};

use super::{connected, records, sink, stored};

const VALUE: &str = "table: t, columns: { v: { from: '{value}', type: longtext } }";

#[test]
fn a_wrong_password_stops_the_pipeline_and_is_not_printed() {
    let (database, place) = (Database::shared(), Place::default());
    let sink = format!(
        "{{ mysql: {{ url: \"mysql://logs@{}/{}\", password: open-barley-0815, {VALUE} }} }}",
        database.address, database.name
    );
    let job = Pipeline {
        sink: Some(&sink),
        ..Pipeline::default()
    };
    let job = place.copy("{ stdin: {} }", job);
    let ended = Running::start(&mut run(&job)).wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("Access denied for user 'logs'@"), "{said}");
    assert!(said.contains("correct the user or the password"), "{said}");
    assert!(!said.contains("open-barley"), "{said}");
}

#[test]
fn rights_that_a_user_has_not_stop_with_those_that_it_needs() {
    let server = MariaDb::with("");
    server.start();
    let database = server.fresh();
    database.run("CREATE TABLE t (id VARCHAR(512) PRIMARY KEY, v LONGTEXT)");
    let name = &database.name;
    let grant = |rights: &str| {
        let user = "'reader'@'127.0.0.1'";
        let _given = server.administer(&format!(
            "CREATE OR REPLACE USER {user} IDENTIFIED BY 'r'; GRANT {rights} ON `{name}`.* TO {user}"
        ));
        let url = format!("mysql://reader:r@{}/{name}", database.address);
        let sink = format!("mysql: {{ url: \"{url}\", create: true, {VALUE} }}");
        Subject::connect(&sink).and_then(|subject| subject.try_settle(&records(["a"])))
    };
    for rights in ["SELECT", "INSERT", "INSERT, SELECT"] {
        let stopped = grant(rights).unwrap_err();
        let said = causes(&stopped);
        assert!(matches!(stopped, SinkError::Misconfigured(_)), "{said}");
        assert!(
            said.contains("grant the user SELECT, INSERT and UPDATE"),
            "{said}"
        );
    }
    assert!(stored(&database, "t", "v").is_empty());
    assert_eq!(grant("SELECT, INSERT, UPDATE").unwrap(), [Verdict::Written]);
    let _taken = server.administer(&format!("DROP TABLE `{name}`.t"));
    let said = causes(&grant("SELECT, INSERT, UPDATE").unwrap_err());
    assert!(said.contains("CREATE command denied"), "{said}");
}

#[test]
fn a_server_that_only_reads_or_has_no_connection_left_is_waited_for() {
    let server = MariaDb::with("max-connections=10");
    server.start();
    let database = server.fresh();
    let subject = connected(&database, &format!("create: true, {VALUE}"));
    let _set = server.administer("SET GLOBAL read_only=1");
    let refused = subject.write(&records(["a"])).unwrap_err();
    assert!(matches!(refused, SinkError::Unavailable(_)), "{refused:?}");
    assert!(causes(&refused).contains("--read-only"), "{refused:?}");
    let _set = server.administer("SET GLOBAL read_only=0");
    assert_eq!(subject.settle(&records(["a"])), [Verdict::Written]);

    let mut taken = Vec::new();
    eventually(LONG, "no connection is left", || {
        taken.push(Taken::of(&database));
        let connected = Subject::connect(&sink(&database, VALUE));
        matches!(connected, Err(SinkError::Unavailable(_)))
    });
    drop(taken);
    eventually(LONG, "there is room", || {
        Subject::connect(&sink(&database, VALUE)).is_ok()
    });
}

/// A connection that someone else has.
struct Taken(Child);

impl Taken {
    fn of(database: &Database) -> Self {
        let mut client = database.client();
        client
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(client.spawn().unwrap())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // It may have ended: there was no room for it either.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
