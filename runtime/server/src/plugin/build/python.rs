//! A plugin in Python: a folder with a pyproject.toml, built by componentize-py.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::tools::{self, WIT};
use super::{Made, checked_name};

macro_rules! sdk {
    ($($file:literal),* $(,)?) => {
        [$((
            concat!("tamis_sdk/", $file),
            include_str!(concat!("../../../../../sdk/python/tamis_sdk/", $file)),
        )),*]
    };
}

/// What a plugin needs of the SDK in a component: all but what tests do.
const SDK: [(&str, &str); 13] = sdk![
    "__init__.py",
    "batch.py",
    "component.py",
    "effects.py",
    "fate.py",
    "headers.py",
    "id.py",
    "jsontext.py",
    "plugin.py",
    "record.py",
    "sandbox.py",
    "schema.py",
    "py.typed",
];
/// The tool and its version, as pip asks for them.
const REQUIREMENTS: &str = include_str!("../../../../../sdk/python/build-requirements.txt");
const TOOL: &str = "componentize-py";
/// What reads a manifest: the language has a reader of its own.
const READER: &str = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb')), default=str))";

pub(super) fn build(manifest: &Path) -> Result<Made> {
    let folder = manifest.parent().context("a file lies in a folder")?;
    let tool = find(folder)?;
    let project = Project::read(manifest, &tool)?;
    let sources = project.sources(folder)?;

    let work = tempfile::tempdir()?;
    // A component imports what its world does, and a plugin that imports the clock needs a grant.
    let world = if project.uses_clock {
        "plugin-with-clock"
    } else {
        "plugin"
    };
    tools::write(work.path(), &SDK)?;
    let files = [
        ("wit/plugin.wit", WIT),
        ("tamis_component.py", &project.entry()),
    ];
    tools::write(work.path(), &files)?;

    let output = work.path().join("plugin.wasm");
    let mut command = Command::new(&tool);
    command
        .current_dir(work.path())
        .args(["--quiet", "--wit-path", "wit", "--world", world])
        // No WASI is linked into a plugin: what Python asks of it traps.
        .args(["componentize", "--stub-wasi", "--python-path"])
        .arg(&sources)
        .args(["--python-path", ".", "tamis_component", "--output"])
        .arg(&output);
    let own = folder.join(".venv");
    if own.is_dir() {
        // Packages that the plugin uses.
        command.env("VIRTUAL_ENV", own);
    }
    tools::run(&mut command, TOOL)?;
    Ok(Made {
        name: project.name,
        wasm: fs::read(output)?,
    })
}

/// What `pyproject.toml` says.
struct Project {
    name: String,
    version: String,
    module: String,
    uses_clock: bool,
}

impl Project {
    fn read(manifest: &Path, tool: &Path) -> Result<Self> {
        let beside = tool.with_file_name("python3");
        let python = if beside.is_file() {
            beside
        } else {
            PathBuf::from("python3")
        };
        let mut reader = Command::new(python);
        // Isolated: else a json.py in the present folder would be run, outside of any sandbox.
        let text = tools::printed(reader.args(["-I", "-c", READER]).arg(manifest))?;
        let shown = manifest.display();
        let text =
            text.with_context(|| format!("{shown} cannot be read by Python 3.11 or later"))?;
        let whole: Value = serde_json::from_str(&text)?;
        let project = &whole["project"];
        let name = checked_name(manifest, project["name"].as_str())?;
        let version = project["version"].as_str();
        let version = version.with_context(|| format!("{shown} has no version under [project]"))?;
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            module: name.replace(['-', '.'], "_"),
            uses_clock: uses_clock(&whole["tool"]["tamis"], manifest)?,
        })
    }

    /// The folder that the module is imported from.
    fn sources(&self, folder: &Path) -> Result<PathBuf> {
        let module = &self.module;
        let files = [format!("{module}.py"), format!("{module}/__init__.py")];
        for sources in [folder.join("src"), folder.to_owned()] {
            if files.iter().any(|file| sources.join(file).is_file()) {
                return Ok(sources);
            }
        }
        let folder = folder.display();
        bail!("{folder} has no module {module}: put the plugin into src/{module}.py")
    }

    /// The module that componentize-py starts from.
    fn entry(&self) -> String {
        let Self {
            name,
            version,
            module,
            uses_clock,
        } = self;
        let clock = if *uses_clock {
            "import tamis_sdk.plugin\nfrom wit_world.imports import clock\n\
             tamis_sdk.plugin.clock[0] = clock.now_ms\n"
        } else {
            ""
        };
        // A text in JSON is one in Python.
        let (name, version) = (Value::from(name.as_str()), Value::from(version.as_str()));
        format!(
            "{clock}import {module}\nfrom tamis_sdk.component import world\nWitWorld = world({name}, {version})\n"
        )
    }
}

