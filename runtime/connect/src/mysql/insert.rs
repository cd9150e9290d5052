//! Writes rows of one table, in as few statements as the server takes, and finds those that can never be written.

use std::ops::Range;

use sqlx::Arguments as _;
use sqlx::mysql::MySqlArguments;
use tamis_config::spec::MysqlColumn;
use tamis_core::sink::Verdict;

use super::failure::Failure;
use super::row::Cell;
use super::session::Session;
use super::table::{Table, Tables};
use crate::parts::Parts;

/// A statement of so few rows is one of many alike, which are prepared once.
const ROWS_FEW: usize = 32;

/// A row: the index of its record, and its cells.
type Row<'a> = (usize, Vec<Cell<'a>>);

/// Rows on their way into one table.
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<Row<'a>>,
}

/// What has become of rows.
pub(super) struct Inserted {
    /// The index of a record, and what is to be said of it. Rows that are not among them were not written.
    pub(super) verdicts: Vec<(usize, Verdict)>,
    /// Why not all of them are.
    pub(super) failure: Option<Failure>,
}

/// Writes `rows` to the table `name`. `rows_max` is how many go out together at most.
///
/// # Errors
/// Where the table is not there, or not as it should be.
pub(super) async fn insert(
    session: &mut Session,
    tables: &Tables,
    name: &str,
    rows: &Rows<'_>,
    rows_max: usize,
) -> Result<Inserted, Failure> {
    let table = tables.find(session, name).await?;
    let rows_max = rows_max.min(table.insert.rows_max());
    let packet_bytes_max = session.packet_bytes_max;
    let mut search = Search::of(rows, &table, &tables.columns, rows_max, packet_bytes_max);
    while let Some(part) = search.next() {
        let outcome = write(session, &table, &search.rows[part.clone()], rows_max).await;
        match outcome {
            Err(Failure::Table(words)) if search.looked_for != Some(part.clone()) => {
                // It was changed since it was looked at. If it is as it was, then it is about what else a row makes it do, such
                // as a trigger that names another table.
                match tables.find_anew(session, name).await {
                    Ok(found) if found.is_like(&table) => search.once_more(part),
                    Ok(_) => search.end(Failure::Later(words)),
                    Err(failure) => search.end(failure),
                }
            }
            outcome => search.judge(part, outcome),
        }
    }
    Ok(search.done())
}

/// Rows that go out together, and the search for those among them that can never be written.
struct Search<'a, 'b> {
    /// Those that fit into a statement.
    rows: Vec<&'b Row<'a>>,
    /// Which of them are to go out together.
    parts: Parts,
    /// The part that is tried for the second time, since nothing is wrong with its table.
    looked_for: Option<Range<usize>>,
    /// Rows that alone have met a table that is not as it should be, and the server's words.
    blamed: Vec<(usize, String)>,
    inserted: Inserted,
}

impl<'a, 'b> Search<'a, 'b> {
    /// As many rows go out together as the packet and the placeholders allow. What can never go out is rejected here.
    fn of(
        rows: &'b Rows<'a>,
        table: &Table,
        columns: &[MysqlColumn],
        rows_max: usize,
        packet_bytes_max: usize,
    ) -> Self {
        let (fixed, most) = (table.insert.fixed_bytes(), packet_bytes_max);
        let (mut fitting, mut rejected) = (Vec::with_capacity(rows.rows.len()), Vec::new());
        let (mut parts, mut start, mut bytes) = (Vec::new(), 0, fixed);
        for row in &rows.rows {
            let row_bytes = row_bytes(&row.1) + table.insert.row_bytes();
            let reason = match table.keeps(&row.1, columns) {
                Ok(()) if fixed + row_bytes >= most => Some(format!(
                    "the row has {row_bytes} bytes, and the server takes {most} (max_allowed_packet)"
                )),
                kept => kept.err(),
            };
            if let Some(reason) = reason {
                rejected.push((row.0, Verdict::Rejected(reason)));
                continue;
            }
            if bytes + row_bytes >= most || fitting.len() - start >= rows_max {
                parts.push(start..fitting.len());
                (start, bytes) = (fitting.len(), fixed);
            }
            fitting.push(row);
            bytes += row_bytes;
        }
        parts.push(start..fitting.len());
        Self::of_parts(fitting, parts, rejected)
    }

    fn of_parts(
        rows: Vec<&'b Row<'a>>,
        parts: Vec<Range<usize>>,
        verdicts: Vec<(usize, Verdict)>,
    ) -> Self {
        let failure = None;
        Self {
            rows,
            parts: Parts::of(parts),
            looked_for: None,
            blamed: Vec::new(),
            inserted: Inserted { verdicts, failure },
        }
    }

    /// What goes out next.
    fn next(&mut self) -> Option<Range<usize>> {
        match self.inserted.failure {
            Some(_) => None,
            None => self.parts.next(),
        }
    }

    /// Has `part` tried once more.
    fn once_more(&mut self, part: Range<usize>) {
        self.looked_for = Some(part.clone());
        self.parts.again(part);
    }

    fn end(&mut self, failure: Failure) {
        self.inserted.failure = Some(failure);
    }

