//! Makes JSON of lines of text: those that programs, web servers and systems write.

use std::borrow::Cow;

use tamis_sdk::{ConfigError, Fate, Plugin, Record, export_plugin};

use self::formats::Format;
use self::object::Object;
use self::settings::OnUnparsed;
pub use self::settings::Settings;

mod formats;
mod level;
mod object;
mod quoted;
mod settings;
mod time;

/// How many pairs of a key and a value one line can have.
const PAIRS_MAX: usize = 256;

/// The plugin.
#[derive(Debug)]
pub struct Parse {
    formats: Vec<Format>,
    on_unparsed: OnUnparsed,
    /// Why a line in none of the formats is refused.
    refusal: String,
    object: Object,
}

impl Plugin for Parse {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        let names: Vec<_> = settings.formats.iter().map(|it| it.name()).collect();
        Ok(Self {
            refusal: format!("the line is in none of the formats: {}", names.join(", ")),
            formats: settings.formats,
            on_unparsed: settings.on_unparsed,
            object: Object::default(),
        })
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        let Some(value) = record.value() else {
            return Fate::Keep;
        };
        let is_json = self.formats.contains(&Format::Json)
            && value.trim_ascii_start().starts_with(b"{")
            && record.json_checked().is_ok();
        if is_json {
            return Fate::Keep;
        }
        let line = match str::from_utf8(value) {
            Ok(line) => Cow::Borrowed(line),
            Err(_) => String::from_utf8_lossy(value),
        };
        let line = line.trim_end_matches(['\r', '\n']);
        let plain = without_colours(line);
        for format in &self.formats {
            self.object.clear();
            if format.parse(&plain, &mut self.object).is_some() {
                record.set_value(self.object.finish());
                return Fate::Keep;
            }
        }
        match self.on_unparsed {
            OnUnparsed::Mark => {
                self.object.clear();
                self.object.text("message", line);
                self.object.json("unparsed", "true");
                record.set_value(self.object.finish());
                Fate::Keep
            }
            OnUnparsed::Keep => Fate::Keep,
            OnUnparsed::Reject => Fate::Reject(self.refusal.clone()),
        }
    }
}

/// Whether it is digits, and nothing else.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `line` without what colours it in a terminal: `ESC [ 3 4 m`.
fn without_colours(line: &str) -> Cow<'_, str> {
    if !line.contains('\x1b') {
        return Cow::Borrowed(line);
    }
    let mut pieces = line.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_colour = |byte: u8| byte.is_ascii_digit() || byte == b';';
        let length = piece.bytes().take_while(|&byte| is_colour(byte)).count();
        match piece[length..].strip_prefix('m') {
            Some(text) => plain.push_str(text),
            None => {
                plain.push_str("\x1b[");
                plain.push_str(piece);
            }
        }
    }
    Cow::Owned(plain)
}

export_plugin!(Parse);
