//! Takes the URL of a database apart.

use crate::problem::Report;
use crate::spec::{MysqlServer, Secret};

const PORT: u16 = 3306;
const CURE: &str = "write `mysql://user:password@host:port/database`";

/// The server and the database that `url` names, for a sink at `at`. What is wrong is said without the URL: it may hold a
/// password.
pub(super) fn check(
    at: &str,
    url: &str,
    password: Option<String>,
    report: &mut Report,
) -> MysqlServer {
    let in_url = format!("{at}.url");
    let mut server = parse(url).unwrap_or_else(|message| {
        report.add_with_cure(&in_url, message, CURE);
        MysqlServer {
            host: String::new(),
            port: PORT,
            user: String::new(),
            password: None,
            database: String::new(),
        }
    });
    if let Some(password) = password {
        if server.password.is_some() {
            let message = "has a password in it, and there is one beside it";
            report.add_with_cure(&in_url, message, "leave one of them out");
        }
        server.password = Some(Secret::new(password));
    }
    server
}

fn parse(url: &str) -> Result<MysqlServer, &'static str> {
    let rest = url.strip_prefix("mysql://");
    let rest = rest.ok_or("is not the URL of a MySQL database")?;
    // A password may have an `@` in it that should have been written as `%40`, a host has none.
    let (login, place) = rest.rsplit_once('@').ok_or("names no user")?;
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let (address, database) = place.split_once('/').ok_or("names no database")?;
    if database.contains('?') {
        return Err("has options behind a `?`, which are keys of the sink instead");
    }
    let (host, port) = address_of(address).ok_or("has no host, or a port that is none")?;
    let server = MysqlServer {
        host,
        port,
        user: decoded(user)?,
        password: password.map(decoded).transpose()?.map(Secret::new),
        database: decoded(database)?,
    };
    match (&*server.user, &*server.database) {
        ("", _) => Err("names no user"),
        (_, "") => Err("names no database"),
        (_, database) if database.contains('/') => Err("names more than a database"),
        (_, _) => Ok(server),
    }
}

/// Host and port.
fn address_of(address: &str) -> Option<(String, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let (host, port) = address.split_at(address.find(':').unwrap_or(address.len()));
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            if host.is_empty() || !host.bytes().all(legal) {
                return None;
            }
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None if port.is_empty() => PORT,
        None => return None,
    };
    Some((host.to_owned(), port))
}

/// `text` with what stands in it as `%` and two digits.
fn decoded(text: &str) -> Result<String, &'static str> {
    const MESSAGE: &str = "has a `%` in it that no two hexadecimal digits follow";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(MESSAGE)?;
        let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = str::from_utf8(digits).ok().filter(|_| is_hexadecimal);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or(MESSAGE)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 behind its `%`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<(&str, &str, &str, u16, &str), &str>) {
        let parsed = parse(url);
        let parts = parsed.as_ref().map(|it| {
            let password = it.password.as_ref().map_or("-", Secret::expose);
            (&*it.user, password, &*it.host, it.port, &*it.database)
        });
        assert_eq!(parts.map_err(|message| *message), expected, "{url}");
    }

    #[test]
    fn a_url_is_taken_apart() {
        check("mysql://u:p@h:33/d", Ok(("u", "p", "h", 33, "d")));
        check(
            "mysql://u@10.0.0.1/d",
            Ok(("u", "-", "10.0.0.1", 3306, "d")),
        );
        check("mysql://u:@h/d", Ok(("u", "", "h", 3306, "d")));
        check(
            "mysql://u:a@b/c:d@h/d",
            Ok(("u", "a@b/c:d", "h", 3306, "d")),
        );
        check(
            "mysql://%E6%97%A5:%25%40@[::1]:33/d%2de",
            Ok(("日", "%@", "::1", 33, "d-e")),
        );
    }

    #[test]
    fn what_is_no_url_says_why() {
        let no_address = "has no host, or a port that is none";
        for address in [
            "", "h:", "h:0", "h:99999", "h:x", "[::1", "[h]:1", "h h", "[::1]x",
        ] {
            check(&format!("mysql://u:p@{address}/d"), Err(no_address));
        }
        check(
            "postgres://u:p@h/d",
            Err("is not the URL of a MySQL database"),
        );
        check("mysql://h/d", Err("names no user"));
        check("mysql://:p@h/d", Err("names no user"));
        check("mysql://u:p@h", Err("names no database"));
        check("mysql://u:p@h/", Err("names no database"));
        check("mysql://u:p@h/d/t", Err("names more than a database"));
        let options = "has options behind a `?`, which are keys of the sink instead";
        check("mysql://u:p@h/d?ssl-mode=x", Err(options));
        let broken = "has a `%` in it that no two hexadecimal digits follow";
        for password in ["%", "%4", "%+1", "%zz", "%4日"] {
            check(&format!("mysql://u:{password}@h/d"), Err(broken));
        }
        check("mysql://u:%ff@h/d", Err("is not UTF-8 behind its `%`"));
    }
}
