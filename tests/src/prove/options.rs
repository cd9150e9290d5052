//! What a proof is asked for.

use std::fmt;

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
    /// How often a member is stopped until the group has gone on without it, and then goes on itself.
    pub freezes: usize,
    /// Members have names that outlive them from half way on.
    pub is_static: bool,
    /// Into a topic, in transactions, rather than into files.
    pub transactional: bool,
    /// Decides what happens when.
    pub seed: u64,
}

/// How options are given.
const USAGE: &str = "\
usage: prove [RECORDS=200000] [KILLS=10] [REBALANCES=4] [BROKER_KILLS=1] [FREEZES=1] \
[STATIC=1] [TRANSACTIONAL=0] [SEED=…]
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
            freezes: 1,
            is_static: true,
            transactional: false,
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
        let number: u64 = value.parse().map_err(|_| wrong())?;
        let count = usize::try_from(number).map_err(|_| wrong())?;
        match name {
            "RECORDS" => self.records = count,
            "KILLS" => self.kills = count,
            "REBALANCES" => self.rebalances = count,
            "BROKER_KILLS" => self.broker_kills = count,
            "FREEZES" => self.freezes = count,
            "STATIC" => self.is_static = number != 0,
            "TRANSACTIONAL" => self.transactional = number != 0,
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
            freezes,
            is_static,
            transactional,
            seed,
        } = self;
        let [is_static, transactional] = [is_static, transactional].map(|it| u8::from(*it));
        write!(
            out,
            "RECORDS={records} KILLS={kills} REBALANCES={rebalances} BROKER_KILLS={broker_kills} \
             FREEZES={freezes} STATIC={is_static} TRANSACTIONAL={transactional} SEED={seed}"
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
        options.set("TRANSACTIONAL=1").unwrap();
        options.set("STATIC=0").unwrap();
        let mut again = Options::new(0);
        for assignment in options.to_string().split(' ') {
            again.set(assignment).unwrap();
        }
        assert_eq!((again, again.kills), (options, 3));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for wrong in ["KILL=1", "KILLS", "KILLS=some", "KILLS=-1"] {
            assert!(Options::new(0).set(wrong).unwrap_err().contains("usage"));
        }
    }
}
