use super::*;
use crate::sink::StagedRun;

fn partition() -> Arc<Partition> {
    Arc::new(Partition {
        source: "s".into(),
        topic: "t".into(),
        number: 0,
        split: 0,
    })
}

/// Partition and next offset of what is to be committed.
fn ready(ledger: &Ledger) -> Vec<(Arc<Partition>, u64)> {
    let checkpoints = ledger.checkpoints().into_iter();
    checkpoints.map(|it| (it.partition, it.next)).collect()
}

/// Commits everything that is ready.
fn commit(ledger: &Arc<Ledger>) {
    let checkpoints = ledger.checkpoints();
    checkpoints.iter().for_each(|it| ledger.committed(it));
}

const RANGE: OffsetRange = OffsetRange { start: 5, next: 9 };

#[test]
fn a_range_is_settled_with_its_last_output() {
    let ledger = Arc::new(Ledger::default());
    ledger.open(partition(), 1, Keeps::Committed, None);
    let ticket = ledger.take(&partition(), RANGE);
    ticket.add(2);
    ticket.settle(1);
    ticket.settle(1);
    assert_eq!(ready(&ledger), []);
    ticket.settle(1);
    assert_eq!(ready(&ledger), [(partition(), 9)]);
    commit(&ledger);
    assert_eq!(ready(&ledger), []);
}

#[test]
fn a_late_verdict_of_a_lost_generation_changes_nothing() {
    let ledger = Arc::new(Ledger::default());
    ledger.open(partition(), 1, Keeps::Committed, None);
    let lost = ledger.take(&partition(), RANGE);
    ledger.close(&partition(), false);
    ledger.open(partition(), 1, Keeps::Committed, None);
    let again = ledger.take(&partition(), RANGE);
    lost.settle(1);
    assert_eq!((ready(&ledger), ledger.unsettled()), (vec![], 1));
    again.settle(1);
    assert_eq!(ready(&ledger), [(partition(), 9)]);
}

#[test]
fn a_dropped_ticket_settles_nothing() {
    let ledger = Arc::new(Ledger::default());
    ledger.open(partition(), 1, Keeps::Committed, None);
    drop(ledger.take(&partition(), RANGE));
    assert_eq!((ready(&ledger), ledger.unsettled()), (vec![], 1));
}

#[test]
fn a_start_is_a_checkpoint_to_be_committed() {
    let ledger = Arc::new(Ledger::default());
    ledger.open(partition(), 1, Keeps::Committed, Some(5));
    assert_eq!(ready(&ledger), [(partition(), 5)]);
    commit(&ledger);
    let ticket = ledger.take(&partition(), RANGE);
    assert_eq!(ready(&ledger), []);
    ticket.settle(1);
    assert_eq!(ready(&ledger), [(partition(), 9)]);
}

#[test]
fn what_is_left_behind_for_good_stays_unsettled() {
    for (for_good, expected) in [(true, 1), (false, 0)] {
        let ledger = Arc::new(Ledger::default());
        ledger.open(partition(), 1, Keeps::Committed, None);
        let ticket = ledger.take(&partition(), RANGE);
        ledger.close(&partition(), for_good);
        ticket.settle(1);
        assert_eq!(ledger.unsettled(), expected, "{for_good}");
    }
}

#[test]
fn partitions_are_spread_over_the_lanes() {
    let ledger = Ledger::default();
    let number = |number| {
        Arc::new(Partition {
            number,
            ..(*partition()).clone()
        })
    };
    let lanes: Vec<_> = (0..4)
        .map(|index| ledger.open(number(index), 3, Keeps::Committed, None))
        .collect();
    assert_eq!(lanes, [0, 1, 2, 0]);
    ledger.close(&number(1), false);
    assert_eq!(ledger.open(number(7), 3, Keeps::Committed, None), 1);
}

/// A ledger of a pipeline with one sink that shows runs, and a batch that is settled but for its run.
fn with_run(keeps: Keeps) -> (Arc<Ledger>, Ticket) {
    let ledger = Arc::new(Ledger::new(true));
    ledger.open(partition(), 1, keeps, None);
    let ticket = ledger.take(&partition(), RANGE);
    ticket.settle(1);
    (ledger, ticket)
}

fn run() -> Option<StagedRun> {
    Some(StagedRun("run".to_owned()))
}

#[test]
fn a_checkpoint_moves_by_whole_runs_and_names_them_until_they_are_seen() {
    let (ledger, ticket) = with_run(Keeps::Committed);
    assert_eq!(ready(&ledger), []);
    ticket.cut(5, 1).staged("files", run());
    let checkpoints = ledger.checkpoints();
    assert_eq!(checkpoints[0].metadata, "tamis/2 files/run");
    assert_eq!(ledger.unsettled(), 1);
    commit(&ledger);
    assert_eq!((ready(&ledger), ledger.unsettled()), (vec![], 0));
    let due = ledger.next_to_reveal().expect("it is to be shown");
    assert_eq!(due.runs[0].run.0, "run");
    ledger.revealed(&due);
    assert!(ledger.next_to_reveal().is_none());
    let cleared = ledger.checkpoints();
    assert_eq!((cleared[0].next, &*cleared[0].metadata), (9, ""));
    commit(&ledger);
    assert_eq!(ready(&ledger), []);
}

fn named(run: &str) -> NamedRun {
    NamedRun {
        sink: "files".to_owned(),
        run: StagedRun(run.to_owned()),
    }
}

