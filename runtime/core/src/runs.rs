//! The runs of one partition, from the cut to the moment they are seen: staged, committed, revealed.
//!
//! | a run is           | on the disk                     | in the group             | after a crash              |
//! |--------------------|---------------------------------|--------------------------|----------------------------|
//! | open               | files without a manifest        | nothing                  | discarded, read again      |
//! | staged             | files and a manifest            | nothing                  | discarded, read again      |
//! | committed          | files and a manifest            | its end and its name     | revealed by the next owner |
//! | revealed           | files in their place and a mark | its end and its name     | named no longer            |
//! | named no longer    | files in their place and a mark | its end, or a later one  | the mark is discarded      |
//! | over               | files in their place            | its end, or a later one  | nothing is left to do      |
//!
//! So a run that is named and has neither manifest nor mark is lost. Only an owner discards, and who is the owner is known by
//! the group alone: an owner before that knows nothing of its end yet may do all of this at the same time. Hence an owner notes what
//! is there before it reads, and discards that once a commit of its own was taken: then no owner before can commit any more.

use std::collections::VecDeque;
use std::fmt::Write;

use crate::sink::StagedRun;

/// A run of the sink with this name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamedRun {
    pub(crate) sink: String,
    pub(crate) run: StagedRun,
}

/// What a checkpoint says beside its offset, in the form `tamis/2 SINK/RUN SINK/RUN …`: runs whose end is committed with it and
/// that may not be seen yet. Empty where there are none.
pub(crate) mod metadata {
    use super::{NamedRun, StagedRun, Write};

    /// Names the form; its number is the version.
    const FORM: &str = "tamis/";
    const VERSION: &str = "2";
    /// It said the same, but its writers left no mark of a run that was shown.
    const WITHOUT_MARKS: &str = "1";
    /// Bytes that a broker takes by default (`offset.metadata.max.bytes`).
    pub(crate) const BYTES_MAX: usize = 4096;

    pub(crate) fn write(runs: &[NamedRun]) -> String {
        let mut text = String::new();
        if !runs.is_empty() {
            text = format!("{FORM}{VERSION}");
        }
        for NamedRun { sink, run } in runs {
            write!(text, " {sink}/{}", run.0).expect("a string takes everything");
        }
        text
    }

    /// What a commit names.
    #[derive(Debug, Default, PartialEq, Eq)]
    pub(crate) struct Named {
        pub(crate) runs: Vec<NamedRun>,
        /// Whether there is a trace of each of them, so that one without is lost. If not, it may have been shown just as well.
        pub(crate) leave_marks: bool,
    }

    /// The runs in `text`; none in what others wrote.
    ///
    /// # Errors
    /// What is wrong with `text`.
    pub(crate) fn read(text: &str) -> Result<Named, String> {
        let Some(text) = text.strip_prefix(FORM) else {
            return Ok(Named::default());
        };
        let mut words = text.split(' ');
        let leave_marks = match words.next() {
            Some(VERSION) => true,
            Some(WITHOUT_MARKS) => false,
            version => {
                return Err(format!(
                    "its metadata has version {:?}, which this version of tamis does not know",
                    version.unwrap_or_default()
                ));
            }
        };
        let runs = words.map(run).collect::<Result<_, _>>()?;
        Ok(Named { runs, leave_marks })
    }

    fn run(word: &str) -> Result<NamedRun, String> {
        let (sink, run) = word
            .split_once('/')
            .ok_or_else(|| format!("its metadata has {word:?}, which names no run"))?;
        Ok(NamedRun {
            sink: sink.to_owned(),
            run: StagedRun(run.to_owned()),
        })
    }
}

/// The runs of one generation of a partition.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// Not committed yet, oldest first.
    cuts: VecDeque<Cut>,
    /// Committed, and not yet seen.
    revealing: Vec<NamedRun>,
}

/// One offset range in all sinks with runs.
#[derive(Debug)]
struct Cut {
    next: u64,
    /// Whether a sink takes part in it.
    has_sinks: bool,
    /// Sinks that have not made their part safe yet.
    unstaged: usize,
    runs: Vec<NamedRun>,
}

impl Runs {
    /// Notes that what came of the offsets below `next` and of no run before is a run of `sinks` sinks.
    pub(crate) fn cut(&mut self, next: u64, sinks: usize) {
        self.cuts.push_back(Cut {
            next,
            has_sinks: sinks > 0,
            unstaged: sinks,
            runs: Vec::new(),
        });
    }

    /// Notes that one more sink made its part of the run that ends at `next` safe; `None` where that part is empty.
    pub(crate) fn staged(&mut self, next: u64, run: Option<NamedRun>) {
        let index = self
            .cuts
            .binary_search_by_key(&next, |cut| cut.next)
            .expect("a run is staged once, after it was cut");
        let cut = &mut self.cuts[index];
        cut.unstaged -= 1;
        cut.runs.extend(run);
    }

    /// The longest prefix of runs that are staged, hold nothing unsettled, and can be named in one commit: its end and its
    /// names. Nothing is committed until what was committed before is seen.
    pub(crate) fn ready(&self, settled: u64) -> Option<(u64, Vec<NamedRun>)> {
        if self.is_revealing() {
            return None;
        }
        let mut ready: Option<(u64, Vec<NamedRun>)> = None;
        for cut in &self.cuts {
            if cut.unstaged > 0 || cut.next > settled {
                break;
            }
            let mut names = ready
                .as_ref()
                .map(|(_, names)| names.clone())
                .unwrap_or_default();
            names.extend(cut.runs.iter().cloned());
            // A single cut of too many sinks is left to the broker, which may take more.
            if ready.is_some() && metadata::write(&names).len() > metadata::BYTES_MAX {
                break;
            }
            ready = Some((cut.next, names));
        }
        ready
    }

