//! The command line of `tamis graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis graph pipeline.yaml                             for a page in Markdown, within ```mermaid
  tamis graph pipeline.yaml --format dot | dot -Tsvg > pipeline.svg

Nothing is touched but the configuration; plugins may be missing. Secrets are not drawn.")]
pub(crate) struct GraphArguments {
    /// The configuration file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The language of the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(crate) format: GraphFormat,
}

/// In which language a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Mermaid, as Markdown pages draw it
    Mermaid,
    /// DOT, of Graphviz
    Dot,
}
