//! Tables of a MySQL or MariaDB database: a record is a row, and its id is the row's key.
//!
//! Rows of one table go out in one statement, `INSERT … ON DUPLICATE KEY UPDATE`, so that a repeat changes nothing. A statement
//! fails whole; the rows that are to blame are found by splitting it. Nothing is ever cut to fit: the session is strict, and what
//! a strict server would cut all the same is found before it is sent.

mod failure;
mod fit;
mod insert;
mod json;
mod row;
mod session;
pub mod sink;
mod statement;
mod table;
