//! `tamis plugin new`: a crate that builds and passes its tests before a line of it is written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::plugin::NewArguments;
use crate::exit::{self, Exit, Misuse};

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../sdk/templates/rust/", $path))
    };
}

/// Where each file goes, and what is in it.
const FILES: [(&str, &str); 10] = [
    ("Cargo.toml", template!("Cargo.toml.in")),
    ("README.md", template!("README.md.in")),
    (".gitignore", template!("gitignore")),
    ("src/lib.rs", template!("src/lib.rs.in")),
    ("tests/fates.rs", template!("tests/fates.rs.in")),
    (
        "cases/drops-muted/settings.yaml",
        template!("cases/drops-muted/settings.yaml"),
    ),
    (
        "cases/drops-muted/in.ndjson",
        template!("cases/drops-muted/in.ndjson"),
    ),
    (
        "cases/drops-muted/out.ndjson",
        template!("cases/drops-muted/out.ndjson"),
    ),
    (
        "cases/refuses-a-function-without-a-name/settings.yaml",
        template!("cases/refuses-a-function-without-a-name/settings.yaml"),
    ),
    (
        "cases/refuses-a-function-without-a-name/error.txt",
        template!("cases/refuses-a-function-without-a-name/error.txt"),
    ),
];
/// What registries and file systems bear.
const NAME_BYTES_MAX: usize = 64;
/// What a crate cannot be called: it would hide what its own code uses.
const TAKEN: [&str; 8] = [
    "alloc",
    "core",
    "proc_macro",
    "schemars",
    "serde",
    "std",
    "tamis_sdk",
    "test",
];
/// Nor can it be called by a word of the language.
const KEYWORDS: &str = "as async await break const continue crate dyn else enum extern false fn for gen if impl in let loop \
    match mod move mut pub ref return self static struct super trait true type unsafe use where while abstract become box do \
    final macro override priv try typeof unsized virtual yield";

/// Where the SDK comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sdk {
    Folder(PathBuf),
    Version(String),
}

pub(super) fn run(arguments: &NewArguments) -> Exit {
    exit::of(make(arguments))
}

fn make(arguments: &NewArguments) -> Result<Exit> {
    let name = &arguments.name;
    check_name(name)?;
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
        Some(said) => Sdk::of(said)?,
        None => Sdk::beside_this_program(),
    };
    write(&folder, name, &sdk).with_context(|| format!("cannot write {}", folder.display()))?;

    let shown = folder.display();
    eprintln!("{shown}: a plugin with {}; next:", sdk.described());
    eprintln!("  cargo test --manifest-path {shown}/Cargo.toml");
    eprintln!("  tamis plugin build {shown}");
    eprintln!("  tamis plugin test {shown}/{name}.wasm");
    Ok(Exit::Done)
}

fn check_name(name: &str) -> Result<()> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_letter);
    let problem = if !name.starts_with(|first: char| first.is_ascii_lowercase())
        || !name.split('-').all(is_part)
    {
        "is no name for a plugin: lower-case letters and digits, with single dashes between, such as mask-phones"
    } else if name.len() > NAME_BYTES_MAX {
        "is too long for a name"
    } else if TAKEN.contains(&&*name.replace('-', "_"))
        || KEYWORDS.split(' ').any(|word| word == name)
    {
        "means something in Rust already; choose another name"
    } else {
        return Ok(());
    };
    Err(Misuse(format!("{name} {problem}")).into())
}

fn write(folder: &Path, name: &str, sdk: &Sdk) -> Result<()> {
    for (path, template) in FILES {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let text = template
            .replace("{{name}}", name)
            .replace("{{crate}}", &name.replace('-', "_"))
            .replace("{{Type}}", &type_name(name))
            .replace("{{sdk}}", &sdk.dependency());
        fs::write(path, text)?;
    }
    if let Some(lock) = sdk.lock() {
        fs::copy(lock, folder.join("Cargo.lock"))?;
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

impl Sdk {
    /// What `--sdk` says.
    fn of(said: &str) -> Result<Self> {
        if said.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(Self::Version(said.to_owned()));
        }
        let folder = Path::new(said);
        if folder.join("Cargo.toml").is_file() {
            return Ok(Self::Folder(folder.canonicalize()?));
        }
        let cure = "name the folder sdk/rust of the repository, or a version";
        Err(Misuse(format!(
            "--sdk {said}: there is no Cargo.toml in it; {cure}"
        ))
        .into())
    }

    /// That of the repository in which this program was built; else that of its version.
    fn beside_this_program() -> Self {
        let program = std::env::current_exe().and_then(|path| path.canonicalize());
        let program = program.unwrap_or_default();
        let folders = program.ancestors().map(|folder| folder.join("sdk/rust"));
        let mut there = folders.filter(|sdk| sdk.join("Cargo.toml").is_file());
        there.next().map_or_else(
            || Self::Version(env!("CARGO_PKG_VERSION").to_owned()),
            Self::Folder,
        )
    }

    /// As `Cargo.toml` has it.
    fn dependency(&self) -> String {
        // A text in JSON is one in TOML.
        let text = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Folder(path) => format!("{{ path = {} }}", text(&path.to_string_lossy())),
            Self::Version(version) => text(version),
        }
    }

    /// The versions that its repository is built with: what is on this machine already.
    fn lock(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(path) => Some(path.join("../../Cargo.lock")).filter(|lock| lock.is_file()),
            Self::Version(_) => None,
        }
    }

    fn described(&self) -> String {
        match self {
            Self::Folder(path) => format!("the SDK in {}", path.display()),
            Self::Version(version) => format!("version {version} of the SDK"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates() {
        for name in ["mask", "mask-phones2", "a", "plugin", "record", "vec"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in [
            "",
            "Mask",
            "2fast",
            "a_b",
            "a--b",
            "a-",
            "-a",
            "ä",
            "serde",
            "tamis-sdk",
            "type",
            "../a",
            &*long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_type_is_called_like_its_crate() {
        assert_eq!(type_name("mask-phones2"), "MaskPhones2Plugin");
        assert_eq!(type_name("a"), "APlugin");
    }

    #[test]
    fn no_name_makes_a_type_that_the_template_uses() {
        let is_mark = |char: char| !char.is_alphanumeric();
        let code = FILES.iter().filter(|(path, _)| path.ends_with(".rs"));
        let words: Vec<_> = code.flat_map(|(_, text)| text.split(is_mark)).collect();
        for word in ["Plugin", "ConfigError", "TestRecord", "Vec", "String"] {
            assert!(words.contains(&word), "{word}");
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
            if check_name(name).is_ok() {
                assert!(!words.contains(&&*type_name(name)), "{name}");
            }
        }
    }

    #[test]
    fn the_sdk_is_a_version_or_a_folder_that_is_there() {
        assert_eq!(Sdk::of("0.1").unwrap().dependency(), "\"0.1\"");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/rust");
        let sdk = Sdk::of(folder.to_str().unwrap()).unwrap();
        assert!(sdk.lock().is_some());
        assert!(
            sdk.dependency().starts_with("{ path = \"/"),
            "{}",
            sdk.dependency()
        );
        assert!(Sdk::of("no/such/folder").is_err());
    }

    #[test]
    fn no_place_in_a_template_is_left_open() {
        let sdk = Sdk::Version("1".into());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a-b", &sdk).unwrap();
        for (path, _) in FILES {
            let text = fs::read_to_string(folder.path().join(path)).unwrap();
            assert!(!text.contains("{{"), "{path}: {text}");
        }
    }
}
