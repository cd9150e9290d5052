//! What `tamis plugin new` writes, by language. It lies in sdk/templates.

use crate::cli::plugin::Language;

/// A file: its path in the new folder, in which `{{crate}}` stands for the name of the module, and what is in it.
pub(super) type File = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../../sdk/templates/", $path))
    };
}

const RUST: [File; 10] = [
    ("Cargo.toml", template!("rust/Cargo.toml.in")),
    ("README.md", template!("rust/README.md.in")),
    (".gitignore", template!("rust/gitignore")),
    ("src/lib.rs", template!("rust/src/lib.rs.in")),
    ("tests/fates.rs", template!("rust/tests/fates.rs.in")),
    (
        "cases/drops-muted/settings.yaml",
        template!("rust/cases/drops-muted/settings.yaml"),
    ),
    (
        "cases/drops-muted/in.ndjson",
        template!("rust/cases/drops-muted/in.ndjson"),
    ),
    (
        "cases/drops-muted/out.ndjson",
        template!("rust/cases/drops-muted/out.ndjson"),
    ),
    (
        "cases/refuses-a-function-without-a-name/settings.yaml",
        template!("rust/cases/refuses-a-function-without-a-name/settings.yaml"),
    ),
    (
        "cases/refuses-a-function-without-a-name/error.txt",
        template!("rust/cases/refuses-a-function-without-a-name/error.txt"),
    ),
];
const PYTHON: [File; 11] = [
    ("pyproject.toml", template!("python/pyproject.toml.in")),
    ("README.md", template!("python/README.md.in")),
    (".gitignore", template!("python/gitignore")),
    ("src/{{crate}}.py", template!("python/src/plugin.py.in")),
    (
        "tests/__init__.py",
        template!("python/tests/__init__.py.in"),
    ),
    (
        "tests/test_fates.py",
        template!("python/tests/test_fates.py.in"),
    ),
    (
        "cases/drops-muted/settings.yaml",
        template!("python/cases/drops-muted/settings.yaml"),
    ),
    (
        "cases/drops-muted/in.ndjson",
        template!("python/cases/drops-muted/in.ndjson"),
    ),
    (
        "cases/drops-muted/out.ndjson",
        template!("python/cases/drops-muted/out.ndjson"),
    ),
    (
        "cases/refuses-a-function-without-a-name/settings.yaml",
        template!("python/cases/refuses-a-function-without-a-name/settings.yaml"),
    ),
    (
        "cases/refuses-a-function-without-a-name/error.txt",
        template!("python/cases/refuses-a-function-without-a-name/error.txt"),
    ),
];
const JS: [File; 10] = [
    ("package.json", template!("js/package.json.in")),
    ("README.md", template!("js/README.md.in")),
    (".gitignore", template!("js/gitignore")),
    ("src/index.js", template!("js/src/index.js.in")),
    ("test/fates.test.js", template!("js/test/fates.test.js.in")),
    (
        "cases/drops-muted/settings.yaml",
        template!("js/cases/drops-muted/settings.yaml"),
    ),
    (
        "cases/drops-muted/in.ndjson",
        template!("js/cases/drops-muted/in.ndjson"),
    ),
    (
        "cases/drops-muted/out.ndjson",
        template!("js/cases/drops-muted/out.ndjson"),
    ),
    (
        "cases/refuses-a-function-without-a-name/settings.yaml",
        template!("js/cases/refuses-a-function-without-a-name/settings.yaml"),
    ),
    (
        "cases/refuses-a-function-without-a-name/error.txt",
        template!("js/cases/refuses-a-function-without-a-name/error.txt"),
    ),
];

/// All files of a new plugin.
pub(super) fn files(language: Language) -> &'static [File] {
    match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::Js => &JS,
    }
}
