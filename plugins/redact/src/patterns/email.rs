//! E-mail addresses: `name@example.com`.

use super::{Match, Pattern, Patterns};

/// Looks around the `@` at `at`. Gives the place to go on from.
pub(super) fn find(text: &[u8], at: usize, patterns: Patterns, found: &mut Vec<Match>) -> usize {
    if !patterns.has(Pattern::Email) {
        return at + 1;
    }
    match (local_start(text, at), domain_end(text, at + 1)) {
        (Some(start), Some(end)) => {
            push(start, end, found);
            end
        }
        (None, _) | (_, None) => at + 1,
    }
}

/// Adds a match, in the place of others that reach into it: the name before the `@` may be a phone number.
fn push(mut start: usize, end: usize, found: &mut Vec<Match>) {
    while let Some(last) = found.pop() {
        if last.end <= start {
            found.push(last);
            break;
        }
        start = start.min(last.start);
    }
    found.push(Match {
        start,
        end,
        pattern: Pattern::Email,
    });
}

/// Where the name before the `@` starts. No two of them share a byte, so all of these looks together are linear.
fn local_start(text: &[u8], at: usize) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let length = text[..at]
        .iter()
        .rev()
        .take_while(|byte| is_part(byte))
        .count();
    let local = &text[at - length..at];
    let first = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    Some(at - length + local.iter().position(first)?)
}

/// Where the domain that starts here ends: behind the last label that can be a top-level domain.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut end, mut labels) = (start, None, 0);
    loop {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let length = text[at..].iter().take_while(|byte| is_part(byte)).count();
        let label = &text[at..at + length];
        if label.is_empty() || label.starts_with(b"-") {
            return end;
        }
        labels += 1;
        if labels > 1
            && let Some(length) = top_level(label)
        {
            end = Some(at + length);
        }
        at += length;
        if text.get(at) != Some(&b'.') {
            return end;
        }
        at += 1;
    }
}

/// How much of `label` can be a top-level domain. What a hyphen hangs on it belongs to what is around.
fn top_level(label: &[u8]) -> Option<usize> {
    if label.starts_with(b"xn--") {
        return Some(label.len());
    }
    let word = label.split(|&byte| byte == b'-').next()?;
    (word.len() >= 2 && word.iter().all(u8::is_ascii_alphabetic)).then_some(word.len())
}
