//! `tamis plugin keygen`: a secret key to sign plugins with, and the public one that a pipeline trusts.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use minisign::KeyPair;
use tempfile::NamedTempFile;

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
    if secret_path.extension() == Some(OsStr::new("pub")) {
        let reason = "--out names the secret key; the ending .pub is that of the public one";
        return Err(Misuse(reason.to_owned()).into());
    }
    let public_path = public_path(secret_path);
    let password = password()?;
    if password.as_deref() == Some("") {
        let reason =
            "TAMIS_SIGN_PASSWORD is empty; put a password there, or unset it for a key without one";
        return Err(Misuse(reason.to_owned()).into());
    }
    let has_password = password.is_some();
    let keys = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = keys.context("no key can be made")?;
    let comment = Some("secret key of plugins");
    let public = NewFile::write(&public_path, 0o644, &pk.to_box()?.to_bytes())?;
    let secret = NewFile::write(secret_path, 0o600, &sk.to_box(comment)?.to_bytes())?;
    // The public one first: where it is in the way, no secret is left lying about.
    public.show()?;
    let shown = secret.show();
    if shown.is_err() {
        fs::remove_file(&public_path)?;
    }
    shown?;
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

/// `release.pub` for `release.key`; a name that ends otherwise, as `prod-1.0`, stays as it is, and `.pub` goes behind it.
fn public_path(secret: &Path) -> PathBuf {
    let mut public = secret.to_owned();
    if secret.extension() == Some(OsStr::new("key")) {
        public.set_extension("");
    }
    public.as_mut_os_string().push(".pub");
    public
}

/// A file that nobody sees under its name yet. Half a key in the way of the next one would look like one that must not be lost.
struct NewFile<'a> {
    path: &'a Path,
    written: NamedTempFile,
}

impl<'a> NewFile<'a> {
    /// Writes `content` beside `path`, closed from its beginning to whom `mode` leaves out.
    fn write(path: &'a Path, mode: u32, content: &[u8]) -> Result<Self> {
        let write = || {
            let mut file = tempfile::Builder::new()
                .prefix("new-key-")
                .permissions(Permissions::from_mode(mode))
                .tempfile_in(folder(path))?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let written = write().map_err(|error| cannot_be_written(path, error))?;
        Ok(Self { path, written })
    }

    /// Gives it its name, which no file may have yet.
    fn show(self) -> Result<()> {
        let Self { path, written } = self;
        match written.persist_noclobber(path) {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                let path = path.display();
                let reason = format!(
                    "{path} is there already, and a key that is lost is lost for good; name another file with --out"
                );
                Err(Misuse(reason).into())
            }
            Err(error) => Err(cannot_be_written(path, error.error)),
            Ok(_) => File::open(folder(path))
                .and_then(|folder| folder.sync_all())
                .map_err(|error| cannot_be_written(path, error)),
        }
    }
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

fn cannot_be_written(path: &Path, error: io::Error) -> anyhow::Error {
    anyhow::Error::from(error).context(format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_lies_beside_its_secret_one() {
        let check = |secret: &str, public: &str| {
            assert_eq!(public_path(Path::new(secret)), Path::new(public));
        };
        check("tamis.key", "tamis.pub");
        check("keys/prod-1.0.key", "keys/prod-1.0.pub");
        check("prod-1.0", "prod-1.0.pub");
        check("/keys.d/key", "/keys.d/key.pub");
    }
}
