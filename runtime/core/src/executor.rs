//! On what the parts of a pipeline run.

use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Where lanes and run writers run: a thread each, or tasks of one runtime for tests that own time and order.
#[derive(Debug, Clone)]
pub enum Executor {
    /// A thread for each part, so that its hot loop shares no core with the others' waiting.
    Threads(Handle),
    /// A task for each part.
    Tasks,
}

impl Executor {
    /// Runs `part`; what is returned resolves when it ends, to an error if it panicked.
    pub(crate) fn spawn(
        &self,
        name: &str,
        part: impl Future<Output = ()> + Send + 'static,
    ) -> oneshot::Receiver<()> {
        let (done, ended) = oneshot::channel();
        let part = async move {
            part.await;
            let _no_one_waits = done.send(());
        };
        match self {
            Self::Threads(runtime) => {
                let runtime = runtime.clone();
                thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || runtime.block_on(part))
                    .expect("the system can start a thread");
            }
            Self::Tasks => drop(tokio::spawn(part)),
        }
        ended
    }
}
