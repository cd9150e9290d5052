//! Where a process listens for whoever looks at it, and whom it answers: checked before anything is started.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::cli::telemetry::TelemetryOptions;

/// Bytes of a token at most: it comes in a header.
const TOKEN_BYTES_MAX: usize = 1024;

/// What was asked for, and is allowed.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(super) address: SocketAddr,
    pub(super) token: Option<Token>,
}

/// Lets in whoever knows it. It is not kept, only what can be compared with it.
#[derive(Debug)]
pub(super) struct Token([u8; 32]);

impl Listen {
    /// What `options` ask for; `None` where they ask for nothing.
    ///
    /// # Errors
    /// What is wrong with them, and what to do.
    pub(crate) fn of(options: &TelemetryOptions) -> Result<Option<Self>, String> {
        let token = match (&options.token, &options.token_file) {
            (Some(token), None) => {
                Some(Token::new(token).map_err(|it| format!("TAMIS_TELEMETRY_TOKEN {it}"))?)
            }
            (None, Some(file)) => Some(Token::read(file)?),
            (Some(_), Some(_)) => {
                return Err(
                    "there are both TAMIS_TELEMETRY_TOKEN and a file with a token: leave one of them out"
                        .to_owned(),
                );
            }
            (None, None) => None,
        };
        let Some(address) = options.address else {
            return Ok(None);
        };
        if !address.ip().is_loopback() && token.is_none() {
            return Err(format!(
                "--telemetry {address} can be reached from other machines, so it needs a token: name a file that has one with \
                 --telemetry-token-file FILE, or listen on 127.0.0.1:{} alone",
                address.port()
            ));
        }
        Ok(Some(Self { address, token }))
    }
}

impl Token {
    fn read(file: &Path) -> Result<Self, String> {
        let name = file.display();
        let text = fs::read_to_string(file)
            .map_err(|error| format!("--telemetry-token-file {name}: {error}"))?;
        Self::new(&text).map_err(|it| format!("--telemetry-token-file {name}: what is in it {it}"))
    }

    fn new(text: &str) -> Result<Self, &'static str> {
        let token = text.trim();
        if token.is_empty() {
            Err("is empty")
        } else if token.len() > TOKEN_BYTES_MAX {
            Err("is longer than 1,024 bytes")
        } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err("is no token: it has spaces, or characters that a header cannot have")
        } else {
            Ok(Self(Sha256::digest(token).into()))
        }
    }

    /// Whether `given` is it. How long that takes tells nothing of it, since only digests are compared.
    pub(super) fn is(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, token: Option<&str>, expected: Result<bool, &str>) {
        let options = TelemetryOptions {
            address: (!address.is_empty()).then(|| address.parse().unwrap()),
            token_file: None,
            token: token.map(str::to_owned),
        };
        match (Listen::of(&options), expected) {
            (Ok(listen), Ok(listens)) => assert_eq!(listen.is_some(), listens, "{address}"),
            (Err(said), Err(words)) => assert!(said.contains(words), "{said}"),
            (listen, expected) => panic!("{listen:?} is not {expected:?}"),
        }
    }

    #[test]
    fn others_are_let_in_with_a_token_alone() {
        check("", None, Ok(false));
        check("127.0.0.1:9598", None, Ok(true));
        check("[::1]:9598", None, Ok(true));
        check("0.0.0.0:9598", None, Err("--telemetry-token-file"));
        check("10.1.2.3:9598", None, Err("127.0.0.1:9598"));
        check("0.0.0.0:9598", Some("s3cret\n"), Ok(true));
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_told() {
        check("127.0.0.1:1", Some(" \n"), Err("is empty"));
        check("127.0.0.1:1", Some("s3 cret"), Err("spaces"));
        let long = "s".repeat(TOKEN_BYTES_MAX + 1);
        check("127.0.0.1:1", Some(&long), Err("longer"));
        let token = Token::new("s3cret\n").unwrap();
        assert!(token.is("s3cret"));
        assert!(!token.is("s3cret\n") && !token.is(""));
        assert!(!format!("{token:?}").contains("s3cret"));
    }
}
