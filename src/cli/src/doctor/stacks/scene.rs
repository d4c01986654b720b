//! Playing a logon through a stack: who comes, and what each module would say.

use super::super::finding::{Finding, Report, Severity};
use super::super::host::Host;
use super::super::modules::Modules;
use super::super::pam::Kind;
use super::super::pam::control::{Code, SUCCESS};
use super::super::pam::library::{Item, Library, Step, flat};
use super::super::pam::simulate::{Outcome, run};
use super::place::longer;
use super::{OURS, PRODUCTS};

/// Who tries, and what our module says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// A name of /etc/passwd.
    pub(super) local: bool,
    /// The password, or whatever else proves who it is, is right.
    pub(super) right: bool,
    /// What our module returns.
    pub(super) ours: Code,
}

/// Modules that ask for no proof and stop nobody who is not kept out on purpose.
const HARMLESS: [&str; 14] = [
    "pam_env",
    "pam_faildelay",
    "pam_nologin",
    "pam_group",
    "pam_cap",
    "pam_limits",
    "pam_keyinit",
    "pam_loginuid",
    "pam_selinux",
    "pam_sepermit",
    "pam_umask",
    "pam_motd",
    "pam_mail",
    "pam_permit",
];

/// What our module may return when it, or the daemon, is broken.
const BROKEN: [Code; 4] = [
    "module_unknown",
    "system_err",
    "authinfo_unavail",
    "user_unknown",
];

/// Plays a scene.
pub(super) fn play<'a>(
    host: &Host,
    modules: &Modules,
    kind: Kind,
    steps: &'a [Step],
    scene: Scene,
) -> Outcome<'a> {
    run(steps, &|step| answer(host, modules, kind, step, scene))
}

fn answer(host: &Host, modules: &Modules, kind: Kind, step: &Step, scene: Scene) -> Option<Code> {
    let rule = step.rule()?;
    let yes = |yes: bool, no: Code| if yes { SUCCESS } else { no };
    Some(match rule.name() {
        OURS => scene.ours,
        // That it is missing is told by itself.
        _ if modules.are_known() && modules.files(host, &rule.module).is_empty() => return None,
        "pam_permit" => SUCCESS,
        "pam_deny" => "auth_err",
        // Whoever is root already is not meant here.
        "pam_rootok" => "auth_err",
        "pam_localuser" => yes(scene.local, "perm_denied"),
        // An account without a shadow entry is fine with pam_unix, as account management.
        "pam_unix" if kind == Kind::Account => SUCCESS,
        // It asks nobody for a new password who is not in /etc/passwd.
        "pam_unix" if kind == Kind::Password => yes(scene.local && scene.right, "user_unknown"),
        "pam_unix" => yes(scene.local && scene.right, "auth_err"),
        name if PRODUCTS.contains(&name) => "user_unknown",
        name if HARMLESS.contains(&name) => SUCCESS,
        // A way of its own to say yes: nobody here has that finger, token or group.
        _ if rule.control.leaps() => "auth_err",
        _ if kind == Kind::Auth => yes(scene.right, "auth_err"),
        _ => SUCCESS,
    })
}

/// Whether something in the stack cannot be read, which other checks have told.
pub(super) fn is_broken(steps: &[Step]) -> bool {
    flat(steps)
        .iter()
        .any(|step| matches!(step.item, Item::Broken))
}

/// Root and the local users: they get in with their passwords whatever our module does,
/// and nobody gets in without one.
pub(super) fn local_users(
    host: &Host,
    library: &Library,
    modules: &Modules,
    service: &str,
    report: &mut Report,
) {
    for kind in [Kind::Auth, Kind::Account, Kind::Password] {
        let steps = library.stack(service, kind);
        let is_ours = flat(&steps).iter().any(|step| step.is(OURS));
        if !is_ours || is_broken(&steps) {
            continue;
        }
        if kind == Kind::Auth {
            open_door(host, modules, service, &steps, report);
        }
        locked_out(host, modules, service, kind, &steps, report);
        if kind == Kind::Password {
            nobody_asks(&steps, report);
        }
    }
}

