//! How the program ends.

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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unsettled => 3,
        })
    }
}

/// Says what failed, with its causes.
pub(crate) fn failed(error: &anyhow::Error) -> Exit {
    eprintln!("error: {error:#}");
    Exit::Failed
}
