//! The sandbox against real guests, the hostile ones of `tests/hostile`.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod failures;
mod fates;
mod load;
mod quarantine;
mod support;
mod tools;
