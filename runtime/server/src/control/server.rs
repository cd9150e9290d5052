//! The side that is asked.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::address::Address;
use super::{Ended, Handler, Last, Request};

/// A request names a plugin and a file.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// Clients that are connected or worked for at once.
const CLIENTS_MAX: usize = 16;
/// How long a client may take to send its request, or to read a line.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(10);
/// Lines that wait for a client to read them.
const LINES_MAX: usize = 64;
/// Before another try where no client can be taken: the process has too many files open.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Lets `handler` answer whoever connects to `socket`, one request each, until this is dropped, and what is being handled with it.
///
/// The caller has the lock of the folder, so a socket that is there is that of a dead process, or of a pipeline that has ended, and is
/// replaced. This one's file stays, too: once the lock is given up, it may be another process's.
///
/// # Errors
/// When there can be no such socket.
pub(crate) async fn serve(socket: PathBuf, handler: Arc<dyn Handler>) -> io::Result<Infallible> {
    let listener = bind(&socket)?;
    let mut clients = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "no client can be taken at the control socket, trying again");
                sleep(TRY_AGAIN).await;
                continue;
            }
        };
        // A panic was said by itself.
        while clients.try_join_next().is_some() {}
        match refusal(&stream, clients.len()) {
            None => {
                clients.spawn(answer(stream, Arc::clone(&handler)));
            }
            Some(reason) => refuse(stream, reason),
        }
    }
}

/// What a request is answered by, line by line, until it ends.
#[derive(Debug, Clone)]
pub(crate) struct Events(mpsc::Sender<Line>);

#[derive(Debug)]
struct Line {
    json: Vec<u8>,
    is_last: bool,
}

impl Events {
    /// Sends a line to the client. Waits while it has many to read, and is back at once when it went away.
    pub(crate) async fn say(&self, line: impl Serialize) {
        self.send(&line, false).await;
    }

    /// Returns once the client went away, or does not read any more. That is noticed when something is said.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    async fn send(&self, line: &impl Serialize, is_last: bool) {
        let mut json = serde_json::to_vec(line).expect("what is said is JSON");
        json.push(b'\n');
        if self.0.send(Line { json, is_last }).await.is_err() {
            debug!("the client went away");
        }
    }
}

fn bind(socket: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(socket)?,
        // Binding says what is wrong.
        Ok(_) | Err(_) => {}
    }
    let listener = UnixListener::bind(Address::of(socket)?.path())?;
    // Nobody else could enter its folder meanwhile.
    fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Why a client is not listened to, beside so many others.
fn refusal(stream: &UnixStream, others: usize) -> Option<String> {
    let own = geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if is_admitted(peer.uid(), own) => (others >= CLIENTS_MAX)
            .then(|| format!("{CLIENTS_MAX} clients are connected already; try again later")),
        Ok(peer) => {
            let uid = peer.uid();
            warn!(
                uid,
                "a client of another user was refused at the control socket"
            );
            Some(format!("only user {own} and root are listened to"))
        }
        Err(error) => Some(format!("it is not known who asks: {error}")),
    }
}

/// Whether user `peer` may tell a process of user `own` what to do.
fn is_admitted(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

/// Says why, if the client takes it without waiting.
fn refuse(stream: UnixStream, reason: String) {
    let end = Ended::failed(reason);
    let line = serde_json::to_string(&Last { end }).expect("it is JSON");
    let written = stream
        .into_std()
        .and_then(|mut stream| writeln!(stream, "{line}"));
    if let Err(error) = written {
        debug!(%error, "a client that was refused went away");
    }
}

/// Answers one client. What it asked for is handled to its end even when it goes away.
async fn answer(stream: UnixStream, handler: Arc<dyn Handler>) {
    let (reader, writer) = stream.into_split();
    let (sender, lines) = mpsc::channel(LINES_MAX);
    let events = Events(sender.clone());
    let last = Events(sender);
    let work = async move {
        let end = match request(reader).await {
            Ok(request) => handler.handle(request, events).await,
            Err(reason) => Ended::failed(reason),
        };
        last.send(&Last { end }, true).await;
    };
    tokio::join!(work, write(lines, writer));
}

/// The request of a client, or what is wrong with it.
async fn request(reader: OwnedReadHalf) -> Result<Request, String> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(REQUEST_BYTES_MAX + 1));
    match timeout(CLIENT_TIME_MAX, reader.read_until(b'\n', &mut line)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(format!("the request cannot be read: {error}")),
        Err(_) => {
            let seconds = CLIENT_TIME_MAX.as_secs();
            return Err(format!("no request came within {seconds} s"));
        }
    }
    if line.len() as u64 > REQUEST_BYTES_MAX {
        return Err(format!(
            "the request is longer than {REQUEST_BYTES_MAX} bytes"
        ));
    }
    serde_json::from_slice(&line).map_err(|error| format!("this is no request: {error}"))
}

/// Writes `lines` until the last one, or until the client does not read any more; then nobody waits for it.
async fn write(mut lines: mpsc::Receiver<Line>, mut writer: OwnedWriteHalf) {
    while let Some(Line { json, is_last }) = lines.recv().await {
        match timeout(CLIENT_TIME_MAX, writer.write_all(&json)).await {
            Ok(Ok(())) if is_last => return,
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => return,
            Ok(Err(error)) => return debug!(%error, "a client cannot be answered"),
            Err(_) => {
                return warn!("a client at the control socket does not read, and is given up");
            }
        }
    }
}

#[cfg(test)]
mod tests;
