//! The types and imports of the plugin contract, generated from its definition, and the macro that makes exports.
//!
//! The one place of this crate with unsafe code: the generated functions take lists over from the host, and hand
//! lists back, as a pointer and a length, the way the component model lays down.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    rust_2018_idioms,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    reason = "generated code"
)]

wit_bindgen::generate!({
    world: "plugin-with-clock",
    path: "../wit/v1.0.0",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "tamis_sdk::bindings",
    generate_unused_types: true,
});

pub use tamis::plugin::records::Metadata;
