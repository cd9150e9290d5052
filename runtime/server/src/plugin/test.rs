//! `tamis plugin test`: what comes out of a compiled plugin, beside what should.

mod case;
mod diff;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tamis_host::Plugin;

use super::guest::{self, Outcome};
use super::records;
use crate::cli::CompilerOptions;
use crate::cli::plugin::TestArguments;
use crate::compiler;
use crate::exit::{self, Exit, Misuse};

/// Of one case: more of them have the same cause.
const PROBLEMS_SHOWN: usize = 20;

pub(super) fn run(arguments: &TestArguments, options: &CompilerOptions) -> Exit {
    exit::of(match &arguments.input {
        Some(input) => one(arguments, input, options),
        None => cases(arguments, options),
    })
}

/// Every case, each with a line.
fn cases(arguments: &TestArguments, options: &CompilerOptions) -> Result<Exit> {
    let cases = if arguments.cases.is_empty() {
        case::find(&arguments.file.with_file_name("cases"))?
    } else {
        let found: Result<Vec<_>> = arguments
            .cases
            .iter()
            .map(|path| case::find(path))
            .collect();
        found?.concat()
    };
    let engine = compiler::engine(options)?;
    let plugin = guest::load(&engine, &arguments.file)?;
    let mut failed = 0;
    let mut lines = Vec::new();
    for case in &cases {
        let problems = case.problems(&plugin)?;
        let verdict = if problems.is_empty() { "ok" } else { "failed" };
        lines.push(format!("{case}: {verdict}"));
        failed += usize::from(!problems.is_empty());
        lines.extend(shown(problems));
    }
    lines.push(summary_of(cases.len(), failed));
    Ok(said(failed == 0, &lines.join("\n")))
}

/// What `plugin` makes of the cases in the folder at `path`: a summary, and the problems of those that failed.
pub(super) fn try_cases(plugin: &Arc<Plugin>, path: &Path) -> Result<(String, Vec<String>)> {
    let cases = case::find(path)?;
    let (mut failed, mut lines) = (0, Vec::new());
    for case in &cases {
        let problems = case.problems(plugin)?;
        if !problems.is_empty() {
            failed += 1;
            lines.push(format!("{case}:"));
            lines.extend(shown(problems));
        }
    }
    Ok((summary_of(cases.len(), failed), lines))
}

fn summary_of(cases: usize, failed: usize) -> String {
    format!("{}, {failed} failed", count(cases, "case"))
}

/// The records of one file.
fn one(arguments: &TestArguments, input: &Path, options: &CompilerOptions) -> Result<Exit> {
    let records = records::read(input)?;
    let engine = compiler::engine(options)?;
    let plugin = guest::load(&engine, &arguments.file)?;
    let mut stage = guest::started(&plugin, &arguments.file, arguments.settings.as_deref())?;
    let file = || arguments.file.display().to_string();
    let outcome = guest::apply(&mut stage, &records).with_context(file)?;
    let summary = summary(records.len(), &outcome);
    if let Some(expected) = &arguments.expect {
        let mut problems = case::compare_out(expected, &outcome)?;
        problems.extend(
            outcome
                .refusals()
                .map(|refusal| format!("{}: {refusal}", input.display())),
        );
        let is_good = problems.is_empty();
        let lines: Vec<_> = shown(problems).chain([summary]).collect();
        return Ok(said(is_good, &lines.join("\n")));
    }
    let whole = records::is_whole(input);
    match print(&outcome, whole) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    for refusal in outcome.refusals() {
        eprintln!("{}: {refusal}", input.display());
    }
    eprintln!("{summary}");
    Ok(Exit::Done)
}

/// The records that go on, as a file could have them.
fn print(outcome: &Outcome, whole: bool) -> io::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    for line in outcome.lines(whole) {
        output.write_all(&line)?;
        output.write_all(b"\n")?;
    }
    output.flush()
}

fn summary(records: usize, outcome: &Outcome) -> String {
    let Outcome {
        out,
        refused,
        dropped,
    } = outcome;
    format!(
        "{}: {} came out, {dropped} dropped, {} refused",
        count(records, "record"),
        out.len(),
        refused.len()
    )
}

/// The first problems, and how many more there are.
fn shown(mut problems: Vec<String>) -> impl Iterator<Item = String> {
    let more = problems.len().saturating_sub(PROBLEMS_SHOWN);
    problems.truncate(PROBLEMS_SHOWN);
    let rest = (more > 0).then(|| format!("  and {more} more"));
    problems
        .into_iter()
        .map(|problem| format!("  {problem}"))
        .chain(rest)
}

fn said(is_good: bool, text: &str) -> Exit {
    let printed = crate::print(text);
    if is_good { printed } else { Exit::Failed }
}

/// `1 case`, `2 cases`.
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// For a folder or file that is not as it has to be.
fn wrong(path: &Path, problem: &str) -> anyhow::Error {
    Misuse(format!("{}: {problem}", path.display())).into()
}
