//! `tamis plugin`: what a plugin author needs.

pub(crate) mod build;
pub(crate) mod inspect;
mod toolchain;
