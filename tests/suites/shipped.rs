//! The PAM stacks of `pam.d/`: each file is loaded by real libpam, and the whole stacks do for
//! local and domain users what they promise, also when the module or the daemon is missing.

use crate::{Case, case, plain};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::{
    Failure, LOCAL_PASSWORD, Log, NEW_PASSWORD, PASSWORD, Probe, ROOT_PASSWORD, Result, World,
    ensure, ensure_equal,
};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        plain("stacks/every file loads", every_file_loads),
        plain("stacks/local users", local_users),
        case("stacks/domain users", domain_users),
        case("stacks/refusals stand", refusals_stand),
        case("stacks/must change arrives", must_change_arrives),
        case("stacks/passwords", passwords),
        case("stacks/refused change is refused", refused_change),
        case("stacks/module missing", module_missing),
        case("stacks/module broken", module_broken),
        case("stacks/daemon dead", daemon_dead),
    ]
}

/// The families of files, and the services of each that log people on.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "debian",
        &["login", "su", "su-l", "sudo", "sudo-i", "sshd", "cron"],
    ),
    (
        "redhat",
        &[
            "login",
            "su",
            "su-l",
            "sudo",
            "sshd",
            "crond",
            "system-auth",
            "password-auth",
        ],
    ),
];

/// One family's files as the whole of /etc/pam.d, until it is dropped. libpam looks for included
/// files in /etc/pam.d alone, wherever the including one came from.
struct Installed;

const INSTALLED: &str = "/etc/pam.d";
const USUAL: &str = "/etc/pam.d.usual";

impl Installed {
    fn family(family: &str) -> Result<Installed> {
        let what = "install a family of PAM stacks";
        fs::rename(INSTALLED, USUAL).map_err(Failure::harness(what))?;
        let installed = Installed;
        fs::create_dir(INSTALLED).map_err(Failure::harness(what))?;
        for file in files(family)? {
            let to = Path::new(INSTALLED).join(file.file_name().unwrap_or_default());
            fs::copy(&file, to).map_err(Failure::harness(what))?;
        }
        // What every system has for a service without a file.
        let other = ["auth", "account", "password", "session"]
            .map(|kind| format!("{kind} required pam_deny.so\n"))
            .concat();
        fs::write(format!("{INSTALLED}/other"), other).map_err(Failure::harness(what))?;
        Ok(installed)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(INSTALLED);
        let _ = fs::rename(USUAL, INSTALLED);
    }
}

fn folder(family: &str) -> String {
    let root = std::env::var("DOMLOGON_ROOT").unwrap_or_else(|_| ".".to_owned());
    format!("{root}/pam.d/{family}")
}

fn files(family: &str) -> Result<Vec<PathBuf>> {
    let what = "list the PAM stacks";
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(family)).map_err(Failure::harness(what))? {
        found.push(entry.map_err(Failure::harness(what))?.path());
    }
    found.sort();
    Ok(found)
}

/// libpam reads each file, every line of it, and finds each module that must be there.
fn every_file_loads(_: &mut World) -> Result<()> {
    let mut loaded = 0;
    for (family, _) in FAMILIES {
        let _installed = Installed::family(family)?;
        for path in files(family)? {
            load(&path)?;
            loaded += 1;
        }
    }
    ensure(
        loaded > 15,
        "files loaded",
        "all of pam.d",
        loaded.to_string(),
    )
}

fn load(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // One call is enough to make libpam parse and load everything of the file.
    let operation = match &*name {
        "common-auth" => "auth",
        "common-session" | "common-session-noninteractive" => "open",
        "common-password" | "passwd" => "chauthtok",
        _ => "acct",
    };
    let log = Log::from_now();
    Probe::stack(&name, "localuser")
        .answer(LOCAL_PASSWORD)
        .answer(LOCAL_PASSWORD)
        .run(&[operation])?
        .returns(operation, "SUCCESS")?;
    // What libpam writes about a line or module that it does not like. pam_selinux is written
    // with module_unknown=ignore by Debian itself.
    for line in log.lines().lines() {
        let complaint = [
            "bad jump",
            "illegal",
            "unable to dlopen",
            "expecting",
            "faulty module",
            "unable to open",
            "no modules loaded",
        ]
        .iter()
        .any(|word| line.contains(word));
        ensure(
            !complaint || line.contains("pam_selinux"),
            format!("the log while {} was loaded", path.display()),
            "no complaint",
            line,
        )?;
    }
    Ok(())
}

