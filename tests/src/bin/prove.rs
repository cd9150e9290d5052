//! `make prove`: kills members of a group where it hurts most, and servers, and shows that each record is seen once all the same;
//! with `SWAPS`, swaps a plugin all the while.

use std::io::{Write as _, stdout};
use std::panic::{UnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::thread;

use tamis_tests::{prove, swaps};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seed = fastrand::u32(..).into();
    let is_of_swaps = |it: &String| it.starts_with("SWAPS=") && it != "SWAPS=";
    let proof = match arguments.iter().any(is_of_swaps) {
        true => set(swaps::Options::new(seed), &arguments, swaps::Options::set)
            .and_then(|it| it.check().map(|()| it))
            .map(of_swaps),
        false => set(prove::Options::new(seed), &arguments, prove::Options::set).map(of_deaths),
    };
    match proof {
        Ok(exit) => exit,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(2)
        }
    }
}

fn set<O>(
    mut options: O,
    arguments: &[String],
    set: fn(&mut O, &str) -> Result<(), String>,
) -> Result<O, String> {
    for argument in arguments {
        set(&mut options, argument)?;
    }
    Ok(options)
}

fn of_swaps(options: swaps::Options) -> ExitCode {
    run(|| {
        let report = swaps::run(options, say);
        (report.to_string(), report.problems.is_empty())
    })
}

fn of_deaths(options: prove::Options) -> ExitCode {
    run(|| {
        let report = prove::run(options, say);
        (report.to_string(), report.problems.is_empty())
    })
}

/// Runs a proof to its report, and whether it holds.
fn run(prove: impl FnOnce() -> (String, bool) + UnwindSafe) -> ExitCode {
    thread::spawn(await_interrupt);
    // What went wrong was said where it did.
    match catch_unwind(prove) {
        Ok((report, holds)) => {
            say(&report);
            ExitCode::from(u8::from(!holds))
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
