//! A disk without room, which gets some later.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{assert_same, by_partition, staged};
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place, root};
use tamis_tests::tamis::{Running, run};

use crate::main_job::kafka_source;

/// Gives `command` a disk of its own at `folder`, of 8 MiB, all of which but 256 KiB is taken by the file `filler`.
///
/// The disk is in a mount namespace of the process: nobody else sees it, and it goes with the process.
pub(crate) fn on_full_disk(folder: &Path, command: &Command) -> Command {
    let script = "mount -t tmpfs -o size=8m none \"$0\" && head -c 7936k /dev/zero >\"$0/filler\" && exec \"$@\"";
    let mut own = Command::new("unshare");
    // Where this is not root's process, it is root in a user namespace of its own.
    let rights: &[&str] = if fs::metadata("/proc/self").is_ok_and(|it| is_root(&it)) {
        &["--mount"]
    } else {
        &["--mount", "--user", "--map-root-user"]
    };
    own.args(rights)
        .args(["sh", "-c", script])
        .arg(folder)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(root())
        .stdin(Stdio::null());
    own
}

fn is_root(of_process: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    of_process.uid() == 0
}

#[test]
fn a_full_disk_is_waited_out_and_nothing_is_lost() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("disk-full"));
    let topic = kafka.new_topic("disk-full", 4, &[]);
    let input = data::logs(20_000, Kind::Usual);
    kafka.produce_lines(&topic, data::lines(&input), 4);
    let Expected {
        written, counts, ..
    } = data::expected(&input, 4);
    let pipeline = Pipeline {
        compression: "none",
        run: "{ age_ms_max: 200 }",
        ..Pipeline::default()
    };
    let job = place.main_job(&kafka_source(&kafka, &topic, &group), pipeline);
    fs::create_dir_all(place.out()).unwrap();
    let mut tamis = Running::start(&mut on_full_disk(&place.out(), &run(&job)));
    let group = kafka.group(&group, &topic);

    tamis.await_words("No space left on device");
    assert!(group.committed().unwrap() < counts.taken);
    let disk = tamis.sees(&place.out());
    fs::remove_file(disk.join("filler")).unwrap();
    tamis.await_settled(&group, counts.taken);
    tamis.until("all is seen", || staged(&disk).is_empty());

    let actual = by_partition(&disk);
    for (partition, expected) in (0..).zip(&written) {
        let name = format!("{topic}-{partition}");
        assert_same(&name, &actual[&name], expected);
    }
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.stderr.matches("No space left on device").count();
    assert!(
        said <= 8,
        "it is said once a minute by each lane: {ended:?}"
    );
}
