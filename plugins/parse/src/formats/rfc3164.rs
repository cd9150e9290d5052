//! The old syslog: `<PRI>Jan 18 12:00:00 HOST APP[PID]: MESSAGE`.

use super::syslog;
use crate::object::Object;
use crate::time;

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let (priority, rest) = match syslog::priority(line) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, line),
    };
    let time = time::syslog(rest).or_else(|| time::date_time(rest).filter(|time| time.has_zone))?;
    let (host, content) = time.rest.strip_prefix(' ')?.split_once(' ')?;
    if host.is_empty() {
        return None;
    }
    object.text("time", &time.text);
    if let Some(priority) = priority {
        priority.write(object);
    }
    object.text("host", host);
    match tag(content) {
        Some((app, pid, message)) => {
            object.text("app", app);
            object.some_text("pid", pid);
            object.text("message", message);
        }
        // Other formats start with a time that has a zone, too: without a tag it is one of them.
        None if time.has_zone => return None,
        None => object.text("message", content),
    }
    Some(())
}

/// The program, its process and its message in `sshd[42]: message`.
fn tag(content: &str) -> Option<(&str, Option<&str>, &str)> {
    let end = content.find([' ', ':', '['])?;
    let (app, rest) = content.split_at(end);
    let (pid, rest) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (pid, rest) = rest.split_once(']')?;
            (Some(pid), rest)
        }
        None => (None, rest),
    };
    let message = rest.strip_prefix(':')?;
    let message = message.strip_prefix(' ').unwrap_or(message);
    (!app.is_empty()).then_some((app, pid, message))
}
