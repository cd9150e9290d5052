//! A core module becomes a component; a component stays as it is.

use std::borrow::Cow;
use std::panic::catch_unwind;

use wasmtime::Module;
use wit_component::ComponentEncoder;

use crate::load::LoadProblem;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Component,
}

/// Why nothing can be compiled of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    NotWasm,
    Broken(String),
    Wasi(String),
}

impl From<Unfit> for LoadProblem {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NotWasm => Self::NotWasm,
            Unfit::Broken(how) => Self::Broken(how),
            Unfit::Wasi(import) => Self::Wasi(import),
        }
    }
}

/// By the first eight bytes: the magic number, then version and layer.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Unfit> {
    let Some(rest) = bytes.strip_prefix(b"\0asm") else {
        return Err(Unfit::NotWasm);
    };
    match rest.first_chunk::<4>() {
        Some([1, 0, 0, 0]) => Ok(Kind::Module),
        Some([_, _, 1, 0]) => Ok(Kind::Component),
        Some(_) => Err(Unfit::Broken("its version is not known".into())),
        None => Err(Unfit::Broken("it ends within its header".into())),
    }
}

/// The component that `bytes` are or make.
pub(super) fn component<'a>(
    engine: &wasmtime::Engine,
    bytes: &'a [u8],
) -> Result<Cow<'a, [u8]>, Unfit> {
    match kind(bytes)? {
        Kind::Component => Ok(Cow::Borrowed(bytes)),
        Kind::Module => encode(engine, bytes).map(Cow::Owned),
    }
}

/// Makes a component of a core module, by the description of its world that the SDK left in it.
fn encode(engine: &wasmtime::Engine, module: &[u8]) -> Result<Vec<u8>, Unfit> {
    Module::validate(engine, module).map_err(|error| Unfit::Broken(format!("{error:#}")))?;
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .encode()
    };
    // A flipped bit in that description can be a panic of the encoder.
    let Ok(encoded) = catch_unwind(encode) else {
        return Err(Unfit::Broken(
            "its description of its world is corrupt".into(),
        ));
    };
    encoded.map_err(|error| {
        let error = format!("{error:#}");
        // The encoder does not tell a missing import from broken bytes but by its words.
        if error.contains("wasi") {
            Unfit::Wasi("wasi_snapshot_preview1".into())
        } else {
            Unfit::Broken(error)
        }
    })
}
