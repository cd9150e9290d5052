//! Whose plugins are run: signatures in minisign's form, and which version is older than which.
//!
//! What is verified is bytes in memory, the very ones that are compiled afterwards: a file is not read twice.

use minisign_verify::{Error, PublicKey, Signature};
use semver::Version;

use crate::contract::Description;

/// Keys of which one must have signed a plugin.
#[derive(Debug, Clone)]
pub struct Trust {
    keys: Vec<PublicKey>,
}

/// What a signature says that one of the keys made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its trusted comment: `name:value` each, as `plugin:mask version:1.2.0 file:mask.wasm timestamp:1700000000`.
    pub comment: String,
}

/// Why a plugin is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A key is none.
    #[error(
        "`{0}` is not a public key of minisign; write the line `RWQ…` of the .pub file that \
         `tamis plugin keygen` wrote"
    )]
    Key(String),
    /// It has no signature.
    #[error(
        "has no signature, and only signed plugins are trusted; `tamis plugin sign` makes one, \
         which has to lie beside it, as FILE.minisig"
    )]
    Unsigned,
    /// Its signature is none.
    #[error(
        "has a signature that is broken or of an old form; `tamis plugin sign` makes a new one"
    )]
    Malformed,
    /// Someone else signed it.
    #[error(
        "is signed by none of the keys that are trusted; have it signed by one of them, or add \
         the key of its author to trust.keys"
    )]
    Foreign,
    /// The file or its signature is not what the key signed.
    #[error(
        "is not what was signed: it or its signature was altered, or the signature is that of \
         another file; get both again, or sign it anew"
    )]
    Altered,
    /// The signature was made for something else.
    #[error(
        "was signed as {field} {signed}, and says of itself that it is {found}; sign it anew, or \
         get the file that the signature was made for"
    )]
    Claim {
        /// `plugin` or `version`.
        field: &'static str,
        /// What the signature says.
        signed: String,
        /// What the plugin says.
        found: String,
    },
    /// It is signed, and another plugin runs where it was put.
    #[error(
        "is the plugin {found}, where {expected} runs, and a signature is good for no other place; \
         if {found} is to run there, give it another `path` in the configuration, else put a \
         version of {expected} there"
    )]
    Place {
        /// What the plugin says it is.
        found: String,
        /// What runs there.
        expected: String,
    },
}

impl Trust {
    /// Trust in each of `keys`, the lines `RWQ…` of files of public keys.
    ///
    /// # Errors
    /// When one of them is no key.
    pub fn new<K: AsRef<str>>(keys: &[K]) -> Result<Self, TrustError> {
        let key = |key: &K| {
            let key = key.as_ref();
            PublicKey::from_base64(key).map_err(|_| TrustError::Key(key.to_owned()))
        };
        let keys = keys.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// What one of the keys signed about `bytes`, by the content of the file with their `signature`.
    ///
    /// Everything in that file counts but its first line, which minisign does not sign.
    ///
    /// # Errors
    /// When there is no signature, when it is broken, or when it is not one of these bytes by one of the keys.
    pub fn verify(&self, bytes: &[u8], signature: Option<&[u8]>) -> Result<Signed, TrustError> {
        let text = std::str::from_utf8(signature.ok_or(TrustError::Unsigned)?);
        let text = text.map_err(|_| TrustError::Malformed)?;
        let signature = Signature::decode(text).map_err(|_| TrustError::Malformed)?;
        let mut refusal = TrustError::Foreign;
        for key in &self.keys {
            // Signatures of the old form are of the bytes themselves, not of their hash: no one has to make those any more.
            match key.verify(bytes, &signature, false) {
                Ok(()) => {
                    let comment = signature.trusted_comment().to_owned();
                    return Ok(Signed { comment });
                }
                // What another key says of it stays.
                Err(Error::UnexpectedKeyId) => {}
                Err(Error::UnexpectedAlgorithm) => refusal = TrustError::Malformed,
                Err(_) => refusal = TrustError::Altered,
            }
        }
        Err(refusal)
    }
}

impl Signed {
    /// Compares what was signed with what the plugin says of itself. A signature that names neither plugin nor version, as
    /// minisign's own tool makes it, fits any.
    ///
    /// A signature says nothing of where its plugin is to run. Where that is the place of the plugin that calls itself
    /// `expected_name`, it must be that one: whoever can write files could take a plugin out of a pipeline by another one that is
    /// signed, too.
    ///
    /// # Errors
    /// When they differ.
    pub fn check(
        &self,
        description: &Description,
        expected_name: Option<&str>,
    ) -> Result<(), TrustError> {
        let claims = [
            ("plugin", &description.name),
            ("version", &description.version),
        ];
        for (field, found) in claims {
            if let Some(signed) = self.field(field).filter(|signed| signed != found) {
                return Err(TrustError::Claim {
                    field,
                    signed: signed.to_owned(),
                    found: found.clone(),
                });
            }
        }
        match expected_name {
            Some(expected) if expected != description.name => Err(TrustError::Place {
                found: description.name.clone(),
                expected: expected.to_owned(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// The value of the first field of the comment called `name`.
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.comment.split_whitespace();
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix(':'))
    }
}

/// Whether the version `candidate` comes before `newest_that_ran` by the precedence of semver, in which the metadata of
/// builds does not count. A candidate that has no version of semver comes before any that has one.
#[must_use]
pub fn is_downgrade(candidate: &str, newest_that_ran: &str) -> bool {
    let Ok(newest) = Version::parse(newest_that_ran) else {
        return false;
    };
    Version::parse(candidate).map_or(true, |candidate| candidate.cmp_precedence(&newest).is_lt())
}

#[cfg(test)]
mod tests;
