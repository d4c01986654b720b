//! What the backend has to say beside its answers.

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something does not work.
    Error,
    /// It works, and somebody should look.
    Warning,
    /// Something has changed.
    Notice,
}

/// Where lines for the administrator go. No line holds a secret.
pub trait Journal: Send + Sync {
    /// Writes one line.
    fn note(&self, level: Level, line: &str);
}
