//! A plugin in JavaScript or TypeScript: a folder with a package.json, put into one file by rolldown and built by componentize-js.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::tools::{self, WIT};
use super::{Made, checked_name};

macro_rules! sdk {
    ($($file:literal),* $(,)?) => {
        [$((
            concat!("sdk/", $file),
            include_str!(concat!("../../../../../sdk/js/", $file)),
        )),*]
    };
}

/// What a plugin needs of the SDK in a component, and what builds it.
const SDK: [(&str, &str); 15] = sdk![
    "build.mjs",
    "src/batch.js",
    "src/clock.component.js",
    "src/component.js",
    "src/effects.js",
    "src/fate.js",
    "src/headers.js",
    "src/id.js",
    "src/index.js",
    "src/jsontext.js",
    "src/place.js",
    "src/plugin.js",
    "src/record.js",
    "src/schema.js",
    "src/text.js",
];
/// The tools and their versions.
const TOOLS: &str = include_str!("../../../../../sdk/js/tools/package.json");
/// The oldest Node that they run on.
const NODE_MIN: u32 = 20;

pub(super) fn build(manifest: &Path) -> Result<Made> {
    let folder = manifest.parent().context("a file lies in a folder")?;
    check_node()?;
    let tools = find(folder)?;
    let shown = manifest.display();
    let package: Value = serde_json::from_slice(&fs::read(manifest)?)
        .with_context(|| format!("{shown} cannot be read"))?;
    // The scope is whose it is, not what it is.
    let name = package["name"].as_str();
    let name = name.map(|it| it.rsplit('/').next().unwrap_or(it));
    let name = checked_name(manifest, name)?;
    let version = package["version"].as_str();
    let version = version.with_context(|| format!("{shown} has no version"))?;
    let main = package["main"].as_str().unwrap_or("index.js");
    let main = folder.join(main);
    ensure!(
        main.is_file(),
        "{} does not exist: name the plugin's module as \"main\" in {shown}",
        main.display()
    );

    let work = tempfile::tempdir()?;
    tools::write(work.path(), &SDK)?;
    tools::write(work.path(), &[("wit/plugin.wit", WIT)])?;
    let output = work.path().join("plugin.wasm");
    let job = json!({
        "name": name,
        "version": version,
        "main": main,
        "folder": folder,
        "work": work.path().canonicalize()?,
        "tools": tools,
        "output": output,
    });
    let mut node = Command::new("node");
    node.arg(work.path().join("sdk/build.mjs"))
        .arg(job.to_string());
    tools::run(&mut node, "the build by componentize-js")?;
    Ok(Made {
        name: name.to_owned(),
        wasm: fs::read(output)?,
    })
}

fn check_node() -> Result<()> {
    let said = tools::printed(Command::new("node").arg("--version"))?;
    let cure = format!("plugins in JavaScript are built with Node.js {NODE_MIN} or later");
    let said = said.with_context(|| format!("there is no node; {cure}"))?;
    let major = said.trim_start_matches('v').split('.').next();
    let major: Option<u32> = major.and_then(|it| it.parse().ok());
    ensure!(
        major.is_some_and(|it| it >= NODE_MIN),
        "node is {said}; {cure}"
    );
    Ok(())
}

/// The folder `node_modules` with the tools: that of the plugin or of a folder around it, or of this repository.
fn find(folder: &Path) -> Result<PathBuf> {
    let wanted = wanted();
    let around = folder.ancestors().map(|it| it.join("node_modules"));
    let beside = tools::beside_this_program();
    let beside = beside.iter().map(|it| it.join("js/node_modules"));
    let mut others = Vec::new();
    for modules in around.chain(beside) {
        let there = wanted.iter().map(|(name, _)| installed(&modules, name));
        let there: Vec<_> = there.collect();
        let fits =
            |(at, (_, version)): (&Option<String>, &(String, String))| at.as_ref() == Some(version);
        if there.iter().zip(&wanted).all(fits) {
            return Ok(modules);
        }
        let said = there.iter().zip(&wanted);
        others.extend(said.filter_map(|(at, (name, _))| {
            Some(format!("{} has {name} {}", modules.display(), at.as_ref()?))
        }));
    }
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(" ({})", others.join(", "))
    };
    bail!(
        "plugins in JavaScript are built by {}, which are not here{others}; install them beside the plugin:
  cd {} && npm install --save-dev --save-exact {}",
        wanted.join(" and "),
        folder.display(),
        wanted.join(" ")
    )
}

/// The tools as a package.json asks for them, for one whose plugin is built anywhere.
pub(in crate::plugin) fn pins() -> String {
    let pin = |(name, version): (String, String)| format!("\"{name}\": \"{version}\"");
    wanted()
        .into_iter()
        .map(pin)
        .collect::<Vec<_>>()
        .join(",\n    ")
}

/// The names and versions of the tools.
fn wanted() -> Vec<(String, String)> {
    let package: Value = serde_json::from_str(TOOLS).expect("the repository's own file");
    let all = package["dependencies"]
        .as_object()
        .expect("it pins the tools");
    let version = |version: &Value| version.as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|(name, it)| (name.clone(), version(it)))
        .collect()
}

/// The version of a package that is there.
fn installed(modules: &Path, name: &str) -> Option<String> {
    let manifest = fs::read(modules.join(name).join("package.json")).ok()?;
    let package: Value = serde_json::from_slice(&manifest).ok()?;
    package["version"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_of_the_sdk_is_in_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/js/src");
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        let tests = ["testing.js", "clock.js"];
        let mut names: Vec<_> = names
            .filter(|it| it.ends_with(".js") && !tests.contains(&&**it))
            .map(|it| format!("sdk/src/{it}"))
            .collect();
        names.push("sdk/build.mjs".to_owned());
        names.sort();
        let mut packed = SDK.map(|(path, _)| path.to_owned()).to_vec();
        packed.sort();
        assert_eq!(packed, names);
    }

    #[test]
    fn tools_have_exact_versions() {
        let exact = |it: &(String, String)| it.1.starts_with(|first: char| first.is_ascii_digit());
        let wanted = wanted();
        assert!(wanted.len() == 3 && wanted.iter().all(exact), "{wanted:?}");
    }
}
