//! The fields of the maps that are being written, so that none is there twice.

use std::collections::HashMap;

use crate::mongodb::writer::Writer;

/// Where each field is, by its name.
type Places = HashMap<Box<[u8]>, usize>;

/// From this many fields on they are looked up; to compare them all takes no longer with fewer.
const LOOKED_UP: usize = 16;

/// The fields of all maps that are open, the innermost ones last.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<Field>,
    /// For large maps that are open, the innermost one last: where each name is in `fields`.
    large: Vec<(First, Places)>,
}

/// Where the fields of a map begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First(usize);

#[derive(Debug)]
struct Field {
    /// Where its element begins: a byte for its type, then its name.
    element: usize,
    name_bytes: usize,
    /// Whether it was `_id`, and has another name now.
    is_id: bool,
    /// Whether another one of its name came behind it.
    overtaken: bool,
}

/// What is known of a field that was added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It counts.
    Counts,
    /// It has the name that an `_id` was given, or the other way round.
    BesideId,
}

impl Fields {
    /// A map begins.
    pub(super) fn begin(&self) -> First {
        First(self.fields.len())
    }

    /// Adds the field `name` of the element at `element` to the innermost map.
    pub(super) fn add(
        &mut self,
        first: First,
        element: usize,
        name: &[u8],
        is_id: bool,
        writer: &Writer,
    ) -> Added {
        let before = self.find(first, name, writer);
        let index = self.fields.len();
        if let Some((of, names)) = self.large.last_mut()
            && *of == first
        {
            names.insert(name.into(), index);
        }
        self.fields.push(Field {
            element,
            name_bytes: name.len(),
            is_id,
            overtaken: false,
        });
        let Some(before) = before else {
            return Added::Counts;
        };
        let before = &mut self.fields[before];
        before.overtaken = true;
        if before.is_id == is_id {
            Added::Counts
        } else {
            Added::BesideId
        }
    }

    /// The last field of this name in the innermost map.
    fn find(&mut self, first: First, name: &[u8], writer: &Writer) -> Option<usize> {
        let count = self.fields.len() - first.0;
        let is_large = self.large.last().is_some_and(|(of, _)| *of == first);
        if count >= LOOKED_UP && !is_large {
            let names = (first.0..self.fields.len()).map(|index| {
                let name = self.fields[index].name(writer);
                (name.into(), index)
            });
            let names = names.collect();
            self.large.push((first, names));
        }
        match self.large.last() {
            Some((of, names)) if *of == first => names.get(name).copied(),
            _ => (first.0..self.fields.len()).rev().find(|index| {
                let field = &self.fields[*index];
                field.name_bytes == name.len() && field.name(writer) == name
            }),
        }
    }

    /// The innermost map ends: fields that were overtaken are taken out of it.
    pub(super) fn end(&mut self, first: First, writer: &mut Writer) {
        if self.large.last().is_some_and(|(of, _)| *of == first) {
            self.large.pop();
        }
        let fields = &self.fields[first.0..];
        if fields.iter().any(|field| field.overtaken) {
            let ends = fields.iter().skip(1).map(|next| next.element);
            let ends = ends.chain([writer.len()]);
            let overtaken = fields.iter().zip(ends).filter(|(field, _)| field.overtaken);
            let ranges: Vec<_> = overtaken.map(|(field, end)| field.element..end).collect();
            writer.remove(&ranges);
        }
        self.fields.truncate(first.0);
    }
}

impl Field {
    fn name<'a>(&self, writer: &'a Writer) -> &'a [u8] {
        let start = self.element + 1;
        writer.bytes(start..start + self.name_bytes)
    }
}
