//! Connections to the server: each strict, and thrown away as soon as it is not known to be sound.

use std::sync::Mutex;
use std::time::Duration;

use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlRow, MySqlSslMode};
use sqlx::{ConnectOptions as _, Executor as _, MySql, MySqlConnection, Row as _};
use tamis_config::spec::{MysqlSinkSpec, MysqlTlsMode, Secret};
use tokio::time::Instant;

use super::failure::Failure;

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 64;
/// How long a connection may rest: servers and what is between close those that rest for long.
const REST_MAX: Duration = Duration::from_mins(1);

/// Makes connections, and keeps those that rest.
pub(super) struct Sessions {
    options: MySqlConnectOptions,
    setup: String,
    timeout: Duration,
    /// `user@host:port/database`
    place: String,
    resting: Mutex<Vec<(Session, Instant)>>,
}

/// One connection.
pub(super) struct Session {
    connection: MySqlConnection,
    timeout: Duration,
    is_sound: bool,
    /// Bytes of the largest packet that the server takes.
    pub(super) packet_bytes_max: usize,
}

impl Sessions {
    pub(super) fn new(spec: &MysqlSinkSpec) -> Self {
        let timeout = Duration::from_millis(spec.timeout_ms);
        let server = &spec.server;
        Self {
            options: options(spec),
            setup: setup(timeout),
            timeout,
            place: format!(
                "{}@{}:{}/{}",
                server.user, server.host, server.port, server.database
            ),
            resting: Mutex::default(),
        }
    }

    /// A connection: one that rests, or a new one.
    pub(super) async fn take(&self) -> Result<Session, Failure> {
        let resting = {
            let mut resting = self.resting.lock().expect("no one panics while looking");
            resting.retain(|(_, since)| since.elapsed() < REST_MAX);
            resting.pop()
        };
        match resting {
            Some((session, _)) => Ok(session),
            None => self.connect().await.map_err(|failure| self.named(failure)),
        }
    }

    /// Lets `session` rest, if it is sound.
    pub(super) fn give_back(&self, session: Session) {
        let mut resting = self.resting.lock().expect("no one panics while looking");
        if session.is_sound {
            resting.push((session, Instant::now()));
        } else {
            // What broke this one has broken the others, too.
            resting.clear();
        }
    }

    async fn connect(&self) -> Result<Session, Failure> {
        let connecting = self.options.connect();
        let connection = within(self.timeout, connecting).await?;
        let mut session = Session {
            connection,
            timeout: self.timeout,
            is_sound: true,
            packet_bytes_max: 0,
        };
        session.run(&self.setup).await?;
        let rows = session.rows("SELECT @@max_allowed_packet").await?;
        let packet: u64 = match rows.first() {
            Some(row) => row.try_get_unchecked(0)?,
            None => return Err(Failure::Later("it does not say what it takes".to_owned())),
        };
        session.packet_bytes_max = usize::try_from(packet).unwrap_or(usize::MAX);
        Ok(session)
    }

    /// `failure` with the place where it was.
    fn named(&self, failure: Failure) -> Failure {
        let place = &self.place;
        let named = |words: String| format!("{place}: {words}");
        match failure {
            Failure::Later(words) | Failure::Locked(words) => Failure::Later(named(words)),
            Failure::Row { words, .. } | Failure::Table(words) | Failure::Refused(words) => {
                Failure::Refused(named(words))
            }
        }
    }
}

impl Session {
    /// Runs a statement without values.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        let running = self.connection.execute(sql);
        let outcome = within(self.timeout, running).await;
        self.judge(outcome).map(|_| ())
    }

    /// The rows that a statement without values gives.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<MySqlRow>, Failure> {
        let running = self.connection.fetch_all(sql);
        let outcome = within(self.timeout, running).await;
        self.judge(outcome)
    }

    /// Runs a statement with `values`; it stays prepared for the next time if that `comes_again`.
    pub(super) async fn execute(
        &mut self,
        sql: &str,
        values: MySqlArguments,
        comes_again: bool,
    ) -> Result<(), Failure> {
        let query = sqlx::query_with::<MySql, _>(sql, values).persistent(comes_again);
        let running = query.execute(&mut self.connection);
        let outcome = within(self.timeout, running).await;
        self.judge(outcome).map(|_| ())
    }

    /// After what the server has said of a statement its connection goes on; after anything else no one knows.
    fn judge<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Later(_)) = outcome {
            self.is_sound = false;
        }
        outcome
    }
}

/// Waits for `work`, for this long at most.
async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, work).await {
        Ok(outcome) => outcome.map_err(Failure::from),
        Err(_) => Err(Failure::Later(format!("no answer within {timeout:?}"))),
    }
}

fn options(spec: &MysqlSinkSpec) -> MySqlConnectOptions {
    let server = &spec.server;
    let mut options = MySqlConnectOptions::new()
        .host(&server.host)
        .port(server.port)
        .username(&server.user)
        .database(&server.database)
        .pipes_as_concat(false)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .ssl_mode(match spec.tls.mode {
            None => MySqlSslMode::Preferred,
            Some(MysqlTlsMode::Disabled) => MySqlSslMode::Disabled,
            Some(MysqlTlsMode::Required) => MySqlSslMode::Required,
            Some(MysqlTlsMode::VerifyCa) => MySqlSslMode::VerifyCa,
            Some(MysqlTlsMode::VerifyIdentity) => MySqlSslMode::VerifyIdentity,
        })
        // A statement holds thousands of rows, and they are not for a log.
        .disable_statement_logging();
    if let Some(password) = &server.password {
        options = options.password(Secret::expose(password));
    }
    if let Some(ca) = &spec.tls.ca {
        options = options.ssl_ca(ca);
    }
    if let Some((certificate, key)) = &spec.tls.client {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    options
}

/// What a session begins with: a value that does not fit is an error in tables of any engine, what is written stays written, and
/// the server stops waiting for the locks of others before this process stops waiting for the server.
fn setup(timeout: Duration) -> String {
    let locks = (timeout.as_secs() / 2).max(1);
    format!(
        "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
         NO_ENGINE_SUBSTITUTION', autocommit=1, innodb_lock_wait_timeout={locks}"
    )
}
