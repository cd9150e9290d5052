//! What a checked configuration says of a sink that writes MySQL or MariaDB.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::WriterLimits;
use crate::spec::Secret;
use crate::template::Template;

/// The column of a record's id.
pub const MYSQL_ID: &str = "id";

/// Tables of a MySQL or MariaDB database.
#[derive(Debug, Clone, PartialEq)]
pub struct MysqlSinkSpec {
    /// Where they are, and who writes.
    pub server: MysqlServer,
    /// How the connection is encrypted.
    pub tls: MysqlTls,
    /// The table of a record.
    pub table: Template,
    /// Distinct tables that records may name within an hour.
    pub destinations_max: usize,
    /// The columns beside [`MYSQL_ID`]; at least one, names are distinct in any case.
    pub columns: Vec<MysqlColumn>,
    /// Whether a table that is missing is made.
    pub create: bool,
    /// How long the server may take to answer one statement.
    pub timeout_ms: u64,
    /// How records go out.
    pub requests: WriterLimits,
}

/// A database, and who writes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MysqlServer {
    /// A name or an address; without brackets.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Who writes.
    pub user: String,
    /// By which the server knows.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MysqlTls {
    /// Whether at all; `None` for where the server can, without a look at its certificate.
    pub mode: Option<MysqlTlsMode>,
    /// Who may have signed the server's certificate; absolute.
    pub ca: Option<PathBuf>,
    /// The client's own certificate, and its key; absolute.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// How much a connection is to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MysqlTlsMode {
    /// Nothing is encrypted, the records neither.
    Disabled,
    /// Encrypted, by whatever certificate.
    Required,
    /// By a certificate that one signed who is trusted.
    VerifyCa,
    /// And that is for the host of the URL.
    #[default]
    VerifyIdentity,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MysqlColumn {
    /// Its name.
    pub name: String,
    /// What goes into it.
    pub from: MysqlFrom,
    /// What it is.
    pub kind: MysqlType,
}

/// What goes into a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MysqlFrom {
    /// The field at the end of these keys of the JSON value; at least one.
    Field(Vec<String>),
    /// An object of all fields at the top that no other column takes.
    Rest,
    /// The whole value as it stands.
    Value,
    /// The record's time in UTC.
    Time,
    /// The topic that it was read from.
    Topic,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MysqlType {
    /// Text of at most so many characters.
    Varchar(u32),
    /// Text of at most 64 KiB.
    Text,
    /// Text of at most 16 MiB.
    MediumText,
    /// Text of at most 4 GiB.
    LongText,
    /// A whole number of 64 bits.
    Bigint,
    /// A number of about 15 digits.
    Double,
    /// A number of so many digits, of which so many stand behind the point.
    Decimal(u32, u32),
    /// A time without a zone, with so many digits of a second's fraction.
    Datetime(u32),
    /// JSON.
    Json,
    /// True or false.
    Boolean,
}

impl fmt::Display for MysqlType {
    /// As SQL has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Varchar(length) => write!(f, "VARCHAR({length})"),
            Self::Text => f.write_str("TEXT"),
            Self::MediumText => f.write_str("MEDIUMTEXT"),
            Self::LongText => f.write_str("LONGTEXT"),
            Self::Bigint => f.write_str("BIGINT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal(digits, scale) => write!(f, "DECIMAL({digits},{scale})"),
            Self::Datetime(digits) => write!(f, "DATETIME({digits})"),
            Self::Json => f.write_str("JSON"),
            Self::Boolean => f.write_str("BOOLEAN"),
        }
    }
}

/// Whether a table or a column may have this name.
///
/// MySQL allows more between back quotes; a `.` would look like the name of another database's table.
#[must_use]
pub fn is_sql_name(name: &str) -> bool {
    const CHARACTERS_MAX: usize = 64;
    let legal = |it: char| match it {
        '_' | '$' | '-' => true,
        '\0'..='\x7f' => it.is_ascii_alphanumeric(),
        // MySQL knows no characters beyond these in names.
        _ => it.is_alphanumeric() && it <= '\u{ffff}',
    };
    (1..=CHARACTERS_MAX).contains(&name.chars().count()) && name.chars().all(legal)
}