    /// Notes what became of `part`. Where it failed because of a row of its own, that is looked for: n rows make 3 n statements at
    /// most, since each part that fails is at most one row shorter than its own parts together.
    fn judge(&mut self, part: Range<usize>, outcome: Result<(), Failure>) {
        let verdict = match outcome {
            Ok(()) => Verdict::Written,
            Err(Failure::Row { words, .. }) if part.len() == 1 => Verdict::Rejected(words),
            Err(Failure::Table(words)) if part.len() == 1 => {
                return self.blamed.push((self.rows[part.start].0, words));
            }
            Err(Failure::Row {
                number: Some(number),
                ..
            }) if (1..=part.len()).contains(&number) => {
                let guilty = part.start + number - 1;
                return self.parts.split(part, guilty);
            }
            Err(Failure::Row { .. } | Failure::Table(_)) => return self.parts.halve(part),
            Err(failure) => return self.end(failure),
        };
        let indexes = self.rows[part].iter().map(|row| row.0);
        let verdicts = indexes.map(|index| (index, verdict.clone()));
        self.inserted.verdicts.extend(verdicts);
    }

    /// What has become of all. Where no row was written, none of them is to blame for what a table lacks, but whoever changed what
    /// the server does with each row, such as a trigger.
    fn done(mut self) -> Inserted {
        let verdicts = &mut self.inserted.verdicts;
        let is_written = |(_, verdict): &(usize, Verdict)| *verdict == Verdict::Written;
        if verdicts.iter().any(is_written) {
            let blamed = self.blamed.into_iter();
            verdicts.extend(blamed.map(|(index, words)| (index, Verdict::Rejected(words))));
        } else if let Some((_, words)) = self.blamed.into_iter().next() {
            self.inserted.failure.get_or_insert(Failure::Refused(words));
        }
        self.inserted
    }
}

/// Bytes of the values of `row`, each with its length before it.
fn row_bytes(row: &[Cell<'_>]) -> usize {
    const LENGTH_BYTES_MAX: usize = 9;
    let bytes = row
        .iter()
        .flatten()
        .map(|text| text.len() + LENGTH_BYTES_MAX);
    bytes.sum()
}

/// Writes `rows` by one statement.
async fn write(
    session: &mut Session,
    table: &Table,
    rows: &[&Row<'_>],
    rows_max: usize,
) -> Result<(), Failure> {
    let text = table.insert.text(rows.len());
    let mut values = MySqlArguments::default();
    for row in rows {
        for cell in &row.1 {
            let added = values.add(cell.as_deref());
            added.map_err(|error| Failure::Later(error.to_string()))?;
        }
    }
    let comes_again = rows.len() <= ROWS_FEW || rows.len() == rows_max;
    session.execute(&text, values, comes_again).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server says to some of 2,000 rows, if these are bad: in how many statements, and which are found.
    fn search(bad: impl Fn(usize) -> bool, says_which: bool) -> (usize, Vec<usize>) {
        let rows: Vec<Row<'_>> = (0..2_000).map(|index| (index, Vec::new())).collect();
        let parts = vec![0..800, 800..2_000];
        let mut search = Search::of_parts(rows.iter().collect(), parts, Vec::new());
        let mut statements = 0;
        while let Some(part) = search.next() {
            statements += 1;
            let outcome = match part.clone().position(&bad) {
                None => Ok(()),
                Some(at) => Err(Failure::Row {
                    words: "too long".to_owned(),
                    number: says_which.then_some(at + 1),
                }),
            };
            search.judge(part, outcome);
        }
        let Inserted { verdicts, failure } = search.done();
        assert_eq!(failure, None);
        let said: Vec<_> = verdicts.iter().map(|(index, _)| *index).collect();
        assert_eq!(
            said,
            (0..2_000).collect::<Vec<_>>(),
            "each once, and in order"
        );
        let rejected = Verdict::Rejected("too long".to_owned());
        let found = verdicts.iter().filter(|(_, verdict)| *verdict == rejected);
        (statements, found.map(|(index, _)| *index).collect())
    }

    #[test]
    fn bad_rows_are_found_in_a_bounded_number_of_statements() {
        for says_which in [false, true] {
            for (every, most) in [(1, 6_000), (2, 6_000), (500, 100), (3_000, 30)] {
                let is_bad = |row: usize| row % every == every / 2;
                let (statements, found) = search(is_bad, says_which);
                let expected: Vec<_> = (0..2_000).filter(|row| is_bad(*row)).collect();
                assert_eq!(found, expected);
                assert!(statements <= most, "{statements} for one in {every}");
            }
        }
    }

    #[test]
    fn what_is_no_matter_of_rows_ends_the_search() {
        let rows: Vec<Row<'_>> = (0..10).map(|index| (index, Vec::new())).collect();
        let mut search = Search::of_parts(rows.iter().collect(), vec![0..5, 5..10], Vec::new());
        let first = search.next().unwrap();
        search.judge(first, Ok(()));
        let second = search.next().unwrap();
        let later = Failure::Later("no answer".to_owned());
        search.judge(second, Err(later.clone()));
        assert_eq!(search.next(), None);
        let Inserted { verdicts, failure } = search.done();
        assert_eq!((verdicts.len(), failure), (5, Some(later)));
    }

    #[test]
    fn a_number_that_no_row_has_is_not_believed() {
        for number in [0, 6, usize::MAX] {
            let rows: Vec<Row<'_>> = (0..5).map(|index| (index, Vec::new())).collect();
            let whole: Range<usize> = 0..5;
            let mut search = Search::of_parts(rows.iter().collect(), vec![whole], Vec::new());
            let part = search.next().unwrap();
            let (words, number) = (String::new(), Some(number));
            search.judge(part, Err(Failure::Row { words, number }));
            assert_eq!(search.next(), Some(0..2));
            assert_eq!(search.next(), Some(2..5));
        }
    }
}
