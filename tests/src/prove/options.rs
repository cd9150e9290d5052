//! What a proof is asked for.

use std::fmt;
use std::str::FromStr;

use super::stores::Kind;

/// Where records go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Files, shown after the commit.
    Files,
    /// A topic, in transactions.
    Kafka,
    /// An index for each minute.
    Elasticsearch,
    /// A collection for each partition.
    Mongodb,
    /// A table for each minute.
    Mysql,
    /// All three stores at once.
    All,
}

/// How they are named.
const SINKS: [(&str, Sink); 6] = [
    ("files", Sink::Files),
    ("kafka", Sink::Kafka),
    ("elasticsearch", Sink::Elasticsearch),
    ("mongodb", Sink::Mongodb),
    ("mysql", Sink::Mysql),
    ("all", Sink::All),
];

impl Sink {
    /// The stores whose servers are the proof's own.
    pub(super) fn stores(self) -> &'static [Kind] {
        match self {
            Self::Files | Self::Kafka => &[],
            Self::Elasticsearch => &[Kind::Elasticsearch],
            Self::Mongodb => &[Kind::Mongodb],
            Self::Mysql => &[Kind::Mysql],
            Self::All => &[Kind::Elasticsearch, Kind::Mongodb, Kind::Mysql],
        }
    }
}

impl FromStr for Sink {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let found = SINKS.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, sink)| sink).ok_or(())
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = SINKS.into_iter().find(|(_, sink)| sink == self);
        out.write_str(named.map_or("", |(name, _)| name))
    }
}

/// How much is done to how many records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Records in the topic.
    pub records: usize,
    /// Members that are killed, in each window in turn.
    pub kills: usize,
    /// How often a member joins and one leaves.
    pub rebalances: usize,
    /// How often the broker is killed.
    pub broker_kills: usize,
    /// How often the server of each store is killed, where there are any.
    pub server_kills: usize,
    /// How often a member is stopped until the group has gone on without it, and then goes on itself.
    pub freezes: usize,
    /// Members have names that outlive them from half way on.
    pub is_static: bool,
    /// Where records go to.
    pub sink: Sink,
    /// Decides what happens when.
    pub seed: u64,
}

/// How options are given.
const USAGE: &str = "\
usage: prove [SINK=files|kafka|elasticsearch|mongodb|mysql|all] [RECORDS=200000] [KILLS=10] [REBALANCES=4] \
[BROKER_KILLS=1] [SERVER_KILLS=3] [FREEZES=1] [STATIC=1] [SEED=…]
A name without a value keeps its default.";

impl Options {
    /// The defaults, with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            records: 200_000,
            kills: 10,
            rebalances: 4,
            broker_kills: 1,
            server_kills: 3,
            freezes: 1,
            is_static: true,
            sink: Sink::Files,
            seed,
        }
    }

    /// Sets what `NAME=VALUE` says.
    ///
    /// # Errors
    /// Where that is no option, or not its value; says how options are given.
    pub fn set(&mut self, assignment: &str) -> Result<(), String> {
        let wrong = || format!("{assignment}: no option of a proof, or not its value\n{USAGE}");
        let (name, value) = assignment.split_once('=').ok_or_else(wrong)?;
        if value.is_empty() {
            return Ok(());
        }
        if name == "SINK" {
            self.sink = value.parse().map_err(|()| wrong())?;
            return Ok(());
        }
        let number: u64 = value.parse().map_err(|_| wrong())?;
        let count = usize::try_from(number).map_err(|_| wrong())?;
        match name {
            "RECORDS" => self.records = count,
            "KILLS" => self.kills = count,
            "REBALANCES" => self.rebalances = count,
            "BROKER_KILLS" => self.broker_kills = count,
            "SERVER_KILLS" => self.server_kills = count,
            "FREEZES" => self.freezes = count,
            "STATIC" => self.is_static = number != 0,
            "SEED" => self.seed = number,
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

impl fmt::Display for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            records,
            kills,
            rebalances,
            broker_kills,
            server_kills,
            freezes,
            is_static,
            sink,
            seed,
        } = self;
        let is_static = u8::from(*is_static);
        write!(
            out,
            "SINK={sink} RECORDS={records} KILLS={kills} REBALANCES={rebalances} BROKER_KILLS={broker_kills} \
             SERVER_KILLS={server_kills} FREEZES={freezes} STATIC={is_static} SEED={seed}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_given_again() {
        let mut options = Options::new(7);
        options.set("KILLS=3").unwrap();
        options.set("RECORDS=").unwrap();
        options.set("SINK=all").unwrap();
        options.set("SERVER_KILLS=2").unwrap();
        options.set("STATIC=0").unwrap();
        let mut again = Options::new(0);
        for assignment in options.to_string().split(' ') {
            again.set(assignment).unwrap();
        }
        assert_eq!((again, again.kills), (options, 3));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for wrong in ["KILL=1", "KILLS", "KILLS=some", "KILLS=-1", "SINK=file"] {
            assert!(Options::new(0).set(wrong).unwrap_err().contains("usage"));
        }
    }
}
