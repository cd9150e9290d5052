//! The examples are right, and what the design shows is too.

use std::path::{Path, PathBuf};

use tamis_config::{Environment, PluginFiles, Problems, Routes, SinkKind, SourceSpec, load};

use crate::environment;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = folder
        .read_dir()
        .expect("the folder is there")
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect()
}

#[test]
fn every_example_is_a_pipeline() {
    let environment = environment(&[
        ("KAFKA_USER", "tamis"),
        ("KAFKA_PASSWORD", "secret"),
        ("MONGO_PASSWORD", "secret"),
        ("MYSQL_PASSWORD", "secret"),
        ("ELASTICSEARCH_API_KEY", "secret"),
    ]);
    let examples = examples();
    assert_eq!(examples.len(), 8);
    for path in examples {
        let spec = load(&path, &environment, PluginFiles::MayBeMissing);
        let spec = spec.unwrap_or_else(|problems| panic!("{problems}"));
        if let SinkKind::File(file) = &spec.sinks[0].kind {
            assert!(file.root.is_absolute());
        }
        assert_eq!(spec.sinks[0].routes, Routes::Unrouted);
        assert!(spec.plugins.iter().all(|plugin| plugin.path.is_absolute()));
    }
}

#[test]
fn a_dead_topic_takes_over_how_the_source_connects_and_nothing_else() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tls.yaml");
    let environment = environment(&[("KAFKA_USER", "tamis"), ("KAFKA_PASSWORD", "secret")]);
    let spec = load(&path, &environment, PluginFiles::MustExist).unwrap();
    let SourceSpec::Kafka(source) = &spec.source else {
        panic!("the example reads Kafka")
    };
    let dead = spec.dead_letters.kafka.unwrap();
    assert_eq!(dead.brokers, source.brokers);
    assert_eq!(dead.properties["sasl.password"].expose(), "secret");
    let names = dead
        .properties
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>();
    let expected = [
        "sasl.mechanism",
        "sasl.password",
        "sasl.username",
        "security.protocol",
        "ssl.ca.location",
    ];
    assert_eq!(names, expected);
    assert_eq!(source.properties["session.timeout.ms"].expose(), "30000");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, expected: &str| {
        let path = folder.path().join(name);
        let result: Result<_, Problems> = load(&path, &Environment::new(), PluginFiles::MustExist);
        let expected = format!("{}: {expected}", path.display());
        assert_eq!(result.unwrap_err().to_string(), expected);
    };
    check("missing.yaml", "cannot be read: no such file");

    std::fs::write(folder.path().join("latin.yaml"), b"pipeline: caf\xe9").unwrap();
    check("latin.yaml", "cannot be read: it is not UTF-8");

    std::fs::write(folder.path().join("large.yaml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    check(
        "large.yaml",
        "cannot be read: it is larger than 1048576 bytes",
    );
}
