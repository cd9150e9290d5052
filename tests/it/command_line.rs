//! The command line, as a person or a script meets it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tamis_tests::place::Place;
use tamis_tests::tamis::{output, program, tamis};

const LEVEL_FILTER: &str = "plugins/level-filter/level-filter.wasm";

#[test]
fn the_help_of_every_command_has_an_example() {
    let commands: [&[&str]; 30] = [
        &[],
        &["run"],
        &["check"],
        &["top"],
        &["tap"],
        &["pause"],
        &["resume"],
        &["drain"],
        &["graph"],
        &["schema"],
        &["demo"],
        &["plugin"],
        &["plugin", "new"],
        &["plugin", "build"],
        &["plugin", "inspect"],
        &["plugin", "test"],
        &["plugin", "bench"],
        &["plugin", "fuzz"],
        &["plugin", "keygen"],
        &["plugin", "sign"],
        &["plugin", "verify"],
        &["plugin", "deploy"],
        &["plugin", "versions"],
        &["plugin", "promote"],
        &["plugin", "rollback"],
        &["dead"],
        &["dead", "list"],
        &["dead", "show"],
        &["dead", "replay"],
        &["completions"],
    ];
    for command in commands {
        let ended = output(&mut tamis(command.iter().chain(&["--help"])));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let example = format!("  tamis {}", command.join(" "));
        let examples = ended
            .stdout
            .split_once("Example")
            .map(|(_, examples)| examples);
        assert!(
            examples.is_some_and(|it| it.contains(&example)),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn a_command_line_that_is_wrong_ends_with_code_2_and_says_why() {
    let cases: [(&[&str], &str); 4] = [
        (&["chek"], "similar subcommands exist"),
        (&["run"], "<FILE>"),
        (&["run", "--jsn", "a.yaml"], "'--json'"),
        (&["demo", "--records", "many"], "invalid value 'many'"),
    ];
    for (arguments, words) in cases {
        let ended = output(&mut tamis(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[test]
fn the_schema_is_json_and_knows_the_keys_of_a_pipeline() {
    let ended = output(&mut tamis(["schema"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let schema: Value = serde_json::from_str(&ended.stdout).unwrap();
    for key in [
        "pipeline",
        "source",
        "plugins",
        "sinks",
        "dead_letters",
        "limits",
    ] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

#[test]
fn bash_takes_the_completions() {
    let script = "source <(\"$0\" completions bash) && complete -p tamis && \
        COMP_WORDS=(tamis ch) COMP_CWORD=1 && _tamis tamis ch tamis && echo \"${COMPREPLY[@]}\"";
    let ended = output(Command::new("bash").arg("-c").arg(script).arg(program()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().last(), Some("check"), "{ended:?}");
}

#[test]
fn a_plugin_says_what_it_is() {
    let ended = output(&mut tamis(["plugin", "inspect", "--json", LEVEL_FILTER]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plugin: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(plugin["name"], "level-filter");
    assert_eq!(plugin["version"], "0.1.0");
    assert!(
        plugin["settings"]["properties"]["minimum"].is_object(),
        "{plugin}"
    );

    let ended = output(&mut tamis(["plugin", "inspect", "Cargo.toml"]));
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
}

#[test]
fn examples_are_sound_and_what_surrounds_them_is_named_when_it_is_missing() {
    let example = Path::new("config/examples/msproject.yaml");
    let ended = output(&mut tamis([Path::new("check"), example]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("pipeline msproject is sound"),
        "{}",
        ended.stderr
    );

    let place = Place::default();
    let ended = output(&mut tamis([Path::new("run"), &place.path("missing.yaml")]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("missing.yaml"), "{}", ended.stderr);
}
