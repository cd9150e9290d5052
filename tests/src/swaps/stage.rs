//! What a proof of swaps is made in: a broker of its own, a topic, a pipeline, a key that signs its plugin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PARTITIONS;
use crate::broker::Broker;
use crate::files::{dead_letters_at_least_once, positions};
use crate::kafka::{Group, Kafka};
use crate::place::Place;
use crate::tamis::{Running, STATE, output, run, tamis};
use crate::versions::{self, Does};

const TOPIC: &str = "logs";
/// What the configuration has where it says nothing.
pub(super) const SLOWER_MAX: u32 = 10;
const GROUP: &str = "swaps";
const PASSWORD: &str = "TAMIS_SIGN_PASSWORD";

pub(super) struct Stage<'a> {
    place: &'a Place,
    pub(super) kafka: Kafka,
    key: String,
    pub(super) group: Group,
    /// How many times slower a version may be than the one before.
    slower_max: u32,
    _broker: Broker,
}

impl<'a> Stage<'a> {
    /// With version 1 of the plugin in its place. In a calm proof all versions are the same code, so that whatever takes longer is the
    /// machine's doing.
    pub(super) fn set_up(place: &'a Place, is_calm: bool) -> Self {
        let broker = Broker::default();
        broker.start();
        let kafka = broker.kafka();
        // What was read is not needed any more.
        let settings = [
            ("retention.bytes", "536870912"),
            ("segment.bytes", "67108864"),
        ];
        kafka.create_topic(TOPIC, PARTITIONS, &settings);
        let keygen = output(&mut plugin(place, &["keygen", "--out", "key"]));
        assert_eq!(keygen.code, Some(0), "{keygen:?}");
        let stage = Self {
            place,
            key: keygen.stdout.trim().to_owned(),
            group: kafka.group(GROUP, TOPIC),
            kafka,
            slower_max: if is_calm { 0 } else { SLOWER_MAX },
            _broker: broker,
        };
        stage.put(&versions::file(1, Does::Keep));
        stage.configure("");
        stage
    }

    pub(super) const fn topic() -> &'static str {
        TOPIC
    }

    pub(super) fn file(&self) -> PathBuf {
        self.place.path("v.wasm")
    }

    /// Writes the configuration, whose plugin has `settings`.
    pub(super) fn configure(&self, settings: &str) {
        let (address, key) = (&self.kafka.address, &self.key);
        let (out, dead) = (self.place.out(), self.place.dead());
        let (out, dead) = (out.display(), dead.display());
        let slower_max = self.slower_max;
        let text = format!(
            "pipeline: swaps
source:
  kafka:
    brokers: ['{address}']
    topics: [{TOPIC}]
    group: {GROUP}
    start_at: earliest
    properties: {{ group.instance.id: swaps }}
plugins: [{{ name: v, path: v.wasm, settings: {{ {settings} }}, on_quarantine: dead_letter }}]
sinks:
  out:
    file:
      url: 'file://{out}'
      path: all
      format: ndjson
      compression: none
      run: {{ records_max: 50000, age_ms_max: 500 }}
dead_letters: {{ folder: {{ path: '{dead}' }} }}
stamp_field: by
limits: {{ lanes: 2, commit_interval_ms: 200 }}
swap: {{ probation_ms: 200, slower_max: {slower_max} }}
trust: {{ keys: [{key}], downgrade: allow }}
"
        );
        let new = self.place.write("new.yaml", text);
        fs::rename(new, self.pipeline()).expect("a file can be renamed");
    }

    fn pipeline(&self) -> PathBuf {
        self.place.path("swaps.yaml")
    }

    pub(super) fn start(&self) -> Running {
        let mut command = run(&self.pipeline());
        command.env(STATE, self.place.path("state"));
        let mut tamis = Running::start(&mut command);
        tamis.await_words(" started ");
        tamis
    }

    /// Writes `bytes` and their signature over the plugin that is watched, at once for whoever looks.
    pub(super) fn put(&self, bytes: &[u8]) {
        let new = self.place.write("next.wasm", bytes);
        self.sign(&new);
        let signature = |file: &Path| file.with_extension("wasm.minisig");
        // The signature first: what is seen is signed.
        for (from, to) in [
            (signature(&new), signature(&self.file())),
            (new, self.file()),
        ] {
            fs::rename(from, to).expect("a file can be renamed");
        }
    }

    /// Signs the file, beside which the signature then lies.
    pub(super) fn sign(&self, file: &Path) {
        let file = file.to_str().expect("paths of tests are text");
        let signed = output(&mut plugin(self.place, &["sign", file, "--key", "key"]));
        assert_eq!(signed.code, Some(0), "{signed:?}");
    }

    /// A file of its own, without a signature.
    pub(super) fn write(&self, bytes: &[u8]) -> PathBuf {
        let _there_may_be_none = fs::remove_file(self.place.path("deployed.wasm.minisig"));
        self.place.write("deployed.wasm", bytes)
    }

    /// Begins to deploy `file`.
    pub(super) fn deploy(&self, file: &Path) -> Running {
        let file = file.to_str().expect("paths of tests are text");
        Running::start(&mut plugin(self.place, &["deploy", "swaps", "v", file]))
    }

    /// Where records are seen.
    pub(super) fn out(&self) -> PathBuf {
        self.place.out()
    }

    /// Partition and offset of each dead letter, in order.
    pub(super) fn letters(&self) -> Vec<(i32, u64)> {
        let dead = self.place.dead();
        if !dead.exists() {
            return Vec::new();
        }
        positions(&dead_letters_at_least_once(&dead))
    }

    pub(super) fn history(&self) -> PathBuf {
        self.place.path("state/swaps/history.jsonl")
    }
}

/// `tamis plugin …` in the folder of `place`, with no password.
fn plugin(place: &Place, arguments: &[&str]) -> Command {
    let mut command = tamis(["plugin"].iter().chain(arguments));
    command
        .current_dir(place.path(""))
        .env(STATE, place.path("state"))
        .env_remove(PASSWORD);
    command
}
