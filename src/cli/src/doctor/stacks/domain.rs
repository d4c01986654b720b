//! What the stacks do to users of the domain.

use super::super::finding::{Finding, Report};
use super::super::host::Host;
use super::super::modules::Modules;
use super::super::pam::Kind;
use super::super::pam::control::{Action, Code, SUCCESS};
use super::super::pam::library::{FOLDER, Library, Step, flat};
use super::super::pam::simulate::Outcome;
use super::place::{self, Surroundings};
use super::scene::{Scene, is_broken, play};
use super::{ACCOUNT, OURS, gaps};

/// Services by which people and their jobs come in.
const LOGON: [&str; 24] = [
    "login",
    "sshd",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "cron",
    "crond",
    "atd",
    "remote",
    "gdm-password",
    "gdm3",
    "gdm",
    "lightdm",
    "sddm",
    "xdm",
    "kde",
    "xrdp-sesman",
    "cockpit",
    "vsftpd",
    "proftpd",
    "dovecot",
    "samba",
    "screen",
];

/// Of these, the ones in which somebody works in a home directory.
const AT_HOME: [&str; 12] = [
    "login",
    "sshd",
    "su",
    "su-l",
    "remote",
    "gdm-password",
    "gdm3",
    "gdm",
    "lightdm",
    "sddm",
    "xrdp-sesman",
    "cockpit",
];

/// What account management may refuse with, a missing or broken module among it.
const REFUSALS: [Code; 8] = [
    "perm_denied",
    "acct_expired",
    "auth_err",
    "authinfo_unavail",
    "system_err",
    "service_err",
    "open_err",
    "module_unknown",
];

/// The argument with which our module says nothing where it could not ask.
const IGNORES_OUTAGES: &str = "ignore_authinfo_unavail";

/// One stack with its surroundings.
pub(super) struct Stack<'a> {
    pub(super) host: &'a Host,
    pub(super) modules: &'a Modules,
    pub(super) library: &'a Library,
    pub(super) service: &'a str,
    pub(super) kind: Kind,
    pub(super) steps: &'a [Step],
}

pub(super) fn check(host: &Host, library: &Library, modules: &Modules, report: &mut Report) {
    if !super::are_ours(library) {
        report.add(
            Finding::danger(
                "pam-not-turned-on",
                "nsswitch.conf names domlogon, and no PAM stack does",
            )
            .at(FOLDER, None)
            .because("an ssh key or a job gets in for every account, disabled ones too")
            .mend("domlogon enable"),
        );
        return;
    }
    for kind in [Kind::Account, Kind::Auth, Kind::Password, Kind::Session] {
        for service in library.services() {
            let steps = library.stack(service, kind);
            if is_broken(&steps) {
                continue;
            }
            let stack = Stack {
                host,
                modules,
                library,
                service,
                kind,
                steps: &steps,
            };
            stack.check(report);
        }
    }
    gaps::products(library, report);
}

impl<'a> Stack<'a> {
    fn check(&self, report: &mut Report) {
        let is_logon = LOGON.contains(&self.service);
        let Some(ours) = self.ours() else {
            let matters = match self.kind {
                Kind::Account => is_logon || self.has("pam_unix"),
                Kind::Auth | Kind::Session => is_logon,
                Kind::Password => AT_HOME.contains(&self.service) || self.service == "passwd",
            };
            if matters {
                self.missing(report);
            }
            return;
        };
        match self.kind {
            Kind::Account => self.account(ours, report),
            Kind::Auth => self.auth(ours, report),
            Kind::Password => self.password(ours, report),
            Kind::Session => self.home(report),
        }
    }

