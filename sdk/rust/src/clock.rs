//! The clock of the wall.

/// Milliseconds since 1970-01-01 UTC, by the clock of the wall.
///
/// The configuration has to grant `clock` to the plugin; one that asks decides differently on replay. In a native
/// test it is the time that [`testing::set_now_ms`](crate::testing::set_now_ms) said last.
#[must_use]
pub fn now_ms() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::tamis::plugin::clock::now_ms();
    #[cfg(not(target_arch = "wasm32"))]
    crate::testing::now_ms()
}
