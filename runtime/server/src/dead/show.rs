//! `tamis dead show`.

use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::{Result, bail};
use serde_json::Value;
use tamis_config::PluginFiles;
use tamis_connect::dead::read::{DeadStore, open};
use tamis_connect::dead_folder::letter::Content;
use tamis_connect::halt::Halt;

use super::pass::{self, Seen};
use super::plain;
use super::select::Select;
use crate::cli::dead::{SelectArguments, ShowArguments};
use crate::exit::{self, Exit};
use crate::wiring;

/// One record has a letter for each stage and sink that refused it; there are not this many.
const LETTERS_MAX: usize = 100;
/// Bytes of a value that is no text that are shown.
const BYTES_SHOWN: usize = 256;

pub(crate) fn run(arguments: &ShowArguments) -> Exit {
    let Some(spec) = super::load(&arguments.file, PluginFiles::MayBeMissing) else {
        return Exit::Usage;
    };
    let Some(letters) = super::stores(&spec, arguments.parked.as_deref()) else {
        return Exit::Usage;
    };
    let stores = open(letters, wiring::owner(&spec), &Halt::default());
    let shown = stores
        .map_err(Into::into)
        .and_then(|stores| show(arguments, &stores));
    match shown {
        Ok(()) => Exit::Done,
        Err(error) => exit::failed(&error),
    }
}

fn show(arguments: &ShowArguments, stores: &[DeadStore]) -> Result<()> {
    let ShowArguments {
        id,
        stage,
        raw,
        all,
        ..
    } = arguments;
    let of_stage = SelectArguments {
        stage: stage.clone(),
        all: *all,
        ..SelectArguments::default()
    };
    let select = Select::new(&of_stage, std::slice::from_ref(id));
    let mut found = Vec::new();
    let unreadable = pass::each(stores, &select, |seen| {
        if !seen.is_copy {
            found.push(seen);
        }
        Ok(if found.len() < LETTERS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    let mut output = io::stdout().lock();
    match &found[..] {
        [] if unreadable > 0 => {
            bail!("no dead letter is called {id}, but {unreadable} could not be read")
        }
        [] => bail!("no dead letter is called {id}; one that was replayed is shown with --all"),
        [one] if *raw => {
            let value = one.letter.value.as_ref().map(|value| &value.0[..]);
            output.write_all(value.unwrap_or_default())?;
        }
        several if *raw => {
            let stages: Vec<_> = several.iter().map(|it| &*it.letter.stage).collect();
            bail!(
                "{} have refused {id}: name one with --stage",
                stages.join(", ")
            );
        }
        several => {
            let texts = several.iter().map(|seen| text(seen, stores));
            output.write_all(texts.collect::<Vec<_>>().join("\n").as_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}

/// All that a letter holds.
fn text(seen: &Seen, stores: &[DeadStore]) -> String {
    let letter = &seen.letter;
    let stage = format!("{} {}", letter.stage, letter.stage_version);
    let store = format!("{}, {}", stores[seen.store].name(), seen.place);
    let (partition, offset) = (letter.partition.to_string(), letter.offset.to_string());
    let number = letter.number.to_string();
    let replayed = seen.replayed.map(|when| when.to_string());
    let key = letter.key.as_ref().map(short);
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<10} {}", plain(value)));
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line("id", &letter.id);
    line("stage", &stage);
    line("reason", &letter.reason);
    line("time", letter.time.as_deref().unwrap_or("(none)"));
    line("source", &letter.source);
    line("topic", &letter.topic);
    line("partition", &partition);
    line("offset", &offset);
    line("output", &number);
    line("lies in", &store);
    if let Some(replayed) = &replayed {
        line("replayed", replayed);
    }
    line("key", key.as_deref().unwrap_or("(none)"));
    for (name, value) in &letter.headers {
        let value = value.as_ref().map_or_else(|| "(none)".to_owned(), short);
        line("header", &format!("{name}: {value}"));
    }
    let Some(Content(value)) = &letter.value else {
        line("value", "(none: a tombstone)");
        return text;
    };
    line("value", &format!("{} bytes", value.len()));
    text + &pretty(value)
}

/// A key or the value of a header, in a line.
fn short(content: &Content) -> String {
    match str::from_utf8(&content.0) {
        Ok(text) => text.to_owned(),
        Err(_) => hexadecimal(&content.0),
    }
}

/// A value for the eye: JSON with a line for each field, other text as it is, bytes by their numbers. `--raw` has the bytes.
fn pretty(value: &[u8]) -> String {
    let Ok(text) = str::from_utf8(value) else {
        return hexadecimal(value) + "\n";
    };
    let json = serde_json::from_str::<Value>(text);
    let text = json.map_or_else(|_| text.to_owned(), |json| format!("{json:#}"));
    let lines = text.lines().map(|line| plain(line) + "\n");
    lines.collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(BYTES_SHOWN);
    let mut text: Vec<_> = shown.map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > BYTES_SHOWN {
        text.push("…".to_owned());
    }
    text.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_fit_for_the_eye() {
        let check = |value: &[u8], expected: &str| assert_eq!(pretty(value), expected);
        check(br#"{"b":1,"a":[]}"#, "{\n  \"b\": 1,\n  \"a\": []\n}\n");
        check(b"{\"b\":\x1b[31m", "{\"b\":\\u{1b}[31m\n");
        check(b"two\nlines", "two\nlines\n");
        check(&[0xff, 0], "ff 00\n");
        check(b"", "");
    }
}
