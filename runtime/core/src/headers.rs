//! The flat form of a record's headers, as the plugin contract has it: for each header the name's length (u32, little
//! endian), the name (UTF-8), the value's length (s32, little endian, -1 for none), the value.

/// Adds one header behind those in `headers`.
pub fn push(headers: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    let length = |bytes: &[u8]| i32::try_from(bytes.len()).expect("a header is below 2 GiB");
    headers.extend_from_slice(&length(name.as_bytes()).to_le_bytes());
    headers.extend_from_slice(name.as_bytes());
    headers.extend_from_slice(&value.map_or(-1, length).to_le_bytes());
    headers.extend_from_slice(value.unwrap_or_default());
}

/// Each header in order. Ends early where the bytes are not in the form.
pub fn iter(headers: &[u8]) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    let mut rest = headers;
    std::iter::from_fn(move || {
        let (name, after) = take_part(rest)?;
        let (value, after) = take_part(after)?;
        rest = after;
        Some((std::str::from_utf8(name?).ok()?, value))
    })
}

/// Whether `headers` are in the form from end to end.
#[must_use]
pub fn is_valid(headers: &[u8]) -> bool {
    let mut rest = headers;
    while !rest.is_empty() {
        let Some((Some(name), after)) = take_part(rest) else {
            return false;
        };
        let Some((_, after)) = take_part(after) else {
            return false;
        };
        if std::str::from_utf8(name).is_err() {
            return false;
        }
        rest = after;
    }
    true
}

type Part<'a> = (Option<&'a [u8]>, &'a [u8]);

fn take_part(bytes: &[u8]) -> Option<Part<'_>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    match i32::from_le_bytes(*length) {
        -1 => Some((None, rest)),
        length => {
            let (part, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Some(part), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_went_in() {
        let mut bytes = Vec::new();
        push(&mut bytes, "a", Some(b"1"));
        push(&mut bytes, "名", None);
        push(&mut bytes, "", Some(b""));
        let expected: Vec<(&str, Option<&[u8]>)> =
            vec![("a", Some(b"1")), ("名", None), ("", Some(b""))];
        assert_eq!(iter(&bytes).collect::<Vec<_>>(), expected);
        assert!(is_valid(&bytes));
    }

    #[test]
    fn what_is_cut_short_is_not_valid() {
        let mut bytes = Vec::new();
        push(&mut bytes, "name", Some(b"value"));
        for end in 1..bytes.len() {
            assert!(!is_valid(&bytes[..end]), "{end}");
            assert_eq!(iter(&bytes[..end]).count(), 0);
        }
    }
}
