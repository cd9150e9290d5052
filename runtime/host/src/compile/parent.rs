//! Starts the process of the compiler, hands a plugin over, and says what became of both.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;

use rustix::process::Signal;
use tracing::{debug, warn};

use super::child::understand;
use super::translate::Unfit;
use super::{CompileLimits, Compiler};
use crate::load::LoadProblem;

/// The process has a low priority: on a busy machine it gets but a share of a processor, and may take this many times as long.
const WALL_FACTOR: u32 = 10;
/// A language runtime of 20 MB comes to some 100 MB.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// Of what it says when it fails.
const WORDS_BYTES_MAX: u64 = 1_000;
/// What Rust says of memory that there is not, before it aborts.
const NO_MEMORY: &str = "memory allocation of ";

/// What a process said: its answer, which is `None` where it is not one, and its last words.
struct Said {
    answer: Option<Result<Vec<u8>, Unfit>>,
    words: String,
}

/// The machine code of `bytes`.
pub(super) fn compile(compiler: &Compiler, bytes: &[u8]) -> Result<Vec<u8>, LoadProblem> {
    let failed = |error: io::Error| {
        let program = compiler.program.display();
        LoadProblem::NoCompiler(format!("{program} did not start: {error}"))
    };
    let lost = |error: io::Error| {
        LoadProblem::NoCompiler(format!("the compiler was lost sight of: {error}"))
    };
    let mut child = Command::new(&compiler.program)
        .arg0("tamis")
        .args(&compiler.arguments)
        // All that it needs is in its arguments, and what else is there may be secrets.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let limits = &compiler.limits;
    let said = talk(&mut child, limits, bytes);
    let status = child.wait().map_err(lost)?;
    let Some(Said { answer, words }) = said else {
        let seconds = limits.cpu_time.as_secs() * u64::from(WALL_FACTOR);
        return Err(LoadProblem::CompileLimit(format!("{seconds} s")));
    };
    match answer {
        Some(answer) if status.success() => Ok(answer?),
        Some(_) | None => Err(died(status, &words, limits)),
    }
}

/// Hands `bytes` over and waits for the end of what is said of them; `None` when that takes too long, and then the child is killed.
fn talk(child: &mut Child, limits: &CompileLimits, bytes: &[u8]) -> Option<Said> {
    let mut stdin = child.stdin.take().expect("it is piped");
    let stdout = child.stdout.take().expect("it is piped");
    let stderr = child.stderr.take().expect("it is piped");
    thread::scope(|scope| {
        scope.spawn(move || {
            // How it ends says more than that it did not listen to the end.
            if let Err(error) = stdin.write_all(bytes) {
                debug!(%error, "the compiler ended early");
            }
        });
        let (sender, said) = sync_channel(1);
        // After the time limit no one waits for it.
        scope.spawn(move || drop(sender.send(listen(stdout, stderr))));
        let said = said.recv_timeout(limits.cpu_time * WALL_FACTOR).ok();
        if said.is_none()
            && let Err(error) = child.kill()
        {
            debug!(%error, "the compiler cannot be killed");
        }
        said
    })
}

/// Both at once: a process that cannot say its last words does not end.
fn listen(mut stdout: ChildStdout, stderr: ChildStderr) -> Said {
    thread::scope(|scope| {
        let words = scope.spawn(move || last_words(stderr));
        let (mut tag, mut content) = ([0], Vec::new());
        let answered = stdout.read_exact(&mut tag).and_then(|()| {
            let mut rest = stdout.take(ANSWER_BYTES_MAX);
            rest.read_to_end(&mut content)
        });
        let answer = match answered {
            Ok(_) => understand(tag[0], content),
            Err(error) => {
                debug!(%error, "the compiler gave no answer");
                None
            }
        };
        let words = words.join().expect("it only reads");
        Said { answer, words }
    })
}

/// The first of them; the rest is read, and forgotten.
fn last_words(mut stderr: ChildStderr) -> String {
    let mut words = Vec::new();
    let first = (&mut stderr).take(WORDS_BYTES_MAX).read_to_end(&mut words);
    if let Err(error) = first.and_then(|_| io::copy(&mut stderr, &mut io::sink())) {
        warn!(%error, "the compiler said something that was not heard");
    }
    String::from_utf8_lossy(&words).trim().to_owned()
}

/// Why a process ended that said nothing of `bytes`.
fn died(status: ExitStatus, words: &str, limits: &CompileLimits) -> LoadProblem {
    if status.signal() == Some(Signal::XCPU.as_raw()) {
        let seconds = limits.cpu_time.as_secs();
        return LoadProblem::CompileLimit(format!("{seconds} s on the processor"));
    }
    if words.contains(NO_MEMORY) {
        let mib = limits.memory_bytes_max >> 20;
        return LoadProblem::CompileLimit(format!("{mib} MiB of memory"));
    }
    if status.signal() == Some(Signal::KILL.as_raw()) {
        let killed = "the compiler was killed, as a system does that has no memory left";
        return LoadProblem::NoCompiler(killed.to_owned());
    }
    LoadProblem::Compiler(format!("the compiler ended with {status}: {words}"))
}
