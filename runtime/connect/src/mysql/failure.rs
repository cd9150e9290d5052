//! What an error of the server, or of the way to it, means.

use std::error::Error as StdError;
use std::io;

use sqlx::mysql::MySqlDatabaseError;
use tamis_config::spec::MYSQL_ID;
use tamis_core::sink::SinkError;

/// Why a statement did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// One of its rows can never be written.
    Row {
        /// The server's words.
        words: String,
        /// Which one, counted from 1, where the server says so.
        number: Option<usize>,
    },
    /// The table is not there, or is not what it was.
    Table(String),
    /// The server refuses whatever the rows are; with advice.
    Refused(String),
    /// Not now.
    Later(String),
    /// Others hold what it needs: not now either, but the connection is as good as before.
    Locked(String),
}

impl Failure {
    /// What it means to the pipeline where no table or row is to blame.
    pub(super) fn of_all(self) -> SinkError {
        match self {
            Self::Later(words) | Self::Locked(words) => SinkError::Unavailable(words.into()),
            Self::Row { words, .. } | Self::Table(words) | Self::Refused(words) => {
                SinkError::Misconfigured(words.into())
            }
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let words = || error.to_string();
        match &error {
            sqlx::Error::Database(database) => {
                let error = database.downcast_ref::<MySqlDatabaseError>();
                of_server(
                    error.number(),
                    error.code().unwrap_or_default(),
                    error.message(),
                )
            }
            // What broke in the middle of a handshake says nothing about certificates.
            sqlx::Error::Tls(cause) if !is_of_network(&**cause) => {
                Self::Refused(format!("{}; look at `tls` and at its files", words()))
            }
            sqlx::Error::Configuration(_) => Self::Refused(words()),
            sqlx::Error::Protocol(message) if message.contains("authentication plugin") => {
                let advice = "let the user have mysql_native_password or caching_sha2_password";
                Self::Refused(format!("{message}; {advice}"))
            }
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::Refused(format!("a file of `tls` is not there: {error}"))
            }
            _ => Self::Later(words()),
        }
    }
}