    fn ours(&self) -> Option<&'a Step> {
        flat(self.steps).into_iter().find(|step| step.is(OURS))
    }

    fn has(&self, name: &str) -> bool {
        flat(self.steps).iter().any(|step| step.is(name))
    }

    pub(super) fn surroundings(&self) -> Surroundings<'a> {
        Surroundings {
            host: self.host,
            modules: self.modules,
            kind: self.kind,
            steps: self.steps,
        }
    }

    fn play(&self, right: bool, ours: Code) -> Outcome<'a> {
        let scene = Scene {
            local: false,
            right,
            ours,
        };
        play(self.host, self.modules, self.kind, self.steps, scene)
    }

    fn account(&self, ours: &Step, report: &mut Report) {
        for code in REFUSALS {
            let outcome = self.play(true, code);
            if !outcome.is_success() {
                continue;
            }
            let finding = match cause(&outcome) {
                None => lost(ours, code),
                Some(line) => {
                    Finding::danger("pam-account-skipped", "this line leads past pam_domlogon")
                        .at(&line.file, line.line)
                        .because(
                            "its refusals are never asked for: disabled accounts get in by ssh key",
                        )
                        .mend(format!("write before it: {}", ACCOUNT))
                }
            };
            report.add(finding);
            return;
        }
        if self.lets_in_unjudged() {
            report.add(
                Finding::danger(
                    "pam-account-outage-ignored",
                    format!("{IGNORES_OUTAGES} lets in whom nobody could judge"),
                )
                .at(&ours.file, ours.line)
                .because(
                    "by an ssh key or as a job a disabled account gets in while the daemon is away",
                )
                .mend(format!("write: {}", ACCOUNT)),
            );
            return;
        }
        let outcome = self.play(true, "new_authtok_reqd");
        if outcome.code != "new_authtok_reqd" {
            report.add(
                Finding::error(
                    "pam-must-change-lost",
                    "\"set a new password first\" does not come through",
                )
                .at(&ours.file, ours.line)
                .because("a demanded or expired password is never changed")
                .mend(format!("write: {}", ACCOUNT)),
            );
            return;
        }
        if !self.play(true, SUCCESS).is_success() {
            self.refused(report, "pam-account-refuses");
            return;
        }
        self.order(ours, report);
        self.local(ours, report);
    }

    /// Whether our refusal for want of an answer is taken back by an argument of the line, and
    /// by nothing else in the stack.
    fn lets_in_unjudged(&self) -> bool {
        let ignores = |step: &&Step| {
            let arguments = step.rule().map(|rule| rule.arguments.as_slice());
            let mut words = arguments.unwrap_or_default().iter();
            words.any(|word| word == IGNORES_OUTAGES)
        };
        let all = flat(self.steps);
        let mut ours = all.iter().copied().filter(|step| step.is(OURS));
        ours.all(|step| ignores(&step)) && self.play(true, "ignore").is_success()
    }

    fn auth(&self, ours: &Step, report: &mut Report) {
        if !self.play(true, SUCCESS).is_success() {
            self.refused(report, "pam-auth-refuses");
            return;
        }
        let rule = ours.rule();
        let ignored = ["auth_err", "perm_denied", "maxtries", "acct_expired"]
            .into_iter()
            .find(|code| rule.is_some_and(|rule| !rule.control.action(code).refuses()));
        if let Some(code) = ignored {
            report.add(
                Finding::warning(
                    "pam-auth-refusal-ignored",
                    format!("the line does not end with a refusal ({code})"),
                )
                .at(&ours.file, ours.line)
                .because("pam_unix asks again, and its \"wrong password\" hides the reason")
                .mend(self.surroundings().write("write", ours)),
            );
            return;
        }
        self.order(ours, report);
        self.local(ours, report);
    }

    fn password(&self, ours: &Step, report: &mut Report) {
        if !self.play(true, SUCCESS).is_success() {
            self.refused(report, "pam-password-refuses");
            return;
        }
        if self.play(true, "authtok_err").is_success() {
            report.add(
                Finding::error(
                    "pam-password-refusal-lost",
                    "a refused change counts as made",
                )
                .at(&ours.file, ours.line)
                .because("users of the domain are told that a new password is set")
                .mend(self.surroundings().write("write", ours)),
            );
        }
    }

    /// Somebody of the domain with the right password is refused.
    fn refused(&self, report: &mut Report, code: &'static str) {
        let outcome = self.play(true, SUCCESS);
        let jump = outcome.jumps.last().map(|(step, _)| *step);
        let Some(line) = cause(&outcome).or(jump).or(outcome.gave) else {
            return;
        };
        report.add(
            Finding::error(
                code,
                format!("users of the domain are refused by {} here", self.service),
            )
            .at(&line.file, line.line)
            .because(format!(
                "the {} stack never comes to a yes for them",
                self.kind.word()
            ))
            .mend(self.surroundings().write("write before it", line)),
        );
    }

    /// pam_unix, or whatever else ends the stack, before our line.
    fn order(&self, ours: &Step, report: &mut Report) {
        let before = flat(self.steps)
            .into_iter()
            .take_while(|step| !step.is(OURS))
            .find(|step| step.is("pam_unix"));
        let Some(unix) = before else { return };
        report.add(
            Finding::warning("pam-order", "pam_unix comes before pam_domlogon")
                .at(&ours.file, ours.line)
                .because("it judges users of the domain first, and logs each as a failure")
                .mend(format!("move the line before {}:{}", unix.file, unix.line)),
        );
    }

    /// Local accounts leap over our line.
    fn local(&self, ours: &Step, report: &mut Report) {
        let has = flat(self.steps)
            .into_iter()
            .take_while(|step| !step.is(OURS))
            .any(|step| {
                let leaps = step.rule().is_some_and(|rule| rule.control.leaps());
                // After pam_unix has let them in, they do not come here either.
                leaps && (step.is("pam_localuser") || step.is("pam_unix"))
            });
        if !has {
            report.add(
                Finding::warning(
                    "pam-localuser-missing",
                    format!(
                        "no {} line of pam_localuser before it leaps over pam_domlogon",
                        self.kind.word()
                    ),
                )
                .at(&ours.file, ours.line)
                .because("every logon of root and of the local users hangs on the module")
                .mend(format!(
                    "write before it: {} [success=1 default=ignore] pam_localuser.so{}",
                    self.kind.word(),
                    place::longer(self.steps, ours)
                )),
            );
        }
    }

    fn home(&self, report: &mut Report) {
        let is_made = ["pam_mkhomedir", "pam_oddjob_mkhomedir", "pam_systemd_home"]
            .into_iter()
            .any(|name| self.has(name));
        if AT_HOME.contains(&self.service) && !is_made {
            let (file, before, _) = self.file();
            report.add(
                Finding::warning("pam-mkhomedir-missing", "nothing makes home directories")
                    .at(file, before)
                    .because("at the first logon a user of the domain has no home")
                    .mend("write: session optional pam_mkhomedir.so umask=0077"),
            );
        }
    }
}

