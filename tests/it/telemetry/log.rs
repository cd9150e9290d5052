//! The log for programs.

use serde_json::Value;
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::stand_in::StandIn;
use tamis_tests::tamis::{Ended, output, run, tamis};

/// The lines of a log, all of which are JSON.
fn lines(ended: &Ended) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ended.stderr.lines().map(read).collect()
}

#[test]
fn each_line_of_the_log_is_a_json_object_where_that_is_asked_for() {
    let place = Place::default();
    let input = place.write("input.ndjson", "{}\n");
    let source = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    let job = place.copy(&source, Pipeline::default());
    let ended = output(run(&job).args(["--log-format", "json", "--log", "debug"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = lines(&ended);
    for line in &lines {
        for key in ["timestamp", "level", "message"] {
            assert!(
                line[key].is_string() || line.get("step").is_some(),
                "{line}"
            );
        }
    }
    let started = lines.iter().find(|it| it["message"] == "started");
    assert_eq!(started.unwrap()["pipeline"], "main-job");
}

#[test]
fn a_pipeline_that_fails_is_told_once_as_an_error_of_the_log() {
    const SAYS: &str = "nobody is known here";

    let place = Place::default();
    let input = place.write("input.ndjson", "{}\n");
    let source = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    for (format, json) in [
        ("human", false),
        ("human", true),
        ("json", false),
        ("json", true),
    ] {
        // It lets everyone in, and refuses what is written.
        let refusing = StandIn::new(|asked| {
            let status = if asked.before == 0 { 200 } else { 401 };
            (status, format!(r#"{{ "error": "{SAYS}" }}"#))
        });
        let address = refusing.address();
        let sink = format!("{{ elasticsearch: {{ urls: ['http://{address}'], index: logs }} }}");
        let job = Pipeline {
            sink: Some(&sink),
            ..Pipeline::default()
        };
        let job = place.copy(&source, job);
        let mut command = tamis(["run".as_ref(), job.as_os_str()]);
        // Whatever is left out of the log, this is not.
        command.args(["--log", "tamis_connect=info", "--log-format", format]);
        command.args(json.then_some("--json"));
        let ended = output(&mut command);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.matches(SAYS).count(), 1, "{ended:?}");
        if format == "json" {
            let lines = lines(&ended);
            let error = lines.iter().find(|it| it["level"] == "ERROR").unwrap();
            assert_eq!(error["pipeline"], "main-job", "{error}");
            assert!(error["error"].as_str().unwrap().contains(SAYS), "{error}");
        } else {
            let error = ended.stderr.lines().find(|it| it.contains(SAYS)).unwrap();
            assert!(
                error.contains("ERROR") && error.contains("main-job"),
                "{error}"
            );
        }
    }
}

#[test]
fn what_keeps_a_pipeline_from_its_start_is_a_line_of_the_log_where_programs_read_it() {
    let place = Place::default();
    let check = |job: &str, code: i32, words: &str| {
        let job = place.write("job.yaml", job);
        let mut command = tamis(["run".as_ref(), job.as_os_str()]);
        let ended = output(command.args(["--log-format", "json", "--log", "no such=filter"]));
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let lines = lines(&ended);
        let error = lines.last().unwrap();
        assert_eq!(error["level"], "ERROR", "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
    };
    let job = |source: &str, plugin: &str| {
        let (out, dead) = (place.out(), place.dead());
        format!(
            "pipeline: job\nsource: {source}\nplugins: [{plugin}]\nsinks: {{ archive: {{ file: {{ url: 'file://{}', \
             path: all, format: ndjson }} }} }}\ndead_letters: {{ folder: {{ path: {} }} }}\n",
            out.display(),
            dead.display()
        )
    };
    check("pipeline: job\n", 2, "source");
    let broken = place.write("broken.wasm", "no plugin");
    let broken = format!("{{ name: broken, path: {} }}", broken.display());
    check(&job("{ stdin: {} }", &broken), 2, "broken.wasm");
    // Nobody lets it in.
    let refusing = StandIn::new(|_| (401, "{}".to_owned()));
    let sink = format!(
        "{{ elasticsearch: {{ urls: ['http://{}'], index: logs }} }}",
        refusing.address()
    );
    let text = job("{ stdin: {} }", "");
    let (head, rest) = text.split_once("{ file:").unwrap();
    let (_, tail) = rest.split_once("ndjson } }").unwrap();
    check(&format!("{head}{sink}{tail}"), 1, "401");
}
