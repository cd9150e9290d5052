//! What a plugin cannot be called in its language.

use anyhow::Result;

use crate::cli::plugin::Language;
use crate::exit::Misuse;

/// What registries and file systems bear.
const NAME_BYTES_MAX: usize = 64;
/// What a crate cannot be called: it would hide what its own code uses.
const CRATES: &str = "alloc core proc_macro schemars serde std tamis_sdk test";
/// Nor can it be called by a word of the language.
const RUST_WORDS: &str = "as async await break const continue crate dyn else enum extern false fn for gen if impl in let loop \
    match mod move mut pub ref return self static struct super trait true type unsafe use where while abstract become box do \
    final macro override priv try typeof unsized virtual yield";
/// What a module cannot be called: it would hide one of Python's own, or what it is built with.
const MODULES: &str = "abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect builtins \
    bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall concurrent \
    configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib \
    dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions \
    ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib \
    imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma \
    mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath \
    nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform \
    plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue \
    quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil \
    signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat \
    statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib \
    tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty \
    turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg \
    winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo \
    tamis_component tamis_sdk tests wit_world";
/// Nor can it be called by a word of the language.
const PYTHON_WORDS: &str = "and as assert async await break class continue def del elif else except finally for from global if import in is \
    lambda nonlocal not or pass raise return try while with yield";

pub(super) fn check(name: &str, language: Language) -> Result<()> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_letter);
    let problem = if !name.starts_with(|first: char| first.is_ascii_lowercase())
        || !name.split('-').all(is_part)
    {
        "is no name for a plugin: lower-case letters and digits, with single dashes between, such as mask-phones".to_owned()
    } else if name.len() > NAME_BYTES_MAX {
        "is too long for a name".to_owned()
    } else if let Some(meant) = taken(name, language) {
        format!("means something in {meant} already; choose another name")
    } else {
        return Ok(());
    };
    Err(Misuse(format!("{name} {problem}")).into())
}

/// The language that has the name already.
fn taken(name: &str, language: Language) -> Option<&'static str> {
    let (shown, modules, words) = match language {
        Language::Rust => ("Rust", CRATES, RUST_WORDS),
        Language::Python => ("Python", MODULES, PYTHON_WORDS),
        // Its name is that of a folder alone.
        Language::Js => ("npm", "tamis-sdk", ""),
    };
    let module = name.replace('-', if language == Language::Js { "-" } else { "_" });
    let is_taken =
        modules.split(' ').any(|it| it == module) || words.split(' ').any(|it| it == name);
    is_taken.then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_and_packages() {
        for language in [Language::Rust, Language::Python, Language::Js] {
            for name in ["mask", "mask-phones2", "a", "plugin", "record", "vec"] {
                assert!(check(name, language).is_ok(), "{name}");
            }
            let long = "a".repeat(65);
            for name in [
                "",
                "Mask",
                "2fast",
                "a_b",
                "a--b",
                "a-",
                "-a",
                "ä",
                "tamis-sdk",
                "../a",
                &*long,
            ] {
                assert!(check(name, language).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn what_a_language_has_already_is_taken_in_it_alone() {
        for (name, language, other) in [
            ("serde", Language::Rust, Language::Python),
            ("type", Language::Rust, Language::Js),
            ("json", Language::Python, Language::Rust),
            ("lambda", Language::Python, Language::Rust),
            ("wit-world", Language::Python, Language::Js),
        ] {
            assert!(check(name, language).is_err(), "{name}");
            assert!(check(name, other).is_ok(), "{name}");
        }
    }
}
