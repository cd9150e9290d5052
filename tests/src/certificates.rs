//! Certificates of a test's own, made by openssl.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// How a key is made; the brokers take no key with a password.
const NEW_KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
];

/// Who signs certificates. It goes with the test, and so do they.
#[derive(Debug)]
pub struct Authority(TempDir);

impl Default for Authority {
    fn default() -> Self {
        let authority = Self(tempfile::tempdir().expect("there is room for temporary files"));
        let mut request = Command::new("openssl");
        request.args(["req", "-x509"]).args(NEW_KEY);
        option(&mut request, "-subj", "/CN=authority");
        option(&mut request, "-keyout", authority.path("ca.key"));
        option(&mut request, "-out", authority.certificate());
        succeed(&mut request);
        authority
    }
}

impl Authority {
    /// Its own certificate: whoever has it trusts those that it signed.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// A key with a certificate for `host`, as openssl names it (`IP:127.0.0.1`), that ends in so many days: both in one file
    /// of PEM, as a broker takes them.
    ///
    /// # Panics
    /// Where openssl fails.
    #[must_use]
    pub fn sign(&self, name: &str, host: &str, days: i32) -> PathBuf {
        let path = |ending: &str| self.path(&format!("{name}.{ending}"));
        let mut request = Command::new("openssl");
        request.arg("req").args(NEW_KEY);
        option(&mut request, "-subj", format!("/CN={name}"));
        option(&mut request, "-addext", format!("subjectAltName={host}"));
        option(&mut request, "-keyout", path("key"));
        option(&mut request, "-out", path("request"));
        succeed(&mut request);
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-CAcreateserial"]);
        option(&mut sign, "-copy_extensions", "copy");
        option(&mut sign, "-days", days.to_string());
        option(&mut sign, "-CA", self.certificate());
        option(&mut sign, "-CAkey", self.path("ca.key"));
        option(&mut sign, "-in", path("request"));
        option(&mut sign, "-out", path("crt"));
        succeed(&mut sign);
        let parts = ["key", "crt"].map(|it| fs::read(path(it)).expect("openssl wrote it"));
        fs::write(path("pem"), parts.concat()).expect("there is room for temporary files");
        path("pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn option(command: &mut Command, name: &str, value: impl AsRef<OsStr>) {
    command.arg(name).arg(value);
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("there is openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
