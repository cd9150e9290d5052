//! How much may be in flight, and how much is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of batches that one pipeline may have in flight.
#[derive(Debug)]
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    /// All that there is.
    bytes_max: usize,
    /// What batches hold. It does not follow from the permits: a gate takes those without a batch.
    held: AtomicUsize,
}

/// What one batch holds of it, until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    permit: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
            held: AtomicUsize::new(0),
        }
    }

    /// Room for a batch of so many bytes, as soon as there is that much. One that is larger than all of it goes alone.
    pub(crate) async fn share(self: &Arc<Self>, bytes: usize) -> Share {
        let permit = self.permits(bytes.min(self.bytes_max)).await;
        self.held.fetch_add(permit.num_permits(), Ordering::Relaxed);
        Share {
            room: Arc::clone(self),
            permit,
        }
    }

    /// All of it, once no batch holds any. Whoever asks for some later waits behind this.
    pub(crate) async fn all(&self) -> OwnedSemaphorePermit {
        self.permits(self.bytes_max).await
    }

    async fn permits(&self, bytes: usize) -> OwnedSemaphorePermit {
        let bytes = u32::try_from(bytes).expect("room is below 4 GiB");
        let permits = Arc::clone(&self.permits).acquire_many_owned(bytes).await;
        permits.expect("the semaphore is never closed")
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Bytes that batches hold.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let bytes = self.permit.num_permits();
        self.room.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_closed_is_not_in_flight_and_lets_no_batch_in() {
        let room = Arc::new(Room::new(100));
        let one = room.share(30).await;
        let large = room.share(1_000);
        tokio::pin!(large);
        let now = std::time::Duration::ZERO;
        assert!(tokio::time::timeout(now, &mut large).await.is_err());
        assert_eq!(room.held(), 30);
        drop(one);
        let large = large.await;
        assert_eq!(room.held(), 100);
        drop(large);
        let closed = room.all().await;
        assert_eq!(room.held(), 0);
        assert!(tokio::time::timeout(now, room.share(1)).await.is_err());
        drop(closed);
        drop(room.share(1).await);
        assert_eq!(room.held(), 0);
    }
}
