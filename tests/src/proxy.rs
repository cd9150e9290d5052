//! A way to a server that a test can close, stop and cut. What is behind it is the real one.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::wait::{LONG, eventually};

/// What becomes of a connection, one that is there and one to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It leads to the server.
    Open,
    /// It is closed at once.
    Closed,
    /// It stays, and nothing comes through.
    Stalled,
    /// It is closed once so many bytes of answers have come through it since this was said, and one more was to.
    CutAfter(u64),
}

/// A port that leads to a server. It is closed when the test is over.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: String,
    way: Mutex<Way>,
    /// What was said last; a connection counts its answers anew when that changes.
    said: AtomicU64,
    cuts: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Proxy {
    /// One to the server at this address, open.
    ///
    /// # Panics
    /// Where there is no port.
    #[must_use]
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State {
            server: server.to_owned(),
            way: Mutex::new(Way::Open),
            said: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&state);
        thread::spawn(move || of_thread.accept(&listener));
        Self { port, state }
    }

    /// `host:port` of this side.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Changes the way of all connections.
    ///
    /// # Panics
    /// Where a thread of the proxy has panicked.
    pub fn set(&self, way: Way) {
        *self.state.way.lock().expect("no one panics here") = way;
        self.state.said.fetch_add(1, Ordering::SeqCst);
        if way == Way::Closed {
            self.state.close_all();
        }
    }

    /// How many connections were cut in the middle of an answer.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.state.close_all();
        // It waits for a connection; if this one fails, it has ended already.
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            if self.way() == Way::Closed {
                continue;
            }
            let Ok(server) = TcpStream::connect(&self.server) else {
                continue;
            };
            self.join(client, server);
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a stream can be cloned");
        let kept = [copy(&client), copy(&server)];
        self.connections
            .lock()
            .expect("no one panics here")
            .extend(kept);
        let (requests, answers) = ((copy(&client), copy(&server)), (server, client));
        for (is_answer, (from, to)) in [(false, requests), (true, answers)] {
            let state = Arc::clone(self);
            thread::spawn(move || state.copy(from, to, is_answer));
        }
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut block = vec![0; 1 << 16];
        let (mut said, mut passed) = (0, 0);
        while let Ok(count @ 1..) = from.read(&mut block) {
            let way = self.await_passage();
            let now = self.said.load(Ordering::SeqCst);
            if now != said {
                (said, passed) = (now, 0);
            }
            let count_64 = count as u64;
            let through = match way {
                Way::Closed => 0,
                Way::CutAfter(max) if is_answer => count_64.min(max.saturating_sub(passed)),
                Way::Open | Way::CutAfter(_) | Way::Stalled => count_64,
            };
            passed += through;
            let through = usize::try_from(through).expect("it is not more than the block");
            if to.write_all(&block[..through]).is_err() {
                break;
            }
            if through < count {
                if way != Way::Closed {
                    self.cuts.fetch_add(1, Ordering::SeqCst);
                }
                break;
            }
        }
        close(&from);
        close(&to);
    }

    /// Waits while everything stands still.
    fn await_passage(&self) -> Way {
        eventually(LONG, "the way is open again", || {
            self.way() != Way::Stalled || self.ended.load(Ordering::SeqCst)
        });
        self.way()
    }

    fn way(&self) -> Way {
        *self.way.lock().expect("no one panics here")
    }

    fn close_all(&self) {
        let connections = &mut *self.connections.lock().expect("no one panics here");
        connections.drain(..).for_each(|stream| close(&stream));
    }
}

fn close(stream: &TcpStream) {
    // It may be closed already.
    let _closed = stream.shutdown(Shutdown::Both);
}
