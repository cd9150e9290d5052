//! What is in memory stays there: a process that holds passwords leaves no core behind, and lets none but root look into it.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those that it starts, write no core.
///
/// On Linux it is also made one that cannot be dumped or traced, for two reasons: a core that goes to a program (`core_pattern`
/// begins with `|`) is written whatever the limit says, and so is what a debugger of the same user reads.
///
/// # Errors
/// When the system refuses.
pub(crate) fn forbid() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        // Left where it is: who looks into a program that this one starts can raise the limit there.
        maximum: getrlimit(Resource::Core).maximum,
    };
    setrlimit(Resource::Core, none)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
