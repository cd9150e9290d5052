//! What is waited out: a full table, locks of others, connections that break in the middle.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::Duration;

use tamis_core::sink::{Records, SinkError, Verdict};
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mariadb::{Database, MariaDb};
use tamis_tests::proxy::{Proxy, Way};
use tamis_tests::wait::{LONG, eventually};
use tokio::time::Instant;

use super::{connected, id, records, stored};

const VALUE: &str =
    "table: t, create: true, columns: { v: { from: '{value}', type: varchar(200) } }";

/// Why nothing was said of any record.
fn unavailable(subject: &Subject, records: &Records) -> String {
    match subject.write(records) {
        Err(SinkError::Unavailable(error)) => causes(&*error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_table_is_waited_for_until_there_is_room() {
    let database = Database::shared();
    database.run(
        "SET max_heap_table_size=16384; \
         CREATE TABLE t (id VARCHAR(100) PRIMARY KEY, v VARCHAR(200)) ENGINE=MEMORY",
    );
    let subject = connected(&database, VALUE);
    let all = records((0..100).map(|n| format!("value {n}")));
    let said = unavailable(&subject, &all);
    assert!(said.contains("The table 't' is full"), "{said}");
    let before = stored(&database, "t", "v");
    assert!(before.len() < 100, "it is full");
    thread::scope(|scope| {
        let written = scope.spawn(|| subject.settle(&all));
        database.run("SET max_heap_table_size=16777216; ALTER TABLE t MAX_ROWS=1000");
        assert_eq!(written.join().unwrap(), vec![Verdict::Written; 100]);
    });
    let there = stored(&database, "t", "v");
    for n in 0..100 {
        assert_eq!(there[&id(n)], format!("value {n}").as_bytes());
    }
}

/// A client that does one statement after the other, and keeps its locks.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Client {
    fn of(database: &Database) -> Self {
        let mut client = database.client();
        client
            .arg("--unbuffered")
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = client.spawn().unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin }
    }

    fn send(&mut self, sql: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{sql};").unwrap();
        stdin.flush().unwrap();
    }

    /// Runs what was sent to its end, and gives all locks back.
    fn end(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Waits until so many transactions of `server` are in this state.
fn await_state(server: &MariaDb, state: &str, count: usize) {
    let sql =
        format!("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state='{state}'");
    let expected = count.to_string();
    eventually(LONG, &format!("{count} are in {state}"), || {
        server.administer(&sql) == [&*expected]
    });
}

#[test]
fn a_row_that_someone_else_has_locked_is_waited_for() {
    let server = MariaDb::with("");
    server.start();
    let database = server.fresh();
    let subject = connected(&database, VALUE);
    let mut client = Client::of(&database);
    client.send("BEGIN");
    client.send(&format!("INSERT INTO t VALUES ('{}', 'theirs')", id(7)));
    await_state(&server, "RUNNING", 1);
    let all = records((0..10).map(|n| format!("value {n}")));
    let said = unavailable(&subject, &all);
    assert!(said.contains("1205"), "{said}");
    client.send("ROLLBACK");
    client.end();
    assert_eq!(subject.settle(&all), vec![Verdict::Written; 10]);
    assert_eq!(stored(&database, "t", "v")[&id(7)], b"value 7");
}

#[test]
fn a_deadlock_with_someone_else_is_tried_again() {
    let server = MariaDb::with("");
    server.start();
    let database = server.fresh();
    // Long enough that the server finds the deadlock before it stops waiting for the lock.
    let sink = format!(
        "mysql: {{ url: \"{}\", timeout_ms: 120000, {VALUE} }}",
        database.url()
    );
    let subject = Subject::connect(&sink).unwrap_or_else(|error| panic!("{}", causes(&error)));
    let mut client = Client::of(&database);
    client.send("BEGIN");
    // Much to be undone, so that it is not the client that is sacrificed.
    let rows: Vec<_> = (0..500).map(|n| format!("('theirs/{n}', 'x')")).collect();
    client.send(&format!("INSERT INTO t VALUES {}", rows.join(",")));
    client.send(&format!("INSERT INTO t VALUES ('{}', 'theirs')", id(9)));
    await_state(&server, "RUNNING", 1);
    let connections = || {
        let name = &database.name;
        server.administer(&format!(
            "SELECT id FROM information_schema.processlist WHERE db='{name}' ORDER BY id"
        ))
    };
    let before = connections();
    let all = records((0..10).map(|n| format!("value {n}")));
    thread::scope(|scope| {
        let first = scope.spawn(|| unavailable(&subject, &all));
        await_state(&server, "LOCK WAIT", 1);
        client.send(&format!("INSERT INTO t VALUES ('{}', 'theirs')", id(0)));
        let said = first.join().unwrap();
        assert!(said.contains("1213"), "{said}");
    });
    client.send("ROLLBACK");
    eventually(LONG, "the client gives its locks back", || {
        subject.write(&all).is_ok()
    });
    assert_eq!(connections(), before, "that of the sink is used again");
    client.end();
    assert_eq!(subject.settle(&all), vec![Verdict::Written; 10]);
    let there = stored(&database, "t", "v");
    assert_eq!(there.len(), 10);
    assert_eq!(there[&id(9)], b"value 9");
}

#[test]
fn a_connection_that_is_cut_in_the_middle_of_a_statement_doubles_nothing() {
    let database = Database::shared();
    let proxy = Proxy::to(&database.address);
    let sink = format!(
        "mysql: {{ url: \"{}\", timeout_ms: 2000, {VALUE} }}",
        database.url_at(&proxy.address())
    );
    let subject = Subject::connect(&sink).unwrap_or_else(|error| panic!("{}", causes(&error)));
    let first = records((0..100).map(|n| format!("value {n}")));
    assert_eq!(subject.settle(&first), vec![Verdict::Written; 100]);
    let all = records((0..200).map(|n| format!("value {n}")));
    // What prepares the statement is answered, and the server runs it, but no one hears.
    let mut unheard = 0;
    for bytes in [0, 7, 4_000] {
        proxy.set(Way::CutAfter(bytes));
        unavailable(&subject, &all);
        unheard = unheard.max(stored(&database, "t", "v").len());
        proxy.set(Way::Open);
    }
    eventually(LONG, "the statement was run", || {
        unheard = unheard.max(stored(&database, "t", "v").len());
        unheard == 200 || subject.write(&records(["value 0"])).is_ok()
    });
    for _ in 0..2 {
        assert_eq!(subject.settle(&all), vec![Verdict::Written; 200]);
        assert_eq!(stored(&database, "t", "v").len(), 200);
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_beyond_the_limit() {
    let database = Database::shared();
    let proxy = Proxy::to(&database.address);
    let sink = format!(
        "mysql: {{ url: \"{}\", timeout_ms: 1000, {VALUE} }}",
        database.url_at(&proxy.address())
    );
    let subject = Subject::connect(&sink).unwrap_or_else(|error| panic!("{}", causes(&error)));
    proxy.set(Way::Stalled);
    let started = Instant::now();
    let all = records(["a"]);
    let said = unavailable(&subject, &all);
    assert!(said.contains("no answer within 1s"), "{said}");
    let connecting = Subject::connect(&sink).err().unwrap();
    assert!(
        matches!(connecting, SinkError::Unavailable(_)),
        "{connecting:?}"
    );
    let limit = Duration::from_mins(1);
    assert!(started.elapsed() < limit, "{:?}", started.elapsed());
    proxy.set(Way::Open);
    assert_eq!(subject.settle(&all), [Verdict::Written]);
}
