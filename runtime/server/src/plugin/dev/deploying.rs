//! A version on its way into a pipeline, until its probation is over or the next one comes.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::destination::Order;
use super::say;
use crate::control::{Ended, Request};
use crate::plugin::live::Live;
use crate::plugin::now;
use crate::state::Step;

/// One version.
pub(super) struct Deploying {
    live: Live,
    plugin: String,
    phase: Arc<watch::Sender<Phase>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has no record of the pipeline.
    Tried,
    OnProbation,
    /// It is taken back for the next one.
    GivesWay,
    Over,
}

impl Deploying {
    /// Has the pipeline take it. What comes of it is said as it comes.
    pub(super) fn begin(order: Order) -> Self {
        let (live, plugin) = (order.live.clone(), order.plugin.clone());
        let phase = Arc::new(watch::Sender::new(Phase::Tried));
        let told = Arc::clone(&phase);
        let task = tokio::spawn(async move {
            deploy(order, &told).await;
            told.send_replace(Phase::Over);
        });
        Self {
            live,
            plugin,
            phase,
            task,
        }
    }

    /// Ends it, be it by taking it back.
    pub(super) async fn give_way(self) {
        let mut phase = self.phase.subscribe();
        let known = phase.wait_for(|phase| *phase != Phase::Tried).await;
        let is_on_probation = known.is_ok_and(|phase| *phase == Phase::OnProbation);
        if is_on_probation {
            let begun = now();
            self.phase.send_replace(Phase::GivesWay);
            let plugin = self.plugin;
            let request = Request::Rollback { plugin };
            match self.live.ask(&request, |_| Ok(())).await {
                Ok(_) => {}
                Err(error) => say("rollback", false, begun, &format!("{error:#}")),
            }
        }
        // It panics nowhere, and says by itself how it ended.
        let _ended = self.task.await;
    }
}

async fn deploy(order: Order, phase: &watch::Sender<Phase>) {
    let Order { live, plugin, file } = order;
    let request = Request::Deploy {
        plugin,
        file,
        promote: None,
    };
    let (begun, mut shadow, mut switched) = (now(), String::new(), None);
    let ended = live.ask(&request, |line| {
        if let Ok(step) = serde_json::from_str::<Step>(line)
            && step.ok
        {
            match &*step.name {
                "shadow" => shadow = step.said,
                "switch" => {
                    say("deploy", true, begun, &shadow);
                    switched = Some(now());
                    phase.send_replace(Phase::OnProbation);
                }
                _ => {}
            }
        }
        Ok(())
    });
    let ended = ended.await;
    let gives_way = *phase.borrow() == Phase::GivesWay;
    conclude(ended, begun, switched, gives_way);
}

fn conclude(ended: Result<Ended>, begun: Instant, switched: Option<Instant>, gives_way: bool) {
    let (step, since) = match switched {
        Some(switched) => ("probation", switched),
        None => ("deploy", begun),
    };
    match ended {
        _ if gives_way => say(step, true, since, "it gives way to the next version"),
        Ok(Ended { ok, said }) => say(step, ok, since, &said),
        Err(error) => say(step, false, since, &format!("{error:#}")),
    }
}
