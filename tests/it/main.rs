//! Tests of the whole: one binary, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod bad_input;
mod cases;
mod command_line;
mod compilation;
mod dead_letters;
mod dead_letters_beyond;
mod demo;
mod deployment;
mod dev;
mod disk_full;
mod documents;
mod elasticsearch;
mod groups;
mod hold;
mod kafka_sink;
mod laws;
mod line_files;
mod lost;
mod main_job;
mod mongodb;
mod mysql;
mod outage;
mod plugin_tools;
mod prove;
mod replay;
mod restart;
mod secrets;
mod secure;
mod several_sinks;
mod shutdown;
mod state_folder;
mod swap;
mod telemetry;
mod terminal;
mod tidy;
mod trust;
