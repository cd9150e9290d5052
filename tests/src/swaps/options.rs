//! What a proof of swaps is asked for.

use std::fmt;
use std::time::Duration;

/// How often is swapped, while how much flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Versions that are tried, one after the other.
    pub swaps: usize,
    /// From one to the next; longer where one takes longer.
    pub pace: Duration,
    /// How often the process is killed while a version is on its way.
    pub kills: usize,
    /// At least so many records flow.
    pub records: u64,
    /// At most so many a second; as many as there is room for where it is 0.
    pub rate: u64,
    /// Whether only good versions come, a few of them in turn: then nothing differs but time.
    pub is_calm: bool,
    /// Decides what happens when.
    pub seed: u64,
}

/// Each makes two or three entries of the history, which keeps 900.
const SWAPS_MAX: usize = 300;

/// How options are given.
const USAGE: &str = "\
usage: prove SWAPS=200 [PACE_MS=1000] [KILLS=10] [RECORDS=0] [RATE=0] [CALM=0] [SEED=…]
A name without a value keeps its default.";

impl Options {
    /// The defaults, with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            swaps: 200,
            pace: Duration::from_secs(1),
            kills: 10,
            records: 0,
            rate: 0,
            is_calm: false,
            seed,
        }
    }

    /// Whether a proof can be made so.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        if self.is_calm && self.kills > 0 {
            return Err("CALM=1 kills no one: say KILLS=0".to_owned());
        }
        if !self.is_calm && self.swaps > SWAPS_MAX {
            return Err(format!(
                "more than SWAPS={SWAPS_MAX} are more than the history keeps; say CALM=1"
            ));
        }
        Ok(())
    }

    /// Sets what `NAME=VALUE` says.
    ///
    /// # Errors
    /// Where that is no option, or not its value; says how options are given.
    pub fn set(&mut self, assignment: &str) -> Result<(), String> {
        let wrong =
            || format!("{assignment}: no option of a proof of swaps, or not its value\n{USAGE}");
        let (name, value) = assignment.split_once('=').ok_or_else(wrong)?;
        if value.is_empty() {
            return Ok(());
        }
        let number: u64 = value.parse().map_err(|_| wrong())?;
        let count = usize::try_from(number).map_err(|_| wrong())?;
        match name {
            "SWAPS" => self.swaps = count,
            "PACE_MS" => self.pace = Duration::from_millis(number),
            "KILLS" => self.kills = count,
            "RECORDS" => self.records = number,
            "RATE" => self.rate = number,
            "CALM" => self.is_calm = number != 0,
            "SEED" => self.seed = number,
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

impl fmt::Display for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            swaps,
            pace,
            kills,
            records,
            rate,
            is_calm,
            seed,
        } = self;
        let (pace, is_calm) = (pace.as_millis(), u8::from(*is_calm));
        write!(
            out,
            "SWAPS={swaps} PACE_MS={pace} KILLS={kills} RECORDS={records} RATE={rate} CALM={is_calm} SEED={seed}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_given_again_and_what_is_no_option_is_refused() {
        let mut options = Options::new(7);
        for assignment in ["SWAPS=3", "KILLS=", "CALM=1", "PACE_MS=5", "RATE=9"] {
            options.set(assignment).unwrap();
        }
        let mut again = Options::new(0);
        for assignment in options.to_string().split(' ') {
            again.set(assignment).unwrap();
        }
        assert_eq!((again, again.kills), (options, 10));
        for wrong in ["SWAP=1", "SWAPS", "SWAPS=-1"] {
            assert!(options.set(wrong).unwrap_err().contains("usage"));
        }
    }
}
