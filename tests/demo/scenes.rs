//! What is shown, scene by scene.

use crate::PASSWORD;
use crate::stage::{Stage, show};
use domlogon_tests::sshd::{Method, Sshd};
use domlogon_tests::{
    Failure, Log, Program, ROOT_PASSWORD, Result, domlogon, ensure, ensure_contains, ensure_equal,
};
use std::fs;
use std::process::ExitCode;

const NEW: &str = "Battery-Staple-9";

/// One scene: shows itself, and fails if anything in it was not right.
type Scene = fn() -> Result<()>;

/// Play everything; exit status 0 only if all of it was right.
pub(crate) fn play() -> ExitCode {
    let scenes: &[(&str, Scene)] = &[
        ("A logon", logon),
        ("A new password first, then the shell", must_change),
        (
            "passwd: a short one, one used before, then a good one; and not again today",
            passwd,
        ),
        ("su and sudo", su_and_sudo),
        (
            "Three wrong passwords lock an account; then the right one does not help",
            lockout,
        ),
        (
            "ssh: let in, refused by hours, refused because disabled",
            ssh,
        ),
        ("Why was harry refused?", explain),
        (
            "The right to come in from the network, taken from Everyone and given back",
            network_right,
        ),
        (
            "A tighter list: whom would it refuse? First asked, then only logged",
            audit,
        ),
    ];
    println!("What is typed and not shown by the terminal stands in ‹›.");
    let mut wrong = Vec::new();
    for (number, (title, scene)) in scenes.iter().enumerate() {
        println!("\n{}. {title}", number + 1);
        if let Err(failure) = scene() {
            println!("    WRONG: {failure}");
            wrong.push(number + 1);
        }
    }
    println!();
    if wrong.is_empty() {
        println!("All {} scenes went as they should.", scenes.len());
        ExitCode::SUCCESS
    } else {
        println!("WRONG: scenes {wrong:?}");
        for line in domlogon_tests::Daemon::said().lines() {
            println!("    domlogond: {line}");
        }
        ExitCode::FAILURE
    }
}

/// Run a scene on a stage and show its transcript, or all there was if it went wrong.
fn staged(mut stage: Stage, act: impl FnOnce(&mut Stage) -> Result<()>) -> Result<()> {
    let result = act(&mut stage);
    show(&match &result {
        Ok(()) => stage.transcript(),
        Err(_) => stage.whole(),
    });
    result
}

/// root's command line, shown and run.
fn command(arguments: &[&str]) -> Result<String> {
    let answer = domlogon(arguments)?;
    println!("    # domlogon {}", arguments.join(" "));
    Ok(answer.text())
}

/// In the shell: ask who one is, and leave.
fn looks_round(stage: &mut Stage, name: &str) -> Result<()> {
    stage.see_any(&["$ ", "# "])?;
    stage.line("id")?;
    stage.see(&format!("({name}) "))?;
    stage.see_any(&["$ ", "# "])?;
    stage.line("exit")?;
    stage.end().map(drop)
}

fn login(name: &str) -> Result<Stage> {
    Stage::open(
        "#",
        &Program::new("login").arg(name),
        &format!("login {name}"),
    )
}

fn logon() -> Result<()> {
    staged(login("alice")?, |stage| {
        stage.answer("assword: ", PASSWORD)?;
        looks_round(stage, "alice")
    })
}

fn must_change() -> Result<()> {
    staged(login("nina")?, |stage| {
        stage.answer("assword: ", PASSWORD)?;
        if stage.see_any(&["urrent password: ", "ew password: "])? == 0 {
            stage.secret(PASSWORD)?;
            stage.see("ew password: ")?;
        }
        stage.secret(NEW)?;
        stage.answer("assword: ", NEW)?;
        looks_round(stage, "nina")
    })
}

