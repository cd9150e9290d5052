//! The statements: texts of SQL that MySQL and MariaDB both take.

use tamis_config::spec::{MYSQL_ID, MysqlColumn};

/// Placeholders in one statement: the protocol counts them with 16 bits.
const PLACEHOLDERS_MAX: usize = 65_535;

/// What the column of the id is: as long as an index allows, and one character is never another.
const ID_TYPE: &str = "VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";

/// The statement that writes rows to one table.
#[derive(Debug)]
pub(super) struct Insert {
    head: String,
    tail: String,
    /// `(?,?,?)`
    row: String,
    columns: usize,
}

impl Insert {
    /// Into `table`: the id, then these `columns`.
    pub(super) fn into(table: &str, columns: &[MysqlColumn]) -> Self {
        let names = columns.iter().map(|column| quoted(&column.name));
        let names: Vec<_> = [quoted(MYSQL_ID)].into_iter().chain(names).collect();
        let id = quoted(MYSQL_ID);
        // A row that is there under its id is left as it is. One that is kept out by any other unique key must not be taken for
        // that: NULL is no id, and a strict server says so. Compared by bytes, whatever the column's own comparison is.
        let same = format!("CAST({id} AS BINARY)=CAST(VALUES({id}) AS BINARY)");
        Self {
            head: format!(
                "INSERT INTO {} ({}) VALUES ",
                quoted(table),
                names.join(",")
            ),
            tail: format!(" ON DUPLICATE KEY UPDATE {id}=IF({same},{id},NULL)"),
            row: format!("({})", vec!["?"; names.len()].join(",")),
            columns: names.len(),
        }
    }

    /// The statement for so many rows.
    pub(super) fn text(&self, rows: usize) -> String {
        let mut text = String::with_capacity(self.fixed_bytes() + rows * (self.row.len() + 1));
        text.push_str(&self.head);
        for row in 0..rows {
            if row > 0 {
                text.push(',');
            }
            text.push_str(&self.row);
        }
        text.push_str(&self.tail);
        text
    }

    /// How many rows it can have.
    pub(super) fn rows_max(&self) -> usize {
        PLACEHOLDERS_MAX / self.columns
    }

    /// Bytes of a packet that any number of rows costs.
    pub(super) fn fixed_bytes(&self) -> usize {
        // Command, statement, flags and the like: less than this.
        const FRAME: usize = 64;
        self.head.len() + self.tail.len() + FRAME
    }

    /// Bytes of a packet that a row costs beside its values, either in the statement's text or in what fills it.
    pub(super) fn row_bytes(&self) -> usize {
        // A type of two bytes and a bit for each value.
        self.row.len() + 1 + 3 * self.columns
    }
}

/// The statement that makes `table`.
pub(super) fn create(table: &str, columns: &[MysqlColumn]) -> String {
    let columns = columns
        .iter()
        .map(definition)
        .collect::<Vec<_>>()
        .join(", ");
    let (table, id) = (quoted(table), quoted(MYSQL_ID));
    format!(
        "CREATE TABLE IF NOT EXISTS {table} ({id} {ID_TYPE} PRIMARY KEY, {columns}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    )
}

/// The statement that gives `table` what it lacks.
pub(super) fn add(
    table: &str,
    lacking: &[&MysqlColumn],
    lacks_id: bool,
    lacks_key: bool,
) -> String {
    let id = quoted(MYSQL_ID);
    let column = lacks_id.then(|| format!("ADD COLUMN {id} {ID_TYPE}"));
    let key = lacks_key.then(|| format!("ADD PRIMARY KEY ({id})"));
    let columns = lacking
        .iter()
        .map(|column| format!("ADD COLUMN {}", definition(column)));
    let parts: Vec<_> = column.into_iter().chain(columns).chain(key).collect();
    format!("ALTER TABLE {} {}", quoted(table), parts.join(", "))
}

fn definition(column: &MysqlColumn) -> String {
    format!("{} {}", quoted(&column.name), column.kind)
}

/// `name` as SQL takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use tamis_config::spec::{MysqlFrom, MysqlType};

    use super::*;

    fn columns(columns: &[(&str, MysqlType)]) -> Vec<MysqlColumn> {
        let column = |(name, kind): &(&str, MysqlType)| MysqlColumn {
            name: (*name).to_owned(),
            from: MysqlFrom::Value,
            kind: *kind,
        };
        columns.iter().map(column).collect()
    }

    #[test]
    fn statements_are_what_both_servers_take() {
        let columns = columns(&[("a`b", MysqlType::Decimal(20, 4)), ("日", MysqlType::Json)]);
        assert_eq!(
            Insert::into("t", &columns).text(2),
            "INSERT INTO `t` (`id`,`a``b`,`日`) VALUES (?,?,?),(?,?,?) ON DUPLICATE KEY UPDATE \
             `id`=IF(CAST(`id` AS BINARY)=CAST(VALUES(`id`) AS BINARY),`id`,NULL)"
        );
        assert_eq!(
            create("t", &columns),
            "CREATE TABLE IF NOT EXISTS `t` (`id` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
             `a``b` DECIMAL(20,4), `日` JSON) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        );
        assert_eq!(
            add("t", &[&columns[1]], false, false),
            "ALTER TABLE `t` ADD COLUMN `日` JSON"
        );
        assert_eq!(
            add("t", &[], true, true),
            "ALTER TABLE `t` ADD COLUMN `id` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, ADD PRIMARY KEY (`id`)"
        );
    }

    #[test]
    fn a_statement_has_as_many_placeholders_as_the_protocol_counts() {
        let insert = Insert::into(
            "t",
            &columns(&[("a", MysqlType::Text), ("b", MysqlType::Text)]),
        );
        assert_eq!(insert.rows_max(), 21_845);
        let text = insert.text(insert.rows_max());
        assert_eq!(text.matches('?').count(), PLACEHOLDERS_MAX);
        assert!(text.len() <= insert.fixed_bytes() + insert.rows_max() * insert.row_bytes());
    }
}
