//! How the program ends.

use std::fmt;
use std::process::ExitCode;

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

/// Says what failed, with its causes.
pub(crate) fn failed(error: &anyhow::Error) -> Exit {
    eprintln!("error: {error:#}");
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
            eprintln!("{error:#}");
            Exit::Usage
        }
        Err(error) => failed(&error),
    }
}
