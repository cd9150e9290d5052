//! Files that are no plugins, plugins that ask for too much, and plugins that do not start.

use std::path::Path;
use std::sync::Arc;

use tamis_host::{
    Cause, Failure, Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform, StartError,
};

use crate::support::{apply, batch, engine, guest, hostile, limits, rows};

fn load(bytes: &[u8], grants: Grants) -> Result<Plugin, String> {
    Plugin::from_bytes(engine(), "x.wasm", bytes, grants).map_err(|error| error.to_string())
}

/// What is wrong with `bytes` begins with `expected`, and ends with `cure`.
fn check(bytes: &[u8], expected: &str, cure: &str) {
    let error = load(bytes, Grants::default()).unwrap_err();
    assert!(error.starts_with(&format!("x.wasm {expected}")), "{error}");
    assert!(error.ends_with(cure), "{error}");
}

fn check_text(text: &str, expected: &str, cure: &str) {
    check(&wat::parse_str(text).unwrap(), expected, cure);
}

fn component_of(guest: &[u8]) -> Vec<u8> {
    wit_component::ComponentEncoder::default()
        .module(guest)
        .unwrap()
        .encode()
        .unwrap()
}

#[test]
fn a_module_and_a_ready_component_are_the_same_plugin() {
    let module = guest("hostile");
    for bytes in [&component_of(&module), &module] {
        let plugin = Arc::new(load(bytes, Grants::default()).unwrap());
        let description = plugin.description();
        assert_eq!(
            (&*description.name, &*description.version),
            ("hostile", "6.6.6")
        );
        assert!(description.wants.key && description.wants.position);
        let settings = r#"{"do": "obey"}"#.to_owned();
        let mut stage =
            PluginTransform::new(plugin, "guest", settings, limits(), OnQuarantine::Stop).unwrap();
        let mut batch = batch(&["replace"]);
        apply(&mut stage, &mut batch);
        assert_eq!(rows(&batch), ["100/0 replaced"]);
    }
}

#[test]
fn what_is_no_plugin_is_refused_with_a_cure() {
    let name = "name the .wasm file that `tamis plugin build` wrote";
    check(b"", "is not WebAssembly;", name);
    check(b"#!/bin/sh", "is not WebAssembly;", name);
    check(b"\0as", "is not WebAssembly;", name);
    check(
        b"\0asm\x01",
        "is not valid WebAssembly, or was cut short: it ends",
        "build it again",
    );
    check(
        b"\0asm\x07\0\0\0",
        "is not valid WebAssembly, or was cut short: its",
        "build it again",
    );
    let path = Path::new("/no/such/plugin.wasm");
    let error = Plugin::load(engine(), path, Grants::default())
        .unwrap_err()
        .to_string();
    let expected = "/no/such/plugin.wasm cannot be read: No such file or directory (os error 2); \
                    check its path and who may read it";
    assert_eq!(error, expected);
}

