//! What happens in which order.

use super::options::{Options, Sink};

/// One thing that is done to the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A member dies in this window.
    Kill(Window),
    /// A member joins, another one leaves.
    Rebalance,
    /// The broker dies and comes back.
    KillBroker,
    /// The server of the store with this number dies and comes back.
    KillServer(usize),
    /// A member is stopped for so long that the group gives its partitions away.
    Freeze,
    /// From here on members are static: each has a name of its own that outlives it.
    BecomeStatic,
}

/// When a member dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Window {
    /// At any moment.
    Random,
    /// A batch has been taken.
    Taken,
    /// Records are in a store, but not settled.
    Written,
    /// A run is safe, but not committed.
    Staged,
    /// The offsets of a run are in its transaction, which is not committed.
    Sent,
    /// A run is committed, but not visible.
    Committed,
    /// A run is visible.
    Revealed,
    /// It begins to let partitions go.
    Draining,
    /// A dead letter is stored, but its offset not committed.
    Buried,
}

/// Each once before any of them twice.
const WINDOWS: [Window; 9] = [
    Window::Written,
    Window::Sent,
    Window::Committed,
    Window::Random,
    Window::Staged,
    Window::Buried,
    Window::Revealed,
    Window::Taken,
    Window::Draining,
];

impl Window {
    /// The step in which it dies; none for any moment.
    pub(super) fn step(self) -> Option<&'static str> {
        Some(match self {
            Self::Random => return None,
            Self::Taken => "taken",
            Self::Written => "written",
            Self::Staged => "staged",
            Self::Sent => "sent",
            Self::Committed => "committed",
            Self::Revealed => "revealed",
            Self::Draining => "draining",
            Self::Buried => "buried",
        })
    }

    pub(super) fn name(self) -> &'static str {
        self.step().unwrap_or("random")
    }

    /// Whether it is one of records on their way into this sink.
    fn exists(self, sink: Sink) -> bool {
        let has_runs = sink.stores().is_empty();
        match self {
            Self::Committed | Self::Revealed => sink == Sink::Files,
            Self::Sent => sink == Sink::Kafka,
            Self::Staged => has_runs,
            Self::Written => !has_runs,
            Self::Random | Self::Taken | Self::Draining | Self::Buried => true,
        }
    }
}

/// All that is to be done, in an order that the seed decides; members become static half way, if they do.
pub(super) fn actions(options: Options) -> Vec<Action> {
    let windows = WINDOWS
        .into_iter()
        .filter(|window| window.exists(options.sink));
    let kills = windows.cycle().take(options.kills).map(Action::Kill);
    let rebalances = std::iter::repeat_n(Action::Rebalance, options.rebalances);
    let broker_kills = std::iter::repeat_n(Action::KillBroker, options.broker_kills);
    let stores = 0..options.sink.stores().len();
    let server_kills =
        stores.flat_map(|it| std::iter::repeat_n(Action::KillServer(it), options.server_kills));
    let freezes = std::iter::repeat_n(Action::Freeze, options.freezes);
    let others = rebalances
        .chain(broker_kills)
        .chain(server_kills)
        .chain(freezes);
    let mut actions: Vec<_> = kills.chain(others).collect();
    fastrand::Rng::with_seed(options.seed).shuffle(&mut actions);
    if options.is_static {
        actions.insert(actions.len() / 2, Action::BecomeStatic);
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plans_the_same() {
        let plan = |seed| actions(Options::new(seed));
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
    }

    #[test]
    fn each_window_has_its_turn() {
        for (sink, kills, server_kills) in [
            (Sink::Files, 7, 0),
            (Sink::Kafka, 6, 0),
            (Sink::Mysql, 5, 3),
            (Sink::All, 5, 9),
        ] {
            let plan = actions(Options {
                kills,
                sink,
                ..Options::new(3)
            });
            for window in WINDOWS {
                let is_planned = plan.contains(&Action::Kill(window));
                assert_eq!(is_planned, window.exists(sink), "{sink}: {window:?}");
            }
            assert_eq!(plan.len(), kills + server_kills + 4 + 1 + 1 + 1);
        }
    }
}
