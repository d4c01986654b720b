//! A program on a terminal, and its transcript with what was typed, for a reader.

use domlogon_tests::{Program, Pty, Result};

/// A running program and what a spectator has seen of it.
pub(crate) struct Stage {
    session: Pty,
    seen: String,
}

impl Stage {
    /// Start a program; its command line is the transcript's first line.
    pub(crate) fn open(prompt: &str, program: &Program, shown_as: &str) -> Result<Stage> {
        Ok(Stage {
            session: program.on_terminal()?,
            seen: format!("{prompt} {shown_as}\n"),
        })
    }

    /// Wait for a text.
    pub(crate) fn see(&mut self, text: &str) -> Result<()> {
        let came = self.session.expect(text)?;
        self.seen.push_str(&came);
        Ok(())
    }

    /// Wait for one of several texts; says which.
    pub(crate) fn see_any(&mut self, texts: &[&str]) -> Result<usize> {
        let (which, came) = self.session.expect_any(texts)?;
        self.seen.push_str(&came);
        Ok(which)
    }

    /// Type a password, which the terminal does not show; the transcript does.
    pub(crate) fn secret(&mut self, password: &str) -> Result<()> {
        self.session.send_secret(password)?;
        self.seen.push_str(&format!("‹{password}›"));
        Ok(())
    }

    /// Wait for a prompt and type a password.
    pub(crate) fn answer(&mut self, prompt: &str, password: &str) -> Result<()> {
        self.see(prompt)?;
        self.secret(password)
    }

    /// Type a line, which the terminal shows.
    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        self.session.send(line)
    }

    /// Wait for the end; the exit code.
    pub(crate) fn end(&mut self) -> Result<Option<i32>> {
        let (status, rest) = self.session.finish()?;
        self.seen.push_str(&rest);
        Ok(status.code())
    }

    /// The transcript, without what a reader need not see.
    pub(crate) fn transcript(&self) -> String {
        shorten(&self.seen)
    }

    /// The transcript of a program that did not behave: all that it printed.
    pub(crate) fn whole(&self) -> String {
        self.session.transcript()
    }
}

/// Print a transcript, indented.
pub(crate) fn show(text: &str) {
    for line in text.lines() {
        println!("    {line}");
    }
}

/// Drop empty lines and the host's own small talk.
fn shorten(text: &str) -> String {
    const SMALL_TALK: &[&str] = &[
        "Last login:",
        "Linux sandbox",
        "You have no mail",
        "No mail.",
        "Warning: Permanently added",
    ];
    let mut kept = String::new();
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() || SMALL_TALK.iter().any(|talk| line.starts_with(talk)) {
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_shortened() {
        let text = "# login alice\nPassword: ‹x›\n\nLast login: yesterday\nalice@sandbox:~$ id\n";
        assert_eq!(
            shorten(text),
            "# login alice\nPassword: ‹x›\nalice@sandbox:~$ id\n"
        );
    }
}