#[test]
fn a_file_that_was_cut_short_anywhere_is_refused() {
    let module = guest("hostile");
    for bytes in [&component_of(&module), &module] {
        for cut in 1..32 {
            let end = bytes.len() * cut / 32;
            let error = load(&bytes[..end], Grants::default()).unwrap_err();
            assert!(
                error.contains("is not valid WebAssembly, or was cut short: "),
                "{end}: {error}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_is_no_panic() {
    let module = guest("hostile");
    let world = b"component-type";
    let start = module
        .windows(world.len())
        .position(|name| name == world)
        .unwrap();
    let mut refused = 0;
    // What describes the world is the part that is read by more than the validator.
    for (index, at) in (start..module.len()).step_by(29).enumerate() {
        let mut flipped = module.clone();
        flipped[at] ^= 1 << (index % 8);
        refused += u32::from(load(&flipped, Grants::default()).is_err());
    }
    assert!(refused > 0);
}

#[test]
fn another_world_is_refused_by_what_is_missing() {
    let cure = "it has to implement the world tamis:plugin/plugin@1.0, which the SDK does for it";
    let missing = "is not a Tamis plugin: it does not export describe, configure, process;";
    check_text("(component)", missing, cure);
    check_text("(module)", missing, cure);
    let one = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "describe" (func $f)) (export "configure" (func $f)))"#;
    check_text(
        one,
        "is not a Tamis plugin: it does not export process;",
        cure,
    );
    let all = one.replace(
        r#"(export "describe""#,
        r#"(export "process" (func $f)) (export "describe""#,
    );
    check_text(
        &all,
        "does not fit the world tamis:plugin/plugin@1.0: ",
        "with the SDK of this version",
    );
}

#[test]
fn what_is_not_granted_is_refused_by_name() {
    let imports = |name: &str| format!(r#"(component (import "{name}" (instance)))"#);
    check_text(
        &imports("example:store/keys@1.0.0"),
        "imports `example:store/keys@1.0.0`, which no plugin gets;",
        "plugins get panic, and clock where it is granted",
    );
    check_text(
        &imports("tamis:plugin/network@0.1.0"),
        "imports `tamis:plugin/network@0.1.0`, which no plugin gets;",
        "plugins get panic, and clock where it is granted",
    );
    check_text(
        &imports("wasi:cli/stdout@0.2.0"),
        "imports `wasi:cli/stdout@0.2.0` of WASI,",
        "or have its toolchain stub WASI",
    );
    check_text(
        r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))"#,
        "imports `wasi_snapshot_preview1` of WASI,",
        "or have its toolchain stub WASI",
    );
    check_text(
        &imports("tamis:plugin/panic@2.0.0"),
        "was made for version 2.0.0 of the contract, and this Tamis knows 1.0 and 0.1;",
        "build it with an SDK of that",
    );
    // What is new in a minor version is not there before it.
    check_text(
        &imports("tamis:plugin/panic@1.1.0"),
        "was made for version 1.1.0 of the contract, and this Tamis knows 1.0 and 0.1;",
        "build it with an SDK of that",
    );
    let both = r#"(component
        (import "tamis:plugin/records@1.0.0" (instance))
        (import "tamis:plugin/panic@0.1.0" (instance)))"#;
    check_text(
        both,
        "was made for version 0.1.0 of the contract beside another one, and only one can hold;",
        "build it with one SDK",
    );
    check(
        &guest("clock"),
        "imports `clock`, which is denied;",
        "grant it with grants: [clock]",
    );
    assert!(load(&guest("clock"), Grants { clock: true }).is_ok());
}

#[test]
fn what_is_switched_off_is_refused() {
    for memory in ["(memory i64 1)", "(memory 1 1 shared)"] {
        let text = format!("(component (core module {memory}))");
        check_text(
            &text,
            "is not valid WebAssembly, or was cut short: ",
            "build it again",
        );
    }
    let relaxed = "(component (core module (func (param v128) (result v128)
        local.get 0 local.get 0 i8x16.relaxed_swizzle)))";
    check_text(
        relaxed,
        "is not valid WebAssembly, or was cut short: ",
        "build it again",
    );
}

#[test]
fn a_plugin_that_fails_at_its_start_is_refused() {
    let trap = "failed when asked to describe itself: wasm `unreachable` instruction executed";
    check(&guest("start-trap"), trap, "try its tests");
    let time = "failed when asked to describe itself: time limit of 5000 ms";
    check(&guest("start-loop"), time, "try its tests");
}

#[test]
fn settings_that_are_refused_name_the_field() {
    let check = |action: &str, limits: PluginLimits, expected: &str| -> StartError {
        let settings = format!(r#"{{"do": "{action}"}}"#);
        let stop = OnQuarantine::Stop;
        let error = PluginTransform::new(hostile(), "guest", settings, limits, stop).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        error
    };
    check(
        "refuse settings",
        limits(),
        "settings/do: must be something better",
    );
    check(
        "refuse all settings",
        limits(),
        "the settings were refused: something is missing",
    );
    let unreachable = "it did not start: wasm `unreachable` instruction executed: panicked at";
    check("trap in configure", limits(), unreachable);
    check(
        "loop in configure",
        limits(),
        "it did not start: time limit of 100 ms",
    );
    let tiny = PluginLimits {
        memory_bytes_max: 65_536,
        ..limits()
    };
    let error = check("obey", tiny, "it did not start: memory limit of 64 KiB");
    assert_eq!(
        error,
        StartError::Failed(Failure {
            cause: Cause::Memory(65_536),
            message: None
        })
    );
}
