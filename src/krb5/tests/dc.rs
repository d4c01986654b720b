//! Against a real DC, with the users that `tests/dc/unit-tests` makes: it runs these, and tests/run runs it.
#![allow(missing_docs)]

mod common;

use common::{
    KDC, Own, REALM, Scene, ask, attempts, forged_error, kdc, kpasswd, log_length, samba_tool, text,
};
use domlogon_krb5::{
    Changed, Credentials, Enctype, Error, Exchange, KdcError, KeytabEntry, Principal, code, result,
};
use domlogon_protocol::Secret;
use std::io;

const PASSWORD: &str = "Us3r-Lab-Pass";
const CHANGEPW: Option<&str> = Some(domlogon_krb5::CHANGEPW);

fn logon(scene: &Scene, user: &str, password: &str) -> Result<Credentials, Error> {
    scene.context.with_password(
        user,
        REALM,
        &Secret::new(password.as_bytes()),
        None,
        &mut kdc,
    )
}

fn refusal(scene: &Scene, user: &str, password: &str) -> KdcError {
    match logon(scene, user, password) {
        Err(Error::Kdc(error)) => error,
        other => panic!("{user}: {other:?}"),
    }
}

fn locked(scene: &Scene, name: &str) -> Own {
    let own = Own::user(name, PASSWORD);
    for _ in 0..5 {
        assert_eq!(
            refusal(scene, name, "Not-The-Pass-1").code,
            code::PREAUTH_FAILED
        );
    }
    own
}

#[test]
#[ignore = "needs a test DC"]
fn the_right_password() {
    let scene = Scene::new();
    let mut rounds = 0;
    let tgt = scene
        .context
        .with_password(
            "OK",
            REALM,
            &Secret::new(PASSWORD.as_bytes()),
            None,
            &mut |request| {
                rounds += 1;
                kdc(request)
            },
        )
        .unwrap();
    assert_eq!(rounds, 2);
    assert_eq!(
        tgt.client().to_string(),
        "ok@CORP.EXAMPLE",
        "as the directory writes it"
    );
    assert!(tgt.is_tgt() && tgt.is_forwardable() && tgt.is_initial());
    assert!(tgt.renew_until().unwrap() > tgt.ends_at());
    assert!(tgt.ends_at().since(tgt.starts_at()) > 3600);
    assert_eq!(tgt.enctype(), 18);
    let again = scene
        .context
        .credentials_from_bytes(&tgt.to_bytes())
        .unwrap();
    assert_eq!(again.to_bytes()[..], tgt.to_bytes()[..]);
    assert_eq!(again.renew_until(), tgt.renew_until());
}

#[test]
#[ignore = "needs a test DC"]
fn every_condition_has_its_number_and_status() {
    let scene = Scene::new();
    let locked = locked(&scene, "hk-locked");
    for (user, number, status) in [
        ("mustchange", code::KEY_EXPIRED, Some(0xc000_0224)),
        ("expired", code::KEY_EXPIRED, Some(0xc000_0071)),
        ("disabled", code::CLIENT_REVOKED, Some(0xc000_0072)),
        ("acctexpired", code::CLIENT_REVOKED, Some(0xc000_0193)),
        ("hours", code::CLIENT_REVOKED, Some(0xc000_006f)),
    ] {
        let error = refusal(&scene, user, PASSWORD);
        println!("{user}: {error:?}");
        assert_eq!((error.code, error.ntstatus), (number, status), "{user}");
        assert!(error.server_time.is_some());
    }
    let error = refusal(&scene, &locked.name, PASSWORD);
    // Samba 4.17 gives no status here.
    assert!(
        matches!(error.ntstatus, None | Some(0xc000_0234)),
        "{error:?}"
    );
    assert_eq!(error.code, code::CLIENT_REVOKED);
    let unknown = refusal(&scene, "hk-nobody", PASSWORD);
    assert_eq!(
        (unknown.code, unknown.ntstatus, unknown.after_preauth),
        (code::CLIENT_UNKNOWN, None, false)
    );
}

