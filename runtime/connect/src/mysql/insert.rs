//! Writes rows of one table, in as few statements as the server takes, and finds those that can never be written.

use sqlx::Arguments as _;
use sqlx::mysql::MySqlArguments;
use tamis_config::spec::MysqlColumn;
use tamis_core::sink::Verdict;

use super::failure::Failure;
use super::row::Cell;
use super::session::Session;
use super::table::Table;

/// A statement of so few rows is one of many alike, which are prepared once.
const ROWS_FEW: usize = 32;

/// Rows on their way into one table.
pub(super) struct Rows<'a> {
    /// For each row the index of its record, and its cells.
    pub(super) rows: Vec<(usize, Vec<Cell<'a>>)>,
}

/// What has become of rows.
pub(super) struct Inserted {
    /// The index of a record, and what is to be said of it. Rows that are not among them were not written.
    pub(super) verdicts: Vec<(usize, Verdict)>,
    /// Why not all of them are.
    pub(super) failure: Option<Failure>,
}

/// Writes `rows` to `table`. `rows_max` is how many go out together at most.
pub(super) async fn insert(
    session: &mut Session,
    table: &Table,
    columns: &[MysqlColumn],
    rows: &Rows<'_>,
    rows_max: usize,
) -> Inserted {
    let mut inserted = Inserted {
        verdicts: Vec::with_capacity(rows.rows.len()),
        failure: None,
    };
    let rows_max = rows_max.min(table.insert.rows_max());
    let mut open = pieces(session, table, columns, rows, rows_max, &mut inserted);
    // The first piece is the last one, so that what is split goes on where it was.
    open.reverse();
    // Each piece that fails is at most one row shorter than its parts together, so that n rows make 3 n statements at most.
    while let Some(piece) = open.pop() {
        let outcome = write(session, table, rows, &piece, rows_max).await;
        let indexes = piece.iter().map(|row| rows.rows[*row].0);
        match outcome {
            Ok(()) => {
                inserted
                    .verdicts
                    .extend(indexes.map(|index| (index, Verdict::Written)));
            }
            Err(Failure::Row { words, .. }) if piece.len() == 1 => {
                let rejected = indexes.map(|index| (index, Verdict::Rejected(words.clone())));
                inserted.verdicts.extend(rejected);
            }
            Err(Failure::Row { number, .. }) => {
                open.extend(split(piece, number).into_iter().rev());
            }
            Err(failure) => {
                inserted.failure = Some(failure);
                break;
            }
        }
    }
    inserted
}

/// Which rows go out together: as many as the packet and the placeholders allow. What can never go out is rejected here.
fn pieces(
    session: &Session,
    table: &Table,
    columns: &[MysqlColumn],
    rows: &Rows<'_>,
    rows_max: usize,
    inserted: &mut Inserted,
) -> Vec<Vec<usize>> {
    let (fixed, most) = (table.insert.fixed_bytes(), session.packet_bytes_max);
    let (mut pieces, mut piece, mut bytes) = (Vec::new(), Vec::new(), fixed);
    for (number, (index, row)) in rows.rows.iter().enumerate() {
        let row_bytes = row_bytes(row) + table.insert.row_bytes();
        let reason = match table.keeps(row, columns) {
            Ok(()) if fixed + row_bytes >= most => Some(format!(
                "the row has {row_bytes} bytes, and the server takes {most} (max_allowed_packet)"
            )),
            kept => kept.err(),
        };
        if let Some(reason) = reason {
            inserted.verdicts.push((*index, Verdict::Rejected(reason)));
            continue;
        }
        if bytes + row_bytes >= most || piece.len() >= rows_max {
            pieces.push(std::mem::take(&mut piece));
            bytes = fixed;
        }
        piece.push(number);
        bytes += row_bytes;
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
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

/// The parts of a `piece` that failed for a row of its own; the server may have said which `number` it has, counted from 1.
///
/// Rows before it are good. It is tried alone, and those behind it in two halves: where all are bad, trying them together again
/// and again would send each of them as often as there are rows.
fn split(mut piece: Vec<usize>, number: Option<usize>) -> Vec<Vec<usize>> {
    let guilty = number.filter(|number| (1..=piece.len()).contains(number));
    let mut parts = Vec::with_capacity(4);
    let mut rest = match guilty {
        Some(number) => {
            let rest = piece.split_off(number);
            let alone = piece.split_off(number - 1);
            parts.extend([piece, alone]);
            rest
        }
        None => piece,
    };
    let second = rest.split_off(rest.len() / 2);
    parts.extend([rest, second]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Writes the rows of one `piece` by one statement.
async fn write(
    session: &mut Session,
    table: &Table,
    rows: &Rows<'_>,
    piece: &[usize],
    rows_max: usize,
) -> Result<(), Failure> {
    let text = table.insert.text(piece.len());
    let mut values = MySqlArguments::default();
    for row in piece {
        for cell in &rows.rows[*row].1 {
            let added = values.add(cell.as_deref());
            added.map_err(|error| Failure::Later(error.to_string()))?;
        }
    }
    let comes_again = piece.len() <= ROWS_FEW || piece.len() == rows_max;
    session.execute(&text, values, comes_again).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_split_where_the_server_says_or_else_in_the_middle() {
        let check = |rows: usize, number: Option<usize>, expected: &[&[usize]]| {
            assert_eq!(
                split((0..rows).collect(), number),
                expected,
                "{rows} {number:?}"
            );
        };
        check(2, None, &[&[0], &[1]]);
        check(5, None, &[&[0, 1], &[2, 3, 4]]);
        check(5, Some(1), &[&[0], &[1, 2], &[3, 4]]);
        check(5, Some(3), &[&[0, 1], &[2], &[3], &[4]]);
        check(5, Some(5), &[&[0, 1, 2, 3], &[4]]);
        check(2, Some(2), &[&[0], &[1]]);
        for number in [0, 6, usize::MAX] {
            check(5, Some(number), &[&[0, 1], &[2, 3, 4]]);
        }
    }

    /// How many statements it takes where the server refuses these rows, and which are found.
    fn search(rows: usize, bad: impl Fn(usize) -> bool, says_which: bool) -> (usize, Vec<usize>) {
        let (mut open, mut statements, mut found) =
            (vec![(0..rows).collect::<Vec<_>>()], 0, Vec::new());
        while let Some(piece) = open.pop() {
            statements += 1;
            let Some(at) = piece.iter().position(|row| bad(*row)) else {
                continue;
            };
            if piece.len() == 1 {
                found.push(piece[0]);
            } else {
                open.extend(split(piece, says_which.then_some(at + 1)).into_iter().rev());
            }
        }
        (statements, found)
    }

    #[test]
    fn bad_rows_are_found_in_a_bounded_number_of_statements() {
        for says_which in [false, true] {
            for (every, most) in [(1, 6_000), (2, 6_000), (500, 100), (3_000, 30)] {
                let (statements, found) = search(2_000, |row| row % every == every / 2, says_which);
                let expected: Vec<_> = (0..2_000).filter(|row| row % every == every / 2).collect();
                assert_eq!(found, expected);
                assert!(statements <= most, "{statements} for one in {every}");
            }
        }
    }
}
