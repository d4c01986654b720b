//! What the doctor finds, and how it is told.

use crate::words::visible;
use serde::Serialize;

/// How bad a finding is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Somebody gets in who must not, or people are locked out who must get in.
    Danger,
    /// Something of the domain does not work.
    Error,
    /// It works, and will surprise somebody.
    Warning,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A name for scripts; never changed once it was given.
    pub(crate) code: &'static str,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) mend: String,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            file: None,
            line: None,
            what: what.into(),
            why: String::new(),
            mend: String::new(),
        }
    }

    pub(crate) fn danger(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Danger, code, what)
    }

    pub(crate) fn error(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, what)
    }

    pub(crate) fn warning(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, what)
    }

    /// The place, a file of the host that was looked at.
    pub(crate) fn at(mut self, file: impl Into<String>, line: impl Into<Option<usize>>) -> Self {
        self.file = Some(file.into());
        self.line = line.into();
        self
    }

    /// Why it matters, in one clause.
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// A command, or the exact line to write.
    pub(crate) fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend = how.into();
        self
    }

    /// The finding on one line.
    fn text(&self) -> String {
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            (None, _) => String::new(),
        };
        let mut text = format!("{:<7}  {place}{}", self.severity.word(), self.what);
        if !self.why.is_empty() {
            text.push_str(&format!(": {}", self.why));
        }
        if !self.mend.is_empty() {
            text.push_str(&format!(". Mend: {}", self.mend));
        }
        visible(&text)
    }
}

/// All that the doctor has to say.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) healthy: bool,
    pub(crate) findings: Vec<Finding>,
    /// What users will and will not see; nothing to mend.
    pub(crate) notes: Vec<String>,
    /// What was not looked at, and why.
    pub(crate) not_checked: Vec<String>,
    /// Whether a file that everything hangs on could not be read.
    #[serde(skip)]
    pub(crate) blind: bool,
}

impl Report {
    pub(crate) fn add(&mut self, finding: Finding) {
        // One place, one danger: what follows from it would only hide the cause.
        let is_shadowed = |seen: &Finding| {
            seen.file == finding.file
                && seen.line == finding.line
                && (seen.code == finding.code
                    || (finding.line.is_some()
                        && seen.severity == Severity::Danger
                        && finding.severity == Severity::Danger))
                && (finding.line.is_some() || seen.what == finding.what)
        };
        if !self.findings.iter().any(is_shadowed) {
            self.findings.push(finding);
        }
    }

    pub(crate) fn skip(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.not_checked.contains(&what) {
            self.not_checked.push(what);
        }
    }

    /// Puts the most dangerous first. The checks run in the order of what they guard, and
    /// that order stays among equals.
    pub(crate) fn finish(&mut self) {
        self.findings.sort_by_key(|finding| finding.severity);
        self.healthy = self.findings.is_empty() && !self.blind;
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&finding.text());
            text.push('\n');
        }
        for note in &self.notes {
            text.push_str(&format!("note     {}\n", visible(note)));
        }
        for what in &self.not_checked {
            text.push_str(&format!("Not checked: {}\n", visible(what)));
        }
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        let count = |severity| {
            self.findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let parts: Vec<String> = [Severity::Danger, Severity::Error, Severity::Warning]
            .into_iter()
            .filter(|severity| count(*severity) > 0)
            .map(|severity| {
                let n = count(severity);
                let plural = if n == 1 { "" } else { "s" };
                format!("{n} {}{plural}", severity.word())
            })
            .collect();
        if !parts.is_empty() {
            format!("Found: {}.\n", parts.join(", "))
        } else if self.blind {
            "Nothing was found, but not everything could be read.\n".to_owned()
        } else {
            "Nothing is wrong.\n".to_owned()
        }
    }
}
