//! `tamis plugin sign`: a signature beside each plugin, which says what it is for.

use std::env::{self, VarError};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minisign::{PublicKey, SecretKey, SecretKeyBox};
use tamis_host::{Engine, Grants};

use super::replace;
use crate::cli::CompilerOptions;
use crate::cli::plugin::trust::SignArguments;
use crate::compiler;
use crate::exit::{self, Exit, Misuse};
use crate::plugin_file::{PluginFile, signature_path};

pub(super) fn run(arguments: &SignArguments, options: &CompilerOptions) -> Exit {
    exit::of(sign_all(arguments, options).map(|()| Exit::Done))
}

fn sign_all(arguments: &SignArguments, options: &CompilerOptions) -> Result<()> {
    let key = secret_key(&arguments.key)?;
    let engine = compiler::engine(options)?;
    for path in &arguments.files {
        sign(path, &key, &engine)?;
    }
    Ok(())
}

fn sign(path: &Path, key: &SecretKey, engine: &Engine) -> Result<()> {
    let file = PluginFile::read(path)?;
    // All capabilities: whether a pipeline grants them is its own affair.
    let plugin = file.load(engine, Grants { clock: true }, None, None)?;
    let (name, version) = (&plugin.description().name, &plugin.description().version);
    for said in [name, version] {
        let is_word =
            !said.is_empty() && !said.contains(|it: char| it.is_whitespace() || it.is_control());
        ensure!(
            is_word,
            "{} says that it is {name:?} {version:?}; give it a name and a version without blanks",
            path.display()
        );
    }
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let file_name = file_name.replace(|it: char| it.is_whitespace() || it.is_control(), "_");
    let timestamp = jiff::Timestamp::now().as_second();
    let trusted = format!("plugin:{name} version:{version} file:{file_name} timestamp:{timestamp}");
    let untrusted = Some("signature of a plugin");
    // With the public key the signature is tried at once: one of a broken key would be found where it is needed.
    let public = PublicKey::from_secret_key(key)?;
    let signature = minisign::sign(Some(&public), key, &*file.bytes, Some(&trusted), untrusted);
    let signature = signature.with_context(|| format!("{} cannot be signed", path.display()))?;
    let beside = signature_path(path);
    replace(&beside, &signature.to_bytes())
        .with_context(|| format!("cannot write {}", beside.display()))?;
    eprintln!("{}: {name} {version}", beside.display());
    Ok(())
}

/// What the secret key is locked with; no one is asked for it.
///
/// # Errors
/// When it is no text: without it a key would be open to all, or seem to have another password.
pub(super) fn password() -> Result<Option<String>> {
    match env::var("TAMIS_SIGN_PASSWORD") {
        Ok(password) => Ok(Some(password)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            let reason = "the password in TAMIS_SIGN_PASSWORD is not UTF-8; choose one that is";
            Err(Misuse(reason.to_owned()).into())
        }
    }
}

fn secret_key(path: &Path) -> Result<SecretKey> {
    let at = path.display();
    let text = std::fs::read_to_string(path);
    let text =
        text.with_context(|| format!("{at} cannot be read; name the file of the secret key"))?;
    if let Some(key) = without_checksum(&text) {
        return Ok(key);
    }
    let key = SecretKeyBox::from_string(&text)?;
    if let Ok(key) = key.clone().into_unencrypted_secret_key() {
        return Ok(key);
    }
    let Some(password) = password()? else {
        bail!(
            "{at} has a password, or is no secret key of minisign; give the password in TAMIS_SIGN_PASSWORD"
        );
    };
    let key = key.into_secret_key(Some(password));
    key.with_context(|| {
        format!("{at} is not opened by the password in TAMIS_SIGN_PASSWORD, or is no secret key of minisign")
    })
}

/// A key that minisign's own tool made without a password: it leaves the checksum out, which the library takes for a broken key.
fn without_checksum(text: &str) -> Option<SecretKey> {
    const NO_PASSWORD: &[u8] = &[0, 0];
    const CHECKSUM: Range<usize> = 126..158;

    let bytes = BASE64_STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    let has_none = bytes.get(CHECKSUM)?.iter().all(|byte| *byte == 0);
    let is_ours = bytes.get(2..4)? == NO_PASSWORD && has_none;
    SecretKey::from_bytes(&bytes).ok().filter(|_| is_ours)
}
