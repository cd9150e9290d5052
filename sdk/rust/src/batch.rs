//! A batch in, an answer out: the flat form of the contract, which the plugin never sees.

pub use crate::bindings::{Answer, Batch};
use crate::id::Prefix;
use crate::plugin::{self, ConfigError, Metadata, Plugin};
use crate::record::{Draft, Record};

use self::answer::AnswerWriter;

mod answer;

/// A plugin with its settings, or still without: what one instance of the compiled code holds.
#[derive(Debug)]
pub struct Instance<P> {
    plugin: Option<P>,
    draft: Draft,
}

impl<P: Plugin> Instance<P> {
    /// Takes the settings, a JSON text, over.
    ///
    /// # Errors
    /// Where they are refused; what was there before stays then.
    pub fn configure(&mut self, settings: &str) -> Result<(), ConfigError> {
        self.plugin = Some(plugin::configure(settings)?);
        Ok(())
    }

    /// Decides the fate of each record.
    ///
    /// # Panics
    /// Where it has no settings yet, the lengths in the batch do not add up, or the plugin panics.
    pub fn process(&mut self, batch: &Batch) -> Answer {
        let plugin = self
            .plugin
            .as_mut()
            .expect("the plugin got a batch before its settings");
        let mut answer = AnswerWriter::new(batch);
        for input in Inputs::new(batch, P::WANTS) {
            let mut record = Record::new(input, &mut self.draft);
            let fate = plugin.process(&mut record);
            answer.push(&input, fate, &self.draft);
        }
        answer.finish(&mut self.draft.effects)
    }
}

impl<P> Default for Instance<P> {
    fn default() -> Self {
        Self {
            plugin: None,
            draft: Draft::default(),
        }
    }
}

/// One record of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) wants: Metadata,
    pub(crate) prefix: Prefix,
    pub(crate) index: usize,
    pub(crate) value: Option<&'b [u8]>,
    pub(crate) key: Option<&'b [u8]>,
    pub(crate) headers: &'b [u8],
}

/// The records of a batch, in order.
struct Inputs<'b> {
    next: Input<'b>,
    values: &'b [u8],
    keys: &'b [u8],
    headers: &'b [u8],
}

impl<'b> Inputs<'b> {
    fn new(batch: &'b Batch, wants: Metadata) -> Self {
        let prefix = Prefix::new(&batch.source, &batch.topic, batch.partition);
        Self {
            next: Input {
                batch,
                wants,
                prefix,
                index: 0,
                value: None,
                key: None,
                headers: &[],
            },
            values: &batch.values,
            keys: &batch.keys,
            headers: &batch.headers,
        }
    }
}

impl<'b> Iterator for Inputs<'b> {
    type Item = Input<'b>;

    #[inline]
    fn next(&mut self) -> Option<Input<'b>> {
        let Input {
            batch,
            wants,
            index,
            ..
        } = self.next;
        let length = *batch.value_lengths.get(index)?;
        let mut input = Input {
            value: take(&mut self.values, length),
            ..self.next
        };
        if wants.contains(Metadata::KEY) {
            input.key = take(&mut self.keys, batch.key_lengths[index]);
        }
        if wants.contains(Metadata::HEADERS) {
            let headers = take(&mut self.headers, batch.header_lengths[index]);
            input.headers = headers.unwrap_or_default();
        }
        self.next.index += 1;
        Some(input)
    }
}

/// The first `length` bytes of `rest`, which has the others then; none for -1.
#[inline]
fn take<'b>(rest: &mut &'b [u8], length: i32) -> Option<&'b [u8]> {
    let length = usize::try_from(length).ok()?;
    let (taken, behind) = rest.split_at(length);
    *rest = behind;
    Some(taken)
}
