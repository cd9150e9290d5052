use std::os::unix::net::UnixListener as StdListener;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// Counts for `deploy`, waits for `go` before it ends a `reload`, says more than fits for `status`.
#[derive(Default)]
struct Counting {
    go: Notify,
    done: Notify,
}

#[async_trait::async_trait]
impl Handler for Counting {
    async fn handle(&self, request: Request, events: Events) -> Ended {
        match request {
            Request::Deploy { plugin, .. } => {
                for count in 1..=3 {
                    events.say(json!({ "count": count })).await;
                }
                Ended::done(plugin)
            }
            Request::Reload => {
                events.say(json!("begun")).await;
                self.go.notified().await;
                self.done.notify_one();
                Ended::done("reloaded")
            }
            Request::Status => {
                for _ in 0..LINES_MAX * 10 {
                    events.say("x".repeat(10_000)).await;
                }
                self.done.notify_one();
                Ended::done("told")
            }
            other => Ended::failed(format!("{other:?}")),
        }
    }
}

struct Served {
    folder: TempDir,
    handler: Arc<Counting>,
    serving: JoinHandle<io::Result<Infallible>>,
}

impl Served {
    async fn start() -> Self {
        Self::beside(tempfile::tempdir().unwrap()).await
    }

    async fn beside(folder: TempDir) -> Self {
        let handler = Arc::new(Counting::default());
        let serving = serve(socket(&folder), Arc::clone(&handler) as Arc<dyn Handler>);
        let serving = tokio::spawn(serving);
        // Bound before the first wait.
        tokio::task::yield_now().await;
        Self {
            folder,
            handler,
            serving,
        }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(socket(&self.folder)).await.unwrap()
    }

    /// What a request is answered by.
    async fn ask(&self, request: &[u8]) -> Vec<Value> {
        let mut stream = self.connect().await;
        // It may be refused before it is read.
        let _written = stream.write_all(request).await;
        rest(stream).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("control.sock")
}

/// All lines that come until the end. What follows may be a reset, where a request was not read as a whole.
async fn rest(stream: UnixStream) -> Vec<Value> {
    let (mut lines, mut answer) = (BufReader::new(stream).lines(), Vec::new());
    while let Some(line) = lines.next_line().await.unwrap() {
        answer.push(serde_json::from_str::<Value>(&line).unwrap());
        if answer.last().unwrap().get("end").is_some() {
            break;
        }
    }
    answer
}

fn said(answer: &[Value]) -> (bool, &str) {
    let end = &answer.last().unwrap()["end"];
    (end["ok"].as_bool().unwrap(), end["said"].as_str().unwrap())
}

const DEPLOY: &[u8] =
    br#"{"request":"deploy","plugin":"mask","file":"/srv/mask.wasm","promote":"if-same"}
"#;

#[tokio::test]
async fn a_request_is_answered_line_by_line_until_its_end() {
    let served = Served::start().await;
    let answer = served.ask(DEPLOY).await;
    let expected = json!([
        {"count": 1}, {"count": 2}, {"count": 3},
        {"end": {"ok": true, "said": "mask"}},
    ]);
    assert_eq!(Value::from(answer), expected);
}

#[tokio::test]
async fn clients_are_answered_beside_each_other() {
    let served = Served::start().await;
    let mut waiting = served.connect().await;
    waiting
        .write_all(b"{\"request\":\"reload\"}\n")
        .await
        .unwrap();
    let answer = served.ask(DEPLOY).await;
    assert_eq!(said(&answer), (true, "mask"));
    served.handler.go.notify_one();
    assert_eq!(said(&rest(waiting).await), (true, "reloaded"));
}

#[tokio::test]
async fn what_was_begun_goes_on_without_its_client() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client
        .write_all(b"{\"request\":\"reload\"}\n")
        .await
        .unwrap();
    let mut line = [0; 8];
    client.read_exact(&mut line).await.unwrap();
    drop(client);
    served.handler.go.notify_one();
    served.handler.done.notified().await;
}