#[test]
#[ignore = "needs a test DC"]
fn names_and_passwords_of_all_kinds() {
    let scene = Scene::new();
    for user in ["With Space", "o'brien", "jörg.müller", "with space"] {
        let tgt = logon(&scene, user, PASSWORD).unwrap();
        assert_eq!(
            tgt.client().account().unwrap().to_lowercase(),
            user.to_lowercase()
        );
    }
    // Samba takes this for the name of a user principal: whoever asks must look at who answered.
    assert_eq!(
        logon(&scene, "ok@CORP.EXAMPLE", PASSWORD)
            .unwrap()
            .client()
            .account(),
        Some("ok")
    );
    let _own = Own::user("hk-umlaut", "Pässwörd-ÄÖ-9€");
    logon(&scene, "hk-umlaut", "Pässwörd-ÄÖ-9€").unwrap();
    for user in ["ok/admin", "a\\b", "@", "a\nb"] {
        assert_eq!(
            refusal(&scene, user, PASSWORD).code,
            code::CLIENT_UNKNOWN,
            "{user:?}"
        );
    }
}

#[test]
#[ignore = "needs a test DC"]
fn one_wrong_password_is_one_attempt() {
    let scene = Scene::new();
    let own = Own::user("hk-wrong", PASSWORD);
    let from = log_length();
    let error = refusal(&scene, &own.name, "Not-The-Pass-1");
    assert_eq!(
        (error.code, error.ntstatus, error.after_preauth),
        (code::PREAUTH_FAILED, None, true)
    );
    let lines = attempts(&own.name, from);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("NT_STATUS_WRONG_PASSWORD"), "{lines:#?}");
    let shown = samba_tool(&[
        "user",
        "show",
        &own.name,
        "--attributes=badPwdCount",
        "-H",
        &common::database(),
    ]);
    assert!(shown.contains("badPwdCount: 1\n"), "{shown}");
    logon(&scene, &own.name, PASSWORD).unwrap();
}

#[test]
#[ignore = "needs a test DC"]
fn keytab_ticket_verify_and_renewal() {
    let scene = Scene::new();
    let own = Own::computer("HKWS1", &["host/hkws1.corp.example"]);
    let keytab = scene.path("hkws1.keytab");
    samba_tool(&[
        "domain",
        "exportkeytab",
        &text(&keytab),
        "--principal=HKWS1$",
    ]);
    samba_tool(&[
        "domain",
        "exportkeytab",
        &text(&keytab),
        "--principal=host/hkws1.corp.example",
    ]);

    let machine = scene
        .context
        .with_keytab("HKWS1$", REALM, &keytab, &mut kdc)
        .unwrap();
    assert_eq!(machine.client().account(), Some("HKWS1$"));
    scene
        .context
        .ticket(&machine, "ldap/dc1.corp.example", &mut kdc)
        .unwrap();

    let tgt = logon(&scene, "ok", PASSWORD).unwrap();
    let mut rounds = 0;
    let service = "host/hkws1.corp.example";
    let ticket = scene
        .context
        .ticket(&tgt, service, &mut |request| {
            rounds += 1;
            kdc(request)
        })
        .unwrap();
    assert_eq!(rounds, 1);
    scene.context.verify(&ticket, service, &keytab).unwrap();

    // A false KDC has another key for this host.
    let other = scene.path("other.keytab");
    let principal = Principal::parse_in(service, REALM).unwrap();
    let password = Secret::new(b"something else");
    let entry = KeytabEntry {
        principal: &principal,
        kvno: 1,
        password: &password,
        salt: "CORP.EXAMPLEhosthkws1.corp.example",
        enctypes: Enctype::AES,
    };
    scene.context.write_keytab(&other, &[entry]).unwrap();
    let refused = scene.context.verify(&ticket, service, &other);
    println!("false KDC: {refused:?}");
    assert!(matches!(refused, Err(Error::NotVerified { .. })));
    assert!(matches!(
        scene
            .context
            .verify(&ticket, service, &scene.path("none.keytab")),
        Err(Error::NotVerified { .. })
    ));
    assert!(scene.context.verify(&tgt, service, &keytab).is_err());

    let unknown = scene
        .context
        .ticket(&tgt, "host/hk-none.corp.example", &mut kdc)
        .unwrap_err();
    assert_eq!(unknown.kdc().unwrap().code, code::SERVER_UNKNOWN);

    let renewed = scene.context.renew(&tgt, &mut kdc).unwrap();
    assert!(renewed.is_tgt() && renewed.ends_at() >= tgt.ends_at());
    assert_eq!(renewed.client(), tgt.client());
    let out = scene
        .context
        .renew(&tgt, &mut |_| Err(io::ErrorKind::TimedOut.into()));
    assert!(matches!(out, Err(Error::Transport(_))), "{out:?}");
    println!(
        "a computer's own ticket can be renewed until {:?}",
        machine.renew_until()
    );
    let refused = scene
        .context
        .renew(&tgt, &mut |_| Ok(forged_error(60, &[])));
    assert_eq!(refused.unwrap_err().kdc().unwrap().code, 60);
    drop(own);
}

