//! Writes plugins for Tamis, a stream processor for logs: plain Rust types that decide the fate of records.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use tamis_sdk::{ConfigError, Fate, Plugin, Record, export_plugin};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     /// The type of record to drop.
//!     without: String,
//! }
//!
//! struct Without(String);
//!
//! impl Plugin for Without {
//!     type Settings = Settings;
//!
//!     fn new(settings: Settings) -> Result<Self, ConfigError> {
//!         if settings.without.is_empty() {
//!             return Err(ConfigError::new("/without", "must not be empty"));
//!         }
//!         Ok(Self(settings.without))
//!     }
//!
//!     fn process(&mut self, record: &mut Record<'_>) -> Fate {
//!         match record.json().str("/Type") {
//!             Some(kind) if kind == self.0 => Fate::Drop,
//!             Some(_) | None => Fate::Keep,
//!         }
//!     }
//! }
//!
//! export_plugin!(Without);
//!
//! let fates = tamis_sdk::testing::run::<Without>(
//!     r#"{"without": "debug"}"#,
//!     &[r#"{"Type": "debug"}"#.into(), r#"{"Type": "error"}"#.into()],
//! );
//! assert_eq!(fates, [tamis_sdk::testing::TestFate::Drop, tamis_sdk::testing::TestFate::Keep]);
//! ```

pub use clock::now_ms;
pub use effects::LogLevel;
pub use fate::{Fate, Output};
pub use headers::Headers;
pub use json::{EditError, Fragment, Json, JsonError, JsonMut, JsonValue, Pointer, ToJson};
pub use plugin::{ConfigError, Metadata, Plugin};
pub use record::Record;

#[doc(hidden)]
pub mod batch;
#[doc(hidden)]
pub mod bindings;
mod clock;
mod effects;
#[doc(hidden)]
pub mod export;
mod fate;
mod headers;
mod id;
pub mod json;
mod plugin;
mod record;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

/// A length as the contract has it.
///
/// # Panics
/// Beyond 2 GiB, which no batch and no memory of a plugin comes near.
fn length(length: usize) -> i32 {
    i32::try_from(length).expect("a batch is bounded far below 2 GiB")
}
