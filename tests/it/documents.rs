//! Documents do what they say: their commands run, their files compile, their output is what comes out.
//!
//! A fenced block below `<!-- run -->` is run by bash, one below `<!-- file: NAME -->` is written to that file, and what is
//! below `<!-- prints -->` must be in the output of the last run, line for line; a line `…` there stands for any others. All
//! blocks of a document share one shell, so a `cd` lasts. `tamis` is on the path, `TAMIS` is the folder of the repository.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Running, program};

/// Two builds of the SDK and all that it needs, beside other tests.
const BUILDS: Duration = Duration::from_mins(20);

/// A block with a marker.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Run(String),
    File(String, String),
    Prints(String),
}

/// The blocks of `markdown` that have a marker, in order, and how many have none.
fn steps(markdown: &str) -> (Vec<Step>, usize) {
    let (mut steps, mut unmarked) = (Vec::new(), 0);
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(marker) = line
            .strip_prefix("<!-- ")
            .and_then(|line| line.strip_suffix(" -->"))
        else {
            if line.starts_with("```") {
                unmarked += 1;
                lines
                    .by_ref()
                    .take_while(|line| *line != "```")
                    .for_each(drop);
            }
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "no block below {line}");
        let block = lines.by_ref().take_while(|line| *line != "```");
        let block: String = block.map(|line| format!("{line}\n")).collect();
        steps.push(match marker {
            "run" => Step::Run(block),
            "prints" => Step::Prints(block),
            marker => {
                let name = marker.strip_prefix("file: ");
                let name = name.unwrap_or_else(|| panic!("unknown marker {marker}"));
                Step::File(name.to_owned(), block)
            }
        });
    }
    (steps, unmarked)
}

/// One script of all `steps`: the output of each run goes to a file of its own in `PRINTED`.
fn script(steps: &[Step]) -> String {
    let mut script = String::from("set -euo pipefail\n");
    for (index, step) in steps.iter().enumerate() {
        let added = match step {
            Step::Run(commands) => {
                write!(script, "{{\n{commands}}} > \"$PRINTED/{index}\"\n")
            }
            Step::File(name, content) => {
                write!(
                    script,
                    "mkdir -p \"$(dirname {name})\"\ncat > {name} <<'END OF {name}'\n{content}END OF {name}\n"
                )
            }
            Step::Prints(_) => Ok(()),
        };
        added.unwrap();
    }
    script
}

#[test]
fn the_five_minutes_of_the_readme_go_as_they_are_told() {
    let (steps, _) = steps(&fs::read_to_string(root().join("README.md")).unwrap());
    follow(&steps);
}

#[test]
fn the_way_to_a_plugin_of_ones_own_goes_as_it_is_told() {
    let text = fs::read_to_string(root().join("docs/plugins.md")).unwrap();
    let (steps, unmarked) = steps(&text);
    assert_eq!(
        unmarked, 0,
        "every block of it is run, compiled or compared"
    );
    follow(&steps);
}

#[test]
fn the_way_to_none_but_signed_plugins_goes_as_it_is_told() {
    let text = fs::read_to_string(root().join("docs/trust.md")).unwrap();
    let (steps, unmarked) = steps(&text);
    assert_eq!(unmarked, 0, "every block of it is run or compared");
    follow(&steps);
}

/// Takes all `steps` in an empty folder.
fn follow(steps: &[Step]) {
    let has = |wanted: fn(&Step) -> bool| steps.iter().any(wanted);
    assert!(
        has(|it| matches!(it, Step::Run(_))) && has(|it| matches!(it, Step::Prints(_))),
        "{steps:?}"
    );

    let place = Place::default();
    let (printed, project) = (place.path("printed"), place.path("project"));
    fs::create_dir(&printed).unwrap();
    fs::create_dir(&project).unwrap();
    let rest = env::var_os("PATH").unwrap();
    let folders = program().parent().unwrap().to_owned();
    let path = env::join_paths([folders].into_iter().chain(env::split_paths(&rest))).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", &script(steps)])
        .current_dir(project)
        .env("PATH", path)
        .env("TAMIS", root())
        .env("PRINTED", &printed)
        // The standard library for plugins is built there already.
        .env("CARGO_TARGET_DIR", root().join("target"));
    let ended = Running::start(&mut bash).ends_within(BUILDS);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let mut last = String::new();
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Run(_) => last = fs::read_to_string(printed.join(index.to_string())).unwrap(),
            Step::Prints(text) => assert!(prints(&last, text), "{text}\n is not in\n{last}"),
            Step::File(..) => {}
        }
    }
}

/// Whether the parts of `text` between lines `…` are in `printed`, one behind the other.
fn prints(printed: &str, text: &str) -> bool {
    let mut rest = printed;
    text.split("…\n").all(|part| match rest.split_once(part) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[test]
fn what_is_printed_has_the_parts_in_order() {
    assert!(prints("a\nb\nc\nd\n", "b\n…\nd\n"));
    assert!(prints("a\nb\n", "a\nb\n"));
    assert!(!prints("a\nb\nc\n", "c\n…\na\n"));
    assert!(!prints("a\nb\n", "a\nc\n"));
}

#[test]
fn blocks_without_a_marker_are_left_alone() {
    let markdown = "a\n```bash\nrm x\n```\n<!-- run -->\n```bash\nls\nls\n```\n<!-- file: a/b -->\n```\n```\n\
        <!-- prints -->\n```\nc\n```\n";
    let expected = [
        Step::Run("ls\nls\n".into()),
        Step::File("a/b".into(), String::new()),
        Step::Prints("c\n".into()),
    ];
    assert_eq!(steps(markdown), (expected.into(), 1));
}
