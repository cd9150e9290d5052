//! `make prove`: kills members of a group where it hurts most, and servers, and shows that each record is seen once all the same.

use std::io::{Write as _, stdout};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::thread;

use tamis_tests::prove::{self, Options};

fn main() -> ExitCode {
    let mut options = Options::new(fastrand::u32(..).into());
    for argument in std::env::args().skip(1) {
        if let Err(wrong) = options.set(&argument) {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    }
    thread::spawn(await_interrupt);
    // What went wrong was said where it did.
    match catch_unwind(|| prove::run(options, say)) {
        Ok(report) => {
            say(&report.to_string());
            ExitCode::from(u8::from(!report.problems.is_empty()))
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Without it Ctrl-C would leave servers behind.
fn await_interrupt() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        tokio::signal::ctrl_c().await.expect("signals can be heard");
        prove::interrupt();
        tokio::signal::ctrl_c().await.expect("signals can be heard");
        std::process::exit(130);
    });
}

fn say(line: &str) {
    // A reader that went away early must not end the proof half way.
    let _written = writeln!(stdout(), "{line}");
}
