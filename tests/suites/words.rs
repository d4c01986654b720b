//! What people read in other languages, and in the site's own words: by real programs, in real
//! locales.

use crate::ssh::connect;
use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::domlogon;
use domlogon_tests::daemon::CONFIGURATION;
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    Account, Failure, Log, NEW_PASSWORD, PASSWORD, Probe, Program, Pty, Result, World, ensure,
    ensure_contains,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("words/refusals", refusals),
        case("words/password change", change),
        case("words/another charset", charset),
        case("words/no language", no_language),
        case("words/the site's own", own),
        case("words/the site's own, wrong", wrong),
    ]
}

/// One language, and what is to be read in it.
struct Language {
    locale: &'static str,
    password: &'static str,
    not_right: &'static str,
    disabled: [&'static str; 2],
    current: &'static str,
    new: &'static str,
    again: &'static str,
    rules: &'static str,
    short: &'static str,
    changed: &'static str,
}

const LANGUAGES: [Language; 3] = [
    Language {
        locale: "de_DE.UTF-8",
        password: "Passwort: ",
        not_right: "Benutzername oder Passwort ist nicht richtig.",
        disabled: [
            "Das Konto ",
            " ist deaktiviert. Wenden Sie sich an Ihren Administrator. (Ref. ",
        ],
        current: "Aktuelles Passwort: ",
        new: "Neues Passwort: ",
        again: "Neues Passwort wiederholen: ",
        rules: "Ihre letzten 5 Passwörter sind nicht wieder erlaubt.",
        short: "Das neue Passwort braucht mindestens 8 Zeichen. Verwenden Sie mindestens 3 von: Großbuchstaben",
        changed: "Das Passwort wurde geändert.",
    },
    Language {
        locale: "fr_FR.UTF-8",
        password: "Mot de passe : ",
        not_right: "Le nom d’utilisateur ou le mot de passe est incorrect.",
        disabled: [
            "Le compte ",
            " est désactivé. Contactez votre administrateur. (réf. ",
        ],
        current: "Mot de passe actuel\u{a0}: ",
        new: "Nouveau mot de passe\u{a0}: ",
        again: "Confirmez le nouveau mot de passe\u{a0}: ",
        rules: "Vos 5 derniers mots de passe ne peuvent pas être réutilisés.",
        short: "Le nouveau mot de passe doit compter au moins 8 caractères. Utilisez au moins 3",
        changed: "Le mot de passe a été changé.",
    },
    Language {
        locale: "es_ES.UTF-8",
        password: "Contraseña: ",
        not_right: "El nombre de usuario o la contraseña no es correcto.",
        disabled: [
            "La cuenta ",
            " está deshabilitada. Póngase en contacto con su administrador. (ref. ",
        ],
        current: "Contraseña actual: ",
        new: "Nueva contraseña: ",
        again: "Repita la nueva contraseña: ",
        rules: "Sus últimas 5 contraseñas no se pueden volver a usar.",
        short: "La nueva contraseña debe tener al menos 8 caracteres. Use al menos 3",
        changed: "La contraseña se ha cambiado.",
    },
];

fn su(account: &Account, variables: &[(&str, &str)]) -> Result<Pty> {
    let mut program = Program::new("su").arg(&account.name).as_user("localuser")?;
    for (name, value) in variables {
        program = program.env(name, value);
    }
    program.on_terminal()
}

fn refusals(world: &mut World) -> Result<()> {
    for language in &LANGUAGES {
        let locale = [("LC_ALL", language.locale)];
        let account = world.account(Good)?;
        let mut session = su(&account, &locale)?;
        session.answer(language.password, "wrong")?;
        session.expect(language.not_right)?;
        session.finish()?;

        let account = world.account(Disabled)?;
        let [before, after] = language.disabled;
        let mut session = su(&account, &locale)?;
        session.answer(language.password, PASSWORD)?;
        session.expect(&format!("{before}{}{after}", account.name))?;
        session.finish()?;
    }
    // What the person prefers, where the locale alone would say another language.
    let account = world.account(Good)?;
    let preferred = [("LC_ALL", "de_DE.UTF-8"), ("LANGUAGE", "xx:es:fr")];
    let mut session = su(&account, &preferred)?;
    session.answer("Contraseña: ", "wrong")?;
    session.expect("no es correcto.")?;
    session.finish().map(drop)
}

fn change(world: &mut World) -> Result<()> {
    for language in &LANGUAGES {
        let account = world.account(Good)?;
        let mut session = Program::new("passwd")
            .as_user(&account.name)?
            .env("LC_ALL", language.locale)
            .on_terminal()?;
        session.answer(language.current, PASSWORD)?;
        let rules = session.answer(language.new, "tiny")?;
        ensure_contains("before the new password", &rules, language.rules)?;
        session.answer(language.again, "tiny")?;
        session.expect(language.short)?;
        session.answer(language.new, NEW_PASSWORD)?;
        session.answer(language.again, NEW_PASSWORD)?;
        session.expect(language.changed)?;
        session.finish_with(0)?;
        account.opens_with(NEW_PASSWORD)?;
    }
    Ok(())
}

/// A terminal of the last century gets its own letters, and no broken ones.
fn charset(world: &mut World) -> Result<()> {
    let account = world.account(Locked)?;
    let mut session = su(&account, &[("LC_ALL", "de_DE.ISO-8859-1")])?;
    session.answer("Passwort: ", PASSWORD)?;
    session.expect(" gesperrt. Versuchen Sie es in ")?;
    session.finish()?;
    // ö is one byte there, which is no UTF-8; two would be two letters on that terminal.
    let seen = session.transcript();
    ensure_contains("ISO 8859-1", &seen, "falschen Passw\u{FFFD}rtern gesperrt")
}

/// Without a locale, or with one that the host lacks, English is spoken.
fn no_language(world: &mut World) -> Result<()> {
    for locale in ["C", "POSIX", "xx_XX.UTF-8", "../../etc/passwd"] {
        let account = world.account(Disabled)?;
        let mut session = su(&account, &[("LC_ALL", locale)])?;
        session.answer("Password: ", PASSWORD)?;
        session.expect(" is disabled. Contact your administrator. (ref ")?;
        session.finish()?;
    }
    Ok(())
}

const TEXTS: &str = r#"
[texts]
contact = "the help desk, ext. 4711"
[texts.sentences]
ERROR_LOGON_TYPE_NOT_GRANTED = "{user} may not come to {host} by {way}. Order access: https://help.corp.example"
LogonFailure = "That did not fit. Ask {admin}."
LockedOut = "Zu viele Versuche: in {minutes} min wieder."
"#;

/// The configuration with other lines, until the case has ended.
struct Changed {
    daemon: Pid,
    before: String,
}

impl Changed {
    fn to(world: &mut World, lines: &str) -> Result<Self> {
        let before = fs::read_to_string(CONFIGURATION)
            .map_err(Failure::harness("read the configuration"))?;
        let process = i32::try_from(world.daemon()?.process()).unwrap_or(1);
        let daemon = Pid::from_raw(process);
        let changed = Self { daemon, before };
        changed.write(&format!("{}{lines}", changed.before), TAKEN)?;
        Ok(changed)
    }

