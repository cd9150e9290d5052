//! The text that Prometheus reads (format 0.0.4): families of samples, each with its help and type.

use std::fmt::{Display, Write as _};

/// The content type of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

/// The samples of one family, all with the same labels in front.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

/// Names of labels, with their values.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// Begins with a family; its samples come next.
    pub(super) fn family(&mut self, kind: Kind, name: &'static str, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        line(&mut self.text, format_args!("# HELP {name} {help}"));
        line(&mut self.text, format_args!("# TYPE {name} {kind}"));
        Family {
            text: &mut self.text,
            name,
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

fn line(text: &mut String, line: impl Display) {
    writeln!(text, "{line}").expect("text takes text");
}

impl Family<'_> {
    /// Adds a sample.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.with_suffix("", labels, value);
    }

    /// Adds a sample of a histogram: the upper end of each bucket in microseconds, with how many are in it alone; then how many there
    /// were, and their sum in microseconds.
    pub(super) fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: &[(u64, u64)],
        count: u64,
        sum_us: u64,
    ) {
        let mut so_far = 0;
        let mut with_end = |end: &str, count| {
            let mut all = labels.to_vec();
            all.push(("le", end));
            self.with_suffix("_bucket", &all, count);
        };
        for (end_us, count) in buckets {
            so_far += count;
            with_end(&seconds(*end_us).to_string(), so_far);
        }
        with_end("+Inf", count);
        self.with_suffix("_sum", labels, seconds(sum_us));
        self.with_suffix("_count", labels, count);
    }

    fn with_suffix(&mut self, suffix: &str, labels: Labels<'_>, value: impl Display) {
        let Self { text, name } = self;
        text.push_str(name);
        text.push_str(suffix);
        for (index, (label, value)) in labels.iter().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            text.push_str(label);
            text.push_str("=\"");
            escape(text, value);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        line(text, format_args!(" {value}"));
    }
}

/// Microseconds in seconds.
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Writes a value of a label.
fn escape(text: &mut String, value: &str) {
    for char in value.chars() {
        match char {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_the_format_has_them() {
        let mut text = Exposition::default();
        let mut family = text.family(Kind::Counter, "a_total", "What it is");
        family.sample(&[], 1);
        family.sample(&[("topic", "a\"b\\c\nd"), ("x", "")], 2.5);
        let mut family = text.family(Kind::Histogram, "b_seconds", "How long");
        family.histogram(&[("sink", "s")], &[(500, 1), (1_000_000, 2)], 4, 1_500_000);
        let expected = "\
# HELP a_total What it is
# TYPE a_total counter
a_total 1
a_total{topic=\"a\\\"b\\\\c\\nd\",x=\"\"} 2.5
# HELP b_seconds How long
# TYPE b_seconds histogram
b_seconds_bucket{sink=\"s\",le=\"0.0005\"} 1
b_seconds_bucket{sink=\"s\",le=\"1\"} 3
b_seconds_bucket{sink=\"s\",le=\"+Inf\"} 4
b_seconds_sum{sink=\"s\"} 1.5
b_seconds_count{sink=\"s\"} 4
";
        assert_eq!(text.finish(), expected);
    }
}
