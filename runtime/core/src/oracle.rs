//! What the readers of what outlives a process must do: for the tests, and for `make fuzz`.

use crate::runs::metadata;

/// Reads the metadata of a commit. Panics where it would not be the same once it was written and read again.
pub fn metadata(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(named) = metadata::read(text) else {
        return;
    };
    let written = metadata::write(&named.runs);
    let again = metadata::read(&written).expect("what was written can be read");
    assert_eq!(
        again.runs, named.runs,
        "{text:?} was written as {written:?}"
    );
    assert!(again.runs.is_empty() || again.leave_marks);
}
