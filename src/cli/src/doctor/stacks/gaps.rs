//! Lines of ours that are not there, and lines of others that are.

use super::super::finding::{Finding, Report, Severity};
use super::super::pam::Kind;
use super::super::pam::library::{FOLDER, Library, Step, flat};
use super::domain::Stack;
use super::{OURS, PRODUCTS};
use std::collections::BTreeSet;

impl Stack<'_> {
    /// The file in which our line belongs: where pam_unix is, or else the service's own.
    pub(super) fn file(&self) -> (String, Option<usize>, bool) {
        let unix = self.unix();
        let own = format!("{FOLDER}/{}", self.service);
        match unix {
            Some(step) if step.file != own => (step.file.clone(), Some(step.line), true),
            Some(step) => (own, Some(step.line), false),
            None => (own, None, false),
        }
    }

    fn unix(&self) -> Option<&Step> {
        flat(self.steps)
            .into_iter()
            .find(|step| step.is("pam_unix"))
    }

    pub(super) fn missing(&self, report: &mut Report) {
        let (file, before, is_shared) = self.file();
        let type_word = self.kind.word();
        let (severity, code, why) = match self.kind {
            Kind::Account => (
                Severity::Danger,
                "pam-account-missing",
                "by an ssh key or as a job a disabled, expired or locked account gets in",
            ),
            Kind::Auth => (
                Severity::Error,
                "pam-auth-missing",
                "no password of the domain is right here",
            ),
            Kind::Password => (
                Severity::Error,
                "pam-password-missing",
                "nobody of the domain can change a password here",
            ),
            Kind::Session => (
                Severity::Warning,
                "pam-session-missing",
                "a user's Kerberos tickets are not renewed, and by sshd's dialogue he gets none",
            ),
        };
        // The same service tells of one gap, not of four.
        let is_told = |finding: &Finding| {
            finding.code == "pam-service-outside" && finding.file.as_deref() == Some(&file)
        };
        if report.findings.iter().any(is_told) {
            return;
        }
        let shared = self.shared();
        let outside = !is_shared && shared.is_some() && self.kind == Kind::Account;
        let (code, what, mend) = match shared.filter(|_| !is_shared) {
            Some(include) => (
                if outside { "pam-service-outside" } else { code },
                format!("the {type_word} lines of {} go past domlogon", self.service),
                format!("write, in the place of its own lines: {include}"),
            ),
            None => (
                code,
                format!("there is no {type_word} line of pam_domlogon"),
                match self.unix() {
                    Some(unix) => {
                        let how = "write before pam_unix";
                        let by_hand = self.surroundings().by_hand(how, unix);
                        let or = by_hand.map(|text| format!(", or {text}"));
                        format!("domlogon enable{}", or.unwrap_or_default())
                    }
                    None => format!(
                        "domlogon enable, or write the {type_word} lines of pam_domlogon(8)"
                    ),
                },
            ),
        };
        report.add(
            Finding::new(severity, code, what)
                .at(file, before)
                .because(why)
                .mend(mend),
        );
    }

    /// The line that leads into the shared stack of this host, if that one has our module.
    fn shared(&self) -> Option<String> {
        let word = self.kind.word();
        let names = [
            (format!("common-{word}"), format!("@include common-{word}")),
            (
                "domlogon-auth".to_owned(),
                format!("{word} include domlogon-auth"),
            ),
            (
                "password-auth".to_owned(),
                format!("{word} include password-auth"),
            ),
            (
                "system-auth".to_owned(),
                format!("{word} include system-auth"),
            ),
        ];
        names.into_iter().find_map(|(name, line)| {
            let steps = self.library.stack(&name, self.kind);
            let has = self.library.has(&name) && flat(&steps).iter().any(|step| step.is(OURS));
            has.then_some(line)
        })
    }
}

/// Lines of other products before ours.
pub(super) fn products(library: &Library, report: &mut Report) {
    let mut told = BTreeSet::new();
    for service in library.services() {
        for kind in [Kind::Auth, Kind::Account, Kind::Password] {
            let steps = library.stack(service, kind);
            let flat = flat(&steps);
            if !flat.iter().any(|step| step.is(OURS)) {
                continue;
            }
            for step in flat.iter().take_while(|step| !step.is(OURS)) {
                let name = step.rule().map_or("", |rule| rule.name());
                if PRODUCTS.contains(&name) && told.insert((step.file.clone(), step.line)) {
                    report.add(
                        Finding::warning(
                            "pam-other-product",
                            format!("{name} of another product comes before pam_domlogon"),
                        )
                        .at(&step.file, step.line)
                        .because("it is asked about every user of the domain first")
                        .mend("take the line out if that product is not used any more"),
                    );
                }
            }
        }
    }
}
