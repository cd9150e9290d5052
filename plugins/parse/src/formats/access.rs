//! Access logs: `CLIENT IDENT USER [TIME] "REQUEST" STATUS BYTES "REFERER" "AGENT"`. The common format lacks the last two;
//! nginx's `main` has a third one behind them, which says for whom a proxy asks.

use crate::object::Object;
use crate::quoted;
use crate::time;

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let (client, rest) = line.split_once(' ')?;
    let (ident, rest) = rest.split_once(' ')?;
    let (user, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = quoted::split(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if client.is_empty() {
        return None;
    }
    object.text("time", &time::access(time)?);
    object.text("client", client);
    write_unless_dash("ident", ident, object);
    write_unless_dash("user", user, object);
    write_request(&quoted::unescape(request), object);
    object.number("status", number(status).filter(|_| status.len() == 3)?);
    if bytes != "-" {
        object.number("bytes", number(bytes)?);
    }
    write_quoted(rest, object)
}

fn write_quoted(mut rest: &str, object: &mut Object) -> Option<()> {
    for key in ["referer", "agent", "forwarded_for"] {
        let Some(text) = rest.strip_prefix('"') else {
            break;
        };
        let (text, behind) = quoted::split(text)?;
        write_unless_dash(key, &quoted::unescape(text), object);
        rest = match behind.strip_prefix(' ') {
            Some(rest) => rest,
            None if behind.is_empty() => behind,
            None => return None,
        };
    }
    if !rest.is_empty() {
        object.text("extra", rest);
    }
    Some(())
}

/// A request that is one has three parts; whatever else a client sent is shown as it is.
fn write_request(request: &str, object: &mut Object) {
    let mut parts = request.split(' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(path), Some(protocol), None) if protocol.starts_with("HTTP/") => {
            object.text("method", method);
            object.text("path", path);
            object.text("protocol", protocol);
        }
        _ => write_unless_dash("request", request, object),
    }
}

fn write_unless_dash(key: &str, value: &str, object: &mut Object) {
    if value != "-" {
        object.text(key, value);
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
