//! What librdkafka knows of its place in the group, from its statistics.

use serde::Deserialize;

/// The part of the statistics that is of interest: the rest is passed over.
#[derive(Deserialize)]
struct Statistics {
    cgrp: Option<Group>,
}

/// A consumer's view of its group.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Group {
    /// Whether the coordinator is known and reached.
    state: String,
    /// Where in a rebalance it is.
    join_state: String,
}

impl Group {
    /// What `statistics` say of it; `None` where they say nothing.
    pub(super) fn read(statistics: &[u8]) -> Option<Self> {
        let statistics: Statistics = serde_json::from_slice(statistics).ok()?;
        statistics.cgrp
    }

    /// Whether the coordinator is there, and there is no rebalance.
    pub(super) fn is_member(&self) -> bool {
        self.state == "up" && self.join_state == "steady"
    }

    /// In librdkafka's words.
    pub(super) fn says(&self) -> String {
        format!("coordinator {}, {}", self.state, self.join_state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_a_coordinator_and_is_in_no_rebalance() {
        let check = |state, join_state, expected| {
            let statistics = format!(
                r#"{{ "name": "tamis", "topics": {{}}, "cgrp": {{ "state": "{state}", "stateage": 1, "join_state": "{join_state}" }} }}"#
            );
            let group = Group::read(statistics.as_bytes()).unwrap();
            assert_eq!(group.is_member(), expected, "{}", group.says());
        };
        check("up", "steady", true);
        check("up", "wait-join", false);
        check("wait-broker-transport", "steady", false);
        assert_eq!(Group::read(br#"{ "name": "tamis" }"#), None);
        assert_eq!(Group::read(b"{"), None);
    }
}
