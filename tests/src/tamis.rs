//! The program itself, as a process.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::kafka::Group;
use crate::place::root;
use crate::wait::{LONG, eventually};

/// The variable with the state folder of a process.
pub const STATE: &str = "TAMIS_STATE";

/// The program: `TAMIS_BIN`, or what the workspace built.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn program() -> PathBuf {
    let built = || root().join("target/release/tamis");
    let program = env::var_os("TAMIS_BIN").map_or_else(built, PathBuf::from);
    assert!(
        program.is_file(),
        "{} is missing: run `make plugins`",
        program.display()
    );
    program
}

/// A command line of the program, in the folder of the repository and with nothing on its standard input.
pub fn tamis<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// The command line that runs `pipeline` and ends in one line of JSON.
#[must_use]
pub fn run(pipeline: &Path) -> Command {
    tamis([Path::new("run"), Path::new("--json"), pipeline])
}

/// A process that runs. It is killed when the test is over; when that failed, what it said is shown.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
    readers: Vec<JoinHandle<()>>,
    /// A folder of its own, unless its command names one.
    _state: Option<TempDir>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Running {
    /// Starts `command`, with a state folder of its own unless it names one.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let is_named = command
            .get_envs()
            .any(|(name, value)| name == STATE && value.is_some());
        let state = (!is_named).then(|| {
            let folder = tempfile::Builder::new().prefix("tamis-state-").tempdir();
            let folder = folder.expect("there is room for temporary files");
            command.env(STATE, folder.path());
            folder
        });
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        if state.is_some() {
            // The same command may be started once more.
            command.env_remove(STATE);
        }
        let (stdout, stderr) = (Output::default(), Output::default());
        let readers = vec![
            stdout.read(child.stdout.take().expect("it is piped")),
            stderr.read(child.stderr.take().expect("it is piped")),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
            _state: state,
        }
    }

    /// Writes to its standard input, which stays open.
    ///
    /// # Panics
    /// Where that is not piped, or the process has ended.
    pub fn write(&mut self, input: &[u8]) {
        let stdin = self
            .child
            .stdin
            .as_mut()
            .expect("its standard input is piped and open");
        stdin.write_all(input).expect("it reads its standard input");
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// What it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.stderr.text()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.stdout.text()
    }

    /// Waits until `is_so`.
    ///
    /// # Panics
    /// Where the process ends before that, or it takes too long.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        eventually(LONG, what, || {
            let ended = self.child.try_wait().expect("a child can be waited for");
            let so = is_so();
            assert!(so || ended.is_none(), "it ended before {what}");
            so
        });
    }

    /// Waits until it says `words`.
    pub fn await_words(&mut self, words: &str) {
        let stderr = self.stderr.clone();
        self.until(&format!("it says {words:?}"), || {
            stderr.text().contains(words)
        });
    }

    /// Waits until `group` has settled `count` records.
    pub fn await_settled(&mut self, group: &Group, count: u64) {
        self.until(&format!("{count} records are settled"), || {
            group.committed().is_ok_and(|committed| committed == count)
        });
    }

    /// How often it has said `words`.
    #[must_use]
    pub fn count(&self, words: &str) -> usize {
        self.said().matches(words).count()
    }

    /// `command` with the disks that this process sees, which began with a namespace of its own.
    #[must_use]
    pub fn beside(&self, command: &Command) -> Command {
        let mut beside = Command::new("nsenter");
        beside
            .args(["--target", &self.child.id().to_string(), "--mount"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null());
        beside
    }

    /// Where this process finds what that one has at `path`, which may be on a disk of its own.
    #[must_use]
    pub fn sees(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    ///
    /// # Panics
    /// Where the process has ended.
    pub fn signal(&self, name: &str) {
        assert!(
            signal(self.child.id(), name),
            "it runs no longer: {}",
            self.said()
        );
    }

    /// How it ended, if it did.
    ///
    /// # Panics
    /// Where the system does not say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Bytes of memory that it has resident; `None` where it has ended.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib << 10)
    }

    /// Waits until it ends.
    #[must_use]
    pub fn wait(self) -> Ended {
        self.ends_within(LONG)
    }

    /// Waits until it ends, for this long at most.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn ends_within(mut self, limit: Duration) -> Ended {
        let mut status = None;
        eventually(limit, "it ends", || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        let code = status.expect("it ended").code();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        Ended {
            code,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, and there is no more to be done here than to try.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        if thread::panicking() {
            eprintln!("--- tamis said\n{}---", self.said());
        }
    }
}

/// Sends a signal by its name to a process; `false` where it runs no longer.
///
/// # Panics
/// Where there is no program `kill`.
#[must_use]
pub fn signal(pid: u32, name: &str) -> bool {
    let sent = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    sent.expect("there is kill").success()
}

/// Runs `command` to its end.
#[must_use]
pub fn output(command: &mut Command) -> Ended {
    Running::start(command).wait()
}

impl Ended {
    /// The last line of what it printed, which is JSON.
    ///
    /// # Panics
    /// Where it is not.
    #[must_use]
    pub fn summary(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What came out of a process so far.
#[derive(Debug, Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// Reads `stream` as it comes, so that the process never waits for its reader.
    fn read(&self, mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let Self(bytes) = self.clone();
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut block) {
                bytes
                    .lock()
                    .expect("no one panics here")
                    .extend_from_slice(&block[..count]);
            }
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no one panics here")).into_owned()
    }
}
