//! What goes where, live.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tamis_core::{Counts, Totals};
use tokio::time::Instant;

use super::Generated;

/// Rewrites one block on a terminal; elsewhere prints a line a second.
pub(super) async fn show(generated: Arc<Generated>, counts: Arc<Counts>) {
    let terminal = std::io::stderr().is_terminal();
    let every = Duration::from_millis(if terminal { 250 } else { 1_000 });
    let started = Instant::now();
    let (mut before, mut lines) = (0, 0);
    loop {
        tokio::time::sleep(every).await;
        let made = generated.records.load(Ordering::Relaxed);
        let totals = counts.totals();
        let rate = (totals.taken - before) as f64 / every.as_secs_f64();
        before = totals.taken;
        let text = if terminal {
            let text = block(made, &totals, rate, started.elapsed());
            // Back to the first line of the block, which is then written over.
            let up = if lines > 0 {
                format!("\x1b[{lines}A")
            } else {
                String::new()
            };
            lines = text.lines().count();
            format!("{up}{text}")
        } else {
            format!("{}\n", line(made, &totals, rate))
        };
        // A closed standard error is no reason to stop.
        let _closed = std::io::stderr().write_all(text.as_bytes());
    }
}

fn line(made: u64, totals: &Totals, rate: f64) -> String {
    let written: u64 = totals.written.iter().map(|(_, written)| written).sum();
    let Totals {
        taken,
        dropped,
        dead,
        ..
    } = totals;
    format!(
        "{made} generated, {taken} taken ({rate:.0}/s), {written} written, {dropped} dropped, {dead} dead"
    )
}

fn block(made: u64, totals: &Totals, rate: f64, elapsed: Duration) -> String {
    let mut rows = vec![
        ("generated".to_owned(), made, String::new()),
        (
            "taken from Kafka".to_owned(),
            totals.taken,
            format!("{rate:.0}/s"),
        ),
        (
            "dropped by level".to_owned(),
            totals.dropped,
            share(totals.dropped, totals.taken),
        ),
        (
            "dead letters".to_owned(),
            totals.dead,
            share(totals.dead, totals.taken),
        ),
    ];
    for (sink, written) in &totals.written {
        rows.push((
            format!("written to {sink}"),
            *written,
            share(*written, totals.taken),
        ));
    }
    let mut text = format!(
        "\x1b[K tamis demo, {:.1} s, Ctrl-C ends it\n",
        elapsed.as_secs_f64()
    );
    for (name, count, note) in rows {
        text.push_str(&format!("\x1b[K {name:<22} {count:>12}  {note}\n"));
    }
    text
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        String::new()
    } else {
        format!("{:.1} %", 100.0 * part as f64 / whole as f64)
    }
}
