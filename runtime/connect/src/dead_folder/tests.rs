//! Tests of storing and reading dead letters.

use tamis_core::batch::BatchBuilder;
use tamis_core::{dead, headers};

use super::letter::Content;
use super::read::read;
use super::*;

const VERSION_1: &str = include_str!("version-1.ndjson");

/// The headers that the engine puts in front.
fn head(version: &str, id: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in [
        (dead::HEADER_VERSION, version),
        (dead::HEADER_ID, id),
        (dead::HEADER_STAGE, "mask"),
        (dead::HEADER_STAGE_VERSION, "1.2.0"),
        (dead::HEADER_REASON, "a reason: 名"),
        (dead::HEADER_TIME, ""),
        (dead::HEADER_SOURCE, "cluster"),
        (dead::HEADER_TOPIC, "logs"),
        (dead::HEADER_PARTITION, "0"),
        (dead::HEADER_OFFSET, "42"),
        (dead::HEADER_NUMBER, "0"),
    ] {
        headers::push(&mut head, name, Some(value.as_bytes()));
    }
    head
}

/// One record of each kind, as the engine hands them to a store of dead letters.
fn letters() -> Records {
    let mut batch = BatchBuilder::new(crate::testing::partition("logs"), 0, 0);
    let mut own = head("1", "test/logs/0/42/0");
    headers::push(&mut own, "own", Some(&[0xff, 0]));
    headers::push(&mut own, "empty", None);
    headers::push(&mut own, dead::HEADER_REASON, Some(b"of an earlier life"));
    batch.push(
        42,
        1_674_014_706_789,
        Some(b"key"),
        Some("{\"Msg\":\"中文\"}".as_bytes()),
        &own,
    );
    batch.push(
        43,
        -1,
        None,
        Some(&[0xc3, 0x28]),
        &head("1", "test/logs/0/43/0"),
    );
    batch.push(
        44,
        i64::MAX,
        Some(b""),
        None,
        &head("1", "test/logs/0/44/0"),
    );
    crate::testing::all(batch.finish(45))
}

fn read_all(folder: &Path) -> Vec<DeadLetter> {
    read(folder)
        .unwrap()
        .map(|letter| letter.unwrap())
        .collect()
}

#[tokio::test]
async fn letters_are_stored_in_the_form_of_version_1() {
    let folder = tempfile::tempdir().unwrap();
    let store = DeadFolder::connect(folder.path()).unwrap();
    assert_eq!(
        store.write(&letters()).await.unwrap(),
        vec![Verdict::Written; 3]
    );
    let paths: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(paths.len(), 1);
    assert_eq!(fs::read_to_string(&paths[0]).unwrap(), VERSION_1);
}

#[test]
fn letters_of_version_1_are_read_with_their_exact_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead-1-000001.ndjson"), VERSION_1).unwrap();
    let read = read_all(folder.path());
    let expected: Vec<_> = letters()
        .iter()
        .map(|record| DeadLetter::of(&record).unwrap())
        .collect();
    assert_eq!(read, expected);
    let content = |bytes: &[u8]| Some(Content(bytes.to_vec()));
    assert_eq!(
        (&read[1].value, &read[1].key, &read[1].time),
        (&content(&[0xc3, 0x28]), &None, &None)
    );
    assert_eq!((&read[2].value, &read[2].key), (&None, &content(b"")));
    assert_eq!(read[0].headers[0], ("own".to_owned(), content(&[0xff, 0])));
    assert_eq!(
        read[0].headers[2],
        (
            dead::HEADER_REASON.to_owned(),
            content(b"of an earlier life")
        )
    );
}

#[tokio::test]
async fn what_is_no_letter_is_refused_and_its_neighbours_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = DeadFolder::connect(folder.path()).unwrap();
    let mut batch = BatchBuilder::new(crate::testing::partition("logs"), 0, 0);
    for (offset, head) in [(0, Vec::new()), (1, head("1", "x")), (2, head("2", "x"))] {
        batch.push(offset, -1, None, None, &head);
    }
    let refused = Verdict::Rejected("it is no dead letter of version 1".to_owned());
    let verdicts = store
        .write(&crate::testing::all(batch.finish(3)))
        .await
        .unwrap();
    assert_eq!(verdicts, [refused.clone(), Verdict::Written, refused]);
    assert_eq!(read_all(folder.path()).len(), 1);
    assert_eq!(store.write(&Records::default()).await.unwrap(), []);
}

#[tokio::test]
async fn a_full_file_is_followed_by_another_and_none_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let store = DeadFolder::connect(folder.path()).unwrap();
        store.write(&letters()).await.unwrap();
        store.writer.lock().unwrap().open.as_mut().unwrap().bytes = FILE_BYTES_MAX;
        store.write(&letters()).await.unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    assert_eq!(read_all(folder.path()).len(), 12);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_leaves_no_part_of_a_letter() {
    let folder = tempfile::tempdir().unwrap();
    let store = DeadFolder::connect(folder.path()).unwrap();
    let path = folder.path().join("full");
    let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
    fs::write(&path, "").unwrap();
    store.writer.lock().unwrap().open = Some(Open {
        file,
        path,
        bytes: 0,
    });
    let error = store.write(&letters()).await.unwrap_err();
    assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    store.write(&letters()).await.unwrap();
    assert_eq!(read_all(folder.path()).len(), 3);
}

fn check_read(content: &str, expected: &[Result<&str, &str>]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead-1-000001.ndjson"), content).unwrap();
    let found: Vec<_> = read(folder.path())
        .unwrap()
        .map(|letter| {
            letter
                .map(|letter| letter.id)
                .map_err(|error| error.to_string())
        })
        .collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        match expected {
            Ok(id) => assert_eq!(found.as_deref(), Ok(*id)),
            Err(words) => assert!(
                found.as_ref().is_err_and(|e| e.contains(words)),
                "{found:?}"
            ),
        }
    }
}

#[test]
fn a_line_that_is_no_letter_is_named_and_one_without_an_end_is_passed_over() {
    let line = VERSION_1.lines().next().unwrap();
    let id = Ok("test/logs/0/42/0");
    check_read("", &[]);
    check_read(&format!("{line}\n{line}"), &[id]);
    check_read(
        &format!("{{}}\n{line}\n"),
        &[Err("line 1 is no dead letter"), id],
    );
    let later = line.replace("\"version\":1", "\"version\":2");
    check_read(&format!("{later}\n"), &[Err("version 2 is not known")]);
    let broken = line.replace("\"base64\":\"", "\"base64\":\"!");
    check_read(&format!("{broken}\n"), &[Err("line 1")]);
    let beyond = line.replace("\"offset\":42", "\"offset\":18446744073709551615");
    check_read(&format!("{beyond}\n{line}\n"), &[Err("line 1"), id]);
}

#[test]
fn a_folder_that_cannot_be_written_to_stops_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = DeadFolder::connect(&path).unwrap_err();
    let SinkError::Misconfigured(error) = error else {
        panic!("{error:?}")
    };
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
}
