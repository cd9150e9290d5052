//! The least that a plugin can be: what its batches take is what handing them over takes.

use crate::contract::Wants;
use crate::engine::Engine;
use crate::limits::Grants;
use crate::load::{LoadError, Plugin};

const TEXT: &str = include_str!("empty.wat");

impl Plugin {
    /// A plugin that keeps every record, looks at none, and is sent what `wants` says.
    ///
    /// # Errors
    /// Where no plugin can run here.
    pub fn empty(engine: &Engine, wants: Wants) -> Result<Self, LoadError> {
        let bits = wants
            .named()
            .into_iter()
            .rev()
            .fold(0, |bits, (_, bit)| bits << 1 | u8::from(bit));
        let text = TEXT.replace("(i32.const WANTS)", &format!("(i32.const {bits})"));
        let bytes = wat::parse_str(text).expect("its text is in order");
        Self::from_bytes(engine, "empty", &bytes, Grants::default())
    }
}
