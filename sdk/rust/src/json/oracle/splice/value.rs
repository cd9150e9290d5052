//! Edits as they would be done to a tree of values.

use serde_json::{Map, Value};

use super::Edit::{self, Append, Remove, Rename, Set};
use super::tokens;

/// Does `edit`. Gives whether there was something to do it to, or `None` where it is refused, and then nothing has changed.
pub(super) fn apply(value: &mut Value, edit: &Edit<'_>) -> Option<bool> {
    match edit {
        Set(pointer, new) => set(value, &tokens(pointer)?, again(new)),
        Append(pointer, new) => {
            let mut tokens = tokens(pointer)?;
            match get(value, &tokens) {
                Some(Value::Array(_)) => {
                    tokens.push("-".to_owned());
                    set(value, &tokens, again(new))
                }
                Some(_) => None,
                None => set(value, &tokens, Value::Array(vec![again(new)])),
            }
        }
        Remove(pointer) => Some(remove(value, &tokens(pointer)?)),
        Rename(from, to) => {
            let (from, to) = (tokens(from)?, tokens(to)?);
            let Some(moved) = get(value, &from).cloned() else {
                return Some(false);
            };
            if from == to {
                return Some(true);
            }
            if to.starts_with(&from) {
                return None;
            }
            if from.starts_with(&to) {
                set(value, &to, moved)
            } else {
                set(value, &to, moved)?;
                Some(remove(value, &from))
            }
        }
    }
}

/// As it is read again: serde_json may read a float one bit beside the one that it wrote.
fn again(value: &Value) -> Value {
    serde_json::from_str(&value.to_string()).expect("a value")
}

fn get<'v>(value: &'v Value, tokens: &[String]) -> Option<&'v Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(number(token)?),
        _ => None,
    })
}

/// The index that a token is: digits without a zero in front.
pub(super) fn number(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with('0');
    let is_number = is_plain && token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| is_number)
}

fn set(value: &mut Value, tokens: &[String], new: Value) -> Option<bool> {
    let [token, behind @ ..] = tokens else {
        *value = new;
        return Some(true);
    };
    match value {
        Value::Object(map) => match map.get_mut(token) {
            Some(member) => return set(member, behind, new),
            None => {
                map.insert(token.clone(), made(behind, new));
            }
        },
        Value::Array(items) => {
            let end = items.len();
            let number = if token == "-" { end } else { number(token)? };
            match items.get_mut(number) {
                Some(item) => return set(item, behind, new),
                None if number == end => items.push(made(behind, new)),
                None => return None,
            }
        }
        _ => return None,
    }
    Some(true)
}

fn made(tokens: &[String], new: Value) -> Value {
    tokens.iter().rfold(new, |value, token| {
        Value::Object(Map::from_iter([(token.clone(), value)]))
    })
}

fn remove(value: &mut Value, tokens: &[String]) -> bool {
    let Some((token, before)) = tokens.split_last() else {
        return false;
    };
    let parent = before.iter().try_fold(value, |value, token| match value {
        Value::Object(map) => map.get_mut(token),
        Value::Array(items) => items.get_mut(number(token)?),
        _ => None,
    });
    match parent {
        Some(Value::Object(map)) => map.remove(token).is_some(),
        Some(Value::Array(items)) => match number(token).filter(|number| *number < items.len()) {
            Some(number) => {
                items.remove(number);
                true
            }
            None => false,
        },
        Some(_) | None => false,
    }
}