/// For each service of each family.
fn everywhere(run: impl Fn(&str, &str) -> Result<()>) -> Result<()> {
    for (family, services) in FAMILIES {
        let _installed = Installed::family(family)?;
        for service in *services {
            run(family, service)?;
        }
    }
    Ok(())
}

/// Local users, right and wrong password; root by his.
fn local_users(_: &mut World) -> Result<()> {
    local_users_get_in()
}

pub(crate) fn local_users_get_in() -> Result<()> {
    everywhere(|_, service| {
        for (user, password) in [("localuser", LOCAL_PASSWORD), ("root", ROOT_PASSWORD)] {
            // su's pam_rootok lets root in without a password, and this is root asking.
            let report = Probe::stack(service, user)
                .answer(password)
                .run(&["auth", "acct", "setcred"])?;
            for operation in ["auth", "acct", "setcred"] {
                report.returns(operation, "SUCCESS")?;
            }
            report.says("")?;
            ensure(
                report.texts("prompt off").len() <= 1,
                "prompts",
                "at most one",
                report.text(),
            )?;
        }
        Ok(())
    })?;
    let report = Probe::stack("sudo", "localuser")
        .answer("wrong")
        .run(&["auth"])?;
    report.returns("auth", "AUTH_ERR")?;
    Ok(())
}

fn domain_users(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    everywhere(|_, service| {
        let report = Probe::stack(service, &account.name)
            .answer(PASSWORD)
            .run(&["auth", "acct", "setcred", "open", "close"])?;
        for operation in ["auth", "acct", "setcred", "open", "close"] {
            report.returns(operation, "SUCCESS")?;
        }
        report.says("")?;
        Ok(())
    })?;
    // One prompt, one refusal: pam_unix does not ask a second time.
    let report = Probe::stack("sudo", &account.name)
        .answer("wrong")
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "AUTH_ERR")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 1)
}

/// What account management refuses stays refused to the end of the stack, in all of them.
fn refusals_stand(world: &mut World) -> Result<()> {
    for (condition, code) in [
        (Disabled, "PERM_DENIED"),
        (AccountExpired, "ACCT_EXPIRED"),
        (NoHours, "PERM_DENIED"),
        (OtherWorkstation, "PERM_DENIED"),
    ] {
        let account = world.account(condition)?;
        everywhere(|family, service| {
            // The Red Hat su file lets root become anybody, on purpose; root is asking here.
            if family == "redhat" && service.starts_with("su") && !service.contains("sudo") {
                return Ok(());
            }
            Probe::stack(service, &account.name)
                .run(&["acct"])?
                .returns("acct", code)
                .map(drop)
        })?;
    }
    Ok(())
}

fn must_change_arrives(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        for (family, services) in FAMILIES {
            let _installed = Installed::family(family)?;
            for service in services
                .iter()
                .filter(|name| matches!(**name, "login" | "sudo" | "sshd"))
            {
                let report = Probe::stack(service, &account.name)
                    .answer(PASSWORD)
                    .run(&["auth", "acct"])?;
                report.returns("auth", "SUCCESS")?;
                report.returns("acct", "NEW_AUTHTOK_REQD")?;
            }
        }
    }
    Ok(())
}

