//! A guest that keeps to the contract of plugins until it meets a record whose value has the word `bad` in it; then it does
//! what its settings say: `{"do": "panic"}`. With `{"do": "obey"}` each value is a command, see `obey`.
//!
//! The feature `clock` imports the clock, `start-trap` and `start-loop` misbehave before anything is called. With `noop` it
//! wants no metadata and keeps every record without a look, which shows what the hand-over costs.

mod answers;
mod misbehave;

wit_bindgen::generate!({ world: "plugin-with-clock", path: "../../sdk/wit/v1.0.0" });

use std::cell::RefCell;

use tamis::plugin::records::Metadata;

/// What the host offers.
mod host {
    #[cfg(feature = "clock")]
    pub(crate) use crate::tamis::plugin::clock::now_ms;
    pub(crate) use crate::tamis::plugin::panic::panicked;
}

struct Hostile;

/// What is left of one batch for the next.
struct State {
    action: String,
    batches: u32,
    hoard: Vec<Vec<u8>>,
}

thread_local! {
    static STATE: RefCell<State> =
        const { RefCell::new(State { action: String::new(), batches: 0, hoard: Vec::new() }) };
}

impl Guest for Hostile {
    fn describe() -> Description {
        Description {
            name: "hostile".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            settings_schema: "{}".into(),
            wants: if cfg!(feature = "noop") {
                Metadata::empty()
            } else {
                Metadata::all()
            },
        }
    }

    fn configure(settings: String) -> Result<(), SettingsError> {
        std::panic::set_hook(Box::new(|info| host::panicked(&info.to_string())));
        let action = text(&settings, "do");
        match action.as_str() {
            "refuse settings" => {
                let message = "must be something better".into();
                return Err(SettingsError {
                    field: "/do".into(),
                    message,
                });
            }
            "refuse all settings" => {
                let message = "something is missing".into();
                return Err(SettingsError {
                    field: String::new(),
                    message,
                });
            }
            "trap in configure" => panic!("no settings can please me"),
            "loop in configure" => misbehave::spin(),
            #[cfg(feature = "clock")]
            "refuse later" if host::now_ms() > number(&settings, "until") => {
                return Err(SettingsError {
                    field: "/until".into(),
                    message: "is over".into(),
                });
            }
            _ => {}
        }
        STATE.with_borrow_mut(|state| state.action = action);
        Ok(())
    }

    fn process(batch: Batch) -> Answer {
        if cfg!(feature = "noop") {
            return answers::keep(batch.value_lengths.len());
        }
        STATE.with_borrow_mut(|state| state.process(&batch))
    }
}

impl State {
    fn process(&mut self, batch: &Batch) -> Answer {
        self.batches += 1;
        let records = answers::split(batch);
        match self.action.as_str() {
            "obey" => return answers::obey(&records, batch),
            "count" => return answers::count(&records, self.batches),
            "hoard" => {
                self.hoard.push(vec![1; 1 << 20]);
                return answers::count(&records, self.batches);
            }
            "tire" => assert!(self.batches < 2, "too tired for batch {}", self.batches),
            action => {
                if let Some(at) = records.iter().position(|record| answers::is_bad(record)) {
                    return misbehave::misbehave(action, at, records.len());
                }
            }
        }
        answers::keep(records.len())
    }
}

/// The string at the top level of `json` with this name. Good enough for settings that a test wrote.
fn text(json: &str, name: &str) -> String {
    let after = json
        .split(&format!("\"{name}\":"))
        .nth(1)
        .unwrap_or_default();
    after.split('"').nth(1).unwrap_or_default().to_owned()
}

#[cfg(feature = "clock")]
fn number(json: &str, name: &str) -> u64 {
    let after = json
        .split(&format!("\"{name}\": "))
        .nth(1)
        .unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Called by the component when it is instantiated.
#[cfg(any(feature = "start-trap", feature = "start-loop"))]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    #[cfg(feature = "start-trap")]
    core::arch::wasm32::unreachable();
    #[cfg(feature = "start-loop")]
    misbehave::spin();
}

export!(Hostile);
