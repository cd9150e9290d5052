//! What is listed as a table: a line each, as wide as the terminal.

use std::io::{self, IsTerminal, Write};

use unicode_width::UnicodeWidthStr as _;

use crate::dead::plain;

/// Rows whose columns are made as wide as each other.
const PAGE_ROWS: usize = 1_000;
/// Between two columns.
const GAP: &str = "  ";

/// Rows of columns, of which the last one is cut.
pub(crate) struct Table<W, const COLUMNS: usize> {
    output: W,
    /// None where it does not end in a terminal.
    width: Option<usize>,
    rows: Vec<[String; COLUMNS]>,
}

/// The columns of the terminal that `output` ends in.
pub(crate) fn width(output: &impl IsTerminal) -> Option<usize> {
    let terminal = output.is_terminal().then(terminal_size::terminal_size);
    terminal.flatten().map(|(width, _)| usize::from(width.0))
}

impl<W: Write, const COLUMNS: usize> Table<W, COLUMNS> {
    pub(crate) fn new(output: W, width: Option<usize>, head: [&str; COLUMNS]) -> Self {
        let rows = vec![head.map(str::to_owned)];
        Self {
            output,
            width,
            rows,
        }
    }

    pub(crate) fn add(&mut self, row: [&str; COLUMNS]) -> io::Result<()> {
        self.rows.push(row.map(plain));
        if self.rows.len() >= PAGE_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is there.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let width = |column: usize| self.rows.iter().map(|row| columns(&row[column])).max();
        let widths: Vec<_> = (0..COLUMNS - 1)
            .map(|it| width(it).unwrap_or_default())
            .collect();
        for row in self.rows.drain(..) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - columns(cell)));
                line.push_str(GAP);
            }
            let room = self.width.map(|all| all.saturating_sub(columns(&line)));
            line.push_str(&cut(&row[COLUMNS - 1], room.unwrap_or(usize::MAX)));
            writeln!(self.output, "{}", line.trim_end())?;
        }
        self.output.flush()
    }
}

/// `text` in `room` columns.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for char in text.chars() {
        kept.push(char);
        // Characters may be wider together than each by itself: an emoji is.
        if columns(&kept) >= room {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

/// Bytes in the unit in which they are read best.
pub(crate) fn bytes(count: f64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024.0 {
        return format!("{count:.0} B");
    }
    let (mut value, mut unit) = (count / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// How many columns of a terminal `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: Option<usize>, rows: &[[&str; 4]], expected: &str) {
        let mut output = Vec::new();
        let mut table = Table::new(&mut output, width, ["ID", "TIME", "STAGE", "REASON"]);
        rows.iter().for_each(|row| table.add(*row).unwrap());
        table.flush().unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn columns_stand_below_each_other_and_the_last_one_fits() {
        let rows = [
            ["s/t/0/1/0", "2023", "mask 0.1.0", "not JSON at all"],
            ["名", "-", "a", "原因原因原因"],
            ["x", "-", "b", "a\nb\u{1b}[31m"],
        ];
        let wide = "\
ID         TIME  STAGE       REASON
s/t/0/1/0  2023  mask 0.1.0  not JSON at all
名         -     a           原因原因原因
x          -     b           a\\nb\\u{1b}[31m
";
        check(None, &rows, wide);
        let narrow = "\
ID         TIME  STAGE       REASON
s/t/0/1/0  2023  mask 0.1.0  not JSO…
名         -     a           原因原…
x          -     b           a\\nb\\u{…
";
        check(Some(37), &rows, narrow);
        check(
            Some(5),
            &rows[1..2],
            "ID  TIME  STAGE  …\n名  -     a      …\n",
        );
    }

    #[test]
    fn no_text_is_wider_than_its_room() {
        let check = |text: &str, room: usize, expected: &str| {
            assert_eq!(cut(text, room), expected);
            assert!(columns(&cut(text, room)) <= room.max(1));
        };
        check("disk", 4, "disk");
        check("disk full", 4, "dis…");
        check("⚠\u{fe0f} full", 4, "⚠\u{fe0f} …");
        check("⚠\u{fe0f} full", 3, "⚠\u{fe0f}…");
        check("a⚠\u{fe0f} full", 3, "a⚠…");
        check("日志日志", 4, "日…");
        check("x", 0, "…");
    }

    #[test]
    fn bytes_are_in_the_largest_unit_that_is_not_below_one() {
        let check = |count: u64, expected: &str| assert_eq!(bytes(count as f64), expected);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KiB");
        check(1536 << 10, "1.5 MiB");
        check(u64::MAX, "16777216.0 TiB");
    }
}
