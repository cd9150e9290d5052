//! What a file may say of a sink that writes MySQL or MariaDB.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawRequests;
use crate::spec::MysqlTlsMode;

/// Tables of a MySQL (8.0 and later) or MariaDB (10.4 and later) database. A record is a row, and its id is the row's key, in the
/// column `id`. A value that does not fit its column is never cut: its record becomes a dead letter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMysqlSink {
    /// `mysql://user:password@host:port/database`; the port is 3306 by default. What a URL does not allow in a user or a
    /// password is written as `%` and two hexadecimal digits.
    pub(crate) url: String,
    /// The password, as it stands, in the place of one in `url`.
    pub(crate) password: Option<String>,
    /// The table of a record, from `{topic}` (the one that it was read from), `{partition}`, `{route}`, `{time:%Y%m%d}`
    /// (the record's time in UTC) and `{field:/Type}` (a field of its JSON value, by pointer): letters, digits, `_`, `$` and
    /// `-`, at most 64. Where `{route}` or `{field:…}` name one that is not legal, or these or `{time:…}` one that is not there and
    /// not made, the record becomes a dead letter; any other one stops the pipeline.
    pub(crate) table: String,
    /// Distinct tables that records may name within an hour; a record that would name one more becomes a dead letter. Sixteen times as
    /// many where only a time tells them apart.
    #[serde(default = "destinations_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) destinations_max: usize,
    /// The columns beside `id`, and what of a record goes into each. By default those of the fleet's logs: `Type`, `Action`,
    /// `Time`, `Msg` and `FuncName`, `Field` as JSON, and in `rest` all other fields as JSON.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1000))]
    pub(crate) columns: Option<BTreeMap<String, RawMysqlColumn>>,
    /// Whether a table that is missing is made. One that is there is never changed: where a column is missing, the pipeline
    /// stops with the statement that adds it.
    #[serde(default)]
    pub(crate) create: bool,
    /// How the connection is encrypted. By default it is where the server can, without a look at its certificate.
    pub(crate) tls: Option<RawMysqlTls>,
    /// How long the server may take to answer one statement. 30 s: one that is slower is overloaded, and is given time by
    /// waiting before the next try. A statement waits for the locks of others half as long.
    #[serde(default = "timeout_ms")]
    #[schemars(range(min = 100, max = 600_000))]
    pub(crate) timeout_ms: u64,
    /// How records go out. Each request has a connection of its own.
    #[serde(default)]
    pub(crate) requests: RawRequests,
}

fn destinations_max() -> usize {
    256
}

fn timeout_ms() -> u64 {
    30_000
}

/// One column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMysqlColumn {
    /// What goes into it: a field of the JSON value by pointer, as in `/Field/user_id`, or `{rest}` (an object of all fields
    /// at the top that no other column takes), `{value}` (the whole value as it stands), `{time}` (the record's time in UTC) or
    /// `{topic}` (the one that it was read from). By default the field of the column's name. What a record lacks is NULL.
    pub(crate) from: Option<String>,
    /// What it is: `varchar(n)`, `text`, `mediumtext`, `longtext`, `bigint`, `double`, `decimal(p,s)`, `datetime(p)`, `json` or
    /// `boolean`. A table that is made has it so; where a table is there, what it says holds.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// How a connection is encrypted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMysqlTls {
    /// Whether the server must encrypt, and how it is known. By default `verify_identity`.
    #[serde(default)]
    pub(crate) mode: MysqlTlsMode,
    /// A file of PEM with the certificate of the one who signed the server's, beside those whom the system trusts.
    pub(crate) ca: Option<PathBuf>,
    /// A file of PEM with the client's own certificate, for a server that wants one. Beside `key`.
    pub(crate) certificate: Option<PathBuf>,
    /// A file of PEM with the key of `certificate`, as PKCS #8 (`BEGIN PRIVATE KEY`).
    pub(crate) key: Option<PathBuf>,
}