#[test]
#[ignore = "needs a test DC"]
fn keys_of_our_own_making_are_the_directorys() {
    let scene = Scene::new();
    let own = Own::computer("HKWS2", &["host/hkws2.corp.example"]);
    let admin = scene
        .context
        .with_password(
            "Administrator",
            REALM,
            &Secret::new(b"Adm1n-Lab-Pass"),
            CHANGEPW,
            &mut kdc,
        )
        .unwrap();
    let password = Secret::new("Möglichst-Lang-0123456789-abcdefghij".as_bytes());
    let set = scene
        .context
        .set_password(&admin, Some("HKWS2$"), &password, &mut kpasswd);
    assert_eq!(set.unwrap(), Changed::Done);

    let keytab = scene.path("ws2.keytab");
    let principal = Principal::parse_in("HKWS2$", REALM).unwrap();
    let entry = KeytabEntry {
        principal: &principal,
        kvno: 300,
        password: &password,
        salt: "CORP.EXAMPLEhosthkws2.corp.example",
        enctypes: &[Enctype::Aes256, Enctype::Aes128, Enctype::Rc4],
    };
    scene.context.write_keytab(&keytab, &[entry]).unwrap();
    scene
        .context
        .with_keytab("HKWS2$", REALM, &keytab, &mut kdc)
        .unwrap();

    // The computer changes its own, as in a rotation.
    let ticket = scene
        .context
        .with_password("HKWS2$", REALM, &password, CHANGEPW, &mut kdc)
        .unwrap();
    let next = Secret::new(b"Another-Long-One-0123456789");
    assert_eq!(
        scene
            .context
            .set_password(&ticket, None, &next, &mut kpasswd)
            .unwrap(),
        Changed::Done
    );
    logon(&scene, "HKWS2$", "Another-Long-One-0123456789").unwrap();
    drop(own);
}

#[test]
#[ignore = "needs a test DC"]
fn password_changes() {
    let scene = Scene::new();
    let own = Own::user("hk-change", PASSWORD);
    let ticket_by = |password: &str| {
        let password = Secret::new(password.as_bytes());
        scene
            .context
            .with_password(&own.name, REALM, &password, CHANGEPW, &mut kdc)
            .unwrap()
    };
    let change = |ticket: &Credentials, new: &str| {
        scene
            .context
            .change_password(ticket, &Secret::new(new.as_bytes()), &mut kpasswd)
            .unwrap()
    };
    let ticket = ticket_by(PASSWORD);
    assert!(ticket.ends_at().since(ticket.starts_at()) <= 600);
    for wrong in ["Ab1-", "alllowercase", PASSWORD] {
        let refused = change(&ticket, wrong);
        println!("{wrong}: {refused:?}");
        let Changed::Refused { code, .. } = refused else {
            panic!("{wrong} was taken")
        };
        assert_eq!(code, result::SOFT_ERROR);
    }
    assert_eq!(change(&ticket, "Schöner-Neuer-1€"), Changed::Done);
    logon(&scene, &own.name, "Schöner-Neuer-1€").unwrap();

    samba_tool(&[
        "user",
        "setpassword",
        &own.name,
        "--newpassword=Must-Change-11",
        "--must-change-at-next-login",
        "-H",
        &common::database(),
    ]);
    assert_eq!(
        refusal(&scene, &own.name, "Must-Change-11").ntstatus,
        Some(0xc000_0224)
    );
    assert_eq!(
        change(&ticket_by("Must-Change-11"), "After-Must-22"),
        Changed::Done
    );
    logon(&scene, &own.name, "After-Must-22").unwrap();

    for user in ["cantchange", "recent"] {
        let ticket = scene
            .context
            .with_password(
                user,
                REALM,
                &Secret::new(PASSWORD.as_bytes()),
                CHANGEPW,
                &mut kdc,
            )
            .unwrap();
        println!("{user}: {:?}", change(&ticket, "Never-Taken-77"));
    }
    let tgt = logon(&scene, &own.name, "After-Must-22").unwrap();
    let by_tgt = scene.context.ticket(&tgt, "kadmin/changepw", &mut kdc);
    println!(
        "kadmin/changepw by a ticket: {:?}",
        by_tgt.as_ref().map(|_| ())
    );
    if let Ok(ticket) = by_tgt {
        let new = Secret::new(b"By-A-Ticket-33");
        let by_it = scene.context.change_password(&ticket, &new, &mut kpasswd);
        println!("changed by it: {by_it:?}");
    }
}

