//! A verdict's row of the table, as the command line shows it.

use domlogon_protocol::{Hook, PamCode, Verdict};
use serde::Serialize;

/// Symbol, number, the other names of the condition, and NTSTATUS.
pub(crate) fn verdict_text(verdict: Verdict) -> String {
    let row = verdict.row();
    let mut text = format!("{} {}", row.symbol, row.number);
    if !row.also.is_empty() {
        let also: Vec<String> = row
            .also
            .iter()
            .map(|(symbol, number)| format!("{symbol} {number}"))
            .collect();
        text.push_str(&format!(" (also {})", also.join(", ")));
    }
    if let Some(status) = row.ntstatus {
        text.push_str(&format!(", NTSTATUS 0x{status:08X}"));
    }
    text
}

/// Symbol and number of a PAM code.
pub(crate) fn pam_text(verdict: Verdict, hook: Hook, service: &str) -> String {
    let code = verdict.pam_code(hook, service);
    format!("{} ({})", code.symbol(), code.number())
}

/// A verdict in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct VerdictShown {
    symbol: &'static str,
    number: u32,
    ntstatus: Option<String>,
}

impl VerdictShown {
    pub(crate) fn new(verdict: Verdict) -> Self {
        let row = verdict.row();
        Self {
            symbol: row.symbol,
            number: row.number,
            ntstatus: row.ntstatus.map(|status| format!("0x{status:08X}")),
        }
    }
}

/// A PAM code in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct PamShown {
    symbol: &'static str,
    number: i32,
}

impl PamShown {
    pub(crate) fn new(code: PamCode) -> Self {
        Self {
            symbol: code.symbol(),
            number: code.number(),
        }
    }
}
