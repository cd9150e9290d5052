//! The side that asks.

use std::io::{self, ErrorKind};
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::address::Address;
use super::{Ended, Last, Request};

/// The longest line that is taken.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Why there is no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody listens: no such pipeline runs, or it has another state folder.
    #[error("nobody listens")]
    NotRunning(#[source] io::Error),
    /// It is someone else's.
    #[error("only its owner and root may ask")]
    Forbidden(#[source] io::Error),
    /// The other side died, or is none of ours.
    #[error("the connection ended before the answer did")]
    CutOff,
    /// The system, or whoever takes the lines, refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Asks the process that listens at `socket`. Gives each line of the answer to `take`, and is back with its end.
pub(crate) async fn ask(
    socket: &Path,
    request: &Request,
    mut take: impl FnMut(&str) -> io::Result<()>,
) -> Result<Ended, AskError> {
    let mut json = serde_json::to_vec(request).map_err(io::Error::from)?;
    json.push(b'\n');
    let mut stream = connect(socket).await?;
    // One that is refused is answered before it was read; what is wrong is in the answer, if there is one.
    let written = stream.write_all(&json).await;
    let (mut reader, mut line) = (BufReader::new(stream), String::new());
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_line(&mut line)
            .await;
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => return Err(error.into()),
        }
        let Some(whole) = line.strip_suffix('\n') else {
            written?;
            return Err(AskError::CutOff);
        };
        take(whole)?;
        if let Ok(Last { end }) = serde_json::from_str(whole) {
            return Ok(end);
        }
    }
}

async fn connect(socket: &Path) -> Result<UnixStream, AskError> {
    let connected = match Address::of(socket) {
        Ok(address) => UnixStream::connect(address.path()).await,
        Err(error) => Err(error),
    };
    connected.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {
            AskError::NotRunning(error)
        }
        ErrorKind::PermissionDenied => AskError::Forbidden(error),
        _ => error.into(),
    })
}
