//! `tamis plugin`, as an author meets it, on the reference plugins. From nothing to a plugin of one's own leads `documents.rs`.

mod bench;
mod cases;
mod fuzz;
mod languages;
mod new;

use std::ffi::OsStr;

use tamis_tests::tamis::{Ended, output, tamis};

const LEVEL_FILTER: &str = "plugins/level-filter/level-filter.wasm";
const ENRICH: &str = "plugins/enrich/enrich.wasm";
const REDACT: &str = "plugins/redact/redact.wasm";
const PARSE: &str = "plugins/parse/parse.wasm";
const STACKTRACE: &str = "plugins/stacktrace/stacktrace.wasm";
const SAMPLE: &str = "plugins/sample/sample.wasm";

/// `tamis plugin` with these arguments.
fn plugin<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    let mut command = tamis(["plugin"]);
    output(command.args(arguments))
}

/// It ended with `code`, and said `words` where errors are said.
fn assert_refused(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(
        ended.stderr.contains(words),
        "{words}\n is not in\n{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "");
}
