//! A server that answers HTTP as a test wants: for what the real ones at hand cannot say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A request.
#[derive(Debug, Default)]
pub struct Asked {
    /// Method, path and version.
    pub line: String,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
    /// How many came before.
    pub before: u64,
    /// What was sent.
    pub body: Vec<u8>,
}

/// Status and body of an answer.
pub type Answer = (u16, String);

/// A port where someone answers; closed when the test is over.
#[derive(Debug)]
pub struct StandIn {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: AtomicU64,
    ended: AtomicBool,
}

impl StandIn {
    /// One that answers like this.
    ///
    /// # Panics
    /// Where there is no port.
    pub fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State::default());
        let (of_thread, answer) = (Arc::clone(&state), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (state, answer) = (Arc::clone(&of_thread), Arc::clone(&answer));
                thread::spawn(move || state.serve(&stream, &*answer));
            }
        });
        Self { port, state }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // It waits for a connection; if this one fails, it has ended already.
        let _woken = TcpStream::connect(self.address());
    }
}

impl State {
    /// Answers the requests of one connection until it ends.
    fn serve(&self, mut stream: &TcpStream, answer: &dyn Fn(&Asked) -> Answer) {
        let mut reader = BufReader::new(stream);
        while let Some(mut asked) = read(&mut reader) {
            asked.before = self.asked.fetch_add(1, Ordering::SeqCst);
            let (status, body) = answer(&asked);
            let head = format!(
                "HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            if stream.write_all((head + &body).as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The next request; `None` where there is none any more.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut asked = Asked::default();
    reader
        .read_line(&mut asked.line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => asked.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
