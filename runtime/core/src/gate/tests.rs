use std::future::Future;

use super::*;
use crate::pipeline::Outlet;

/// Starts nothing: there are no lanes that would go on with it.
struct Nothing;

impl Start for Nothing {
    fn start(&mut self, _: Vec<Outlet>) -> Vec<LaneSinks> {
        Vec::new()
    }
}

/// A gate that attends to what it is told.
struct Attended {
    room: Arc<Room>,
    control: Control,
    to: mpsc::Sender<GateOrder>,
}

const BYTES: usize = 100;

impl Attended {
    fn new(lanes: Vec<mpsc::Sender<LaneOrder>>) -> Self {
        let (room, control) = (Arc::new(Room::new(BYTES)), Control::new());
        let gate = Gate {
            room: Arc::clone(&room),
            ledger: Arc::new(Ledger::new(false)),
            lanes,
            control: control.clone(),
        };
        let (to, asked) = mpsc::channel(1);
        tokio::spawn(gate.attend(asked, Nothing));
        Self { room, control, to }
    }

    async fn tell<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> GateOrder) -> T {
        let (done, told) = oneshot::channel();
        assert!(self.to.send(order(done)).await.is_ok());
        told.await.unwrap()
    }

    async fn exchange(&self, patience: Duration) -> Result<Duration, ExchangeError> {
        let sinks = Vec::new();
        let exchange = |done| {
            GateOrder::Exchange(Exchange {
                sinks,
                patience,
                done,
            })
        };
        self.tell(exchange).await
    }

    /// Whether a batch comes in soon.
    async fn is_open(&self) -> bool {
        is_soon(self.room.share(1)).await
    }

    async fn is(&self, flow: Flow) {
        // What is in flight is looked at again after a while.
        sleep(FLUSH_AGAIN * 3).await;
        assert_eq!(self.control.flow(), flow);
    }
}

async fn is_soon(future: impl Future) -> bool {
    timeout(Duration::from_secs(1), future).await.is_ok()
}

const PAUSING: Flow = Flow::Pausing { unsettled: 0 };

#[tokio::test(start_paused = true)]
async fn nothing_comes_in_once_a_pause_is_answered_though_a_lane_takes_no_orders() {
    let (lane, orders) = mpsc::channel(1);
    assert!(lane.try_send(LaneOrder::Flush).is_ok());
    let gate = Attended::new(vec![lane]);
    let batch = gate.room.share(10).await;
    gate.tell(GateOrder::Pause).await;
    assert!(!gate.is_open().await);
    gate.is(PAUSING).await;
    drop(batch);
    gate.is(Flow::Paused).await;
    assert!(!gate.is_open().await);
    gate.tell(GateOrder::Resume).await;
    assert!(gate.is_open().await);
    drop(orders);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_leaves_a_pause_as_it_was() {
    let gate = Attended::new(Vec::new());
    let batch = gate.room.share(10).await;
    gate.tell(GateOrder::Pause).await;
    // In vain: something is in flight.
    let exchanged = gate.exchange(Duration::from_secs(1)).await;
    assert!(matches!(exchanged, Err(ExchangeError::InFlight(_))));
    gate.is(PAUSING).await;
    assert!(!gate.is_open().await);
    drop(batch);
    // The pause has not been closed for good when this is asked for; it is behind.
    assert!(gate.exchange(Duration::from_secs(1)).await.is_ok());
    gate.is(Flow::Paused).await;
    assert!(gate.exchange(Duration::from_secs(1)).await.is_ok());
    gate.is(Flow::Paused).await;
    assert!(!gate.is_open().await);
    gate.tell(GateOrder::Resume).await;
    gate.is(Flow::Running).await;
    assert!(gate.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_stops_is_not_held() {
    for in_flight in [0, 10] {
        let gate = Attended::new(Vec::new());
        let batch = gate.room.share(in_flight).await;
        gate.tell(GateOrder::Pause).await;
        assert!(!gate.is_open().await);
        crate::control::Stop(gate.control.clone()).stop();
        gate.is(Flow::Running).await;
        assert!(gate.is_open().await);
        drop(batch);
        // Nor is one that stops already.
        gate.tell(GateOrder::Pause).await;
        assert!(gate.is_open().await);
    }
}
