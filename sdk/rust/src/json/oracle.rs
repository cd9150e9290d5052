//! What the view and the edits must do, said by serde_json: for the tests, and for `make fuzz`.
//!
//! Each function panics where they do something else.

use super::Index;

pub(crate) mod splice;
pub(crate) mod view;

/// Reads a text. Where there is a zero byte, which no JSON has, what is before it is a text that was read before.
pub fn view(bytes: &[u8]) {
    let (before, text) = match bytes.iter().position(|byte| *byte == 0) {
        Some(zero) => (&bytes[..zero], &bytes[zero + 1..]),
        None => (bytes, bytes),
    };
    let mut pointers = view::guesses(text);
    if let Ok(value) = serde_json::from_slice(text) {
        view::pointers_to_all(&value, &mut pointers);
    }
    view::check(before, text, &pointers);
}

/// Edits a text. It comes behind an empty line; each line before that is one edit, as [`splice::Edit::read`] has it.
pub fn splice(bytes: &[u8]) {
    let Some(empty) = bytes.windows(2).position(|two| two == b"\n\n") else {
        return;
    };
    let Ok(lines) = std::str::from_utf8(&bytes[..empty]) else {
        return;
    };
    let edits: Vec<_> = lines.lines().filter_map(splice::Edit::read).collect();
    splice::check(&bytes[empty + 2..], &edits);
}

/// What the view knows of `bytes` when it has read `before`: what it knows without that.
pub(crate) fn index_after(before: &[u8], bytes: &[u8]) -> Index {
    let (mut fresh, mut used) = (Index::default(), Index::default());
    fresh.read(bytes);
    used.read(before);
    used.read(bytes);
    assert_eq!(used.fault(bytes).is_some(), fresh.fault(bytes).is_some());
    assert_eq!(used.root(), fresh.root());
    let found =
        |index: &Index| -> Vec<_> { index.members().iter().map(|member| member.found).collect() };
    assert_eq!(found(&used), found(&fresh));
    used
}
