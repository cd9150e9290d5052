//! `tamis graph`: the way of records through a pipeline, drawn from its configuration.

mod dot;
mod mermaid;
mod way;

use tamis_config::PluginFiles;

use crate::cli::graph::{GraphArguments, GraphFormat};
use crate::exit::Exit;
use crate::run;

pub(crate) fn run(arguments: &GraphArguments) -> Exit {
    let GraphArguments { file, format } = arguments;
    let files = std::slice::from_ref(file);
    let Some(specs) = run::load(files, PluginFiles::MayBeMissing) else {
        return Exit::Usage;
    };
    let graphs = specs.iter().map(|spec| {
        let way = way::of(spec);
        match format {
            GraphFormat::Mermaid => mermaid::write(&way),
            GraphFormat::Dot => dot::write(&way),
        }
    });
    crate::print(&graphs.collect::<String>())
}

/// What is drawn.
struct Way {
    name: String,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// Something that records meet. Its place in the list is its name in the graph.
struct Node {
    kind: Kind,
    /// A line each; the first one is its name.
    label: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Source,
    Plugin,
    Sink,
    /// Where letters go.
    Letters,
}

struct Edge {
    from: usize,
    to: usize,
    /// Which records take it; all of them where nothing is said.
    label: String,
    /// Whether it is the way of what was refused or parked.
    is_aside: bool,
}

#[cfg(test)]
mod tests;
