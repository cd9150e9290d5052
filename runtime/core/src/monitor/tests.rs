use super::*;
use crate::snapshot::Latency;

const SHORT: Option<u64> = Some(2_999);
const LONG: Option<u64> = Some(3_000);

fn store() -> Store {
    Store {
        name: "search".into(),
        records: 0,
        bytes: 0,
        requests: 0,
        failures: 0,
        retried: 0,
        latency: Latency::default(),
        under_way: 0,
        oldest_ms: None,
        away_ms: None,
        error: None,
        parking: false,
        inbox: 0,
        inbox_max: 4,
        waited_ns: 0,
    }
}

fn lane() -> Lane {
    Lane {
        inbox: 0,
        inbox_max: 4,
        batches: 0,
        busy_ms: None,
        waits_for: None,
    }
}

fn source(answered_ms_ago: Option<u64>, member_ms_ago: Option<u64>) -> Source {
    let contact = Contact {
        answered_ms_ago,
        member_ms_ago,
        group: "steady".into(),
    };
    Source {
        contact: Some(contact),
        ..Source::default()
    }
}

fn check(state: State, source: &Source, lane: &Lane, store: &Store, expected: &[Cause]) {
    let lanes = [self::lane(), lane.clone()];
    let all = unready(state, source, &lanes, [store].into_iter());
    let causes: Vec<_> = all.iter().map(|it| it.cause).collect();
    assert_eq!(causes, expected, "{all:?}");
}

#[test]
fn whoever_does_its_work_is_ready_and_whoever_is_paused_on_purpose_too() {
    for state in [State::Running, State::Pausing, State::Paused] {
        check(state, &source(SHORT, SHORT), &lane(), &store(), &[]);
        check(state, &Source::default(), &lane(), &store(), &[]);
    }
}

#[test]
fn a_source_that_is_away_for_long_is_told_from_one_that_has_not_begun() {
    let check = |source, expected: &[Cause]| {
        check(State::Running, &source, &lane(), &store(), expected);
    };
    check(source(LONG, SHORT), &[Cause::SourceAway]);
    check(source(SHORT, LONG), &[Cause::GroupLost]);
    check(source(SHORT, None), &[Cause::Starting]);
    check(source(None, None), &[Cause::Starting, Cause::Starting]);
    let (none, lane, store) = (Source::default(), lane(), store());
    self::check(State::Starting, &none, &lane, &store, &[Cause::Starting]);
}

#[test]
fn a_lane_is_stuck_unless_it_waits_for_a_writer() {
    let check = |busy_ms, waits_for: Option<&str>, expected: &[Cause]| {
        let waits_for = waits_for.map(str::to_owned);
        let lane = Lane {
            busy_ms,
            waits_for,
            ..lane()
        };
        check(
            State::Running,
            &Source::default(),
            &lane,
            &store(),
            expected,
        );
    };
    check(SHORT, None, &[]);
    check(LONG, None, &[Cause::LaneStuck]);
    check(LONG, Some("search"), &[]);
}

#[test]
fn a_store_is_silent_or_away_unless_its_records_are_parked() {
    let check = |oldest_ms, away_ms, parking, expected: &[Cause]| {
        let store = Store {
            oldest_ms,
            away_ms,
            parking,
            ..store()
        };
        check(
            State::Running,
            &Source::default(),
            &lane(),
            &store,
            expected,
        );
    };
    check(SHORT, SHORT, false, &[]);
    check(LONG, None, false, &[Cause::StoreSilent]);
    check(SHORT, LONG, false, &[Cause::StoreAway]);
    check(LONG, LONG, true, &[]);
}

#[test]
fn what_ends_says_just_that() {
    let (away, silent) = (source(LONG, LONG), store());
    check(State::Draining, &away, &lane(), &silent, &[Cause::Draining]);
    check(State::Stopped, &away, &lane(), &silent, &[Cause::Stopped]);
    check(State::Failed, &away, &lane(), &silent, &[Cause::Stopped]);
}

#[test]
fn the_lag_of_all_is_not_known_where_that_of_one_is_not() {
    let check = |lags: &[Option<u64>], expected| {
        let partition = |lag: &Option<u64>| Partition {
            topic: "logs".into(),
            partition: 0,
            split: 0,
            lane: 0,
            next: None,
            checkpoint: None,
            committed: None,
            log_end: None,
            lag: *lag,
            unsettled: 0,
        };
        let all: Vec<_> = lags.iter().map(partition).collect();
        assert_eq!(lag(&all), expected);
    };
    check(&[Some(7), Some(0), Some(5)], Some(12));
    check(&[Some(7), None, Some(5)], None);
    check(&[None, Some(7)], None);
    check(&[], None);
}
