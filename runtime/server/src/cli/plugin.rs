//! The command line of `tamis plugin`.

pub(crate) mod dev;
pub(crate) mod live;
pub(crate) mod replay;
pub(crate) mod trust;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) const AFTER_HELP: &str = "\
Examples:
  tamis plugin new mask                    a crate that builds and passes its tests; --lang python, --lang js
  tamis plugin build mask                  compile it: mask/mask.wasm
  tamis plugin dev mask --pipeline msproject    build, test and deploy it at each change
  tamis plugin test mask/mask.wasm         try its cases, the folders in mask/cases
  tamis plugin bench mask/mask.wasm --in logs.ndjson
  tamis plugin fuzz mask/mask.wasm         look for a record that it fails on
  tamis plugin replay msproject.yaml mask mask/mask.wasm    what it would do otherwise
  tamis plugin deploy msproject mask mask/mask.wasm    into the pipeline that runs
  tamis plugin sign mask/mask.wasm --key tamis.key     for pipelines that run no others

docs/plugins.md leads from the first to the last of them, docs/swap.md says how a pipeline takes another version,
docs/trust.md how it takes none but signed ones.";

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Make a folder for a new plugin, with tests and cases
    New(NewArguments),
    /// Build the plugin in a folder with a Cargo.toml, pyproject.toml or package.json to WebAssembly
    Build(BuildArguments),
    /// Build and test a plugin at each change of its folder, and put it into a pipeline that runs
    Dev(dev::DevArguments),
    /// Show what a compiled plugin is, wants and takes as settings
    Inspect(InspectArguments),
    /// Try a compiled plugin on records, and compare what comes out
    Test(TestArguments),
    /// Measure what a compiled plugin costs for each record
    Bench(BenchArguments),
    /// Look for records that a compiled plugin fails on
    Fuzz(FuzzArguments),
    /// Make a key to sign plugins with
    Keygen(trust::KeygenArguments),
    /// Sign plugins, for pipelines that run no others
    Sign(trust::SignArguments),
    /// Tell whether plugins are what a key signed
    Verify(trust::VerifyArguments),
    /// Show what another version of a plugin would make of records that a pipeline has read
    Replay(replay::ReplayArguments),
    /// Put another version of a plugin into a pipeline that runs
    Deploy(live::DeployArguments),
    /// List the versions of a pipeline's plugins, and what became of them
    Versions(live::VersionsArguments),
    /// Let a version run that waits for a person
    Promote(live::PromoteArguments),
    /// Go back to the version of a plugin that ran before
    Rollback(live::RollbackArguments),
    /// Compile what is on the standard input to the standard output: what this program starts itself for
    #[command(hide = true)]
    Compile,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin new mask                    in the new folder mask
  tamis plugin new --lang python mask      in Python; js is JavaScript and TypeScript
  tamis plugin new mask --sdk ../tamis/sdk/rust
  tamis plugin new mask --sdk 0.1          the SDK of this version, from the registry

The SDK is the one beside this program, in the repository that it was built in; where there is none, it is
that of this program's version. With one that has a Cargo.lock beside it, nothing has to be fetched.")]
pub(crate) struct NewArguments {
    /// Its name, and that of the folder: lower case, digits and dashes
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The language that it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust, value_name = "LANGUAGE")]
    pub(crate) lang: Language,
    /// The folder of the SDK, or its version
    #[arg(long, value_name = "DIR|VERSION")]
    pub(crate) sdk: Option<String>,
    /// The folder to make; NAME in the present one unless given
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

/// A language that there is an SDK for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Compiled by cargo: the fastest
    Rust,
    /// Built by componentize-py
    Python,
    /// JavaScript, or TypeScript; built by componentize-js
    Js,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin build my-plugin             writes my-plugin/my-plugin.wasm
  tamis plugin build my-plugin -o /srv/plugins/mine.wasm

A folder with a Cargo.toml is compiled by cargo. One with a pyproject.toml is built by componentize-py, one with a package.json by
componentize-js; where those are not installed, it says how to.")]
pub(crate) struct BuildArguments {
    /// The folder of the plugin
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Where to write it; DIR/PACKAGE.wasm unless given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin inspect level-filter.wasm
  tamis plugin inspect --json level-filter.wasm | jq .settings")]
pub(crate) struct InspectArguments {
    /// The wasm file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin test mask.wasm              every case in the folder cases beside it
  tamis plugin test mask.wasm cases/phone  one case
  tamis plugin test mask.wasm --settings s.yaml --in logs.ndjson                      what comes out
  tamis plugin test mask.wasm --settings s.yaml --in logs.ndjson --expect out.ndjson  whether it is that

A case is a folder:
  settings.yaml  the settings, as in a pipeline; none without it
  in.ndjson      the records, a value on each line
  out.ndjson     the values that go on
  error.txt      what is refused: `line 3: REASON`, or why the settings are
in.records and out.records have whole records, as `tamis dead list --json` prints them. With neither an out file nor
error.txt, the plugin only must not fail on any record.

Exit code 1 says that something came out otherwise, 2 that a case or file is not in order.")]
pub(crate) struct TestArguments {
    /// The wasm file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Cases, or folders of cases; the folder cases beside FILE unless given
    #[arg(value_name = "DIR", conflicts_with = "input")]
    pub(crate) cases: Vec<PathBuf>,
    /// Records, one on each line
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// What must come of them; printed unless given
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) expect: Option<PathBuf>,
    /// A YAML file with the settings
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) settings: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin bench mask.wasm --settings s.yaml --in logs.ndjson
  tamis plugin bench new.wasm --vs old.wasm --in logs.ndjson      both, and whether they do the same
  tamis plugin bench mask.wasm --in logs.ndjson --json | jq '.plugins[0].ns_per_record'

Passes take turns, and the best one of each plugin counts. `boundary` is what a plugin takes that keeps every record
and looks at none; the rest is the plugin's own.")]
pub(crate) struct BenchArguments {
    /// The wasm file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Records, one on each line
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// A YAML file with the settings
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Another plugin to measure beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) vs: Option<PathBuf>,
    /// The settings of the other one; the same unless given
    #[arg(long, value_name = "FILE", requires = "vs")]
    pub(crate) vs_settings: Option<PathBuf>,
    /// How long to measure, about
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin fuzz mask.wasm --settings s.yaml
  tamis plugin fuzz mask.wasm --in logs.ndjson --seconds 600      begin with records as they really are
  tamis plugin fuzz mask.wasm --seed 7 --inputs 100000            the same records again

It ends with the first failure: a trap, a limit, an answer against the contract. The records that lead to it are made
fewer and smaller, and saved as a case that `tamis plugin test` tries from then on.

Exit code 1 says that there is a record that the plugin fails on.")]
pub(crate) struct FuzzArguments {
    /// The wasm file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Records to begin with, one on each line
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// A YAML file with the settings
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// How long to look
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// How many records to try at most
    #[arg(long, value_name = "N")]
    pub(crate) inputs: Option<u64>,
    /// The same seed makes the same records
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where to save the case; the folder cases beside FILE unless given
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Option<PathBuf>,
}
