//! The command line of what signs plugins and looks at signatures.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin keygen                      writes tamis.key and tamis.pub, prints the public key
  tamis plugin keygen --out release.key    and release.pub
  tamis plugin keygen --out prod-1.0       and prod-1.0.pub
  TAMIS_SIGN_PASSWORD=… tamis plugin keygen

The secret key is readable to its owner alone (0600). It has no password unless
TAMIS_SIGN_PASSWORD gives one, which nobody is asked for. Files that are there already are left
alone. Both are in minisign's form.")]
pub(crate) struct KeygenArguments {
    /// Where to write the secret key; the public one goes beside it, with .pub in the place of .key, or behind any other name
    #[arg(long, value_name = "FILE", default_value = "tamis.key")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin sign mask.wasm --key tamis.key          writes mask.wasm.minisig
  tamis plugin sign plugins/*.wasm --key tamis.key
  TAMIS_SIGN_PASSWORD=… tamis plugin sign mask.wasm --key release.key

The signature says which plugin and version it is for, and is good for no other. A key with a
password takes it from TAMIS_SIGN_PASSWORD.")]
pub(crate) struct SignArguments {
    /// The wasm files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The file with the secret key
    #[arg(long, value_name = "SECRET")]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin verify mask.wasm --key-file tamis.pub   reads mask.wasm.minisig
  tamis plugin verify plugins/*.wasm --key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3

As in a pipeline with this key in trust.keys, the signature must be by this key, of just these
bytes, and for the plugin and version that the file, once compiled, says it is. What only a
pipeline knows is not looked at: whether a newer version ran there (trust.downgrade), which plugin
runs in that place, and what it grants. `tamis check` looks at grants, too.

Exit code 1 says that one of them would not load there, and why; 2 that the key is none.")]
pub(crate) struct VerifyArguments {
    /// The wasm files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The public key, as `tamis plugin keygen` printed it
    #[arg(long, value_name = "PUBLIC", required_unless_present = "key_file")]
    pub(crate) key: Option<String>,
    /// The file with the public key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(crate) key_file: Option<PathBuf>,
}
