//! Adds to each record what its application did not write: constant fields, a level in lower case, a time with a
//! zone, and where the record comes from.

use std::error::Error;

use tamis_sdk::{
    ConfigError, EditError, Fate, Fragment, Metadata, Plugin, Record, ToJson, export_plugin, json,
};

use self::local_time::LocalTime;
pub use self::settings::Settings;
use self::settings::{Level, OnError, Position, Timestamp};

mod local_time;
mod settings;

/// The plugin.
#[derive(Debug)]
pub struct Enrich {
    constants: Vec<(String, Fragment)>,
    level: Option<Level>,
    timestamp: Option<(Timestamp, LocalTime)>,
    position: Position,
}

impl Plugin for Enrich {
    type Settings = Settings;

    const WANTS: Metadata = Metadata::POSITION.and(Metadata::TIMESTAMP);

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        let timestamp = match settings.timestamp {
            Some(timestamp) => {
                let local_time = LocalTime::new(&timestamp.format, &timestamp.zone)?;
                Some((timestamp, local_time))
            }
            None => None,
        };
        let constants = settings.set.into_iter().map(|(name, value)| {
            let fragment = Fragment::new(value).expect("what was read as JSON can be written");
            (json::pointer([name]), fragment)
        });
        Ok(Self {
            constants: constants.collect(),
            level: settings.level,
            timestamp,
            position: settings.position,
        })
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        if record.value().is_none() {
            return Fate::Keep;
        }
        match self.enrich(record) {
            Ok(()) => Fate::Keep,
            Err(reason) => Fate::Reject(reason.to_string()),
        }
    }
}

impl Enrich {
    /// Edits `record`. The error is why it becomes a dead letter.
    fn enrich(&mut self, record: &mut Record<'_>) -> Result<(), Box<dyn Error>> {
        let view = record.json();
        if !view.is_object() {
            return Err(EditError::NotAnObject.into());
        }
        let level = self
            .level
            .as_ref()
            .and_then(|level| Some((level, view.str(&level.from)?)));
        let time = match &mut self.timestamp {
            Some((settings, local_time)) => {
                let time = view
                    .str(&settings.from)
                    .and_then(|text| local_time.convert(&text));
                if time.is_none() && settings.on_error == OnError::Reject {
                    return Err(
                        format!("no time like {} at {}", settings.format, settings.from).into(),
                    );
                }
                time.map(|time| (settings, time))
            }
            None => None,
        };

        let mut json = record.json_mut();
        for (pointer, constant) in &self.constants {
            json.set(pointer, constant)?;
        }
        if let Some((settings, level)) = level {
            json.set(&settings.to, LowerCase(&level))?;
        }
        if let Some((settings, time)) = time {
            json.set(&settings.to, time)?;
            if settings.record_time {
                record.set_timestamp_ms(time.ms);
            }
        }
        Ok(self.set_position(record)?)
    }

    fn set_position(&self, record: &mut Record<'_>) -> Result<(), EditError> {
        let Position {
            topic,
            partition,
            offset,
        } = &self.position;
        if let Some(pointer) = topic {
            let topic = record.topic();
            record.json_mut().set(pointer, topic)?;
        }
        if let Some(pointer) = partition {
            let partition = record.partition();
            record.json_mut().set(pointer, partition)?;
        }
        if let Some(pointer) = offset {
            let offset = record.offset();
            record.json_mut().set(pointer, offset)?;
        }
        Ok(())
    }
}

/// A text that is written in lower case.
struct LowerCase<'a>(&'a str);

impl ToJson for LowerCase<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        if self.0.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            out.push(b'"');
            out.extend(self.0.bytes().map(|byte| byte.to_ascii_lowercase()));
            out.push(b'"');
        } else {
            self.0.to_lowercase().write_json(out);
        }
    }
}

export_plugin!(Enrich);
