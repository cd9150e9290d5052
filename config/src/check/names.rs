//! Names that end up in metrics, file names, ids and environment variables.

use crate::problem::Report;

const NAME_BYTES_MAX: usize = 100;

/// Notes a problem unless `name`, at `path`, is `[a-z0-9][a-z0-9._-]*`: lower case, so that
/// `TAMIS__…` variables find it.
pub(super) fn check(path: &str, name: &str, report: &mut Report) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    check_with(path, name, allowed, "lower-case letters", report);
}

/// Does what [`check`] does, but upper case is allowed too: the id of a Kafka cluster has it.
pub(super) fn check_source(path: &str, name: &str, report: &mut Report) {
    check_with(
        path,
        name,
        |byte| byte.is_ascii_alphanumeric(),
        "letters",
        report,
    );
}

fn check_with(
    path: &str,
    name: &str,
    allowed: impl Fn(u8) -> bool,
    letters: &str,
    report: &mut Report,
) {
    let starts_well = name.bytes().next().is_some_and(&allowed);
    let goes_on_well = name
        .bytes()
        .all(|byte| allowed(byte) || b"._-".contains(&byte));
    if !starts_well || !goes_on_well || name.len() > NAME_BYTES_MAX {
        let rule = format!(
            "{letters} and digits, then also `.`, `_` and `-`; {NAME_BYTES_MAX} characters at most"
        );
        report.add_with_cure(path, "is not a legal name", rule);
    }
}
