//! Checks the keys that plugins are to be signed with.

use minisign_verify::PublicKey;

use crate::problem::{Report, item};
use crate::raw::RawTrust;
use crate::spec::TrustSpec;

pub(super) fn check(raw: RawTrust, report: &mut Report) -> TrustSpec {
    let mut keys = Vec::<String>::new();
    for (index, raw) in raw.keys.iter().enumerate() {
        let at = item("trust.keys", index);
        // The file of a key has a comment before it.
        let key = raw.lines().last().unwrap_or_default().trim();
        if PublicKey::from_base64(key).is_err() {
            let cure = "write the line `RWQ…` of the `.pub` file that `tamis plugin keygen` wrote";
            report.add_with_cure(&at, "is not a public key of minisign", cure);
        }
        if let Some(first) = keys.iter().position(|other| other == key) {
            report.add(&at, format!("is the same as `trust.keys[{first}]`"));
        }
        keys.push(key.to_owned());
    }
    TrustSpec {
        keys,
        downgrade: raw.downgrade,
    }
}