/// Whether `[tool.tamis]` says that it uses the clock.
fn uses_clock(tamis: &Value, manifest: &Path) -> Result<bool> {
    let keys = tamis.as_object().into_iter().flatten();
    for (key, value) in keys {
        let known = key == "uses"
            && value
                .as_array()
                .is_some_and(|it| it.iter().all(|it| it == "clock"));
        ensure!(
            known,
            "{}: [tool.tamis] has {key} = {value}; it can have uses = [\"clock\"] alone",
            manifest.display()
        );
    }
    Ok(tamis["uses"][0] == "clock")
}

/// The tool: that of the plugin's own folder, of the environment that is on, of this repository, or in the path.
fn find(folder: &Path) -> Result<PathBuf> {
    let version = version();
    let mut places = vec![folder.join(".venv/bin")];
    places.extend(std::env::var_os("VIRTUAL_ENV").map(|it| Path::new(&it).join("bin")));
    let beside = tools::beside_this_program();
    places.extend(beside.into_iter().map(|it| it.join("python/bin")));
    let mut candidates: Vec<_> = places.into_iter().map(|it| it.join(TOOL)).collect();
    candidates.push(TOOL.into());

    let mut others = Vec::new();
    for tool in candidates {
        let mut command = Command::new(&tool);
        let Some(said) = tools::printed(command.arg("--version"))? else {
            continue;
        };
        if said == format!("{TOOL} {version}") {
            return Ok(tool);
        }
        others.push(format!("{} is {said}", tool.display()));
    }
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(" ({})", others.join(", "))
    };
    bail!(
        "plugins in Python are built by {TOOL} {version}, which is not here{others}; install it beside the plugin:
  cd {} && python3 -m venv .venv && .venv/bin/pip install {TOOL}=={version}",
        folder.display()
    )
}

fn version() -> &'static str {
    let mut pins = REQUIREMENTS
        .lines()
        .filter_map(|line| line.strip_prefix("componentize-py=="));
    pins.next().expect("the repository pins the tool")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_used_is_the_clock_or_nothing() {
        let check = |tamis: Value| uses_clock(&tamis, Path::new("p")).map_err(|it| it.to_string());
        assert_eq!(check(Value::Null), Ok(false));
        assert_eq!(check(json!({"uses": []})), Ok(false));
        assert_eq!(check(json!({"uses": ["clock"]})), Ok(true));
        for wrong in [
            json!({"uses": ["random"]}),
            json!({"uses": "clock"}),
            json!({"clock": true}),
        ] {
            assert!(
                check(wrong)
                    .unwrap_err()
                    .starts_with("p: [tool.tamis] has ")
            );
        }
    }

    #[test]
    fn every_module_of_the_sdk_is_in_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/tamis_sdk");
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter(|it| !matches!(&**it, "testing.py" | "__pycache__"))
            .map(|it| format!("tamis_sdk/{it}"))
            .collect();
        names.sort();
        let mut packed = SDK.map(|(path, _)| path.to_owned()).to_vec();
        packed.sort();
        assert_eq!(packed, names);
    }
}