#[tokio::test]
async fn no_more_clients_are_taken_than_there_may_be() {
    let served = Served::start().await;
    let mut waiting = Vec::new();
    for _ in 0..CLIENTS_MAX {
        let mut client = served.connect().await;
        client
            .write_all(b"{\"request\":\"reload\"}\n")
            .await
            .unwrap();
        let mut line = [0; 8];
        client.read_exact(&mut line).await.unwrap();
        waiting.push(client);
    }
    let answer = served.ask(DEPLOY).await;
    let expected = "16 clients are connected already; try again later";
    assert_eq!(said(&answer), (false, expected));
    for client in waiting {
        served.handler.go.notify_one();
        assert_eq!(said(&rest(client).await), (true, "reloaded"));
    }
    assert_eq!(said(&served.ask(DEPLOY).await), (true, "mask"));
}

/// Time passes by itself here whenever nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client
        .write_all(b"{\"request\":\"status\"}\n")
        .await
        .unwrap();
    served.handler.done.notified().await;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.ends_with(b"}}\n"), "it was not told the end");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_nothing_is_given_up() {
    let served = Served::start().await;
    let client = served.connect().await;
    let expected = (false, "no request came within 10 s");
    assert_eq!(said(&rest(client).await), expected);
}

#[tokio::test]
async fn what_is_no_request_is_said() {
    let served = Served::start().await;
    let check = async |request: &[u8], expected: &str| {
        let answer = served.ask(request).await;
        let (ok, said) = said(&answer);
        assert!(!ok && said.contains(expected), "{said}");
    };
    check(b"deploy\n", "this is no request: expected").await;
    check(b"{}\n", "missing field `request`").await;
    check(b"\n", "this is no request: EOF").await;
    let unknown = b"{\"request\":\"explode\"}\n";
    check(
        unknown,
        "unknown variant `explode`, expected one of `deploy`, `versions`",
    )
    .await;
    let typo =
        b"{\"request\":\"deploy\",\"plugin\":\"mask\",\"file\":\"/f\",\"promot\":\"auto\"}\n";
    check(typo, "unknown field `promot`").await;
    let policy =
        b"{\"request\":\"deploy\",\"plugin\":\"mask\",\"file\":\"/f\",\"promote\":\"yes\"}\n";
    check(policy, "expected one of `auto`, `if-same`, `manual`").await;
    let long = format!(
        "{{\"request\":\"promote\",\"plugin\":\"{}\"}}\n",
        "x".repeat(64 << 10)
    );
    check(long.as_bytes(), "the request is longer than 65536 bytes").await;
}

#[tokio::test]
async fn the_socket_of_a_dead_process_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    // It leaves its file behind.
    drop(StdListener::bind(socket(&folder)).unwrap());
    let served = Served::beside(folder).await;
    assert_eq!(said(&served.ask(DEPLOY).await), (true, "mask"));
    let mode = fs::metadata(socket(&served.folder))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_socket_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(socket(&folder), "precious").unwrap();
    let served = serve(socket(&folder), Arc::new(Counting::default())).await;
    assert_eq!(served.unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(fs::read_to_string(socket(&folder)).unwrap(), "precious");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_long_path_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("x".repeat(200));
    fs::create_dir(&deep).unwrap();
    let socket = deep.join("control.sock");
    let serving = tokio::spawn(serve(socket.clone(), Arc::new(Counting::default())));
    tokio::task::yield_now().await;
    let address = Address::of(&socket).unwrap();
    let mut client = UnixStream::connect(address.path()).await.unwrap();
    client.write_all(DEPLOY).await.unwrap();
    assert_eq!(said(&rest(client).await), (true, "mask"));
    serving.abort();
}

/// The rule alone: who runs the tests has one user, and where that is root, root is admitted anyway.
#[test]
fn the_owner_and_root_are_listened_to_and_no_one_else() {
    assert!(is_admitted(1000, 1000));
    assert!(is_admitted(0, 1000));
    assert!(!is_admitted(1001, 1000));
    assert!(!is_admitted(1000, 0));
}
