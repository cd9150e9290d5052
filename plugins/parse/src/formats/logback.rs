//! Java: the usual patterns of logback, log4j and Spring Boot.
//!
//! ```text
//! 12:00:00.123 [main] INFO  com.example.App - message
//! 2023-01-18 12:00:00,123 INFO  [main] com.example.App (App.java:42) - message
//! 2023-01-18T12:00:00.123+08:00  INFO 42 --- [app] [main] com.example.App : message
//! ```

use crate::is_digits;
use crate::level::level;
use crate::object::Object;
use crate::time;

use super::{is_name, word};

/// What is in brackets before the logger; no pattern has more.
const BRACKETS_MAX: usize = 3;

/// What is before logger and message, but for the time.
#[derive(Debug, Default)]
struct Head<'t> {
    level: Option<&'static str>,
    pid: Option<&'t str>,
    brackets: Vec<&'t str>,
}

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let time = time::date_time(line).or_else(|| time::clock(line))?;
    let mut head = Head::default();
    let rest = head.read(time.rest.strip_prefix(' ')?)?;
    object.text("time", &time.text);
    object.text("level", head.level?);
    object.some_text("pid", head.pid);
    for (key, value) in head.named() {
        object.text(key, value);
    }
    let message = match head.pid {
        Some(_) => write_spring(rest, object)?,
        None => write_logger(rest, object),
    };
    object.text("message", message);
    Some(())
}

impl<'t> Head<'t> {
    /// Reads the level, what is in brackets, and Spring's `42 ---`, in any order. Gives what is behind.
    fn read(&mut self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.trim_start_matches(' ');
        loop {
            if let Some(bracket) = rest.strip_prefix('[') {
                let (text, behind) = bracket.split_once(']')?;
                let text = text.trim_matches(' ');
                match level(text) {
                    Some(level) if self.level.is_none() => self.level = Some(level),
                    Some(_) | None => self.brackets.push(text),
                }
                rest = behind.trim_start_matches(' ');
            } else {
                let (first, behind) = word(rest);
                match (level(first), behind.strip_prefix("--- ")) {
                    (Some(level), _) if self.level.is_none() => {
                        self.level = Some(level);
                        rest = behind;
                    }
                    (_, Some(behind)) if self.pid.is_none() && is_digits(first) => {
                        self.pid = Some(first);
                        rest = behind.trim_start_matches(' ');
                    }
                    _ => return Some(rest),
                }
            }
            if self.brackets.len() > BRACKETS_MAX {
                return None;
            }
        }
    }

    /// What is in brackets, by what it is. Spring puts the application before the thread.
    fn named(&self) -> Vec<(&'static str, &'t str)> {
        let keys: &[&str] = match (self.pid, self.brackets.len()) {
            (Some(_), 2..) => &["app", "thread", "context"],
            (Some(_) | None, _) => &["thread", "context", "context2"],
        };
        let values = self.brackets.iter().copied();
        keys.iter()
            .copied()
            .zip(values)
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// Spring's `logger   : message`. Gives the message.
fn write_spring<'t>(text: &'t str, object: &mut Object) -> Option<&'t str> {
    let (logger, rest) = word(text);
    object.text("logger", logger);
    message(rest)
}

/// Writes the logger, and the place in its code if that is there. Gives the message: all of the text where there is no
/// logger.
fn write_logger<'t>(text: &'t str, object: &mut Object) -> &'t str {
    let (logger, rest) = word(text);
    let (caller, rest) = match caller(rest) {
        Some((caller, rest)) => (Some(caller), rest),
        None => (None, rest),
    };
    match message(rest) {
        Some(message) if is_name(logger, "._-/$:") => {
            object.text("logger", logger);
            object.some_text("caller", caller);
            message
        }
        Some(_) | None => text,
    }
}

/// `(App.java:42)`, and what is behind it.
fn caller(text: &str) -> Option<(&str, &str)> {
    let (caller, rest) = text.strip_prefix('(')?.split_once(')')?;
    let (file, line) = caller.rsplit_once(':')?;
    (file.contains('.') && is_digits(line)).then_some((caller, rest.trim_start_matches(' ')))
}

/// What is behind the dash or the colon.
fn message(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['-', ':'])?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(' ')
    }
}
