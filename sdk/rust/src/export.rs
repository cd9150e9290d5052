//! What stands between the exports of a compiled plugin and its [`Instance`].

use std::fmt::Write as _;
use std::panic::PanicHookInfo;

use crate::batch::Instance;
use crate::bindings::tamis::plugin::panic;
use crate::bindings::{self, Answer, Batch, Description, SettingsError};
use crate::plugin::{Metadata, Plugin};

/// The host keeps no more of a plugin's last words.
const LAST_WORDS_MAX: usize = 4_096;

/// Who the plugin is. It is called before anything else, so from here on a panic is heard.
pub fn describe<P: Plugin>(name: &str, version: &str) -> Description {
    std::panic::set_hook(Box::new(|panic| panic::panicked(&last_words(panic))));
    Description {
        name: name.to_owned(),
        version: version.to_owned(),
        settings_schema: schema::<P>(),
        wants: wanted(P::WANTS),
    }
}

/// Takes the settings over.
///
/// # Errors
/// Where they are refused.
pub fn configure<P: Plugin>(
    instance: &mut Instance<P>,
    settings: &str,
) -> Result<(), SettingsError> {
    instance.configure(settings).map_err(|error| SettingsError {
        field: error.field,
        message: error.message,
    })
}

/// Decides the fate of each record.
pub fn process<P: Plugin>(instance: &mut Instance<P>, batch: &Batch) -> Answer {
    instance.process(batch)
}

/// The JSON schema of a plugin's settings.
pub(crate) fn schema<P: Plugin>() -> String {
    schemars::schema_for!(P::Settings).as_value().to_string()
}

fn wanted(wants: Metadata) -> bindings::Metadata {
    [
        (Metadata::KEY, bindings::Metadata::KEY),
        (Metadata::HEADERS, bindings::Metadata::HEADERS),
        (Metadata::TIMESTAMP, bindings::Metadata::TIMESTAMP),
        (Metadata::POSITION, bindings::Metadata::POSITION),
    ]
    .into_iter()
    .filter(|&(metadata, _)| wants.contains(metadata))
    .fold(bindings::Metadata::empty(), |all, (_, flag)| all | flag)
}

fn last_words(panic: &PanicHookInfo<'_>) -> String {
    let mut words = panic.payload_as_str().unwrap_or("panicked").to_owned();
    if let Some(place) = panic.location() {
        words.truncate(words.floor_char_boundary(LAST_WORDS_MAX / 2));
        // Writing into a string cannot fail.
        write!(words, " at {place}").unwrap_or_default();
    }
    words.truncate(words.floor_char_boundary(LAST_WORDS_MAX));
    words
}

/// Makes a type that is a [`Plugin`] the plugin that the crate compiles to. Its name and version are the crate's.
///
/// It expands to nothing off wasm32, where the same code is tested as plain Rust.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;

            ::std::thread_local! {
                static INSTANCE: ::std::cell::RefCell<$crate::batch::Instance<$plugin>> =
                    ::std::cell::RefCell::default();
            }

            impl $crate::bindings::Guest for Component {
                fn describe() -> $crate::bindings::Description {
                    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                    $crate::export::describe::<$plugin>(name, version)
                }

                fn configure(
                    settings: ::std::string::String,
                ) -> ::std::result::Result<(), $crate::bindings::SettingsError> {
                    INSTANCE
                        .with_borrow_mut(|instance| $crate::export::configure(instance, &settings))
                }

                fn process(batch: $crate::bindings::Batch) -> $crate::bindings::Answer {
                    INSTANCE.with_borrow_mut(|instance| $crate::export::process(instance, &batch))
                }
            }

            $crate::bindings::export_component!(Component);
        };
    };
}
