//! The plugin of `tests/hostile/raw.wat`: core WebAssembly by hand, with something of its own at some places.

use tamis_host::{Grants, Plugin};

use crate::support::{engine, guest};

const TEXT: &str = include_str!("../../../../tests/hostile/raw.wat");
/// What each place has where a case says nothing.
const USUAL: [(&str, &str); 7] = [
    ("pages", "8"),
    ("elements", "1"),
    ("realloc", "nop"),
    ("describe", "nop"),
    ("configure", "nop"),
    ("process", "nop"),
    ("after", "nop"),
];

/// Its bytes, with `places` filled: a module with the description of its world, which is borrowed from a guest of the SDK's making.
pub(crate) fn bytes(places: &[(&str, &str)]) -> Vec<u8> {
    let mut text = TEXT.to_owned();
    for (place, content) in places.iter().chain(&USUAL) {
        text = text.replace(&format!("{{{place}}}"), content);
    }
    let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    module.extend(world(&guest("hostile")));
    module
}

/// The plugin, or why it is none.
pub(crate) fn raw(places: &[(&str, &str)]) -> Result<Plugin, String> {
    Plugin::from_bytes(engine(), "raw.wasm", &bytes(places), Grants::default())
        .map_err(|error| error.to_string())
}

/// The custom sections of `module` that describe its world.
fn world(module: &[u8]) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    const NAME: &[u8] = b"component-type";
    let (mut found, mut at) = (Vec::new(), 8);
    while at < module.len() {
        let (len, content) = number(module, at + 1);
        let end = content + len;
        if module[at] == CUSTOM && module[number(module, content).1..end].starts_with(NAME) {
            found.extend_from_slice(&module[at..end]);
        }
        at = end;
    }
    assert!(!found.is_empty(), "the guest describes its world");
    found
}

/// The number at `at`, seven bits a byte, and where it ends.
fn number(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[at];
        at += 1;
        number |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            return (number, at);
        }
    }
}