/// The line that kept a stack from coming to ours, if it did not come there.
fn cause<'a>(outcome: &Outcome<'a>) -> Option<&'a Step> {
    if outcome.ran.iter().any(|step| step.is(OURS)) {
        return None;
    }
    let is_over = |over: &[&Step]| flat_refs(over).iter().any(|step| step.is(OURS));
    let jump = outcome.jumps.iter().find(|(_, over)| is_over(over));
    jump.map(|(step, _)| *step)
        .or(outcome.ended)
        .or(outcome.gave)
}

fn flat_refs<'a>(steps: &[&'a Step]) -> Vec<&'a Step> {
    let one = |step: &&'a Step| flat(core::slice::from_ref(*step));
    steps.iter().flat_map(one).collect()
}

/// A refusal of ours that the line itself throws away.
fn lost(ours: &Step, code: Code) -> Finding {
    let control = ours.rule().map(|rule| &rule.control);
    let action = control.map_or(Action::Ignore, |control| control.action(code));
    let named = control.is_some_and(|control| control.names(code));
    let word = match action {
        Action::Ignore => "ignore".to_owned(),
        Action::Ok => "ok".to_owned(),
        Action::Done => "done".to_owned(),
        Action::Reset => "reset".to_owned(),
        Action::Jump(n) => n.to_string(),
        Action::Bad | Action::Die => "bad".to_owned(),
    };
    let said = if named { code } else { "default" };
    Finding::danger(
        "pam-account-refusal-lost",
        format!("{said}={word} throws refusals of pam_domlogon away"),
    )
    .at(&ours.file, ours.line)
    .because("by an ssh key or as a job a disabled, expired or locked account gets in")
    .mend(format!("write: {}", ACCOUNT))
}
