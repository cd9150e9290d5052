//! The job of the benchmark in VRL, in one thread: reads lines of a file and writes what is left of them to another.
//!
//! It is a workspace of its own, so that its two hundred dependencies are only built by who asks for them.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context, TargetValue, TimeZone};
use vrl::value;
use vrl::value::{Secrets, Value};

const PROGRAM: &str = include_str!("../../settings/job.vrl");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench-vrl INPUT OUTPUT".into());
    };
    let compiled = vrl::compiler::compile(PROGRAM, &vrl::stdlib::all())
        .map_err(|problems| format!("the program is wrong: {problems:?}"))?;
    let (mut state, timezone) = (RuntimeState::default(), TimeZone::default());
    let mut output = BufWriter::with_capacity(1 << 20, File::create(output)?);
    for line in BufReader::with_capacity(1 << 20, File::open(input)?).split(b'\n') {
        let mut target = TargetValue {
            value: value!({ message: (String::from_utf8(line?)?) }),
            metadata: value!({}),
            secrets: Secrets::default(),
        };
        state.clear();
        let mut context = Context::new(&mut target, &mut state, &timezone);
        match compiled.program.resolve(&mut context) {
            Ok(Value::String(record)) => {
                output.write_all(record.as_bytes())?;
                output.write_all(b"\n")?;
            }
            // A record that is filtered out aborts the program.
            Err(vrl::compiler::ExpressionError::Abort { .. }) => {}
            other => return Err(format!("not a record: {other:?}").into()),
        }
    }
    output.into_inner()?.sync_all()?;
    Ok(())
}
