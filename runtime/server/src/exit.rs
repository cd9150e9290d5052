//! How the program ends.

use std::fmt;
use std::process::ExitCode;
use std::sync::OnceLock;

use tracing::error;

use crate::cli::LogFormat;

/// What the exit code says; also in `tamis --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: all is well.
    Done,
    /// 3: stopped while records were in flight; they are not committed and will be read again.
    Unsettled,
    /// 2: the command line or the configuration is wrong; nothing was started.
    Usage,
    /// 1: something failed; what to do was said.
    Failed,
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unsettled => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Where in the log a person is told to act; shown whatever else is left out of it.
pub(crate) const MUST_ACT: &str = "tamis::must_act";

/// Of the log, once there is one.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Notes that there is a log from here on.
pub(crate) fn logs(format: LogFormat) {
    // There is one log.
    let _once = FORMAT.set(format);
}

/// Whether a program reads the standard error: each line of it is one of the log.
pub(crate) fn is_for_programs() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Says on the standard error what a person must mend.
pub(crate) fn say(words: impl fmt::Display) {
    if is_for_programs() {
        error!(target: MUST_ACT, "{words}");
    } else {
        eprintln!("{words}");
    }
}

/// Says what failed, with its causes.
pub(crate) fn failed(error: &anyhow::Error) -> Exit {
    if is_for_programs() {
        say(format_args!("{error:#}"));
    } else {
        eprintln!("error: {error:#}");
    }
    Exit::Failed
}

/// Something that was given is not in order; nothing was started.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// How a command ended, once it is said why it came to nothing.
pub(crate) fn of(ended: anyhow::Result<Exit>) -> Exit {
    match ended {
        Ok(exit) => exit,
        Err(error) if error.is::<Misuse>() => {
            say(format_args!("{error:#}"));
            Exit::Usage
        }
        Err(error) => failed(&error),
    }
}
