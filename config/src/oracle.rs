//! What reading a configuration must do with any text: for the tests, and for `make fuzz`.

use std::path::Path;

use crate::{Environment, PluginFiles, Problems, load_text};

const FILE: &str = "pipeline.yaml";
/// What `${env:NAME}` stands for, where the name has nothing but capital letters and `_`.
const SECRET: &str = "h0RmTq-8";

/// Reads a configuration. Where there is a zero byte, which no YAML has, each line before it is an environment variable:
/// `NAME=value`.
///
/// # Panics
/// Where a problem does not say where it is, or tells a secret.
pub fn config(bytes: &[u8]) {
    // The files of this machine are not what is read here.
    let given = String::from_utf8_lossy(bytes).replace("${file:", "${fill:");
    let (variables, text) = given.split_once('\0').unwrap_or(("", &given));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let secrets = text.split("${env:").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_plain.then_some((name, SECRET))
    });
    let environment: Environment = secrets
        .chain(variables)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let loaded = load_text(
        text,
        Path::new(FILE),
        &environment,
        PluginFiles::MayBeMissing,
    );
    let Err(Problems(problems)) = loaded else {
        return;
    };
    assert!(!problems.is_empty());
    // In YAML a carriage return alone ends a line, too, and what is missing at the end is missing from the line behind it.
    let lines = text.matches(['\n', '\r']).count() + 2;
    for problem in problems {
        let said = problem.to_string();
        let is_variable = problem.line.is_none() && environment.contains_key(&problem.file);
        assert!(problem.file == FILE || is_variable, "{said}");
        assert!(
            !problem.message.is_empty() && said.starts_with(&problem.file),
            "{said}"
        );
        assert!(problem.line.is_none_or(|line| line <= lines), "{said}");
        assert!(given.contains(SECRET) || !said.contains(SECRET), "{said}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_configuration_or_is_refused_with_its_place() {
        tamis_fuzz_short::run("config", 2_000, config);
    }
}
