//! A person who pauses the pipeline in the midst of a life, waits until nothing is in flight or does not, and resumes it.

use std::sync::Arc;
use std::time::Duration;

use tamis_core::{Counts, Flow, Stopped, Totals, Valve};
use tokio::time::{Instant, sleep};

use crate::world::World;

/// Pauses the pipeline of a life a few times, then waits for its end.
pub(crate) async fn run(world: &Arc<World>, valve: Valve, counts: Arc<Counts>) {
    for _ in 0..world.faults().holds {
        sleep(world.random_ms(0..900)).await;
        if hold(world, &valve, &counts).await.is_err() {
            break;
        }
    }
    std::future::pending::<()>().await;
}

async fn hold(world: &World, valve: &Valve, counts: &Counts) -> Result<(), Stopped> {
    world.say("pause");
    valve.pause().await?;
    let until = Instant::now() + world.random_ms(0..5_000);
    loop {
        let flow = valve.flow();
        if flow == Flow::Paused {
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        valve.other(flow, left).await?;
    }
    if valve.flow() == Flow::Paused {
        world.say("paused");
        let before = moved(world, counts);
        sleep(world.random_ms(0..60_000)).await;
        // A pipeline that is told to stop goes on, to its end.
        let stops = valve.other(Flow::Paused, Duration::ZERO).await.is_err();
        assert!(
            stops || moved(world, counts) == before,
            "records move while the pipeline is paused"
        );
    }
    world.say("resume");
    valve.resume().await
}

/// What became of records so far. Where partitions may be taken away, letters of those that were can still be on their way: their
/// records are read again, and have the same letters.
fn moved(world: &World, counts: &Counts) -> Totals {
    let faults = world.faults();
    let mut totals = counts.totals();
    if faults.rebalances > 0 || faults.members > 0 {
        (totals.dead, totals.parked, totals.retried) = (0, 0, 0);
    }
    totals
}
