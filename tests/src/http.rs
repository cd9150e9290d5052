//! One request to a server that answers HTTP, as simple as it gets.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer takes only who does not answer at all.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The code.
    pub status: u16,
    /// The lines in front of the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Asks the server at `address` for `path`, with this token if there is one.
///
/// # Errors
/// When it is not there, or ends before it has answered.
///
/// # Panics
/// Where the answer is no HTTP.
pub fn get(address: &str, path: &str, token: Option<&str>) -> io::Result<Answer> {
    ask(address, "GET", path, token)
}

/// As [`get`], by another method.
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn ask(address: &str, method: &str, path: &str, token: Option<&str>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{token}\r\n");
    stream.write_all(request.as_bytes())?;
    // The server closes the connection behind its answer.
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.unwrap_or_else(|| panic!("{head} is no HTTP")),
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