/// Whether the network is among the causes of `error`.
fn is_of_network(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What the server means by error `number` of the class `state`.
fn of_server(number: u16, state: &str, message: &str) -> Failure {
    let words = format!("MySQL error {number}: {message}");
    if let Some(advice) = advice(number) {
        return Failure::Refused(format!("{words}; {advice}"));
    }
    match number {
        // No table, no such column, and what a table does that was changed.
        1146 | 1054 => Failure::Table(words),
        // Too many connections, of one user, or prepared statements; each has a class that says otherwise.
        1040 | 1203 | 1226 | 1461 => Failure::Later(words),
        // A lock that was waited for in vain, a deadlock, a row that was changed meanwhile.
        1205 | 1213 | 1020 => Failure::Locked(words),
        // The row's key is another's, or too long: no record would fit.
        1406 | 1366 if names_id(message) => {
            let advice = "the column `id` must hold 512 characters of utf8mb4";
            Failure::Refused(format!("{words}; {advice}"))
        }
        1048 if message.starts_with("Column ") && names_id(&message.to_lowercase()) => {
            Failure::Row {
                words: "a unique key of the table other than its id has the row's values already"
                    .to_owned(),
                number: None,
            }
        }
        // A value that does not fit, a row that is too large, in no partition, or against a constraint: errors of many classes.
        1048 | 1118 | 1264 | 1265 | 1292 | 1301 | 1366 | 1406 | 1411 | 1525 | 1526 | 1644
        | 3140 | 3157 | 3819 | 4025 => of_row(words, message),
        // What a function makes of a row's values, in a trigger or a generated column; of a statement it is the client's fault.
        1210 if !message.contains("mysqld_stmt_execute") => of_row(words, message),
        _ => match state.get(..2) {
            Some("22" | "23" | "45") => of_row(words, message),
            Some("42") => Failure::Refused(words),
            _ => Failure::Later(words),
        },
    }
}

/// Whether `message` is about the column of the id. A value that it repeats is a record's and may be anything, but it stands
/// before the name.
fn names_id(message: &str) -> bool {
    let (_, name) = message.rsplit_once("column ").unwrap_or_default();
    let name = name.split(" at row ").next().unwrap_or_default();
    let name = name.split(" cannot be ").next().unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default();
    name.trim_matches(['\'', '`']) == MYSQL_ID
}

fn of_row(words: String, message: &str) -> Failure {
    let number = message.rsplit_once(" at row ");
    let number = number.and_then(|(_, number)| number.parse().ok());
    Failure::Row { words, number }
}

/// What a person can do about error `number` that no waiting mends; `None` where there is no such thing.
fn advice(number: u16) -> Option<&'static str> {
    match number {
        1045 | 1698 => Some(
            "correct the user or the password; a server that wants TLS, or a certificate, says the same",
        ),
        1044 | 1142 | 1143 | 1227 | 1370 => Some(
            "grant the user SELECT, INSERT and UPDATE, and CREATE where `create` is true; or correct `url` and `table`",
        ),
        1049 => Some("make the database, or correct `url`"),
        1130 => Some("let the user log in from this host"),
        1251 | 2059 => Some("let the user have mysql_native_password or caching_sha2_password"),
        1820 | 1862 => Some("give the user a new password"),
        3118 | 4151 => Some("unlock the user"),
        3159 => Some("set `tls`"),
        1364 => Some("give that column a default value, or fill it by `columns`"),
        1906 | 3105 => Some("the table works that column out itself: take it out of `columns`"),
        1598 | 1665 => Some("set the server's binlog_format to MIXED or ROW"),
        1071 | 1115 | 1273 | 1286 => Some("the table cannot be made there: make it yourself"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: u16, state: &str, message: &str, expected: &str) {
        let failure = of_server(number, state, message);
        let (kind, words) = match &failure {
            Failure::Row {
                words,
                number: None,
            } => ("row".to_owned(), words),
            Failure::Row {
                words,
                number: Some(number),
            } => (format!("row {number}"), words),
            Failure::Table(words) => ("table".to_owned(), words),
            Failure::Refused(words) => ("refused".to_owned(), words),
            Failure::Later(words) => ("later".to_owned(), words),
            Failure::Locked(words) => ("locked".to_owned(), words),
        };
        assert_eq!(kind, expected, "{number}");
        let is_other_key = words.contains("a unique key of the table");
        assert!(is_other_key || words.contains(message), "{words}");
    }

    #[test]
    fn what_does_not_fit_is_the_rows_own() {
        check(
            1406,
            "22001",
            "Data too long for column 'Msg' at row 17",
            "row 17",
        );
        check(
            1264,
            "22003",
            "Out of range value for column 'n' at row 2",
            "row 2",
        );
        check(
            1366,
            "22007",
            "Incorrect double value: 'x at row 9' for column `a`.`b`.`c` at row 3",
            "row 3",
        );
        check(1292, "22007", "Incorrect datetime value: 'x'", "row");
        check(
            1265,
            "01000",
            "Data truncated for column 'e' at row 1",
            "row 1",
        );
        check(1048, "23000", "Column 'c' cannot be null", "row");
        check(
            4025,
            "23000",
            "CONSTRAINT `t.Field` failed for `logs`.`t`",
            "row",
        );
        check(3140, "22032", "Invalid JSON text", "row");
        check(1452, "23000", "Cannot add or update a child row", "row");
        check(1118, "42000", "Row size too large (> 8126)", "row");
        check(1526, "HY000", "Table has no partition for value 7", "row");
        check(1644, "45000", "a trigger says no", "row");
        check(
            1411,
            "HY000",
            "Incorrect datetime value: 'x' for function str_to_date",
            "row",
        );
        check(1525, "HY000", "Incorrect DATE value: 'x'", "row");
        check(1210, "HY000", "Incorrect arguments to sleep", "row");
        check(
            1301,
            "HY000",
            "Result of repeat() was larger than max_allowed_packet",
            "row",
        );
        check(1048, "23000", "Column 'id' cannot be null", "row");
        let value = "Incorrect double value: 'column `id`' for column `logs`.`t`.`c` at row 1";
        check(1366, "22007", value, "row 1");
    }

    #[test]
    fn an_outage_is_waited_out() {
        for (number, state) in [
            (1040, "08004"),
            (1203, "42000"),
            (1226, "42000"),
            (1461, "42000"),
            (1290, "HY000"),
            (1836, "HY000"),
            (1792, "25006"),
            (1114, "HY000"),
            (1021, "HY000"),
            (1030, "HY000"),
            (1053, "08S01"),
            (1153, "08S01"),
            (1317, "70100"),
            (1927, "70100"),
            (1969, "70100"),
            (1047, "08S01"),
            (9999, "HY000"),
        ] {
            check(number, state, "not now", "later");
        }
        for (number, state) in [(1213, "40001"), (1205, "HY000"), (1020, "HY000")] {
            check(number, state, "not now", "locked");
        }
        check(
            1210,
            "HY000",
            "Incorrect arguments to mysqld_stmt_execute",
            "later",
        );
    }

    #[test]
    fn what_no_waiting_mends_is_refused_and_a_table_is_looked_at_again() {
        for (number, state) in [
            (1044, "42000"),
            (1045, "28000"),
            (1049, "42000"),
            (1142, "42000"),
            (1698, "28000"),
            (1364, "HY000"),
            (1064, "42000"),
        ] {
            check(number, state, "no", "refused");
        }
        check(
            1406,
            "22001",
            "Data too long for column 'id' at row 1",
            "refused",
        );
        check(
            1366,
            "22007",
            "Incorrect string value: 'x' for column `logs`.`t`.`id` at row 1",
            "refused",
        );
        check(1146, "42S02", "Table 'logs.t' doesn't exist", "table");
        check(1054, "42S22", "Unknown column 'c' in 'field list'", "table");
    }

    #[test]
    fn what_breaks_on_the_way_is_an_outage_and_a_certificate_is_not() {
        let broken = || io::Error::from(io::ErrorKind::ConnectionReset);
        let check = |error: sqlx::Error, is_later: bool| {
            let failure = Failure::from(error);
            assert_eq!(
                matches!(failure, Failure::Later(_)),
                is_later,
                "{failure:?}"
            );
        };
        check(sqlx::Error::Io(broken()), true);
        check(sqlx::Error::Tls(Box::new(broken())), true);
        check(sqlx::Error::Tls("certificate verify failed".into()), false);
        check(sqlx::Error::Io(io::ErrorKind::NotFound.into()), false);
        check(
            sqlx::Error::Protocol("unknown authentication plugin: x".to_owned()),
            false,
        );
        check(sqlx::Error::Protocol("unexpected packet".to_owned()), true);
    }
}
