//! One pipeline of this process, for whoever looks at it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tamis_core::snapshot::{Cause, Plugin, Snapshot, State, Unready};
use tamis_core::{Monitor, PipelineError, Summary};
use tokio::sync::watch;

use super::status::{Deployed, Status};

/// A pipeline from before it is loaded until after it has ended.
#[derive(Debug)]
pub(crate) struct Watched {
    name: String,
    now: Mutex<Now>,
    has_ended: watch::Sender<bool>,
}

#[derive(Debug)]
struct Now {
    life: Life,
    deployed: Vec<Deployed>,
    on_probation: Option<Vec<String>>,
    waiting: Option<Vec<String>>,
}

#[derive(Debug)]
enum Life {
    /// What is being done until it runs.
    Starting(&'static str),
    Running(Monitor),
    Ended {
        monitor: Monitor,
        end: End,
    },
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// There was nothing left to do.
    Complete,
    /// It was told to.
    Stopped,
    Failed(String),
}

impl End {
    fn of(ended: &Result<Summary, PipelineError>, was_stopped: bool) -> Self {
        match ended {
            Ok(_) if was_stopped => Self::Stopped,
            Ok(_) => Self::Complete,
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

impl Watched {
    /// The pipeline of this name, which does not run yet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            now: Mutex::new(Now {
                life: Life::Starting("its plugins are being loaded"),
                deployed: Vec::new(),
                on_probation: None,
                waiting: None,
            }),
            has_ended: watch::Sender::new(false),
        }
    }

    /// What the pipeline is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Notes what is being done until it runs.
    pub(crate) fn starts(&self, what: &'static str) {
        self.lock().life = Life::Starting(what);
    }

    /// Notes that it runs.
    pub(crate) fn runs(&self, monitor: Monitor) {
        self.lock().life = Life::Running(monitor);
    }

    /// Notes how it ended.
    pub(crate) fn ended(&self, monitor: Monitor, ended: &Result<Summary, PipelineError>) {
        let end = End::of(ended, monitor.was_stopped());
        self.lock().life = Life::Ended { monitor, end };
        self.has_ended.send_replace(true);
    }

    /// Returns once that is noted.
    pub(crate) async fn end(&self) {
        let mut has_ended = self.has_ended.subscribe();
        let ended = has_ended.wait_for(|has_ended| *has_ended).await;
        ended.expect("whoever waits borrows who says it");
    }

    /// Notes which plugins it has, and which versions of them wait for what.
    pub(crate) fn deployed(
        &self,
        deployed: Vec<Deployed>,
        on_probation: Option<Vec<String>>,
        waiting: Option<Vec<String>>,
    ) {
        let mut now = self.lock();
        now.deployed = deployed;
        now.on_probation = on_probation;
        now.waiting = waiting;
    }

    /// The names of its plugins.
    pub(crate) fn plugins(&self) -> Vec<String> {
        let now = self.lock();
        now.deployed.iter().map(|it| it.name.clone()).collect()
    }

    /// What there is to say of it.
    pub(crate) fn status(&self) -> Status {
        let now = self.lock();
        let mut snapshot = match &now.life {
            Life::Starting(what) => starting(what),
            Life::Running(monitor) => monitor.snapshot(),
            Life::Ended { monitor, end } => ended(monitor.snapshot(), end),
        };
        arrange(&mut snapshot.plugins, &now.deployed);
        Status {
            pipeline: self.name.clone(),
            snapshot,
            deployed: now.deployed.clone(),
            on_probation: now.on_probation.clone(),
            waiting: now.waiting.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn starting(what: &str) -> Snapshot {
    let unready = Unready {
        cause: Cause::Starting,
        what: what.to_owned(),
    };
    Snapshot::not_begun(unready)
}

/// One that has done all that there was to do keeps no one from being ready.
fn ended(snapshot: Snapshot, end: &End) -> Snapshot {
    let (state, reason, what) = match end {
        End::Complete => (State::Stopped, None, None),
        End::Stopped => (State::Stopped, None, Some("it was told to stop".to_owned())),
        End::Failed(error) => {
            let what = format!("it failed: {error}");
            (State::Failed, Some(error.clone()), Some(what))
        }
    };
    let because = |what| Unready {
        cause: Cause::Stopped,
        what,
    };
    let unready: Vec<_> = what.map(because).into_iter().collect();
    Snapshot {
        state,
        reason,
        ready: unready.is_empty(),
        unready,
        ..snapshot
    }
}

/// Puts `plugins` in the order in which records meet them, with those that had no record yet; those that are there no longer are the
/// last.
fn arrange(plugins: &mut Vec<Plugin>, deployed: &[Deployed]) {
    for Deployed { name, version, .. } in deployed {
        let is_it = |it: &Plugin| it.name == *name && it.version == *version;
        if !plugins.iter().any(is_it) {
            plugins.push(Plugin {
                name: name.clone(),
                version: version.clone(),
                current: !plugins.iter().any(|it| it.name == *name && it.current),
                ..Plugin::default()
            });
        }
    }
    let place = |it: &Plugin| deployed.iter().position(|has| has.name == it.name);
    plugins.sort_by_key(|it| (place(it).unwrap_or(usize::MAX), it.name.clone()));
}

#[cfg(test)]
mod tests {
    use tamis_core::Totals;

    use super::*;

    #[test]
    fn only_a_pipeline_that_ends_by_itself_keeps_no_one_from_being_ready() {
        let check = |end: End, expected: Option<&str>| {
            let mut before = Snapshot::not_begun(Unready {
                cause: Cause::Draining,
                what: "it settles what is in flight, and ends".into(),
            });
            before.state = State::Draining;
            let after = ended(before, &end);
            let told: Vec<_> = after.unready.iter().map(|it| &*it.what).collect();
            assert_eq!(told, Vec::from_iter(expected));
            assert!(after.unready.iter().all(|it| it.cause == Cause::Stopped));
            assert_eq!(after.ready, expected.is_none());
        };
        check(End::Complete, None);
        check(End::Stopped, Some("it was told to stop"));
        check(End::Failed("no".into()), Some("it failed: no"));
    }

    #[test]
    fn whoever_is_told_to_stop_and_settles_all_has_not_ended_by_itself() {
        let ended = |unsettled| {
            let totals = Totals::default();
            Ok(Summary { totals, unsettled })
        };
        for unsettled in [0, 1] {
            assert_eq!(End::of(&ended(unsettled), true), End::Stopped);
        }
        assert_eq!(End::of(&ended(0), false), End::Complete);
    }

    #[test]
    fn plugins_are_in_their_order_whether_they_had_records_or_not() {
        let did = |name: &str, version: &str, current| Plugin {
            name: name.into(),
            version: version.into(),
            current,
            records: 7,
            ..Plugin::default()
        };
        let has = |name: &str, version: &str| Deployed {
            name: name.into(),
            version: version.into(),
            sha256: String::new(),
            path: String::new(),
        };
        let mut plugins = vec![
            did("a", "1", true),
            did("gone", "1", false),
            did("z", "1", false),
            did("z", "2", true),
        ];
        arrange(
            &mut plugins,
            &[has("z", "2"), has("new", "1"), has("a", "1")],
        );
        let told: Vec<_> = plugins
            .iter()
            .map(|it| (&*it.name, &*it.version, it.current, it.records))
            .collect();
        assert_eq!(
            told,
            [
                ("z", "1", false, 7),
                ("z", "2", true, 7),
                ("new", "1", true, 0),
                ("a", "1", true, 7),
                ("gone", "1", false, 7),
            ]
        );
    }
}