#[test]
#[ignore = "needs a test DC"]
fn kpasswd_hears_no_liar() {
    let scene = Scene::new();
    let password = Secret::new(PASSWORD.as_bytes());
    let ticket = scene
        .context
        .with_password("ok", REALM, &password, CHANGEPW, &mut kdc)
        .unwrap();
    let new = Secret::new(b"Never-Set-123");
    // A bare KRB-ERROR whose data say success.
    let mut success = forged_error(60, &[0, 0]);
    let result = scene
        .context
        .change_password(&ticket, &new, &mut |_| Ok(success.clone()));
    assert!(result.is_err(), "{result:?}");
    let mut framed = (u16::try_from(success.len() + 6).unwrap())
        .to_be_bytes()
        .to_vec();
    framed.extend([0, 1, 0, 0]);
    framed.append(&mut success);
    let result = scene
        .context
        .change_password(&ticket, &new, &mut |_| Ok(framed.clone()));
    assert!(result.is_err(), "{result:?}");
    logon(&scene, "ok", PASSWORD).unwrap();
}

#[test]
#[ignore = "needs a test DC"]
fn through_armour() {
    let scene = Scene::new();
    let own = Own::computer("HKWS3", &["host/hkws3.corp.example"]);
    let keytab = scene.path("ws3.keytab");
    samba_tool(&[
        "domain",
        "exportkeytab",
        &text(&keytab),
        "--principal=HKWS3$",
    ]);
    let machine = scene
        .context
        .with_keytab("HKWS3$", REALM, &keytab, &mut kdc)
        .unwrap();
    let cache = scene
        .context
        .store("MEMORY:hk-armor", &[&machine], true)
        .unwrap();
    let armored = |user: &str, password: &str, exchange: &mut Exchange<'_>| {
        let password = Secret::new(password.as_bytes());
        scene
            .context
            .with_password_armored(user, REALM, &password, None, &cache, exchange)
    };
    for user in ["ok", "MUSTCHANGE", "Expired"] {
        let password = Secret::new(PASSWORD.as_bytes());
        let owner = scene
            .context
            .owner_of_password(user, REALM, &password, Some(&cache), &mut kdc)
            .unwrap();
        // As the directory writes it.
        assert_eq!(owner.client().account(), Some(&*user.to_lowercase()));
    }
    let locked = locked(&scene, "hk-fastlocked");
    assert!(armored("ok", PASSWORD, &mut kdc).unwrap().is_tgt());
    for (user, number) in [
        ("mustchange", code::KEY_EXPIRED),
        ("expired", code::KEY_EXPIRED),
        ("disabled", code::CLIENT_REVOKED),
        ("hours", code::CLIENT_REVOKED),
        (&locked.name, code::CLIENT_REVOKED),
        ("hk-nobody", code::CLIENT_UNKNOWN),
    ] {
        let error = armored(user, PASSWORD, &mut kdc).unwrap_err();
        let error = error.kdc().unwrap();
        println!("{user}: {error:?}");
        assert_eq!((error.code, error.armored), (number, true), "{user}");
        // Samba 4.22 asks for no password of somebody whom it refuses; 4.17 asks.
        assert!(!error.after_preauth || user != "hk-nobody", "{user}");
        // The status is inside the armour too, and the library has no way to show it.
        assert_eq!(error.ntstatus, None, "{user}");
    }
    let bogus = b"\x30\x0d\x30\x0b\xa1\x04\x02\x02\0\x88\xa2\x03\x04\x01x";
    for forged in [forged_error(23, &[]), forged_error(23, bogus)] {
        let mut rounds = 0;
        let error = armored("ok", PASSWORD, &mut |request| {
            rounds += 1;
            if rounds == 1 {
                kdc(request)
            } else {
                Ok(forged.clone())
            }
        });
        println!("forged: {error:?}");
        assert!(error.unwrap_err().kdc().is_none_or(|error| !error.armored));
    }
    let wrong = Own::user("hk-fastwrong", PASSWORD);
    let from = log_length();
    let error = armored(&wrong.name, "Not-The-Pass-1", &mut kdc).unwrap_err();
    assert_eq!(error.kdc().unwrap().code, code::PREAUTH_FAILED);
    assert_eq!(attempts(&wrong.name, from).len(), 1);
    scene.context.destroy(&cache).unwrap();
    drop(own);
}

