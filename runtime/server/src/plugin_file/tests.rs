use std::fs;
use std::process::Command;
use std::thread;

use minisign::KeyPair;
use tempfile::TempDir;

use super::*;

/// A file that is no plugin: whatever refuses it for that has verified it before.
const BYTES: &[u8] = b"no plugin";

fn place(signature: Option<&str>) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.wasm");
    fs::write(&path, BYTES).unwrap();
    if let Some(signature) = signature {
        fs::write(place.path().join("x.wasm.minisig"), signature).unwrap();
    }
    (place, path)
}

#[test]
fn nothing_is_compiled_that_is_not_trusted() {
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    let trust = Trust::new(&[key.pk.to_base64()]).unwrap();
    let sign = |bytes: &[u8]| {
        let signature = minisign::sign(None, &key.sk, bytes, None, None);
        signature.unwrap().into_string()
    };
    let engine = Engine::new().unwrap();
    let check = |signature: Option<&str>, trust: Option<&Trust>, expected: &str| {
        let (_place, path) = place(signature);
        let file = PluginFile::read(&path).unwrap();
        let error = file
            .load(&engine, Grants::default(), trust, None)
            .unwrap_err();
        let (error, path) = (format!("{error:#}"), path.display());
        let start = format!("{path} {expected}");
        assert!(error.starts_with(&start), "{start}: {error}");
    };
    let not_wasm = "is not WebAssembly";
    check(None, None, not_wasm);
    check(Some("whatever"), None, not_wasm);
    check(Some(&sign(BYTES)), Some(&trust), not_wasm);
    check(None, Some(&trust), "has no signature");
    check(Some(""), Some(&trust), "has a signature that is broken");
    check(
        Some(&sign(b"other")),
        Some(&trust),
        "is not what was signed",
    );
}

/// The least plugin that there is, `empty` 0.1.0, with a signature of `key` that has this comment.
fn signed(key: &KeyPair, comment: &str) -> PluginFile {
    let text =
        include_str!("../../../host/src/empty.wat").replace("(i32.const WANTS)", "(i32.const 0)");
    let bytes = wat::parse_str(text).unwrap();
    let signature = minisign::sign(None, &key.sk, &*bytes, Some(comment), None);
    PluginFile {
        path: "x.wasm".into(),
        bytes,
        signature: Some(signature.unwrap().to_bytes()),
    }
}

#[test]
fn a_plugin_is_what_its_signature_says_and_what_runs_in_its_place() {
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    let trust = Trust::new(&[key.pk.to_base64()]).unwrap();
    let engine = Engine::new().unwrap();
    let check = |comment: &str, trust: Option<&Trust>, name: Option<&str>, expected: &str| {
        let file = signed(&key, comment);
        let said = match file.load(&engine, Grants::default(), trust, name) {
            Ok(plugin) => plugin.description().name.clone(),
            Err(error) => format!("{error:#}"),
        };
        assert!(said.starts_with(expected), "{expected}: {said}");
    };
    let trust = Some(&trust);
    check("plugin:empty version:0.1.0", trust, None, "empty");
    check(
        "plugin:mask version:0.1.0",
        trust,
        None,
        "x.wasm was signed as plugin mask",
    );
    check(
        "plugin:empty version:0.0.1",
        trust,
        None,
        "x.wasm was signed as version 0.0.1",
    );
    check("plugin:mask version:0.1.0", None, None, "empty");
    check("plugin:empty", trust, Some("empty"), "empty");
    check(
        "plugin:empty",
        trust,
        Some("mask"),
        "x.wasm is the plugin empty, where mask runs",
    );
    check("plugin:empty", None, Some("mask"), "empty");
}

#[test]
fn another_signature_of_a_file_has_another_digest() {
    let of = |signature: Option<&str>| {
        let (_place, path) = place(signature);
        let file = PluginFile::read(&path).unwrap();
        (file.sha256(), file.signature_sha256())
    };
    let [none, one, other] = [None, Some("one"), Some("other")].map(of);
    assert!(none.0 == one.0 && one.0 == other.0, "the file is the same");
    assert_eq!(none.1, None);
    assert!(one.1.is_some() && one.1 != other.1);
}

#[test]
fn what_is_not_there_is_told_from_what_cannot_be_read() {
    let check = |lay: &dyn Fn(&Path, &Path), expected: &str| {
        let (_place, path) = place(None);
        lay(&path, &signature_path(&path));
        let error = PluginFile::read(&path).unwrap_err();
        let is_missing = matches!(error, ReadError::Missing(_));
        let error = error.to_string();
        let start = format!("{}{expected}", path.display());
        assert!(error.starts_with(&start), "{start}: {error}");
        assert_eq!(is_missing, error.contains("No such file"), "{error}");
    };
    let in_its_place = |path: &Path, make: fn(&Path)| {
        fs::remove_file(path).unwrap();
        make(path);
    };
    let folder: fn(&Path) = |path| fs::create_dir(path).unwrap();
    check(
        &|file, _| in_its_place(file, |_| {}),
        " cannot be read: No such file",
    );
    check(
        &|file, _| in_its_place(file, folder),
        " cannot be read: is a directory",
    );
    check(
        &|_, beside| folder(beside),
        ".minisig cannot be read: is a directory",
    );
    // Whoever waits for a writer meets one.
    let pipe: fn(&Path) = |path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        let path = path.to_owned();
        thread::spawn(move || fs::write(path, "x"));
    };
    check(
        &|file, _| in_its_place(file, pipe),
        " cannot be read: it is a pipe",
    );
    check(
        &|_, beside| pipe(beside),
        ".minisig cannot be read: it is a pipe",
    );
    let large: fn(&Path) = |path| fs::write(path, "x".repeat((64 << 10) + 1)).unwrap();
    check(
        &|_, beside| large(beside),
        ".minisig is larger than any signature",
    );
}

#[test]
fn an_older_version_is_refused_unless_that_is_allowed() {
    let check =
        |downgrade: Option<Downgrade>, version: &str, newest: Option<&str>, is_refused: bool| {
            let trust = downgrade.map(|downgrade| TrustSpec {
                keys: Vec::new(),
                downgrade,
            });
            let refused = refuse_downgrade(trust.as_ref(), version, newest);
            assert_eq!(refused.is_err(), is_refused, "{version} {newest:?}");
        };
    let refuse = Some(Downgrade::Refuse);
    check(refuse, "1.0.0", Some("1.1.0"), true);
    check(refuse, "1.1.0", Some("1.1.0"), false);
    check(refuse, "1.0.0", None, false);
    check(Some(Downgrade::Allow), "1.0.0", Some("1.1.0"), false);
    check(None, "1.0.0", Some("1.1.0"), false);
}
