//! The one place where bytes become code that runs outside of the sandbox.
#![allow(
    unsafe_code,
    reason = "wasmtime cannot tell whether code is what its compiler made"
)]

use wasmtime::component::Component;

/// Takes over what [`compile_apart`](super::compile_apart) made. It must have come from there: through a pipe, or through the
/// cache, in which no one else can write and whose files have a digest.
pub(super) fn load(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what `Engine::precompile_component` returned, byte by byte, which the callers see to. wasmtime itself
    // refuses code for other settings, another version or another machine.
    unsafe { Component::deserialize(engine, code) }
}
