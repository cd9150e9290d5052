//! A member of the group: a process of the real program, with a log of its own.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};

use crate::tamis::{STATE, run, signal};

/// The last lines of a log are in these.
const LAST_BYTES: u64 = 8 << 10;

/// Of these some tell why it ended.
const LAST_LINES: usize = 20;

/// What a member is to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// Its name in the group that outlives it.
    pub(super) instance: Option<String>,
    /// Where it dies.
    pub(super) failpoint: Option<String>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) instance: Option<String>,
    log: PathBuf,
    child: Child,
}

impl Member {
    pub(super) fn start(logs: &Path, pipeline: &Path, number: u32, role: Role) -> Self {
        let Role {
            instance,
            failpoint,
        } = role;
        let kind = failpoint.as_deref().unwrap_or("stays").replace(':', "-");
        let name = format!("member-{number:03}-{kind}");
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).expect("a log can be made");
        let mut command = run(pipeline);
        command
            .args(["--log", "info,tamis::step=debug"])
            .env(STATE, logs.join(format!("member-{number:03}.state")))
            .stdout(file.try_clone().expect("a file can be shared"))
            .stderr(file);
        if let Some(instance) = &instance {
            command.env(
                "TAMIS__SOURCE__KAFKA__PROPERTIES__group.instance.id",
                instance,
            );
        }
        if let Some(failpoint) = &failpoint {
            command.env("TAMIS_FAILPOINT", failpoint);
        }
        Self {
            name,
            instance,
            log,
            child: command.spawn().expect("the program can be started"),
        }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Whether it died of a signal.
    pub(super) fn is_dead(&mut self) -> bool {
        self.ended().is_some_and(|status| status.signal().is_some())
    }

    /// Sends it a signal; `false` where it runs no longer.
    pub(super) fn signal(&self, name: &str) -> bool {
        signal(self.child.id(), name)
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("a child can be waited for");
    }

    pub(super) fn said(&self) -> String {
        let log = fs::read(&self.log).expect("a log can be read");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What it said before it ended.
    pub(super) fn last_words(&self) -> String {
        let said = self.said();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Whether its pipeline runs.
    pub(super) fn has_started(&self) -> bool {
        self.said().contains(" started ")
    }

    /// How often it was given partitions.
    pub(super) fn assignments(&self) -> usize {
        self.said().matches("partitions assigned").count()
    }

    /// How many batches it had taken and not settled when it last said so.
    pub(super) fn unsettled(&self) -> u64 {
        let mut log = File::open(&self.log).expect("a log can be opened");
        let length = log.metadata().expect("a log has a length").len();
        let mut end = Vec::new();
        log.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))
            .and_then(|_| log.read_to_end(&mut end))
            .expect("a log can be read");
        last_unsettled(&String::from_utf8_lossy(&end))
    }

    /// The line of the failpoint at which it died.
    pub(super) fn failpoint(&self) -> Option<String> {
        let said = self.said();
        let line = said.lines().find(|line| line.starts_with("failpoint "));
        line.map(str::to_owned)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended already, and there is no more to be done here than to try.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The number behind the last `unsettled=` of a log.
pub(super) fn last_unsettled(log: &str) -> u64 {
    let last = log.rsplit_once("unsettled=").map(|(_, number)| number);
    let digits = last.and_then(|last| last.split(|it: char| !it.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::last_unsettled;

    #[test]
    fn the_last_number_counts() {
        let log = "reached step=\"taken\" unsettled=3\nfailpoint taken:2 unsettled=17\nmore\n";
        assert_eq!((last_unsettled(log), last_unsettled("none")), (17, 0));
    }
}
