//! The steps of a version, a line each, as they end.

use std::io::{self, Write};

use serde_json::Value;

use crate::dead::plain;
use crate::state::Step;

/// Shows the lines of an answer.
pub(super) struct Steps<W> {
    output: W,
    /// As they come.
    json: bool,
    has_head: bool,
}

impl<W: Write> Steps<W> {
    pub(super) fn new(output: W, json: bool) -> Self {
        Self {
            output,
            json,
            has_head: false,
        }
    }

    /// Shows `line` at once. For a person, what is no step is passed over: a later version may say more.
    pub(super) fn show(&mut self, line: &str) -> io::Result<()> {
        if self.json {
            writeln!(self.output, "{line}")?;
        } else if let Ok(step) = serde_json::from_str::<Step>(line) {
            self.show_step(&step)?;
        }
        self.output.flush()
    }

    fn show_step(&mut self, step: &Step) -> io::Result<()> {
        if !self.has_head {
            self.has_head = true;
            writeln!(
                self.output,
                "{:<12}  {:<6}  {:>8}  SAID",
                "STEP", "RESULT", "MS"
            )?;
        }
        let (name, said) = (plain(&step.name), plain(&step.said));
        let result = if step.ok { "ok" } else { "failed" };
        let line = format!("{name:<12}  {result:<6}  {:>8}  {said}", step.ms);
        writeln!(self.output, "{}", line.trim_end())?;
        for difference in differences(step) {
            writeln!(self.output, "    {}", plain(&difference))?;
        }
        Ok(())
    }
}

/// What the detail of a step lists, under `differences` or by itself.
fn differences(step: &Step) -> Vec<String> {
    let detail = step.detail.as_ref();
    let listed = detail.and_then(|detail| detail.get("differences").unwrap_or(detail).as_array());
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    listed.into_iter().flatten().map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(lines: &[Value], json: bool, expected: &str) {
        let mut output = Vec::new();
        let mut steps = Steps::new(&mut output, json);
        for line in lines {
            steps.show(&line.to_string()).unwrap();
        }
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn steps_are_a_table_with_what_differs_below_them() {
        let lines = [
            json!({"name": "compile", "ok": true, "ms": 412, "said": ""}),
            json!({"name": "shadow", "ok": false, "ms": 12_000, "said": "2 of 4096 differ", "detail": {
                "differences": ["t/0/1/0: kept, was \"dropped\"", {"id": "t/0/2/0", "is": "\u{1b}[31m"}],
            }}),
            json!({"later": "versions say more"}),
            json!({"end": {"ok": false, "said": "refused"}}),
        ];
        let expected = "\
STEP          RESULT        MS  SAID
compile       ok           412
shadow        failed     12000  2 of 4096 differ
    t/0/1/0: kept, was \"dropped\"
    {\"id\":\"t/0/2/0\",\"is\":\"\\u001b[31m\"}
";
        check(&lines, false, expected);
    }

    #[test]
    fn json_is_shown_as_it_comes() {
        let lines = [
            json!({"any": "thing"}),
            json!({"end": {"ok": true, "said": "it runs"}}),
        ];
        let expected = "{\"any\":\"thing\"}\n{\"end\":{\"ok\":true,\"said\":\"it runs\"}}\n";
        check(&lines, true, expected);
    }
}