fn passwd() -> Result<()> {
    let open = || {
        Stage::open(
            "alice$",
            &Program::new("passwd").as_user("alice")?,
            "passwd",
        )
    };
    staged(open()?, |stage| {
        stage.answer("urrent password: ", PASSWORD)?;
        for (new, sentence) in [
            ("tiny", "at least 8 characters"),
            (PASSWORD, "passwords cannot be used again"),
        ] {
            stage.answer("ew password: ", new)?;
            stage.answer("assword: ", new)?;
            stage.see(sentence)?;
        }
        stage.answer("ew password: ", NEW)?;
        stage.answer("assword: ", NEW)?;
        stage.see("Password changed.")?;
        ensure_equal("exit code of passwd", stage.end()?, Some(0))
    })?;
    // It prints the whole policy; the scene is about one line of it.
    let policy = command(&["policy", "set", "min-age=1d"])?;
    let line = policy.lines().find(|line| line.contains("min-age"));
    show(line.unwrap_or(&policy));
    let result = staged(open()?, |stage| {
        stage.answer("urrent password: ", NEW)?;
        stage.see("changed too recently. You can change it from")?;
        let code = stage.end()?;
        ensure(
            code != Some(0),
            "passwd",
            "an unsuccessful end",
            format!("{code:?}"),
        )
    });
    domlogon(&["policy", "set", "min-age=0"])?.exits(0)?;
    result
}

fn su_and_sudo() -> Result<()> {
    let su = Program::new("su")
        .args(&["-", "alice", "-c", "id -un"])
        .as_user("localuser")?;
    staged(
        Stage::open("localuser$", &su, "su - alice -c 'id -un'")?,
        |stage| {
            stage.answer("assword: ", NEW)?;
            stage.see("alice")?;
            ensure_equal("exit code of su", stage.end()?, Some(0))
        },
    )?;
    let su = Program::new("su")
        .args(&["-", "-c", "id -un"])
        .as_user("alice")?;
    staged(Stage::open("alice$", &su, "su - -c 'id -un'")?, |stage| {
        stage.answer("assword: ", ROOT_PASSWORD)?;
        stage.see("root")?;
        ensure_equal("exit code of su", stage.end()?, Some(0))
    })?;
    sudo_rule()?;
    let sudo = Program::new("sudo").args(&["id", "-un"]).as_user("alice")?;
    staged(Stage::open("alice$", &sudo, "sudo id -un")?, |stage| {
        stage.answer("assword for alice: ", "not-the-password")?;
        stage.see("Sorry, try again.")?;
        stage.answer("assword for alice: ", NEW)?;
        stage.see("root")?;
        ensure_equal("exit code of sudo", stage.end()?, Some(0))
    })
}

fn sudo_rule() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let what = "write a sudo rule";
    let path = "/etc/sudoers.d/demo";
    let failure = |error| domlogon_tests::Failure::harness(what)(error);
    std::fs::write(path, "Defaults lecture=never\nalice ALL=(ALL:ALL) ALL\n").map_err(failure)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o440))
        .map_err(domlogon_tests::Failure::harness(what))
}

fn lockout() -> Result<()> {
    staged(login("larry")?, |stage| {
        for turn in 0..3 {
            if turn > 0 {
                stage.see("login: ")?;
                stage.line("larry")?;
            }
            stage.answer("assword: ", &format!("guess-{turn}"))?;
            stage.see("User name or password is not right.")?;
        }
        Ok(())
    })?;
    staged(login("larry")?, |stage| {
        stage.answer("assword: ", PASSWORD)?;
        stage.see("is locked after too many wrong passwords")?;
        stage.see("\n")
    })?;
    show(&command(&["user", "unlock", "larry"])?);
    staged(login("larry")?, |stage| {
        stage.answer("assword: ", PASSWORD)?;
        looks_round(stage, "larry")
    })
}

