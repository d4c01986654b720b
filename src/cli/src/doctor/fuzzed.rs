//! Files of the host that anybody wrote: see [`crate::fuzzed`].

use super::{pam, sshd};

/// Reads a file of /etc/pam.d: how many lines say something.
#[must_use]
pub fn pam_stack(text: &str) -> usize {
    let (lines, _) = pam::parse(text);
    lines.len()
}

/// Reads a line of sshd_config: the keyword and its arguments.
#[must_use]
pub fn sshd(line: &str) -> Option<(String, Vec<String>)> {
    sshd::directive(line)
}
