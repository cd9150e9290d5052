//! Version 1.0 of the contract: bindings made from its WIT, and nothing that any other file has to know of them.

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Result, Store};

use super::{Answer, Description, Guest, Input, SettingsError, Wants, Words};
use crate::limits::Grants;

use bindings::tamis::plugin::{clock, panic, records};

mod bindings {
    #![allow(
        missing_docs,
        unreachable_pub,
        reason = "generated from the WIT, which has the words"
    )]
    wasmtime::component::bindgen!({
        path: "../../sdk/wit/v1.0.0",
        world: "plugin-with-clock",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// The exports of an instance.
pub(crate) type Exports = bindings::PluginWithClock;
/// A component with all its imports found.
pub(crate) type Prepared = bindings::PluginWithClockPre<Guest>;

/// Links what is always granted and what `grants` adds to it.
pub(super) fn link(linker: &mut Linker<Guest>, grants: Grants) -> Result<()> {
    records::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    panic::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    if grants.clock {
        clock::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    }
    Ok(())
}

/// Finds what a component exports, which [`link`] has found the imports of.
pub(super) fn prepare(component: InstancePre<Guest>) -> Result<Prepared> {
    Prepared::new(component)
}

pub(crate) fn describe(exports: &Exports, store: &mut Store<Guest>) -> Result<Description> {
    let records::Description {
        name,
        version,
        settings_schema,
        wants,
    } = exports.call_describe(store)?;
    let wants = Wants {
        key: wants.contains(records::Metadata::KEY),
        headers: wants.contains(records::Metadata::HEADERS),
        timestamp: wants.contains(records::Metadata::TIMESTAMP),
        position: wants.contains(records::Metadata::POSITION),
    };
    Ok(Description {
        name,
        version,
        settings_schema,
        wants,
    })
}

pub(crate) fn configure(
    exports: &Exports,
    store: &mut Store<Guest>,
    settings: &str,
) -> Result<Result<(), SettingsError>> {
    let answer = exports.call_configure(store, settings)?;
    Ok(
        answer
            .map_err(|records::SettingsError { field, message }| SettingsError { field, message }),
    )
}

pub(crate) fn process(
    exports: &Exports,
    store: &mut Store<Guest>,
    input: Input<'_>,
) -> Result<Answer> {
    let batch = records::Batch {
        values: input.values,
        value_lengths: input.value_lengths,
        keys: input.keys,
        key_lengths: input.key_lengths,
        headers: input.headers,
        header_lengths: input.header_lengths,
        timestamps: input.timestamps,
        source: input.source,
        topic: input.topic,
        partition: input.partition,
        offsets: input.offsets,
        numbers: input.numbers,
    };
    let records::Answer {
        fates,
        rows,
        timestamps,
        bytes,
        count_names,
        counts,
        logs,
        words,
    } = exports.call_process(store, batch)?;
    Ok(Answer {
        fates,
        rows,
        timestamps,
        bytes,
        words: Words {
            count_names,
            counts,
            logs,
            text: words,
        },
    })
}

impl records::Host for Guest {}

impl panic::Host for Guest {
    fn panicked(&mut self, message: String) {
        self.panicked(message);
    }
}

impl clock::Host for Guest {
    fn now_ms(&mut self) -> u64 {
        super::now_ms()
    }
}
