//! Access logs: `CLIENT IDENT USER [TIME] "REQUEST" STATUS BYTES "REFERER" "AGENT"`. The common format lacks the last two;
//! nginx's `main` has a third one behind them, which says for whom a proxy asks. Apache's `vhost_combined` has `SERVER:PORT`
//! before all that.

use crate::is_digits;
use crate::object::Object;
use crate::quoted;
use crate::time;

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let (head, rest) = line.split_once(" [")?;
    let head = Head::read(head)?;
    let (time, rest) = rest.split_once(']')?;
    let (request, rest) = quoted::split(rest.strip_prefix(" \"")?)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    object.text("time", &time::access(time)?);
    if let Some((host, port)) = head.server {
        object.text("vhost", host);
        object.number("port", port);
    }
    object.text("client", head.client);
    write_unless_dash("ident", head.ident, object);
    write_unless_dash("user", head.user, object);
    write_request(&quoted::unescape(request), object);
    object.number("status", number(status).filter(|_| status.len() == 3)?);
    if bytes != "-" {
        object.number("bytes", number(bytes)?);
    }
    write_quoted(rest, object)
}

/// What is before the time.
#[derive(Debug)]
struct Head<'t> {
    server: Option<(&'t str, u64)>,
    client: &'t str,
    ident: &'t str,
    user: &'t str,
}

impl<'t> Head<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let of_server = || {
            let (first, rest) = text.split_once(' ')?;
            let client = Self::of_client(rest).filter(|head| head.client != "-")?;
            let server = Some(server(first)?);
            Some(Self { server, ..client })
        };
        of_server().or_else(|| Self::of_client(text))
    }

    fn of_client(text: &'t str) -> Option<Self> {
        let (client, rest) = text.split_once(' ')?;
        let (ident, user) = rest.split_once(' ')?;
        (!client.is_empty()).then_some(Self {
            server: None,
            client,
            ident,
            user,
        })
    }
}

/// `example.com:80`; an address of IPv6 is none.
fn server(text: &str) -> Option<(&str, u64)> {
    let (host, port) = text.split_once(':')?;
    let port = number(port).filter(|&port| port <= u64::from(u16::MAX))?;
    (!host.is_empty()).then_some((host, port))
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
    text.parse().ok().filter(|_| is_digits(text))
}
