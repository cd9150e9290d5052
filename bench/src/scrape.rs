//! Someone who reads the metrics of a process, far more often than anyone would.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Reads until it is told to end.
pub(crate) struct Scraper {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    address: String,
    ended: AtomicBool,
    /// How often metrics came back.
    answers: AtomicUsize,
}

impl Scraper {
    /// Begins to read at `address`, where there may be nobody yet.
    pub(crate) fn start(address: &str) -> Self {
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            ended: AtomicBool::new(false),
            answers: AtomicUsize::new(0),
        });
        let of_thread = Arc::clone(&shared);
        let work = move || {
            while !of_thread.ended.load(Ordering::Relaxed) {
                if of_thread
                    .read()
                    .is_ok_and(|text| text.contains("tamis_source_records_total{"))
                {
                    of_thread.answers.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(EVERY);
            }
        };
        Self {
            shared,
            thread: thread::spawn(work),
        }
    }

    /// Ends, and fails unless it was answered.
    pub(crate) fn end(self) -> Result<()> {
        self.shared.ended.store(true, Ordering::Relaxed);
        ensure!(self.thread.join().is_ok(), "whoever reads metrics panicked");
        let answers = self.shared.answers.load(Ordering::Relaxed);
        ensure!(answers > 0, "no metrics could be read");
        Ok(())
    }
}

impl Shared {
    fn read(&self) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.address
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// An address at which nobody listens.
pub(crate) fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.to_string())
}
