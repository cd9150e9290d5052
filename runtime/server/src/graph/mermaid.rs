//! A graph for Mermaid.

use std::fmt::Write as _;

use super::{Kind, Node, Way};

pub(super) fn write(way: &Way) -> String {
    let mut text = format!("---\ntitle: \"{}\"\n---\nflowchart LR\n", text(&way.name));
    for (number, node) in way.nodes.iter().enumerate() {
        let (open, close) = shape(node.kind);
        let label = label(node);
        writeln!(text, "    n{number}{open}\"{label}\"{close}").expect("text takes text");
    }
    for edge in &way.edges {
        let (from, to) = (edge.from, edge.to);
        let arrow = if edge.is_aside { "-.->" } else { "-->" };
        let label = if edge.label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", self::text(&edge.label))
        };
        writeln!(text, "    n{from} {arrow}{label} n{to}").expect("text takes text");
    }
    text
}

fn shape(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Source => ("([", "])"),
        Kind::Plugin => ("[", "]"),
        Kind::Sink => ("[(", ")]"),
        Kind::Letters => ("[/", "/]"),
    }
}

fn label(node: &Node) -> String {
    let lines: Vec<_> = node.label.iter().map(|line| text(line)).collect();
    lines.join("<br/>")
}

/// Text within quotes: what would mean something there is written by its number.
fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' | '_' | '|' | ';' => {
                written.push_str(&format!("#{};", u32::from(char)));
            }
            char if char.is_control() => written.push(' '),
            char => written.push(char),
        }
    }
    written
}
