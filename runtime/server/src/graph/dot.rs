//! A graph for Graphviz.

use std::fmt::Write as _;

use super::{Kind, Node, Way};

pub(super) fn write(way: &Way) -> String {
    let name = text(&way.name);
    let mut text =
        format!("digraph \"{name}\" {{\n    rankdir=LR;\n    node [fontname=\"sans-serif\"];\n");
    for (number, node) in way.nodes.iter().enumerate() {
        let (shape, label) = (shape(node.kind), label(node));
        writeln!(text, "    n{number} [shape={shape}, label=\"{label}\"];")
            .expect("text takes text");
    }
    for edge in &way.edges {
        let (from, to, label) = (edge.from, edge.to, self::text(&edge.label));
        let style = if edge.is_aside { "dashed" } else { "solid" };
        writeln!(
            text,
            "    n{from} -> n{to} [style={style}, label=\"{label}\"];"
        )
        .expect("text takes text");
    }
    text.push_str("}\n");
    text
}

fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Source => "ellipse",
        Kind::Plugin => "box",
        Kind::Sink => "cylinder",
        Kind::Letters => "note",
    }
}

fn label(node: &Node) -> String {
    let lines: Vec<_> = node.label.iter().map(|line| text(line)).collect();
    lines.join("\\n")
}

/// Text within quotes. A backslash would begin an escape of Graphviz' own.
fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\\' => written.extend(['\\', char]),
            char if char.is_control() => written.push(' '),
            char => written.push(char),
        }
    }
    written
}
