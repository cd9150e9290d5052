//! From the control socket, and from signals, to the deployer.

use std::sync::Arc;

use async_trait::async_trait;
use tamis_config::Promote;
use tamis_core::tap::Tap;
use tamis_core::{Swapper, Valve};
use tokio::sync::{mpsc, oneshot};

use crate::control::{Ended, Events, Handler, Request};
use crate::hold;
use crate::tap;
use crate::telemetry::Watched;

/// One order.
pub(super) struct Ask {
    pub(super) request: Request,
    /// Whom to tell how it goes on; nobody reads what comes of a signal.
    pub(super) events: Option<Events>,
    pub(super) answer: Answer,
}

/// Where to say what came of an order.
pub(super) struct Answer(oneshot::Sender<Ended>);

impl Answer {
    pub(super) fn end(self, ended: Ended) {
        // Whoever asked may have gone.
        let _gone = self.0.send(ended);
    }

    /// Says it where someone asked.
    pub(super) fn give(answer: Option<Self>, ended: Ended) {
        if let Some(answer) = answer {
            answer.end(ended);
        }
    }
}

/// What someone said who asked for a swap; nothing where a file asked for it.
#[derive(Default)]
pub(super) struct Asked {
    /// Whether it gets live records by itself, whatever the configuration says.
    pub(super) promote: Option<Promote>,
    pub(super) answer: Option<Answer>,
}

/// Where a deployer takes orders.
#[derive(Clone)]
pub(crate) struct Orders {
    to: mpsc::Sender<Ask>,
    watched: Arc<Watched>,
    valve: Valve,
    tap: Tap,
}

impl Orders {
    pub(super) fn new(to: mpsc::Sender<Ask>, watched: Arc<Watched>, swapper: &Swapper) -> Self {
        Self {
            to,
            watched,
            valve: swapper.valve(),
            tap: swapper.tap(),
        }
    }

    async fn ask(&self, request: Request, events: Option<Events>) -> Ended {
        let (answer, answered) = oneshot::channel();
        let ask = Ask {
            request,
            events,
            answer: Answer(answer),
        };
        let gone = || Ended::failed("the pipeline stops");
        match self.to.send(ask).await {
            Ok(()) => answered.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        }
    }

    async fn obey(&self, request: Request, events: Events) -> Ended {
        let (pipeline, valve) = (self.watched.name(), &self.valve);
        // What is not about versions must not wait for a candidate that takes its time.
        match request {
            Request::Status => {
                events.say(self.watched.status()).await;
                Ended::done(String::new())
            }
            Request::Pause => hold::pause(pipeline, valve).await,
            Request::Resume => hold::resume(pipeline, valve).await,
            Request::Drain { stop } => hold::drain(pipeline, valve, stop, &events).await,
            Request::Tap(wanted) => {
                let plugins = self.watched.plugins();
                tap::serve(wanted, (pipeline, &plugins), &self.tap, valve, &events).await
            }
            Request::Deploy { .. }
            | Request::Versions { .. }
            | Request::Promote { .. }
            | Request::Rollback { .. }
            | Request::Reload => self.ask(request, Some(events)).await,
        }
    }

    /// Has the configuration and the files of plugins looked at; what comes of it is in the log.
    pub(crate) async fn reload(self) {
        self.ask(Request::Reload, None).await;
    }
}

#[async_trait]
impl Handler for Orders {
    async fn handle(&self, request: Request, events: Events) -> Ended {
        let is_of_its_life = request != Request::Status;
        tokio::select! {
            biased;
            () = self.watched.end(), if is_of_its_life => Ended::failed("the pipeline has ended"),
            ended = self.obey(request, events) => ended,
        }
    }
}
