//! The options of who may look at a process that runs pipelines.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

// No comment of documentation: it would be what the command is about.
#[derive(Debug, Args)]
pub(crate) struct TelemetryOptions {
    /// Answer HTTP at this address: /metrics for Prometheus, /health/live and /health/ready; nothing listens unless given.
    /// One that other machines reach needs a token
    #[arg(long = "telemetry", env = "TAMIS_TELEMETRY", value_name = "IP:PORT")]
    pub(crate) address: Option<SocketAddr>,
    /// A file with the token that /metrics is read with, as `Authorization: Bearer TOKEN`; or the token itself in the variable
    /// TAMIS_TELEMETRY_TOKEN. Without it whoever reaches the address may read
    #[arg(
        long = "telemetry-token-file",
        env = "TAMIS_TELEMETRY_TOKEN_FILE",
        value_name = "FILE"
    )]
    pub(crate) token_file: Option<PathBuf>,
    // By the environment alone: what stands on a command line is seen by all users of the machine.
    #[arg(
        long = "telemetry-token",
        env = "TAMIS_TELEMETRY_TOKEN",
        hide = true,
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
}
