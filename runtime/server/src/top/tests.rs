use expect_test::{Expect, expect};
use tamis_core::snapshot::{
    Cause, Lane, Latency, Partition, Plugin, Snapshot, State, Store, Unready,
};

use super::follow::Seen;
use super::*;
use crate::telemetry::Status;

fn store(name: &str, records: u64) -> Store {
    Store {
        name: name.into(),
        records,
        bytes: records * 1_000,
        requests: 1,
        failures: 2,
        retried: 3,
        latency: Latency {
            buckets: vec![(500, 0), (5_000, records), (10_000, 1)],
            count: records + 1,
            sum_us: 0,
        },
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

/// A pipeline that has taken so many records after so many milliseconds.
fn status(records: u64, uptime_ms: u64) -> Status {
    let because = Unready {
        cause: Cause::Starting,
        what: String::new(),
    };
    let mut snapshot = Snapshot::not_begun(because);
    snapshot.state = State::Running;
    snapshot.ready = true;
    snapshot.unready.clear();
    snapshot.uptime_ms = uptime_ms;
    snapshot.source.records = records;
    snapshot.source.lag = Some(30);
    snapshot.in_flight.bytes = 1 << 20;
    snapshot.lanes = vec![Lane {
        inbox: 0,
        inbox_max: 4,
        batches: 1,
        busy_ms: None,
        waits_for: None,
    }];
    snapshot.plugins = vec![Plugin {
        name: "level".into(),
        version: "0.1.0+486ea46224d1".into(),
        current: true,
        records,
        records_out: records / 2,
        dropped: records / 2,
        nanos: records * 250,
        memory_bytes: 3 << 20,
        ..Plugin::default()
    }];
    snapshot.sinks = vec![store("search", records / 2)];
    let partition = |partition, lag| Partition {
        topic: "日志".into(),
        partition,
        split: 0,
        lane: 0,
        next: Some(7),
        checkpoint: Some(7),
        committed: Some(7),
        log_end: Some(7 + lag),
        lag: Some(lag),
        unsettled: 0,
    };
    snapshot.partitions = vec![partition(0, 10), partition(1, 20)];
    Status {
        pipeline: "logs".into(),
        snapshot,
        deployed: Vec::new(),
        on_probation: None,
        waiting: None,
    }
}

fn seen(name: &str, looks: impl IntoIterator<Item = Result<Status, String>>) -> Seen {
    let mut seen = Seen {
        name: name.into(),
        before: None,
        now: None,
        gone: None,
    };
    looks.into_iter().for_each(|look| seen.take(look));
    seen
}

fn check(seen: &[Seen], order: Order, columns: usize, expected: &Expect) {
    let page = Page { columns, chosen: 0 };
    let mut sorted = seen.to_vec();
    order.sort(&mut sorted);
    let text = plain(&page.pipelines(&sorted, order)) + &plain(&page.pipeline(&sorted[0]));
    expected.assert_eq(&text);
}

#[test]
fn rates_are_those_between_two_looks() {
    let logs = seen(
        "logs",
        [Ok(status(1_000, 5_000)), Ok(status(25_000, 7_000))],
    );
    check(
        &[logs],
        Order::Name,
        80,
        &expect![[r#"
            PIPELINE*  STATE    TAKEN/S  WRITTEN/S  LAG  IN FLIGHT  WAITS AT
            logs       running    12.0k       6000   30    1.0 MiB  source
            logs: back-pressure: none: the lanes wait for records
            PLUGIN   IN/S  OUT/S  DROP/S  REFUSE/S  NS/REC   MEMORY  VERSION
            level   12.0k   6000    6000         0     250  3.0 MiB  0.1.0+486ea46224d1
            SINK    RECORDS/S  BYTES/S  P50 MS  P99 MS  RETRIED  FAILED  INBOX  STATE
            search       6000  5.7 MiB      <5      <5        3       2    0/4  ok
            dead letters: 0 (0/s)
            PARTITION  LANE  COMMITTED  END  LAG
            日志/1        0          7   27   20
            日志/0        0          7   17   10
        "#]],
    );
}

#[test]
fn a_process_that_is_gone_says_so_and_one_that_is_new_has_no_rates_yet() {
    let gone = seen(
        "gone",
        [Ok(status(1_000, 5_000)), Err("nobody listens".into())],
    );
    let anew = seen("new", [Ok(status(1_000, 5_000)), Ok(status(10, 100))]);
    check(
        &[anew, gone],
        Order::Name,
        80,
        &expect![[r#"
            PIPELINE*  STATE    TAKEN/S  WRITTEN/S  LAG  IN FLIGHT  WAITS AT
            gone       GONE           -          -    -          -  -
            new        running        -          -   30    1.0 MiB  source
            gone is gone: nobody listens
        "#]],
    );
}

#[test]
fn pipelines_are_sorted_by_what_is_asked_for() {
    let slow = seen("a", [Ok(status(0, 1_000)), Ok(status(10, 2_000))]);
    let fast = seen("b", [Ok(status(0, 1_000)), Ok(status(20, 2_000))]);
    let order = |order: Order| {
        let mut all = [slow.clone(), fast.clone()];
        order.sort(&mut all);
        all.map(|it| it.name)
    };
    assert_eq!(order(Order::Name), ["a", "b"]);
    assert_eq!(order(Order::Rate), ["b", "a"]);
    assert_eq!(order(Order::Lag), ["a", "b"]);
}

/// Where back-pressure is found after a second in which `change` happened.
fn pressure(change: impl FnOnce(&mut Snapshot), expected: &str) {
    let mut now = status(100, 2_000);
    change(&mut now.snapshot);
    let seen = seen("logs", [Ok(status(0, 1_000)), Ok(now)]);
    let found = super::pressure::of(seen.between().unwrap());
    assert_eq!(found.said, expected);
}

#[test]
fn back_pressure_is_found_where_it_arises() {
    pressure(|_| {}, "none: the lanes wait for records");
    pressure(
        |it| {
            (
                it.sinks[0].waited_ns,
                it.sinks[0].inbox,
                it.sinks[0].oldest_ms,
            ) = (800_000_000, 4, Some(90))
        },
        "sink search: lanes wait for it 80 % of the time, 4 of 4 parcels in front of it; its oldest request is under way for 90 ms",
    );
    pressure(
        |it| it.sinks[0].away_ms = Some(12_345),
        "sink search: lanes wait for it, 0 of 4 parcels in front of it; it is away for 12 s",
    );
    pressure(
        |it| (it.source.waited_for_room_ns, it.sinks[0].oldest_ms) = (500_000_000, Some(70)),
        "what is in flight is at its limit 50 % of the time: the oldest request of sink search is under way for 70 ms",
    );
    pressure(
        |it| (it.source.waited_for_lanes_ns, it.plugins[0].nanos) = (900_000_000, 700_000_000),
        "the source waits for the lanes 90 % of the time; plugin level takes 70 % of theirs",
    );
    pressure(
        |it| it.source.waited_for_commits_ns = 300_000_000,
        "runs wait to be committed: the source waits for that 30 % of the time",
    );
    pressure(
        |it| it.state = State::Paused,
        "it is paused, and nothing is in flight",
    );
}