    /// Notes that the end of all runs up to `next` is committed.
    pub(crate) fn committed(&mut self, next: u64) {
        while let Some(cut) = self.cuts.pop_front_if(|cut| cut.next <= next) {
            self.revealing.extend(cut.runs);
        }
    }

    /// What is committed and not yet seen.
    pub(crate) fn to_reveal(&self) -> &[NamedRun] {
        &self.revealing
    }

    pub(crate) fn is_revealing(&self) -> bool {
        !self.revealing.is_empty()
    }

    /// Notes that `done` can be seen: what was committed meanwhile is not.
    pub(crate) fn revealed(&mut self, done: &[NamedRun]) {
        self.revealing.retain(|run| !done.contains(run));
    }

    /// Runs that hold something and that no one has committed.
    pub(crate) fn uncommitted(&self) -> usize {
        self.cuts.iter().filter(|cut| !cut.runs.is_empty()).count()
    }

    /// Whether there is a run that no one has committed, if only one without a name.
    pub(crate) fn is_behind(&self) -> bool {
        self.cuts.iter().any(|cut| cut.has_sinks)
    }

    /// Whether a sink has yet to make something safe.
    pub(crate) fn is_staging(&self) -> bool {
        self.cuts.iter().any(|cut| cut.unstaged > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::metadata::Named;
    use super::*;
    use crate::oracle;

    fn run(sink: &str, name: &str) -> NamedRun {
        NamedRun {
            sink: sink.to_owned(),
            run: StagedRun(name.to_owned()),
        }
    }

    #[test]
    fn the_metadata_of_all_versions_is_read() {
        let runs = [run("archive", "a-1"), run("copy", "b-2")];
        assert_eq!(metadata::write(&runs), "tamis/2 archive/a-1 copy/b-2");
        for (version, leave_marks) in [(1, false), (2, true)] {
            let text = format!("tamis/{version} archive/a-1 copy/b-2");
            let runs = runs.to_vec();
            assert_eq!(metadata::read(&text), Ok(Named { runs, leave_marks }));
        }
        assert_eq!(metadata::write(&[]), "");
        assert_eq!(metadata::read(""), Ok(Named::default()));
        let others = metadata::read("what another consumer wrote");
        assert_eq!(others, Ok(Named::default()));
        let error = metadata::read("tamis/3 archive/a-1").unwrap_err();
        assert!(error.contains("version \"3\""), "{error}");
        assert!(metadata::read("tamis/2 archive").is_err());
    }

    proptest! {
        #[test]
        fn the_metadata_is_refused_or_says_the_same_once_more(text in "tamis/[0-3]?( ?[a-zé/-]{0,9}){0,4}") {
            oracle::metadata(text.as_bytes());
        }
    }

    #[test]
    fn a_run_is_ready_once_all_its_sinks_staged_it_and_all_in_it_is_settled() {
        let mut runs = Runs::default();
        runs.cut(10, 2);
        runs.cut(20, 1);
        runs.staged(10, Some(run("a", "1")));
        runs.staged(20, None);
        assert_eq!((runs.ready(20), runs.is_staging()), (None, true));
        runs.staged(10, None);
        assert_eq!((runs.ready(9), runs.is_staging()), (None, false));
        assert_eq!(runs.ready(10), Some((10, vec![run("a", "1")])));
        assert_eq!(runs.ready(20), Some((20, vec![run("a", "1")])));
    }

    #[test]
    fn nothing_more_is_ready_until_what_is_committed_is_seen() {
        let mut runs = Runs::default();
        for next in [10, 20] {
            runs.cut(next, 1);
            runs.staged(next, Some(run("a", &next.to_string())));
        }
        runs.committed(10);
        assert_eq!(runs.to_reveal(), [run("a", "10")]);
        assert_eq!(runs.ready(20), None);
        runs.revealed(&[run("a", "10")]);
        assert_eq!(runs.ready(20), Some((20, vec![run("a", "20")])));
    }

    #[test]
    fn what_is_committed_while_others_are_shown_is_still_to_be_shown() {
        let mut runs = Runs::default();
        for next in [10, 20] {
            runs.cut(next, 1);
            runs.staged(next, Some(run("a", &next.to_string())));
        }
        runs.committed(10);
        let showing = runs.to_reveal().to_vec();
        // It was asked for before the answer to the commit of 10 came.
        runs.committed(20);
        runs.revealed(&showing);
        assert_eq!(runs.to_reveal(), [run("a", "20")]);
    }

    #[test]
    fn one_commit_names_no_more_than_its_metadata_holds() {
        let mut runs = Runs::default();
        let name = "x".repeat(1000);
        for next in 1..=6 {
            runs.cut(next, 1);
            runs.staged(next, Some(run("a", &name)));
        }
        let (next, names) = runs.ready(6).expect("runs are ready");
        assert_eq!((next, names.len()), (4, 4));
        assert!(metadata::write(&names).len() <= metadata::BYTES_MAX);
    }
}
