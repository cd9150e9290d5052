//! What both kinds of syslog have: the priority.

use crate::is_digits;
use crate::object::Object;

/// As `logger -p` has them; `warning` and `err` as other formats have them.
const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];

const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// The priority.
#[derive(Debug, Clone, Copy)]
pub(super) struct Priority(usize);

/// The `<34>` at the start of a line, and what is behind it.
pub(super) fn priority(line: &str) -> Option<(Priority, &str)> {
    let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number =
        is_digits(digits) && digits.len() <= 3 && (digits == "0" || !digits.starts_with('0'));
    let priority = digits.parse().ok().filter(|_| is_number)?;
    (priority < FACILITIES.len() * SEVERITIES.len()).then_some((Priority(priority), rest))
}

impl Priority {
    /// Writes what it says.
    pub(super) fn write(self, object: &mut Object) {
        object.text("level", SEVERITIES[self.0 % SEVERITIES.len()]);
        object.text("facility", FACILITIES[self.0 / SEVERITIES.len()]);
    }
}
