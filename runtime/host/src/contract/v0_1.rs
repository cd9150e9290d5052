//! Version 0.1 of the contract. Its types are those of 1.0, and a component has them by their shape alone; so all that differs is
//! what its imports are called.

use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut};

use super::{Guest, now_ms};
use crate::limits::Grants;

/// Links what is always granted and what `grants` adds to it.
pub(super) fn link(linker: &mut Linker<Guest>, grants: Grants) -> Result<()> {
    // Types alone.
    linker.instance("tamis:plugin/records@0.1.0")?;
    let panicked = |mut store: StoreContextMut<'_, Guest>, (message,): (String,)| {
        store.data_mut().panicked(message);
        Ok(())
    };
    let mut panic = linker.instance("tamis:plugin/panic@0.1.0")?;
    panic.func_wrap("panicked", panicked)?;
    if grants.clock {
        let mut clock = linker.instance("tamis:plugin/clock@0.1.0")?;
        clock.func_wrap("now-ms", |_, ()| Ok((now_ms(),)))?;
    }
    Ok(())
}