    /// Another text, and what the log says of it.
    fn write(&self, text: &str, answer: &str) -> Result<String> {
        let what = "change the configuration";
        fs::write(CONFIGURATION, text).map_err(Failure::harness(what))?;
        let log = Log::from_now();
        kill(self.daemon, Signal::SIGHUP)
            .map_err(std::io::Error::from)
            .map_err(Failure::harness(what))?;
        log.line_with(&["domlogond", answer])
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = self.write(&self.before, TAKEN);
    }
}

const TAKEN: &str = "the configuration was read again";

fn own(world: &mut World) -> Result<()> {
    let _changed = Changed::to(world, TEXTS)?;
    // Through sshd, which has no locale: a contact, a sentence of another condition, and one
    // for a wrong password that a name that nobody has gets too.
    let account = world.account(Disabled)?;
    let mut session = connect(world, &account.name, Method::Dialogue, "echo in")?;
    session.answer("assword: ", PASSWORD)?;
    let sentence = format!(
        "The account {} is disabled. Contact the help desk, ext. 4711. (ref ",
        account.name
    );
    session.expect(&sentence)?;
    session.finish_with(255)?;

    world.rights("[rights]\nSeDenyNetworkLogonRight = [\"Users\"]\n")?;
    let account = world.account(Good)?;
    let sentence = format!(
        "{} may not come to sandbox by ssh logon. Order access: https://help.corp.example (ref ",
        account.name
    );
    let mut session = connect(world, &account.name, Method::Dialogue, "echo in")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(&sentence)?;
    session.finish_with(255)?;
    let explained = domlogon(&["explain", &account.name, "--service", "sshd"])?;
    let own = sentence.trim_end_matches(" (ref ");
    ensure_contains("explain", &explained.text(), own)?;

    for name in [account.name.as_str(), "nobody-of-that-name"] {
        Probe::bare("login", name)
            .answer("wrong")
            .run(&["auth"])?
            .says("That did not fit. Ask the help desk, ext. 4711.")?;
    }
    // The contact stands in the person's language too.
    let account = world.account(Disabled)?;
    let mut session = su(&account, &[("LC_ALL", "de_DE.UTF-8")])?;
    session.answer("Passwort: ", PASSWORD)?;
    session.expect("Wenden Sie sich an the help desk, ext. 4711. (Ref. ")?;
    session.finish()?;
    let account = world.account(Locked)?;
    let mut session = su(&account, &[])?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("Zu viele Versuche: in ")?;
    session.finish().map(drop)
}

/// A mistake is pointed at, and the words before stay in force.
fn wrong(world: &mut World) -> Result<()> {
    let account = world.account(Disabled)?;
    let lines = "[texts]\ncontact = \"ext. 4711\"\n";
    let changed = Changed::to(world, lines)?;
    let text = format!(
        "{}[texts]\n[texts.sentences]\nDisabled = \"Sorry, {{usr}}.\"\n",
        changed.before
    );
    let line = changed.write(&text, "reload refused")?;
    let number = text.lines().count();
    ensure_contains(
        "the log",
        &line,
        &format!("domlogon.toml:{number}:20: expected"),
    )?;
    let said = domlogon(&["check"])?.exits(1)?.text();
    ensure_contains("domlogon check", &said, "\"Sorry, {usr}.\"")?;
    ensure(
        said.lines().any(|line| line.trim_end().ends_with(" ^^^^^")),
        "domlogon check",
        "a caret under the place",
        &*said,
    )?;
    let mut session = su(&account, &[])?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("is disabled. Contact ext. 4711.")?;
    session.finish().map(drop)
}
