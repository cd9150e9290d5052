//! `tamis plugin new`: a plugin that builds and passes its tests before a line of it is written.

mod name;
mod sdk;
mod templates;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::build;
use crate::cli::plugin::{Language, NewArguments};
use crate::exit::{self, Exit, Misuse};

use sdk::Sdk;

pub(super) fn run(arguments: &NewArguments) -> Exit {
    exit::of(make(arguments))
}

fn make(arguments: &NewArguments) -> Result<Exit> {
    let (name, language) = (&arguments.name, arguments.lang);
    name::check(name, language)?;
    let folder = arguments.folder.clone().unwrap_or_else(|| name.into());
    let is_free = fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_free || folder.is_file() {
        let folder = folder.display();
        return Err(Misuse(format!(
            "{folder} is there already; choose another name, or --folder DIR"
        ))
        .into());
    }
    let sdk = match &arguments.sdk {
        Some(said) => Sdk::of(said, language)?,
        None => Sdk::beside_this_program(language),
    };
    write(&folder, name, language, &sdk)
        .with_context(|| format!("cannot write {}", folder.display()))?;

    let shown = folder.display();
    eprintln!("{shown}: a plugin with {}; next:", sdk.described());
    eprintln!("  cd {shown}");
    match language {
        Language::Rust => eprintln!("  cargo test"),
        Language::Python => eprintln!("  python3 -m unittest"),
        Language::Js => eprintln!("  npm test"),
    }
    eprintln!("  tamis plugin build .");
    eprintln!("  tamis plugin test {name}.wasm");
    Ok(Exit::Done)
}

fn write(folder: &Path, name: &str, language: Language, sdk: &Sdk) -> Result<()> {
    let module = name.replace('-', "_");
    for (path, template) in templates::files(language) {
        let path = folder.join(path.replace("{{crate}}", &module));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let text = template
            .replace("{{name}}", name)
            .replace("{{crate}}", &module)
            .replace("{{Type}}", &type_name(name))
            .replace("{{sdk}}", &sdk.dependency(language))
            .replace("{{paths}}", &sdk.python_paths())
            .replace("{{tools}}", &build::npm_tools());
        fs::write(path, text)?;
    }
    match language {
        Language::Rust => {
            if let Some(lock) = sdk.lock() {
                fs::copy(lock, folder.join("Cargo.lock"))?;
            }
        }
        Language::Js => link(folder, sdk)?,
        Language::Python => {}
    }
    Ok(())
}

/// What `npm install` makes of an SDK in a folder, so that tests run without it.
fn link(folder: &Path, sdk: &Sdk) -> Result<()> {
    #[cfg(unix)]
    if let Sdk::Folder(path) = sdk {
        let modules = folder.join("node_modules");
        fs::create_dir_all(&modules)?;
        std::os::unix::fs::symlink(path, modules.join("tamis-sdk"))?;
    }
    Ok(())
}

/// `MaskPhonesPlugin` for `mask-phones`. Without its end it could be a name that the code around it uses: `Record`, `Vec`.
fn type_name(name: &str) -> String {
    let mut named = String::with_capacity(name.len());
    for part in name.split('-') {
        let (first, rest) = part.split_at(1);
        named.push_str(&first.to_ascii_uppercase());
        named.push_str(rest);
    }
    named.push_str("Plugin");
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 3] = [Language::Rust, Language::Python, Language::Js];

    #[test]
    fn a_type_is_called_like_its_crate() {
        assert_eq!(type_name("mask-phones2"), "MaskPhones2Plugin");
        assert_eq!(type_name("a"), "APlugin");
    }

    #[test]
    fn no_name_makes_a_type_that_the_template_uses() {
        let is_mark = |char: char| !char.is_alphanumeric();
        for (language, used) in [
            (
                Language::Rust,
                &["Plugin", "ConfigError", "TestRecord", "Vec"][..],
            ),
            (Language::Python, &["Plugin", "ConfigError", "TestCase"][..]),
            (Language::Js, &["Fate", "String", "Set"][..]),
        ] {
            let code = templates::files(language).iter();
            let code =
                code.filter(|(path, _)| [".rs", ".py", ".js"].iter().any(|it| path.ends_with(it)));
            let words: Vec<_> = code.flat_map(|(_, text)| text.split(is_mark)).collect();
            for word in used {
                assert!(words.contains(word), "{word}");
            }
            // As the name of a crate: `config-error`.
            let name = |word: &str| {
                let dashed = |char: char| {
                    let dash = if char.is_uppercase() { "-" } else { "" };
                    format!("{dash}{}", char.to_lowercase())
                };
                word.chars().map(dashed).collect::<String>()
            };
            for word in &words {
                let name = name(word);
                let name = name.trim_start_matches('-');
                if name::check(name, language).is_ok() {
                    assert!(!words.contains(&&*type_name(name)), "{name}");
                }
            }
        }
    }

    #[test]
    fn no_place_in_a_template_is_left_open() {
        for language in LANGUAGES {
            let sdk = Sdk::Version("1".into());
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "a-b", language, &sdk).unwrap();
            for (path, _) in templates::files(language) {
                let path = path.replace("{{crate}}", "a_b");
                let text = fs::read_to_string(folder.path().join(&path)).unwrap();
                assert!(!text.contains("{{"), "{path}: {text}");
            }
        }
    }
}
