//! Which records a sink takes by what is in them.

use std::sync::Arc;

use tamis_config::spec::{Among, WhenSpec};
use tamis_core::Condition;
use tamis_core::sink::Record;

use crate::field;

/// The condition that `spec` means.
#[must_use]
pub fn condition(spec: &WhenSpec) -> Arc<dyn Condition> {
    Arc::new(When(spec.clone()))
}

struct When(WhenSpec);

impl Condition for When {
    fn holds(&self, record: Record<'_>) -> bool {
        let WhenSpec { field, among } = &self.0;
        let value = record.value().and_then(|value| field::find(value, field));
        match among {
            Among::These(these) => value.is_some_and(|value| these.contains(&value)),
            Among::Others(others) => value.is_none_or(|value| !others.contains(&value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{partition, records};

    fn check(among: &Among, value: Option<&str>, expected: bool) {
        let value = value.map(str::as_bytes);
        let records = records(&partition("logs"), &[(0, -1, value)]);
        let spec = WhenSpec {
            field: "/Type".to_owned(),
            among: among.clone(),
        };
        let holds = condition(&spec).holds(records.iter().next().unwrap());
        assert_eq!(holds, expected, "{among:?} {value:?}");
    }

    #[test]
    fn a_record_is_taken_by_what_a_field_is() {
        let list = || vec!["error".to_owned(), "404".to_owned()];
        let values = [
            (Some(r#"{"Type":"error"}"#), true),
            (Some(r#"{"Type":404}"#), true),
            (Some(r#"{"Type":"info"}"#), false),
            (Some(r#"{"type":"error"}"#), false),
            (Some("no JSON"), false),
            (None, false),
        ];
        for (value, is_among) in values {
            check(&Among::These(list()), value, is_among);
            check(&Among::Others(list()), value, !is_among);
        }
    }
}
