//! The real pipeline in a world of our own: time is paused, every delay and fault comes from a seed, and a process can die
//! between any two steps. What must hold is checked at each commit and at the end.

mod case;
mod holds;
mod plan;
mod runs;
mod shelf;
mod source;
mod stores;
mod swaps;
mod transform;
mod versions;
mod world;

use std::sync::Arc;
use std::time::Duration;

use tamis_core::{
    Backoff, DeadLetters, Destination, Executor, Limits, OnOutage, Outlet, Pipeline, PipelineError,
    Routes, RunLimits, Summary, WriterLimits,
};

use tamis_core::source::{Source, SourceError};
use tokio::task::JoinSet;

pub use case::{Broken, Case, Fault};
use swaps::History;
pub use swaps::Swaps;
use transform::Flaw;
pub use world::Outcome;
use world::World;

/// Runs one world from its first life to its last and checks the laws.
///
/// # Panics
/// Where one is broken.
fn run(world: &Arc<World>) -> Outcome {
    for _ in 0..world.faults().deaths {
        let dies_at = world.random(|random| random.u32(1..600));
        live(world, Some(dies_at));
        if world.rob() {
            check_stops(world);
        }
    }
    // It is left alone, so that the work gets done whatever fails.
    while !live(world, None) {}
    if !world.has_group() {
        return world.judge();
    }
    world.check_names();
    // What is left by then would be left for ever: an owner that has nothing to do but to tidy up.
    world.calm();
    assert!(live(world, None), "nothing stops the last life");
    world.judge()
}

/// Lives until the pipeline stops because something that is committed is gone, which is put back then.
fn check_stops(world: &Arc<World>) {
    while world.shelf(|shelf, _| shelf.is_away()) {
        assert!(!live(world, None), "it goes on without what is committed");
    }
}

/// One life of a process; says whether it ended because its work was done.
fn live(world: &Arc<World>, dies_at: Option<u32>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    let history = Arc::new(History::default());
    let source = source::source(world);
    let pipeline = pipeline(world, source, Some(&history));
    let swapper = pipeline.swapper();
    let stop = pipeline.stop();
    let (valve, counts) = (swapper.valve(), pipeline.counts());
    let stops = dies_at.is_some() && world.faults().stops;
    let stop_after = stops.then(|| world.random_ms(1..2_000));
    world.say(&format!("life: {dies_at:?} {stop_after:?}"));
    world.begin_life(dies_at);
    let done = runtime.block_on(async {
        let stopper = async {
            match stop_after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            stop.stop();
            std::future::pending::<()>().await;
        };
        // Far beyond any back-off: a pipeline that is not done by then hangs.
        let days = Duration::from_secs(10 * 86_400);
        tokio::select! {
            biased;
            () = world.death() => false,
            ended = pipeline.run(&Executor::Tasks) => {
                world.say(&format!("ended: {ended:?}"));
                let done = ended.is_ok() && stop_after.is_none();
                check_end(world, ended);
                done
            },
            () = members(world) => unreachable!("members join at any time"),
            () = tokio::time::sleep(days) => panic!("the pipeline hangs"),
            () = stopper => false,
            () = swaps::run(world, swapper, &history) => unreachable!("it waits for the end"),
            () = holds::run(world, valve, counts) => unreachable!("it waits for the end"),
        }
    });
    history.check();
    // Whatever still ran dies here, wherever it was.
    drop(runtime);
    done
}

/// The other members of a life.
async fn members(world: &Arc<World>) {
    let mut members = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(ended) = members.join_next() => ended.expect("no member panics"),
            (member, partition) = world.next_member() => {
                let pipeline = pipeline(world, source::passing(world, member, partition), None);
                let world = Arc::clone(world);
                members.spawn(async move {
                    check_end(&world, pipeline.run(&Executor::Tasks).await);
                });
            }
        }
    }
}

/// Checks that nothing ends a pipeline that does not have to.
fn check_end(world: &World, ended: Result<Summary, PipelineError>) {
    let robbed = world.shelf(|shelf, _| shelf.is_away());
    match ended {
        Ok(_) | Err(PipelineError::Transform(_)) => {}
        Err(PipelineError::Source(SourceError::Lost(_))) if robbed => {
            world.shelf(|shelf, _| shelf.put_back());
        }
        Err(error) => panic!("{error}"),
    }
}

fn pipeline(
    world: &Arc<World>,
    source: Box<dyn Source>,
    history: Option<&Arc<History>>,
) -> Pipeline {
    let lanes = world.random(|random| random.usize(1..=3));
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
    let keyed = |store| Destination::Keyed(store, writer);
    let runs = |name| {
        let sinks = (0..lanes).map(|_| runs::sink(world, name)).collect();
        Destination::Runs(sinks, runs::store(world, name), run_limits)
    };
    let outlet = |name: &str, routes, destination| Outlet {
        name: name.to_owned(),
        routes,
        condition: None,
        destination,
        on_outage: OnOutage::Wait,
    };
    let named = || Routes::Named(vec!["audit".to_owned()]);
    let audit = Outlet {
        on_outage: OnOutage::Park {
            after: world.random_ms(0..500),
            to: DeadLetters {
                first: stores::parking(world),
                second: None,
            },
        },
        ..outlet("audit", named(), keyed(stores::audit(world)))
    };
    let sinks = vec![
        outlet("keyed", Routes::Unrouted, keyed(stores::keyed(world))),
        outlet("runs", Routes::All, runs("runs")),
        audit,
        outlet("copies", named(), runs("copies")),
    ];
    let dead = DeadLetters {
        first: stores::dead(world),
        second: Some(stores::last_resort(world)),
    };
    let limits = Limits {
        in_flight_bytes_max: 8_000,
        recent_bytes_max: 2_000,
        shutdown_timeout: Duration::from_secs(5),
        backoff: Backoff {
            initial: Duration::from_millis(10),
            max: Duration::from_secs(1),
        },
        seed: world.random(|random| random.u64(..)),
    };
    let chain = |lane| {
        let history = history.map(|history| (history, lane));
        transform::chain(world, 0, Flaw::None, None, history).into()
    };
    Pipeline::new(source, (0..lanes).map(chain).collect(), sinks, dead, limits)
}
