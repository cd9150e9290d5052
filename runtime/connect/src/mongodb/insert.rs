//! Documents on their way into one collection, and what its answer says of each.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind, InsertManyError};
use tamis_core::sink::Verdict;
use tokio::time::timeout;

use super::failure::{Failure, Item};
use crate::parts::Parts;

/// Inserts `documents`, each of which has an `_id` and is not too large, and waits for each answer for `limit`.
///
/// # Errors
/// Where nothing is known of any of them.
pub(super) async fn insert(
    collection: &Collection<RawDocumentBuf>,
    documents: &[RawDocumentBuf],
    limit: Duration,
) -> Result<Vec<Verdict>, Failure> {
    let mut verdicts = vec![Verdict::Written; documents.len()];
    let whole: Range<usize> = 0..documents.len();
    let mut parts = Parts::of([whole]);
    while let Some(part) = parts.next() {
        match insert_once(collection, &documents[part.clone()], limit).await {
            Ok(said) => verdicts.splice(part, said).for_each(drop),
            // One that is not understood fails its neighbours, so the guilty one is looked for.
            Err(Failure::Document(words)) if part.len() == 1 => {
                verdicts[part.start] = Verdict::Rejected(words);
            }
            Err(Failure::Document(_)) => parts.halve(part),
            Err(failure) => return Err(failure),
        }
    }
    Ok(verdicts)
}

async fn insert_once(
    collection: &Collection<RawDocumentBuf>,
    documents: &[RawDocumentBuf],
    limit: Duration,
) -> Result<Vec<Verdict>, Failure> {
    let insert = collection.insert_many(documents).ordered(false);
    match bounded(limit, insert).await? {
        Ok(_) => Ok(vec![Verdict::Written; documents.len()]),
        Err(error) => match *error.kind {
            ErrorKind::InsertMany(errors) => judge(collection, documents, errors, limit).await,
            _ => Err(Failure::of(&error)),
        },
    }
}

/// The answer to a request, unless it takes too long.
pub(super) async fn bounded<T>(
    limit: Duration,
    request: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<Result<T, Error>, Failure> {
    let answer = timeout(limit, request).await;
    answer.map_err(|_| Failure::Away(format!("no answer within {} ms", limit.as_millis())))
}

/// What became of each of `documents`, where there were `errors`.
async fn judge(
    collection: &Collection<RawDocumentBuf>,
    documents: &[RawDocumentBuf],
    errors: InsertManyError,
    limit: Duration,
) -> Result<Vec<Verdict>, Failure> {
    // What is there, from now or from before, may not be safe yet.
    let there = match errors
        .write_concern_error
        .as_ref()
        .map(Failure::of_write_concern)
    {
        None => Verdict::Written,
        Some(Failure::Away(words)) => Verdict::Retry(words),
        Some(failure) => return Err(failure),
    };
    let mut verdicts = vec![there; documents.len()];
    let mut taken = Vec::new();
    let full_name = collection.namespace().to_string();
    for error in errors.write_errors.unwrap_or_default() {
        let index = error.index;
        if index >= documents.len() {
            return Err(Failure::Away(format!(
                "an answer about document {index} of {}",
                documents.len()
            )));
        }
        match Item::of(&error, &full_name) {
            Item::Repeat => {}
            Item::Taken(words) => taken.push((index, words)),
            Item::Again(words) => verdicts[index] = Verdict::Retry(words),
            Item::Refused(words) => verdicts[index] = Verdict::Rejected(words),
            Item::Other(failure) => return Err(failure),
        }
    }
    if !taken.is_empty() {
        let ids = taken.iter().map(|(index, _)| id(&documents[*index]));
        let there = find(collection, ids.collect(), limit).await?;
        for (index, words) in taken {
            if !there.contains(id(&documents[index])) {
                verdicts[index] = Verdict::Rejected(words);
            }
        }
    }
    Ok(verdicts)
}

/// Those of `ids` that are there. A server may name another index although it has the document itself.
async fn find(
    collection: &Collection<RawDocumentBuf>,
    ids: Vec<&str>,
    limit: Duration,
) -> Result<HashSet<String>, Failure> {
    let failed = |error: Error| Failure::of(&error);
    let found = async {
        let only_id = doc! { "_id": 1 };
        let among = doc! { "_id": { "$in": ids } };
        let mut cursor = collection.find(among).projection(only_id).await?;
        let mut there = HashSet::new();
        while cursor.advance().await? {
            there.insert(
                cursor
                    .current()
                    .get_str("_id")
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        Ok(there)
    };
    bounded(limit, found).await?.map_err(failed)
}

/// The `_id` of a document.
fn id(document: &RawDocumentBuf) -> &str {
    document.get_str("_id").unwrap_or_default()
}
