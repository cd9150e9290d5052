//! What an error means for what was sent: the server's codes, and who is to blame.

use mongodb::error::{Error, ErrorKind, IndexedWriteError, WriteConcernError};

/// Why documents are not there, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer, or one that means to wait.
    Away(String),
    /// A person has to mend something: the words say what.
    Person(String),
    /// This collection cannot be written to; whoever named it is to blame.
    Collection(String),
    /// One of the documents is to blame, and the server does not say which.
    Document(String),
}

/// What became of one document that was not inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// There is one with its `_id`.
    Repeat,
    /// There is one that has what an index allows once; it may be the document itself.
    Taken(String),
    /// The same may succeed later.
    Again(String),
    /// Never.
    Refused(String),
    /// It is not about this document.
    Other(Failure),
}

/// It has no primary, loses it, ends, is busy, or full; and what was asked of it may or may not have been done. From the server's
/// own list (`error_codes.yml`): those of the categories for retries, interruptions, networks, primaries, shutdowns and time limits,
/// and those behind which there is a disk.
const AGAIN: &[i32] = &[
    1, 6, 7, 8, 24, 46, 50, 63, 64, 70, 82, 89, 91, 96, 107, 112, 117, 125, 133, 134, 150, 189,
    202, 216, 225, 237, 246, 249, 251, 262, 264, 279, 282, 290, 317, 319, 343, 355, 358, 365, 371,
    384, 402, 406, 407, 412, 433, 449, 462, 9_001, 14_031,
];
/// Not a primary, or one no more.
const NO_PRIMARY: &[i32] = &[
    10_058, 10_107, 11_600, 11_601, 11_602, 13_388, 13_435, 13_436,
];
/// Too large, too deep, or not understood.
const DOCUMENT: &[i32] = &[15, 16, 22, 10_334, 17_419];
/// Not a name, a view, another kind of collection, or an index that is there with other options.
const COLLECTION: &[i32] = &[26, 48, 67, 68, 73, 85, 86, 166, 197, 13_297];
/// Two documents with what an index allows once.
const TAKEN: &[i32] = &[11_000, 11_001, 12_582];

/// What helps where a cluster has no more room for this user.
const MAKE_ROOM: &str = "remove documents, or give the cluster more room";

/// Whether Atlas, which says all that is its own by one code, says that its quota is used up: that is a full disk.
fn is_full(code: i32, message: &str) -> bool {
    code == ATLAS && message.contains("space quota")
}

const ATLAS: i32 = 8_000;

impl Failure {
    /// What `error` means, which is not about single documents.
    pub(super) fn of(error: &Error) -> Self {
        match &*error.kind {
            ErrorKind::Command(it) => Self::of_code(it.code, &it.code_name, &it.message),
            ErrorKind::Authentication { message, .. } => Self::login(message),
            ErrorKind::InvalidTlsConfig { message, .. } => Self::tls(message),
            ErrorKind::IncompatibleServer { message, .. }
            | ErrorKind::InvalidArgument { message, .. } => Self::Person(message.clone()),
            // Whoever watches a server has met this before the request did.
            ErrorKind::ServerSelection { message, .. } => match message {
                it if it.contains("certificate verify failed") => Self::tls(it),
                it if it.contains("Authentication failed") => Self::login(it),
                it => Self::Away(it.clone()),
            },
            other => Self::Away(other.to_string()),
        }
    }

    /// What an answer with this code means.
    fn of_code(code: i32, name: &str, message: &str) -> Self {
        let words = words(code, name, message);
        if AGAIN.contains(&code) || NO_PRIMARY.contains(&code) {
            return Self::Away(words);
        }
        if DOCUMENT.contains(&code) {
            return Self::Document(words);
        }
        if COLLECTION.contains(&code) {
            return Self::Collection(words);
        }
        if is_full(code, message) {
            return Self::Away(format!("{words}; {MAKE_ROOM}"));
        }
        match code {
            // Not authorized.
            13 if message.contains("requires authentication") => Self::login(&words),
            13 => Self::Collection(format!(
                "{words}; give the user of `uri` the right `readWrite` there"
            )),
            11 | 18 | ATLAS => Self::login(&words),
            // Options, and write concerns, that the server does not have.
            2 | 9 | 20 | 72 | 79 | 100 => {
                Self::Person(format!("{words}; check `write_concern` and `create`"))
            }
            59 | 115 => Self::Person(format!("{words}; the server is too old, or no MongoDB")),
            _ => Self::Away(words),
        }
    }

    /// What it means that a write is not known to be as safe as it has to be.
    pub(super) fn of_write_concern(error: &WriteConcernError) -> Self {
        match error.code {
            79 | 100 => Self::of_code(error.code, &error.code_name, &error.message),
            code => Self::Away(words(code, &error.code_name, &error.message)),
        }
    }

    fn login(words: &str) -> Self {
        Self::Person(format!(
            "{words}; check user, password and `authSource` in `uri`"
        ))
    }

    fn tls(words: &str) -> Self {
        Self::Person(format!(
            "{words}; check `tls.ca` and `tls.certificate_key`, and the names in the server's certificate"
        ))
    }
}

impl Item {
    /// What `error` means for its document, which was to go to the collection with this full name.
    pub(super) fn of(error: &IndexedWriteError, collection: &str) -> Self {
        let code = error.code;
        let name = error.code_name.as_deref().unwrap_or_default();
        let mut said = words(code, name, &error.message);
        if let Some(details) = &error.details {
            said = format!("{said}: {details}");
        }
        if TAKEN.contains(&code) {
            return if is_repeat(&error.message, collection) {
                Self::Repeat
            } else {
                Self::Taken(said)
            };
        }
        if AGAIN.contains(&code) || NO_PRIMARY.contains(&code) {
            return Self::Again(said);
        }
        if is_full(code, &error.message) {
            return Self::Again(format!("{said}; {MAKE_ROOM}"));
        }
        if code == 13 {
            return Self::Other(Failure::of_code(code, name, &error.message));
        }
        Self::Refused(said)
    }
}

/// Whether the server's words on a duplicate surely are about `_id`: its index, or none, which is how a clustered collection says it.
/// Under a collation ids that differ can be duplicates, so that is not sure.
fn is_repeat(message: &str, collection: &str) -> bool {
    let rest = message
        .strip_prefix("E11000 duplicate key error collection: ")
        .and_then(|rest| rest.strip_prefix(collection));
    rest.is_some_and(|rest| {
        rest.starts_with(" index: _id_ dup key: ") || rest.starts_with(" dup key: { _id: ")
    })
}

/// The server's words.
fn words(code: i32, name: &str, message: &str) -> String {
    if name.is_empty() {
        format!("{message} (code {code})")
    } else {
        format!("{message} (code {code}, {name})")
    }
}

#[cfg(test)]
mod tests;