/// pam_unix is told that another module asks for the new password, and none does for local
/// users: they cannot change theirs.
fn nobody_asks(steps: &[Step], report: &mut Report) {
    let flat = flat(steps);
    let before = |step: &&&Step| !step.is("pam_unix");
    let asks = |step: &&Step| {
        let silent = ["pam_localuser", OURS, "pam_permit", "pam_deny"];
        !step
            .rule()
            .is_some_and(|rule| silent.contains(&rule.name()) || PRODUCTS.contains(&rule.name()))
    };
    let unix = flat.iter().find(|step| step.is("pam_unix"));
    let waits = |step: &&&Step| {
        let words = ["use_authtok", "use_first_pass"];
        step.rule().is_some_and(|rule| {
            rule.arguments
                .iter()
                .any(|word| words.contains(&word.as_str()))
        })
    };
    let Some(unix) = unix.filter(waits) else {
        return;
    };
    if !flat.iter().take_while(before).any(asks) {
        report.add(
            Finding::error(
                "pam-nobody-asks",
                "pam_unix waits for a new password that no module has asked for",
            )
            .at(&unix.file, unix.line)
            .because("root and the local users cannot change a password")
            .mend("take use_authtok out of the line"),
        );
    }
}

fn open_door(host: &Host, modules: &Modules, service: &str, steps: &[Step], report: &mut Report) {
    for (local, ours) in [
        (true, "user_unknown"),
        (true, "module_unknown"),
        (false, "auth_err"),
        (false, "user_unknown"),
        (false, "authinfo_unavail"),
        (false, "module_unknown"),
    ] {
        let scene = Scene {
            local,
            right: false,
            ours,
        };
        let outcome = play(host, modules, Kind::Auth, steps, scene);
        if !outcome.is_success() {
            continue;
        }
        let jump = outcome.jumps.last().map(|(step, _)| *step);
        let Some(cause) = jump.or(outcome.ended).or(outcome.gave) else {
            continue;
        };
        let who = if local { "a local user" } else { "somebody" };
        report.add(
            Finding::danger(
                "pam-open-door",
                format!("{who} gets in by {service} with a wrong password"),
            )
            .at(&cause.file, cause.line)
            .because("this line leads past every module that would refuse")
            .mend("count the lines that its jump leaps over, or run: domlogon enable"),
        );
        return;
    }
}

fn locked_out(
    host: &Host,
    modules: &Modules,
    service: &str,
    kind: Kind,
    steps: &[Step],
    report: &mut Report,
) {
    for ours in BROKEN {
        let scene = Scene {
            local: true,
            right: true,
            ours,
        };
        let outcome = play(host, modules, kind, steps, scene);
        if outcome.is_success() {
            continue;
        }
        let by_us = outcome.ran.iter().find(|step| step.is(OURS));
        let jump = outcome.jumps.last().map(|(step, _)| *step);
        let Some(cause) = by_us.copied().or(jump).or(outcome.gave) else {
            continue;
        };
        let type_word = kind.word();
        let (what, mend) = if by_us.is_some() {
            (
                format!(
                    "root and the local users are refused by {service} when the module or the \
                     daemon is broken ({ours})"
                ),
                format!(
                    "put before it: {type_word} [success=1 default=ignore] pam_localuser.so{}",
                    longer(steps, cause)
                ),
            )
        } else {
            (
                format!("root and the local users are refused by {service}"),
                "count the lines that its jump leaps over, or run: domlogon enable".to_owned(),
            )
        };
        let severity = if kind == Kind::Password {
            Severity::Error
        } else {
            Severity::Danger
        };
        report.add(
            Finding::new(severity, "pam-local-locked-out", what)
                .at(&cause.file, cause.line)
                .because(format!("the {type_word} stack ends in a refusal for them"))
                .mend(mend),
        );
        return;
    }
}
