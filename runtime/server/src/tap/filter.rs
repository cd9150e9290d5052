//! Which records are shown.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tamis_config::spec::{Among, WhenSpec};
use tamis_core::Condition;
use tamis_core::sink::Record;

/// What a record must be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Filter {
    /// Its value has this in it.
    Text(String),
    /// This field of it is this.
    Field { pointer: String, is: String },
}

impl Filter {
    /// What a person wrote.
    pub(super) fn of(text: &str) -> Self {
        match text.split_once('=') {
            Some((pointer, is)) if pointer.starts_with('/') => Self::Field {
                pointer: pointer.to_owned(),
                is: is.to_owned(),
            },
            _ => Self::Text(text.to_owned()),
        }
    }

    /// What finds out.
    pub(super) fn condition(self) -> Arc<dyn Condition> {
        match self {
            Self::Text(text) => Arc::new(Text(text.into_bytes())),
            Self::Field { pointer, is } => tamis_connect::condition::condition(&WhenSpec {
                field: pointer,
                among: Among::These(vec![is]),
            }),
        }
    }
}

struct Text(Vec<u8>);

impl Condition for Text {
    fn holds(&self, record: Record<'_>) -> bool {
        let Self(text) = self;
        let find = |value| memchr::memmem::find(value, text).is_some();
        record.value().is_some_and(find)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_and_a_value_are_a_field_and_all_else_is_text() {
        let field = |pointer: &str, is: &str| Filter::Field {
            pointer: pointer.to_owned(),
            is: is.to_owned(),
        };
        let text = |text: &str| Filter::Text(text.to_owned());
        let check = |given: &str, expected: Filter| assert_eq!(Filter::of(given), expected);
        check("/Type=error", field("/Type", "error"));
        check("/Field/a=b=c", field("/Field/a", "b=c"));
        check("/Type=", field("/Type", ""));
        check("/api/v1", text("/api/v1"));
        check("a=b", text("a=b"));
    }
}