#[test]
#[ignore = "needs a test DC"]
fn tickets_for_gssapi() {
    let scene = Scene::new();
    let tgt = logon(&scene, "ok", PASSWORD).unwrap();
    let ldap = scene
        .context
        .ticket(&tgt, "ldap/dc1.corp.example", &mut kdc)
        .unwrap();
    // Memory caches belong to the process, not to the context: GSSAPI has one of its own.
    let name = scene
        .context
        .store("MEMORY:hk-gssapi", &[&tgt, &ldap], true)
        .unwrap();
    let other = Scene::new();
    let found = other.context.tickets_in(&name).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].to_bytes()[..], ldap.to_bytes()[..]);
    assert_eq!(&other.context.cache_owner(&name).unwrap(), tgt.client());
    other.context.destroy(&name).unwrap();
    assert!(scene.context.cache_owner(&name).is_err());

    // The profile names no KDC that answers: the ticket in the cache is all that there is.
    let cache = format!("FILE:{}", text(&scene.path("cc")));
    scene.context.store(&cache, &[&tgt, &ldap], true).unwrap();
    let output = std::process::Command::new("ldapsearch")
        .args([
            "-LLL",
            "-N",
            "-Q",
            "-Y",
            "GSSAPI",
            "-H",
            "ldap://dc1.corp.example",
            "-b",
            "",
            "-s",
            "base",
        ])
        .arg("defaultNamingContext")
        .env("KRB5_CONFIG", scene.path("krb5.conf"))
        .env("KRB5CCNAME", &cache)
        .output();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("SKIPPED: this needs ldapsearch: {error}"),
    }
}

/// Run by `a_wrong_clock_is_named` with another clock.
#[test]
#[ignore = "needs a test DC and a wrong clock"]
fn with_a_wrong_clock() {
    if std::env::var_os("FAKETIME").is_none() {
        return;
    }
    let scene = Scene::new();
    let error = logon(&scene, "ok", PASSWORD).unwrap_err();
    assert!(error.is_skew(), "{error:?}");
    let error = error.kdc().unwrap();
    assert!(error.after_preauth);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let apart = i64::try_from(now).unwrap() - error.server_time.unwrap();
    assert!((580..620).contains(&apart.abs()), "{apart}");
}

#[test]
#[ignore = "needs a test DC"]
fn a_wrong_clock_is_named() {
    for shift in ["+10m", "-10m"] {
        let status = std::process::Command::new("faketime")
            .args(["-f", shift])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "with_a_wrong_clock", "--nocapture"])
            .status();
        match status {
            Ok(status) => assert!(status.success(), "{shift}"),
            Err(error) => {
                eprintln!("left out: needs faketime: {error}");
                // tests/run has it installed.
                assert!(std::env::var_os("DOMLOGON_TEST_ALL").is_none());
                return;
            }
        }
    }
}

#[test]
#[ignore = "needs a test DC"]
fn times() {
    let scene = Scene::new();
    let password = Secret::new(PASSWORD.as_bytes());
    let mut tgt = None;
    let mut network = std::time::Duration::ZERO;
    median("with_password", || {
        tgt = Some(
            scene
                .context
                .with_password("ok", REALM, &password, None, &mut |request| {
                    let start = std::time::Instant::now();
                    let reply = ask(KDC, request);
                    network += start.elapsed();
                    reply
                })
                .unwrap(),
        );
    });
    println!("of it network and DC, mean: {:?}", network / 30);
    let tgt = tgt.unwrap();
    median("ticket", || {
        drop(
            scene
                .context
                .ticket(&tgt, "ldap/dc1.corp.example", &mut kdc)
                .unwrap(),
        )
    });
    let profile = scene.path("krb5.conf");
    median("Context::new", || {
        drop(domlogon_krb5::Context::new(&profile).unwrap())
    });
}

fn median(what: &str, mut run: impl FnMut()) {
    let mut times: Vec<_> = (0..30)
        .map(|_| {
            let start = std::time::Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{what}: median {:?}, least {:?}, most {:?}",
        times[15], times[0], times[29]
    );
}