fn ssh() -> Result<()> {
    let sshd = Sshd::start()?;
    let_in_by_ssh(&sshd, "alice", NEW)?;
    refused_by_ssh(&sshd, "harry", PASSWORD, "at this time. Next allowed: ")?;
    refused_by_ssh(&sshd, "dora", PASSWORD, "is disabled. Contact")
}

fn client(sshd: &Sshd, name: &str) -> Result<Stage> {
    Stage::open(
        "$",
        &sshd.client(name, Method::Dialogue, "id -un"),
        &format!("ssh {name}@sandbox id -un"),
    )
}

fn let_in_by_ssh(sshd: &Sshd, name: &str, password: &str) -> Result<()> {
    staged(client(sshd, name)?, |stage| {
        stage.answer("assword: ", password)?;
        stage.see(name)?;
        ensure_equal("exit code of ssh", stage.end()?, Some(0))
    })
}

fn refused_by_ssh(sshd: &Sshd, name: &str, password: &str, sentence: &str) -> Result<()> {
    staged(client(sshd, name)?, |stage| {
        stage.answer("assword: ", password)?;
        stage.see(sentence)?;
        ensure_equal("exit code of ssh", stage.end()?, Some(255))
    })
}

fn explain() -> Result<()> {
    let text = command(&["explain", "harry", "--service", "sshd"])?;
    show(&text);
    ensure_contains("the explanation", &text, "1328")?;
    ensure_contains("the explanation", &text, "may not log on at this time")
}

/// The story of Q97558.
fn network_right() -> Result<()> {
    let sshd = Sshd::start()?;
    show(&command(&["rights", "revoke", "network", "Everyone"])?);
    refused_by_ssh(&sshd, "alice", NEW, "is not allowed to use ssh logon")?;
    let text = shell("domlogon explain alice --service sshd | grep -e DECIDED -e Cure -e 1385")?;
    ensure_contains("the explanation", &text, "SeNetworkLogonRight")?;
    ensure_contains("the explanation", &text, "ERROR_LOGON_TYPE_NOT_GRANTED")?;
    show(&command(&["rights", "grant", "network", "Everyone"])?);
    let_in_by_ssh(&sshd, "alice", NEW)
}

const RIGHTS: &str = "/etc/domlogon/rights.toml";
const TIGHTER: &str = "/root/tighter.toml";

fn audit() -> Result<()> {
    let before = fs::read_to_string(RIGHTS).map_err(Failure::harness("read rights.toml"))?;
    shell(&format!(
        "sed '/^SeNetworkLogonRight/s/Everyone/Domain Admins/' {RIGHTS} > {TIGHTER}"
    ))?;
    let text = command(&["rights", "simulate", TIGHTER])?;
    show(&text);
    ensure_contains("the simulation", &text, "alice")?;
    let result = only_logged();
    fs::write(RIGHTS, before).map_err(Failure::harness("write rights.toml"))?;
    result
}

/// The tighter list in audit mode: alice comes in, and the log says that she would not.
fn only_logged() -> Result<()> {
    let log = Log::from_now();
    shell(&format!(
        "sed 's/^#SeNetworkLogonRight = true/SeNetworkLogonRight = true/' {TIGHTER} > {RIGHTS}"
    ))?;
    log.line_with(&["audit=SeNetworkLogonRight"])?;
    let text = shell("domlogon status | grep 'Audit mode'")?;
    ensure_contains("status", &text, "ON")?;
    let_in_by_ssh(&Sshd::start()?, "alice", NEW)?;
    log.line_with(&["audit: user=alice"])?;
    shell("grep -o 'audit: user=.*' /var/log/syslog | tail -n 1").map(drop)
}

/// A line for root's shell, shown with what it prints.
fn shell(line: &str) -> Result<String> {
    println!("    # {line}");
    let output = Program::new("sh").args(&["-c", line]).run(b"")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    show(&text);
    let status = output.status;
    ensure(status.success(), line, "exit status 0", status.to_string())?;
    Ok(text)
}
