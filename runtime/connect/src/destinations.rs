//! The destinations of one sink: indexes, collections, tables. Of those that records name there are not more than the
//! configuration allows, and who named one is to blame for it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tamis_config::template::{Part, Template};
use tamis_core::sink::{Record, SinkError};
use tokio::time::Instant;

use crate::template::Filling;

/// How long a destination counts that no record names any more.
const UNUSED_MAX: Duration = Duration::from_hours(1);
/// How many times as many there may be of those that a time alone tells apart.
const BACKLOG: usize = 16;

/// The destinations of one sink.
#[derive(Debug)]
pub(crate) struct Destinations {
    template: Template,
    max: usize,
    /// When each was named last.
    named: Mutex<HashMap<String, Instant>>,
}

impl Destinations {
    /// Those that `template` names, at most `max` within an hour.
    pub(crate) fn new(template: &Template, max: usize) -> Self {
        Self {
            template: template.clone(),
            max,
            named: Mutex::default(),
        }
    }

    /// The one that all records have, if there is but one.
    pub(crate) fn only(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Topic | Part::Partition | Part::Time(_) | Part::Field(_) | Part::Route => None,
        };
        self.template.parts.iter().map(text).collect()
    }

    /// Whether records choose them by what is in them.
    fn are_of_data(&self) -> bool {
        let is_data = |part: &Part| matches!(part, Part::Field(_) | Part::Route);
        self.template.parts.iter().any(is_data)
    }

    /// What it means that no destination such as `name` is allowed or made, which these `words` say: why its records are dead letters,
    /// if they chose it.
    ///
    /// # Errors
    /// If the configuration did: a person has to mend it, and no other record would fare better.
    pub(crate) fn refuse(&self, name: &str, words: String) -> Result<String, SinkError> {
        if !self.are_of_data() {
            return Err(SinkError::Misconfigured(words.into()));
        }
        self.forget(name);
        Ok(words)
    }

    /// What it means that just `name` is not there, takes no more, or is not as it should be, which these `words` say: why the records
    /// for it are dead letters. That is so for a time as well: one machine whose clock is wrong must not stop all others.
    ///
    /// # Errors
    /// If there are no others like it.
    #[cfg(any(feature = "elasticsearch", feature = "mysql"))]
    pub(crate) fn refuse_one(&self, name: &str, words: String) -> Result<String, SinkError> {
        if self.template.is_fixed() {
            return Err(SinkError::Misconfigured(words.into()));
        }
        self.forget(name);
        Ok(words)
    }

    /// A name that means nothing does not keep others out.
    fn forget(&self, name: &str) {
        let mut named = self.named.lock().expect("no one panics while looking");
        named.remove(name);
    }

    /// The destination of `record`.
    ///
    /// # Errors
    /// Why it has none: it lacks what the template names, or would be one too many.
    pub(crate) fn of(&self, record: Record<'_>) -> Result<String, String> {
        let name = Filling::of(record).text(&self.template);
        let name = name.map_err(|part| format!("the record has no {part}"))?;
        self.admit(&name, Instant::now())?;
        Ok(name)
    }

    fn admit(&self, name: &str, now: Instant) -> Result<(), String> {
        // There is one for each topic, and not more topics than a person subscribes to.
        if self.template.is_fixed() {
            return Ok(());
        }
        let mut named = self.named.lock().expect("no one panics while looking");
        if let Some(last) = named.get_mut(name) {
            *last = now;
            return Ok(());
        }
        if named.len() >= self.max {
            named.retain(|_, last| now.duration_since(*last) < UNUSED_MAX);
        }
        // A backlog of days has many hours in it.
        let max = if self.are_of_data() {
            self.max
        } else {
            self.max.saturating_mul(BACKLOG)
        };
        if named.len() >= max {
            return Err(format!(
                "{name} is one more than the {max} destinations that records may name"
            ));
        }
        named.insert(name.to_owned(), now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_bounded_until_some_are_not_named_any_more() {
        let template = Template::parse("logs-{field:/a}").unwrap();
        let destinations = Destinations::new(&template, 2);
        let start = Instant::now();
        let admit = |name: &str, after: Duration| destinations.admit(name, start + after);
        assert_eq!(admit("a", Duration::ZERO), Ok(()));
        assert_eq!(admit("b", Duration::ZERO), Ok(()));
        assert!(admit("c", Duration::ZERO).is_err());
        assert_eq!(admit("a", UNUSED_MAX / 2), Ok(()));
        assert_eq!(
            admit("c", UNUSED_MAX),
            Ok(()),
            "b has not been named for an hour"
        );
        assert!(admit("b", UNUSED_MAX).is_err());
        let refused = destinations.refuse("c", "no right".to_owned());
        assert_eq!(refused.unwrap(), "no right");
        assert_eq!(admit("b", UNUSED_MAX), Ok(()));
    }

    #[test]
    fn who_named_a_destination_is_to_blame_for_it() {
        for (template, only, is_of_data) in [
            ("logs", Some("logs"), false),
            ("logs-{topic}.{partition}", None, false),
            ("logs-{time:%Y}", None, false),
            ("{topic}-{time:%Y}-{route}", None, true),
            ("logs-{field:/a}", None, true),
        ] {
            let destinations = Destinations::new(&Template::parse(template).unwrap(), 2);
            assert_eq!(destinations.only().as_deref(), only, "{template}");
            match destinations.refuse("logs", "no right".to_owned()) {
                Ok(words) => assert_eq!((is_of_data, &*words), (true, "no right")),
                Err(SinkError::Misconfigured(error)) => {
                    assert_eq!((is_of_data, &*error.to_string()), (false, "no right"));
                }
                Err(error) => panic!("{template}: {error:?}"),
            }
        }
    }

    #[test]
    fn there_is_room_for_a_backlog_and_not_for_any_time_that_records_make_up() {
        let template = Template::parse("logs-{time:%Y-%m-%d}").unwrap();
        let destinations = Destinations::new(&template, 2);
        let admit = |day: usize| destinations.admit(&format!("logs-{day}"), Instant::now());
        assert!((0..2 * BACKLOG).all(|day| admit(day).is_ok()));
        assert!(admit(2 * BACKLOG).is_err());
    }

    #[test]
    fn one_that_is_missing_stops_only_where_there_are_no_others() {
        for (template, stops) in [
            ("logs", true),
            ("logs-{topic}", true),
            ("logs-{time:%Y}", false),
            ("logs-{field:/a}", false),
        ] {
            let destinations = Destinations::new(&Template::parse(template).unwrap(), 2);
            let refused = destinations.refuse_one("logs", "missing".to_owned());
            assert_eq!(refused.is_err(), stops, "{template}");
        }
    }

    #[test]
    fn one_that_a_person_named_is_not_counted() {
        let template = Template::parse("logs").unwrap();
        let destinations = Destinations::new(&template, 1);
        for name in ["a", "b"] {
            assert_eq!(destinations.admit(name, Instant::now()), Ok(()));
        }
    }
}
