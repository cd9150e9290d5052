//! The destinations that the records of one sink have named lately: indexes, collections, tables. There are not more of them
//! than the configuration allows.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tamis_config::template::{Part, Template};
use tamis_core::sink::Record;
use tokio::time::Instant;

use crate::template::Filling;

/// How long a destination counts that no record names any more.
const UNUSED_MAX: Duration = Duration::from_hours(1);

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

    /// Whether a person named them: what is wrong with one is wrong with the configuration, then, and not with a record.
    pub(crate) fn are_fixed(&self) -> bool {
        self.template.is_fixed()
    }

    /// Whether records choose them by what is in them. Those named by time alone are the configuration's doing: a missing right to
    /// one of them is not a record's fault, and there are not many at a time.
    pub(crate) fn are_of_data(&self) -> bool {
        let is_data = |part: &Part| matches!(part, Part::Field(_) | Part::Route);
        self.template.parts.iter().any(is_data)
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
        if self.are_fixed() {
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
        // A backlog of days has many hours in it, one after the other.
        if named.len() >= self.max
            && !self.are_of_data()
            && let Some(oldest) = oldest(&named)
        {
            named.remove(&oldest);
        }
        if named.len() >= self.max {
            let max = self.max;
            return Err(format!(
                "{name} is one more than the {max} destinations that records may name"
            ));
        }
        named.insert(name.to_owned(), now);
        Ok(())
    }

    /// Forgets a destination that the store refused: a name that means nothing does not keep others out.
    pub(crate) fn forget(&self, name: &str) {
        let mut named = self.named.lock().expect("no one panics while looking");
        named.remove(name);
    }
}

fn oldest(named: &HashMap<String, Instant>) -> Option<String> {
    let oldest = named.iter().min_by_key(|(_, last)| **last)?;
    Some(oldest.0.clone())
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
        destinations.forget("c");
        assert_eq!(admit("b", UNUSED_MAX), Ok(()));
    }

    #[test]
    fn those_named_by_time_make_room_for_each_other() {
        let template = Template::parse("logs-{time:%H}").unwrap();
        let destinations = Destinations::new(&template, 2);
        for hour in 0..24 {
            let name = format!("logs-{hour}");
            assert_eq!(destinations.admit(&name, Instant::now()), Ok(()));
        }
        assert_eq!(destinations.named.lock().unwrap().len(), 2);
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
