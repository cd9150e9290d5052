//! Closes the intake of a pipeline that runs, and waits until nothing is in flight: for a person, or to exchange its sinks.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::control::{Control, Stopped};
use crate::exchange::{Exchange, ExchangeError, Start};
use crate::intake::Intake;
use crate::lane::LaneSinks;
use crate::ledger::Ledger;
use crate::room::Room;
use crate::swap::LaneOrder;
use crate::valve::Flow;

/// Until lanes are told again to settle what they have: a batch that had just been let in may have been behind the words before.
const FLUSH_AGAIN: Duration = Duration::from_millis(50);

/// What a gate is told.
pub(crate) enum GateOrder {
    /// Go on with other sinks.
    Exchange(Exchange),
    /// Take no more records until told otherwise.
    Pause(oneshot::Sender<()>),
    /// Take records again.
    Resume(oneshot::Sender<()>),
}

/// What has to stand still meanwhile.
pub(crate) struct Gate {
    room: Arc<Room>,
    ledger: Arc<Ledger>,
    lanes: Vec<mpsc::Sender<LaneOrder>>,
    control: Control,
}

type Closing<'a> = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, Stopped>> + Send + 'a>>;

/// How far the intake is closed for whoever has paused the pipeline.
enum Pause<'a> {
    /// No one has.
    None,
    /// Nothing comes in, and something is in flight yet.
    Closing(Closing<'a>),
    /// Nothing is in flight; nothing comes in as long as this is kept.
    Closed(OwnedSemaphorePermit),
}

impl Pause<'_> {
    fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns once nothing is in flight any more; never where that is not waited for.
    async fn closed(&mut self) -> Result<OwnedSemaphorePermit, Stopped> {
        match self {
            Self::Closing(closing) => closing.await,
            Self::None | Self::Closed(_) => pending().await,
        }
    }
}

impl Gate {
    /// What closes `intake`, with where the lanes of it take orders.
    pub(crate) fn of(intake: &Intake, lanes: Vec<mpsc::Sender<LaneOrder>>) -> Self {
        Self {
            room: Arc::clone(&intake.room),
            ledger: Arc::clone(&intake.ledger),
            lanes,
            control: intake.control.clone(),
        }
    }

    /// Does what is `asked` for. What is paused goes on once the pipeline stops, for a source may wait with a batch in its hand.
    pub(crate) async fn attend(
        self,
        mut asked: mpsc::Receiver<GateOrder>,
        mut start: impl Start,
    ) -> Infallible {
        let mut pause = Pause::None;
        loop {
            let order = tokio::select! {
                biased;
                () = self.control.stopping(), if !pause.is_none() => GateOrder::Resume(oneshot::channel().0),
                closed = pause.closed() => {
                    pause = self.note(closed);
                    continue;
                }
                order = asked.recv() => match order {
                    Some(order) => order,
                    None => break,
                },
            };
            // Who asked may have gone.
            let _gone = match order {
                GateOrder::Exchange(exchange) => {
                    pause = self.exchange(exchange, pause, &mut start).await;
                    Ok(())
                }
                GateOrder::Pause(done) => {
                    if pause.is_none() && self.control.is_running() {
                        pause = self.pause().await;
                    }
                    done.send(())
                }
                GateOrder::Resume(done) => {
                    pause = Pause::None;
                    self.control.set_flow(Flow::Running);
                    done.send(())
                }
            };
        }
        drop(pause);
        pending().await
    }

    /// Closes the intake: what asks for room from now on waits.
    async fn pause(&self) -> Pause<'_> {
        self.tell_pausing();
        let mut closing: Closing<'_> = Box::pin(self.close(Gate::tell_pausing));
        match poll_fn(|context| Poll::Ready(closing.as_mut().poll(context))).await {
            Poll::Ready(closed) => self.note(closed),
            Poll::Pending => Pause::Closing(closing),
        }
    }

    /// What comes of a pause when it is `closed`.
    fn note<'a>(&self, closed: Result<OwnedSemaphorePermit, Stopped>) -> Pause<'a> {
        let (pause, flow) = match closed {
            Ok(closed) => (Pause::Closed(closed), Flow::Paused),
            Err(Stopped) => (Pause::None, Flow::Running),
        };
        self.control.set_flow(flow);
        pause
    }

    fn tell_pausing(&self) {
        let unsettled = self.ledger.unsettled();
        self.control.set_flow(Flow::Pausing { unsettled });
    }

    /// Exchanges the sinks; what is paused stays so.
    async fn exchange<'a>(
        &'a self,
        exchange: Exchange,
        pause: Pause<'a>,
        start: &mut impl Start,
    ) -> Pause<'a> {
        let Exchange {
            sinks,
            patience,
            done,
        } = exchange;
        let begun = Instant::now();
        let is_paused = !pause.is_none();
        let mut closing: Closing<'a> = match pause {
            Pause::None => Box::pin(self.close(|_| {})),
            Pause::Closing(closing) => closing,
            Pause::Closed(closed) => Box::pin(async { Ok(closed) }),
        };
        let (ended, pause) = match timeout(patience, &mut closing).await {
            Ok(Ok(closed)) => {
                let changed = self.change(start.start(sinks)).await;
                let pause = if is_paused {
                    self.note(Ok(closed))
                } else {
                    Pause::None
                };
                (changed.map(|()| begun.elapsed()), pause)
            }
            Ok(Err(stopped)) => (Err(stopped.into()), Pause::None),
            Err(_) => {
                let in_flight = ExchangeError::InFlight(self.ledger.unsettled());
                let pause = if is_paused {
                    Pause::Closing(closing)
                } else {
                    Pause::None
                };
                (Err(in_flight), pause)
            }
        };
        // Who asked may have gone.
        let _gone = done.send(ended);
        pause
    }

    /// Returns once nothing is in flight; nothing comes in until what it returns is dropped. Tells `each` time that it looks.
    async fn close(&self, each: impl Fn(&Self)) -> Result<OwnedSemaphorePermit, Stopped> {
        let flushing = async {
            loop {
                if let Err(stopped) = self.flush().await {
                    return stopped;
                }
                each(self);
                sleep(FLUSH_AGAIN).await;
            }
        };
        // The room is asked for first: a lane that waits for its store takes no order, and nothing comes in meanwhile.
        let closed = tokio::select! {
            biased;
            room = self.room.all() => room,
            stopped = flushing => return Err(stopped),
        };
        // Dead letters take no room. What is not committed would be read again, and go to the new sinks, too.
        while self.ledger.unsettled() > 0 || self.ledger.is_uncommitted() {
            self.flush().await?;
            each(self);
            sleep(FLUSH_AGAIN).await;
        }
        Ok(closed)
    }

    async fn flush(&self) -> Result<(), Stopped> {
        for lane in &self.lanes {
            lane.send(LaneOrder::Flush).await.map_err(|_| Stopped)?;
        }
        Ok(())
    }

    async fn change(&self, sinks: Vec<LaneSinks>) -> Result<(), ExchangeError> {
        let mut waiting = Vec::with_capacity(sinks.len());
        for (lane, sinks) in self.lanes.iter().zip(sinks) {
            let (done, changed) = oneshot::channel();
            let order = LaneOrder::Sinks(sinks, done);
            lane.send(order).await.map_err(|_| Stopped)?;
            waiting.push(changed);
        }
        for changed in waiting {
            changed.await.map_err(|_| Stopped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
