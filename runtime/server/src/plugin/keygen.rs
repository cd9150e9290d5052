//! `tamis plugin keygen`: a secret key to sign plugins with, and the public one that a pipeline trusts.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use minisign::KeyPair;

use super::sign::password;
use crate::cli::plugin::trust::KeygenArguments;
use crate::exit::{self, Exit, Misuse};

pub(super) fn run(arguments: &KeygenArguments) -> Exit {
    match keygen(&arguments.out) {
        Ok(public) => crate::print(&public),
        Err(error) => exit::of(Err(error)),
    }
}

/// Writes both keys; the public one, as a configuration takes it.
fn keygen(secret_path: &Path) -> Result<String> {
    let public_path = secret_path.with_extension("pub");
    if secret_path.extension() == Some(OsStr::new("pub")) {
        let reason = "--out names the secret key; the ending .pub is that of the public one";
        return Err(Misuse(reason.to_owned()).into());
    }
    let password = password();
    let has_password = password.is_some();
    let keys = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = keys.context("no key can be made")?;
    let comment = Some("secret key of plugins");
    // The public one first: where it is in the way, no secret is left lying about.
    create(&public_path, 0o644, &pk.to_box()?.to_bytes())?;
    let written = create(secret_path, 0o600, &sk.to_box(comment)?.to_bytes());
    if written.is_err() {
        std::fs::remove_file(&public_path)?;
    }
    written?;
    let (secret, public) = (secret_path.display(), public_path.display());
    let protection = if has_password {
        "with the password of TAMIS_SIGN_PASSWORD"
    } else {
        "without a password"
    };
    eprintln!("{secret}: the secret key, {protection}; keep it away from where pipelines run");
    eprintln!("{public}: the public key, for trust.keys of a pipeline:");
    Ok(pk.to_base64())
}

/// Writes a file that is not there yet, closed from its beginning to whom `mode` leaves out.
fn create(path: &Path, mode: u32, content: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    let mut file = match options.write(true).create_new(true).mode(mode).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let path = path.display();
            let reason = format!(
                "{path} is there already, and a key that is lost is lost for good; name another file with --out"
            );
            return Err(Misuse(reason).into());
        }
        opened => opened.with_context(|| format!("{} cannot be written", path.display()))?,
    };
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))
}
