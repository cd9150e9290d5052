//! Runs programs and says what they took.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use crate::stopwatch::Stopwatch;

/// Nothing here takes nearly as long.
const TIME_MAX: Duration = Duration::from_secs(300);
/// How exact the end of a program is seen; far below what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a program took that ended well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
}

/// Runs `command` to its end.
pub(crate) fn run(command: &mut Command) -> Result<Used> {
    let named = format!("{command:?}");
    let started = Stopwatch::start();
    let child = command.spawn().with_context(|| named.clone())?;
    wait(child, started).context(named)
}

/// Waits for a program that was started with `started`.
pub(crate) fn wait(mut child: Child, started: Stopwatch) -> Result<Used> {
    while started.elapsed() < TIME_MAX {
        if let Some(ended) = child.try_wait4()? {
            let wall = started.elapsed();
            if !ended.status.success() {
                bail!("failed ({})", ended.status);
            }
            let cpu = ended.rusage.utime + ended.rusage.stime;
            return Ok(Used { wall, cpu });
        }
        thread::sleep(LOOK_EVERY);
    }
    child.kill()?;
    child.wait()?;
    bail!("did not end within {TIME_MAX:?}")
}

/// User and system time that the process has used so far.
pub(crate) fn cpu_of(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in parentheses, may hold anything; what follows starts with field 3.
    let (_, fields) = stat.rsplit_once(')').context("a line of /proc")?;
    let fields: Vec<_> = fields.split_ascii_whitespace().collect();
    let ticks =
        |field: usize| -> Result<u64> { Ok(fields.get(field - 3).context("a field")?.parse()?) };
    // Linux counts hundredths of a second here on every machine.
    Ok(Duration::from_millis((ticks(14)? + ticks(15)?) * 10))
}

/// The most memory that the process had resident so far. What `wait4` says is no less than what the starting process had.
pub(crate) fn peak_rss_of(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
    Ok(peak.context("a line of /proc")?.trim().parse::<u64>()? * 1024)
}

/// Asks the process to end.
pub(crate) fn interrupt(id: u32) -> Result<()> {
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -INT {id}"))
        .status()?;
    if !status.success() {
        bail!("process {id} is gone");
    }
    Ok(())
}
