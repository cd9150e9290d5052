//! Whole pipelines as data: each folder of `tests/cases` is one.
//!
//! | file            | what it holds                                                                       |
//! |-----------------|-------------------------------------------------------------------------------------|
//! | `pipeline.yaml` | reads the standard input, writes to `${env:PLACE}/out`, and `${env:PLACE}/dead`     |
//! | `in`            | the input                                                                           |
//! | `out`           | what must be written                                                                |
//! | `dead`          | each dead letter: its offset, the stage that refused it, and the reason             |
//! | `error`         | instead of the three: lines that `check` and `run` must say before code 2       |

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tamis_tests::files::{assert_same, by_partition, dead_letters};
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Running, output, run, tamis};

#[test]
fn every_case_ends_as_its_folder_says() {
    let cases = fs::read_dir(root().join("tests/cases")).unwrap();
    let mut checked = 0;
    for case in cases {
        let case = case.unwrap().path();
        eprintln!("{}", case.display());
        if case.join("error").exists() {
            check_refused(&case);
        } else {
            check_run(&case);
        }
        checked += 1;
    }
    assert!(checked > 0);
}

fn check_refused(case: &Path) {
    let pipeline = case.join("pipeline.yaml");
    let expected = fs::read_to_string(case.join("error")).unwrap();
    for command in ["check", "run"] {
        let ended = output(&mut tamis([Path::new(command), &pipeline]));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for line in expected.lines() {
            let found = ended.stderr.lines().any(|said| said.ends_with(line));
            assert!(found, "{line}\n is not in\n{}", ended.stderr);
        }
        let (said, wanted) = (ended.stderr.lines().count(), expected.lines().count());
        assert_eq!(said, wanted, "{}", ended.stderr);
    }
}

fn check_run(case: &Path) {
    let place = Place::default();
    let mut command = run(&case.join("pipeline.yaml"));
    let mut tamis = Running::start(command.env("PLACE", place.path("")).stdin(Stdio::piped()));
    tamis.write(&fs::read(case.join("in")).unwrap());
    tamis.end_input();
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let written = by_partition(&place.out())
        .into_values()
        .collect::<Vec<_>>()
        .concat();
    assert_same("output", &written, &fs::read(case.join("out")).unwrap());
    let letters = dead_letters(&place.dead()).into_iter();
    let letters = letters.map(|it| format!("{} {} {}\n", it.offset, it.stage, it.reason));
    let expected = fs::read(case.join("dead")).unwrap_or_default();
    assert_same(
        "dead letters",
        letters.collect::<String>().as_bytes(),
        &expected,
    );
}
