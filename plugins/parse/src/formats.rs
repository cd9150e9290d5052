//! The formats. Each reads a line in one pass, and gives up at the first thing that the format does not have.

use schemars::JsonSchema;
use serde::Deserialize;

use super::object::Object;

mod access;
mod logback;
mod logfmt;
mod rfc3164;
mod rfc5424;
mod syslog;
mod zap;

/// How the lines of a log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// A JSON object already, which stays as it is.
    Json,
    /// The console encoder of zap: tabs between time, level, logger, caller, message and fields.
    ZapConsole,
    /// The access log of nginx and Apache: the combined format, the common one, and what is put behind them.
    Combined,
    /// Syslog as RFC 3164 has it, or as it lies in `/var/log`: without priority, or with a time as RFC 3339 has it.
    Rfc3164,
    /// Syslog as RFC 5424 has it.
    Rfc5424,
    /// The usual patterns of logback, log4j and Spring Boot.
    Logback,
    /// Pairs of a key and a value: `level=info msg="user logged in"`.
    Logfmt,
}

impl Format {
    /// Its name in the settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::ZapConsole => "zap_console",
            Self::Combined => "combined",
            Self::Rfc3164 => "rfc3164",
            Self::Rfc5424 => "rfc5424",
            Self::Logback => "logback",
            Self::Logfmt => "logfmt",
        }
    }

    /// Writes what `line` says to `object`, which is new; `None` where it is in another format.
    pub(super) fn parse(self, line: &str, object: &mut Object) -> Option<()> {
        match self {
            // What is JSON has not come so far.
            Self::Json => None,
            Self::ZapConsole => zap::parse(line, object),
            Self::Combined => access::parse(line, object),
            Self::Rfc3164 => rfc3164::parse(line, object),
            Self::Rfc5424 => rfc5424::parse(line, object),
            Self::Logback => logback::parse(line, object),
            Self::Logfmt => logfmt::parse(line, object),
        }
    }
}

/// Whether it is a name, such as one of a logger: letters, digits, and some of `marks`.
fn is_name(text: &str, marks: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || marks.contains(it);
    !text.is_empty() && text.chars().all(is_part)
}

/// The word at the start of a text, and what is behind the spaces that follow it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}
