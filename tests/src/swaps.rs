//! The proof of swaps: versions of a plugin come and go while records flow, good ones and others, and the process is killed between;
//! each record must be seen once, made by one version, and the versions one after the other.

mod feed;
mod history;
mod options;
mod plan;
mod reader;
mod report;
mod run;
mod stage;

pub use options::Options;
pub use report::Report;
pub use run::run;

const PARTITIONS: i32 = 4;