/// Domain passwords are changed by domlogon, local ones by pam_unix, and nobody is asked twice.
fn passwords(world: &mut World) -> Result<()> {
    for (family, _) in FAMILIES {
        let _installed = Installed::family(family)?;
        let account = world.account(Good)?;
        let report = Probe::stack("passwd", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        report.returns("chauthtok", "SUCCESS")?.says("")?;
        ensure_equal("prompts", report.texts("prompt off").len(), 3)?;
        account.opens_with(NEW_PASSWORD)?;
        // root sets a local password, and sets it back.
        for password in ["An0ther-local-1", LOCAL_PASSWORD] {
            let report = Probe::stack("passwd", "localuser")
                .answer(password)
                .answer(password)
                .run(&["chauthtok"])?;
            report.returns("chauthtok", "SUCCESS")?;
            ensure_equal("prompts", report.texts("prompt off").len(), 2)?;
        }
    }
    local_users_get_in()
}

/// A refusal in the second pass is the result of the whole stack, and pam_unix is not asked.
fn refused_change(world: &mut World) -> Result<()> {
    for (family, _) in FAMILIES {
        let _installed = Installed::family(family)?;
        for (condition, answers, code) in [
            (Good, [PASSWORD, "short", "short"], "AUTHTOK_ERR"),
            (Good, ["wrong", "", ""], "AUTH_ERR"),
            (CannotChange, [PASSWORD, "", ""], "PERM_DENIED"),
        ] {
            let account = world.account(condition)?;
            let mut probe = Probe::stack("passwd", &account.name);
            for answer in answers.iter().filter(|answer| !answer.is_empty()) {
                probe = probe.answer(answer);
            }
            let report = probe.as_user(&account.name).run(&["chauthtok"])?;
            // The module asks again after "short" and finds no further answer: its own error.
            if condition == Condition::Good && code == "AUTHTOK_ERR" {
                ensure(
                    report.code("chauthtok")? != "SUCCESS",
                    "chauthtok",
                    "no success",
                    report.text(),
                )?;
            } else {
                report.returns("chauthtok", code)?;
            }
            account.keeps_its_password()?;
        }
    }
    Ok(())
}

pub(crate) fn module() -> Result<PathBuf> {
    ["/lib", "/usr/lib", "/lib64", "/usr/lib64"]
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("security/pam_domlogon.so"))
        .find(|path| path.exists())
        .ok_or_else(|| domlogon_tests::differs("pam_domlogon.so", "installed", "not found"))
}

/// Without the module local users get in and domain users do not.
fn module_missing(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let module = module()?;
    let aside = module.with_extension("aside");
    fs::rename(&module, &aside).map_err(Failure::harness("move the module away"))?;
    let result = local_users_get_in().and_then(|()| domain_user_stays_out(&account.name));
    fs::rename(&aside, &module).map_err(Failure::harness("move the module back"))?;
    result
}

/// A file that is no module at all.
fn module_broken(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let module = module()?;
    let aside = module.with_extension("aside");
    let what = "put a broken module in";
    fs::rename(&module, &aside).map_err(Failure::harness(what))?;
    fs::write(&module, "not a library").map_err(Failure::harness(what))?;
    let result = local_users_get_in().and_then(|()| domain_user_stays_out(&account.name));
    fs::rename(&aside, &module).map_err(Failure::harness(what))?;
    result
}

fn daemon_dead(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.kill();
    local_users_get_in()?;
    domain_user_stays_out(&account.name)
}

pub(crate) fn domain_user_stays_out(name: &str) -> Result<()> {
    everywhere(|_, service| {
        if service.starts_with("su") && !service.contains("sudo") {
            return Ok(()); // pam_rootok: root may become anybody
        }
        let report = Probe::stack(service, name)
            .answer(PASSWORD)
            .answer(PASSWORD)
            .run(&["auth"])?;
        ensure(
            report.code("auth")? != "SUCCESS",
            format!("{service}: a domain user without domlogon"),
            "a refusal",
            report.text(),
        )?;
        // An ssh key or a job comes without authenticate. pam_unix says yes to an account that
        // NSS still knows, so nothing but a refusal here keeps a disabled one out.
        let report = Probe::stack(service, name).run(&["acct"])?;
        ensure(
            report.code("acct")? != "SUCCESS",
            format!("{service}: account management of a domain user without domlogon"),
            "a refusal",
            report.text(),
        )
    })
}
