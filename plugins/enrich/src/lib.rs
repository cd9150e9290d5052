//! Adds to each record what its application did not write: constant fields, a level in lower case, a time with a
//! zone, and where the record comes from.

use std::error::Error;

use tamis_sdk::{
    ConfigError, EditError, Fate, Fragment, Metadata, Plugin, Pointer, Record, ToJson,
    export_plugin,
};

use self::local_time::LocalTime;
use self::settings::OnError;
pub use self::settings::Settings;

mod local_time;
mod settings;

/// The plugin.
#[derive(Debug)]
pub struct Enrich {
    constants: Vec<(Pointer, Fragment)>,
    level: Option<Level>,
    timestamp: Option<Timestamp>,
    topic: Option<Pointer>,
    partition: Option<Pointer>,
    offset: Option<Pointer>,
}

/// A level to be written in lower case.
#[derive(Debug)]
struct Level {
    from: Pointer,
    to: Pointer,
}

/// A local time to be written with its zone.
#[derive(Debug)]
struct Timestamp {
    from: Pointer,
    to: Pointer,
    local_time: LocalTime,
    record_time: bool,
    /// Why a record without a time is refused, if it is.
    refusal: Option<String>,
}

impl Plugin for Enrich {
    type Settings = Settings;

    const WANTS: Metadata = Metadata::POSITION.and(Metadata::TIMESTAMP);

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        let Settings {
            set,
            level,
            timestamp,
            position,
        } = settings;
        let constants = set.into_iter().map(|(name, value)| {
            let fragment = Fragment::new(value).expect("what was read as JSON can be written");
            (Pointer::to_key(&name), fragment)
        });
        Ok(Self {
            constants: constants.collect(),
            level: level.map(|level| Level {
                from: Pointer::new(level.from),
                to: Pointer::new(level.to),
            }),
            timestamp: timestamp.map(Timestamp::new).transpose()?,
            topic: position.topic.map(Pointer::new),
            partition: position.partition.map(Pointer::new),
            offset: position.offset.map(Pointer::new),
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
        let text = |pointer: &Pointer| view.get(pointer)?.bytes();
        let level = self
            .level
            .as_ref()
            .and_then(|level| Some((&level.to, text(&level.from)?)));
        let time = match &mut self.timestamp {
            Some(Timestamp {
                from,
                to,
                local_time,
                record_time,
                refusal,
            }) => {
                let time = text(from).and_then(|text| local_time.convert(&text));
                if let (None, Some(refusal)) = (&time, refusal) {
                    return Err(refusal.as_str().into());
                }
                time.map(|time| (&*to, time, *record_time))
            }
            None => None,
        };

        let mut json = record.json_mut();
        for (pointer, constant) in &self.constants {
            json.set(pointer, constant)?;
        }
        if let Some((pointer, level)) = level {
            json.set(pointer, LowerCase(&level))?;
        }
        if let Some((pointer, time, record_time)) = time {
            json.set(pointer, &time)?;
            if record_time {
                record.set_timestamp_ms(time.ms);
            }
        }
        Ok(self.set_position(record)?)
    }

    fn set_position(&self, record: &mut Record<'_>) -> Result<(), EditError> {
        if let Some(pointer) = &self.topic {
            let topic = record.topic();
            record.json_mut().set(pointer, topic)?;
        }
        if let Some(pointer) = &self.partition {
            let partition = record.partition();
            record.json_mut().set(pointer, partition)?;
        }
        if let Some(pointer) = &self.offset {
            let offset = record.offset();
            record.json_mut().set(pointer, offset)?;
        }
        Ok(())
    }
}

impl Timestamp {
    fn new(settings: settings::Timestamp) -> Result<Self, ConfigError> {
        let settings::Timestamp {
            from,
            format,
            zone,
            to,
            record_time,
            on_error,
        } = settings;
        let local_time = LocalTime::new(&format, &zone)?;
        let refusal = match on_error {
            OnError::Skip => None,
            OnError::Reject => Some(format!("no time like {format} at {from}")),
        };
        let (from, to) = (Pointer::new(from), Pointer::new(to));
        Ok(Self {
            from,
            to,
            local_time,
            record_time,
            refusal,
        })
    }
}

/// A text that is written in lower case.
struct LowerCase<'a>(&'a [u8]);

impl ToJson for LowerCase<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        if self.0.iter().all(u8::is_ascii_alphanumeric) {
            out.push(b'"');
            out.extend(self.0.iter().map(u8::to_ascii_lowercase));
            out.push(b'"');
        } else {
            // In a value that was not checked there may be anything.
            String::from_utf8_lossy(self.0)
                .to_lowercase()
                .write_json(out);
        }
    }
}

export_plugin!(Enrich);