/// The runs that can be discarded.
fn waste(ledger: &Ledger) -> Vec<NamedRun> {
    let waste = std::iter::from_fn(|| ledger.next_waste());
    waste.flat_map(|waste| waste.runs).collect()
}

#[test]
fn what_owners_before_left_is_discarded_once_a_commit_of_this_one_was_taken() {
    let ledger = Arc::new(Ledger::new(true));
    let left = [named("1"), named("2")];
    ledger.inherit(&partition(), left.to_vec());
    ledger.open(partition(), 1, Keeps::Committed, Some(5));
    assert_eq!(waste(&ledger), []);
    let checkpoints = ledger.checkpoints();
    ledger.close(&partition(), false);
    ledger.committed(&checkpoints[0]);
    assert_eq!(waste(&ledger), [], "the partition is another's");
    ledger.inherit(&partition(), left.to_vec());
    ledger.open(partition(), 1, Keeps::Committed, Some(5));
    commit(&ledger);
    assert_eq!(waste(&ledger), left);
}

#[test]
fn what_is_seen_is_discarded_once_it_is_named_no_longer() {
    let (ledger, ticket) = with_run(Keeps::Committed);
    ticket.cut(5, 1).staged("files", run());
    commit(&ledger);
    let due = ledger.next_to_reveal().expect("it is to be shown");
    ledger.revealed(&due);
    assert_eq!(waste(&ledger), []);
    let unnamed = ledger.checkpoints();
    ledger.committed(&unnamed[0]);
    ledger.close(&partition(), false);
    assert_eq!(waste(&ledger), [named("run")], "whoever has the partition");
}

#[tokio::test(start_paused = true)]
async fn whose_a_partition_is_is_asked_of_the_group() {
    for (is_taken, expected) in [(true, true), (false, false)] {
        let (ledger, ticket) = with_run(Keeps::Committed);
        ticket.cut(5, 1).staged("files", run());
        commit(&ledger);
        let before = ledger.checkpoints();
        assert_eq!(before, []);
        let owner = ticket.owner().clone();
        let asking = tokio::spawn(async move { owner.still_owns().await });
        tokio::task::yield_now().await;
        let again = ledger.checkpoints();
        assert_eq!(
            (again[0].next, &*again[0].metadata),
            (9, "tamis/2 files/run")
        );
        if is_taken {
            ledger.committed(&again[0]);
        } else {
            ledger.close(&partition(), false);
        }
        assert_eq!(asking.await.unwrap(), expected);
    }
}

#[test]
fn an_answer_to_a_commit_of_a_lost_generation_changes_nothing() {
    let (ledger, ticket) = with_run(Keeps::Committed);
    let cut = ticket.cut(5, 1);
    cut.staged("files", run());
    let late = ledger.checkpoints();
    ledger.close(&partition(), false);
    ledger.open(partition(), 1, Keeps::Committed, None);
    assert!(cut.owner().is_over());
    let again = ledger.take(&partition(), RANGE);
    again.settle(1);
    again.cut(5, 1).staged("files", run());
    ledger.committed(&late[0]);
    assert!(ledger.next_to_reveal().is_none());
    assert_eq!(ready(&ledger), [(partition(), 9)]);
}

#[test]
fn what_is_kept_nowhere_counts_as_committed_at_once() {
    let (ledger, ticket) = with_run(Keeps::Nothing);
    ticket.cut(5, 1).staged("files", run());
    assert_eq!(ready(&ledger), []);
    let due = ledger.next_to_reveal().expect("it is to be shown");
    ledger.revealed(&due);
    assert_eq!((ready(&ledger), ledger.unsettled()), (vec![], 0));
}

#[test]
fn a_run_that_its_commit_shows_is_unsettled_until_then() {
    let (ledger, ticket) = with_run(Keeps::Committed);
    ticket.cut(5, 1).staged("topics", None);
    assert_eq!(ledger.unsettled(), 1);
    commit(&ledger);
    assert_eq!((ready(&ledger), ledger.unsettled()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_partition_whose_runs_no_one_commits_gets_no_more_records() {
    let ledger = Arc::new(Ledger::new(true));
    ledger.open(partition(), 1, Keeps::Committed, None);
    let has_room = async || {
        let (second, partition) = (std::time::Duration::from_secs(1), partition());
        let room = tokio::time::timeout(second, ledger.has_room(&partition));
        room.await.is_ok()
    };
    for start in 0..UNCOMMITTED_RUNS_MAX as u64 {
        assert!(has_room().await, "{start}");
        let next = start + 1;
        let ticket = ledger.take(&partition(), OffsetRange { start, next });
        ticket.settle(1);
        ticket.cut(start, 1).staged("files", run());
    }
    assert!(!has_room().await);
    commit(&ledger);
    assert!(has_room().await);
}

#[test]
fn the_lag_is_known_where_the_end_of_the_log_is() {
    let ledger = Arc::new(Ledger::default());
    let lag_at = |end| {
        ledger.log_end(&partition(), end);
        ledger.view()[0].lag
    };
    ledger.open(partition(), 1, Keeps::Committed, None);
    assert_eq!(lag_at(Some(0)), Some(0), "there is nothing to read");
    assert_eq!(lag_at(Some(9)), None, "no one knows where it begins");
    let _ticket = ledger.take(&partition(), RANGE);
    assert_eq!(lag_at(Some(9)), Some(4));
    assert_eq!(lag_at(None), None, "its leader says no more");
}
