//! A plugin of which tests make as many versions as they like: they write another version and another way to behave over those in
//! its file, each of the same length, which is a new file for Tamis.
//!
//! It writes the version that its settings want into each record, as `/v`, and does besides what [`TOLD`] says.

use std::hint::black_box;

use tamis_sdk::{ConfigError, Fate, Plugin, Record, export_plugin};

/// What it does: `keep`, `slow` (takes its time), `more` (writes `/other`, too), `trap` (on records with `trap` in them),
/// `deny` (refuses all), `none` (refuses its settings).
#[used]
static TOLD: [u8; 18] = *b"versions does keep";
/// Its version once more.
#[used]
static VERSION: [u8; 20] = *b"versions 1.0.1000000";

struct Versions {
    does: &'static str,
    version: String,
}

#[derive(schemars::JsonSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Written beside the version.
    #[serde(default)]
    note: String,
}

fn told(bytes: &'static [u8], from: usize) -> &'static str {
    str::from_utf8(&black_box(bytes)[from..]).unwrap_or("").trim()
}

impl Plugin for Versions {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        let does = told(&TOLD, 14);
        if does == "none" {
            return Err(ConfigError::new("/note", "this version takes no settings at all"));
        }
        let version = told(&VERSION, 9);
        Ok(Self {
            does,
            version: format!("{version}{}", settings.note),
        })
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        let value = record.value().unwrap_or_default();
        match self.does {
            "trap" if value.windows(4).any(|it| it == b"trap") => panic!("told to"),
            "deny" => return Fate::Reject("told to".to_owned()),
            "slow" => {
                for round in 0..200_000_u32 {
                    black_box(round);
                }
            }
            _ => {}
        }
        let mut json = record.json_mut();
        let mut edited = json.set("/v", self.version.as_str());
        if self.does == "more" {
            edited = edited.and_then(|()| json.set("/other", true));
        }
        match edited {
            Ok(()) => Fate::Keep,
            Err(error) => Fate::Reject(error.to_string()),
        }
    }
}

export_plugin!(Versions);
