//! The real pipeline in a world of our own: time is paused, every delay and fault comes from a seed, and a process can die
//! between any two steps. What must hold is checked at each commit and at the end.

mod source;
mod stores;
mod transform;
mod world;

use std::sync::Arc;
use std::time::Duration;

use tamis_core::{
    Backoff, DeadLetters, Destination, Executor, Limits, Outlet, Pipeline, Routes, RunLimits,
    WriterLimits,
};

pub use world::{Outcome, World};

/// How many times a process may die in one simulation; the last life is left alone, so that the work gets done.
const DEATHS_MAX: u32 = 4;

/// Runs one world from its first life to its last and checks both laws; the same seed gives the same [`Outcome`].
///
/// # Panics
/// Where a law is broken; the message names the seed.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    let world = World::new(seed);
    let deaths = world.random(|random| random.u32(0..=DEATHS_MAX));
    for life in 0..=deaths {
        let lifetime = (life < deaths).then(|| world.random_ms(1..3_000));
        live(&world, lifetime, life);
    }
    world.judge()
}

/// One life of a process: until its work is done, or until it is killed after `lifetime`.
fn live(world: &Arc<World>, lifetime: Option<Duration>, life: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    let pipeline = pipeline(world);
    let faults = world.faults();
    let stop = pipeline.stop();
    let stop_after = (lifetime.is_some() && faults.stops).then(|| world.random_ms(1..2_000));
    world.say(format!("life {life}: {lifetime:?} {stop_after:?}"));
    runtime.block_on(async {
        let stopper = async {
            match stop_after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            stop.stop();
            std::future::pending::<()>().await;
        };
        // A day is far beyond any back-off: a pipeline that is not done by then hangs.
        let lifetime_max = lifetime.unwrap_or(Duration::from_secs(86_400));
        tokio::select! {
            biased;
            ended = pipeline.run(&Executor::Tasks) => {
                let summary = ended.unwrap_or_else(|error| panic!("seed {}: {error}", world.seed()));
                world.say(format!("ended: {summary:?}"));
            }
            () = tokio::time::sleep(lifetime_max) => {
                assert!(lifetime.is_some(), "seed {}: the pipeline hangs", world.seed());
                world.say("killed".to_owned());
            }
            () = stopper => {}
        }
    });
    // Whatever still ran dies here, wherever it was.
    drop(runtime);
}

fn pipeline(world: &Arc<World>) -> Pipeline {
    let lanes = world.random(|random| random.usize(1..=3));
    let transforms = || transform::chain(world);
    let runs = (0..lanes).map(|lane| stores::runs(world, lane)).collect();
    let run_limits = RunLimits {
        bytes_max: 600,
        records_max: 40,
        age_max: Duration::from_millis(700),
    };
    let writer = WriterLimits {
        records_max: world.random(|random| random.usize(1..20)),
        bytes_max: 300,
        linger: Duration::from_millis(50),
        requests_max: world.random(|random| random.usize(1..4)),
    };
    let outlet = |name: &str, routes, destination| Outlet {
        name: name.to_owned(),
        routes,
        destination,
    };
    let named = Routes::Named(vec!["audit".to_owned()]);
    let sinks = vec![
        outlet(
            "keyed",
            Routes::Unrouted,
            Destination::Keyed(stores::keyed(world), writer),
        ),
        outlet("runs", Routes::All, Destination::Runs(runs, run_limits)),
        outlet(
            "audit",
            named,
            Destination::Keyed(stores::audit(world), writer),
        ),
    ];
    let dead = DeadLetters {
        first: stores::dead(world),
        second: Some(stores::last_resort(world)),
    };
    let limits = Limits {
        in_flight_bytes_max: 8_000,
        shutdown_timeout: Duration::from_secs(5),
        backoff: Backoff {
            initial: Duration::from_millis(10),
            max: Duration::from_secs(1),
        },
        seed: world.seed(),
    };
    let lanes = (0..lanes).map(|_| transforms()).collect();
    Pipeline::new(source::source(world), lanes, sinks, dead, limits)
}
