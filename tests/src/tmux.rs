//! A terminal without a person: a tmux of its own, of a fixed size.

use std::path::Path;
use std::process::{Command, Output};

use crate::kafka::unique;
use crate::tamis::program;
use crate::wait::{LONG, eventually};

/// A terminal with a shell in it. It ends with the test.
#[derive(Debug)]
pub struct Terminal {
    /// The name of its server.
    server: String,
}

impl Terminal {
    /// A shell in a terminal of this size, which finds the program by its name, with these variables.
    ///
    /// # Panics
    /// Where there is no tmux.
    #[must_use]
    pub fn open(columns: u16, rows: u16, variables: &[(&str, &Path)]) -> Self {
        let server = unique("tamis-test");
        let terminal = Self { server };
        let mut command = terminal.command(&["-f", "/dev/null", "new-session", "-d", "-s", "t"]);
        command
            .args(["-x", &columns.to_string(), "-y", &rows.to_string()])
            .args(["-e", "LC_ALL=C.UTF-8"]);
        for (name, value) in variables {
            command.args(["-e", &format!("{name}={}", value.display())]);
        }
        run(command.arg("sh"));
        terminal.until("the shell is there", |screen| !screen.trim().is_empty());
        // What a shell begins with may set both anew, and root's prompt would be another.
        let program = program();
        let folder = program.parent().expect("a program is in a folder");
        terminal.type_line(&format!("PATH={}:$PATH PS1='$ '; clear", folder.display()));
        terminal.until("the screen is clear", |screen| screen.trim() == "$");
        terminal
    }

    /// tmux itself, of this terminal alone.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .args(["-u", "-L", &self.server])
            .args(arguments);
        command
    }

    /// Types `line`, and a return.
    pub fn type_line(&self, line: &str) {
        run(&mut self.command(&["send-keys", "-t", "t", "-l", line]));
        self.press("Enter");
    }

    /// Presses a key by its name.
    pub fn press(&self, key: &str) {
        run(&mut self.command(&["send-keys", "-t", "t", key]));
    }

    /// Makes it another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        run(&mut self.command(&["resize-window", "-t", "t", "-x", &columns, "-y", &rows]));
    }

    /// What stands on it.
    #[must_use]
    pub fn screen(&self) -> String {
        let output = run(&mut self.command(&["capture-pane", "-p", "-t", "t"]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until `is_so` of what stands on it, which is returned.
    ///
    /// # Panics
    /// Where it takes too long; with what stands there.
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(LONG, what, || {
                screen = self.screen();
                is_so(&screen)
            });
        }));
        assert!(
            shown.is_ok(),
            "waited in vain until {what}; there stands:\n{screen}"
        );
        screen
    }

    /// Waits until `text` stands on it.
    pub fn await_text(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.command(&["kill-server"]).output();
    }
}

fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .expect("there is tmux: scripts/install tools");
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}
