//! Replies that no KDC would send.
#![allow(missing_docs)]

mod common;

use common::{REALM, Scene, forged_error};
use domlogon_krb5::{Changed, Context, Credentials, Error, ReplyFault};
use domlogon_protocol::Secret;
use proptest::prelude::*;
use std::io;

fn logon(scene: &Scene, exchange: &mut domlogon_krb5::Exchange<'_>) -> Result<(), Error> {
    scene
        .context
        .with_password("alice", REALM, &Secret::new(b"pw"), None, exchange)
        .map(drop)
}

#[test]
fn nothing_is_sent_without_a_password() {
    let scene = Scene::new();
    let mut exchange = |_: &[u8]| -> io::Result<Vec<u8>> { panic!("sent") };
    for (password, service) in [("", None), ("", Some("kadmin/changepw"))] {
        let password = Secret::new(password.as_bytes());
        let result = scene
            .context
            .with_password("alice", REALM, &password, service, &mut exchange);
        assert!(matches!(result, Err(Error::EmptyPassword)));
    }
    let result =
        scene
            .context
            .with_password("alice", REALM, &Secret::new(b"a\0b"), None, &mut exchange);
    assert!(matches!(result, Err(Error::UnusablePassword)));
    for (client, realm) in [("", REALM), ("alice", ""), (&"a".repeat(5000), REALM)] {
        let result =
            scene
                .context
                .with_password(client, realm, &Secret::new(b"pw"), None, &mut exchange);
        assert!(matches!(result, Err(Error::Name)));
    }
}

#[test]
fn empty_huge_and_missing_replies() {
    let scene = Scene::new();
    let result = logon(&scene, &mut |_| Ok(Vec::new()));
    assert!(
        matches!(result, Err(Error::Reply(ReplyFault::Empty))),
        "{result:?}"
    );
    let result = logon(&scene, &mut |_| Ok(vec![0x6b; 2 << 20]));
    assert!(
        matches!(result, Err(Error::Reply(ReplyFault::TooLong))),
        "{result:?}"
    );
    let result = logon(&scene, &mut |_| Ok(vec![0x6b; 1 << 20]));
    assert!(result.is_err());
    let result = logon(&scene, &mut |_| Err(io::ErrorKind::TimedOut.into()));
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
}

#[test]
fn a_profile_must_be_there_and_keep_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("krb5.conf");
    assert!(matches!(Context::new(&path), Err(Error::Profile)));
    std::fs::write(&path, "[libdefaults]\n default_realm = R\n").unwrap();
    assert!(matches!(Context::new(&path), Err(Error::TimeSync)));
    std::fs::write(&path, "[libdefaults\n").unwrap();
    assert!(Context::new(&path).is_err());
    assert!(matches!(
        Context::new("relative/krb5.conf".as_ref()),
        Err(Error::Path)
    ));
}

#[test]
fn credentials_from_anything() {
    let scene = Scene::new();
    for bytes in [&b""[..], b"\x05\x04", &[0; 100], &[0xff; 100]] {
        assert!(scene.context.credentials_from_bytes(bytes).is_err());
    }
}

#[test]
fn a_panic_of_the_closure_passes_through() {
    let scene = Scene::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        logon(&scene, &mut |_| panic!("from the closure"))
    }));
    assert!(result.is_err());
}

/// A ticket that nobody has made, as it would stand in a cache.
fn ticket(scene: &Scene, server: [&str; 2]) -> Credentials {
    fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend(bytes);
    }
    let mut out = Vec::new();
    for parts in [&["alice"][..], &server] {
        out.extend(1u32.to_be_bytes());
        out.extend(u32::try_from(parts.len()).unwrap().to_be_bytes());
        counted(&mut out, REALM.as_bytes());
        parts
            .iter()
            .for_each(|part| counted(&mut out, part.as_bytes()));
    }
    out.extend(18u16.to_be_bytes());
    counted(&mut out, &[7; 32]);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for time in [now, now, now + 36_000, now + 600_000] {
        out.extend(u32::try_from(time).unwrap().to_be_bytes());
    }
    out.push(0);
    out.extend(0x40e1_0000u32.to_be_bytes());
    out.extend([0; 8]);
    // Application 1, a ticket: the library looks into it.
    let mut inner = vec![0x61, 0x43, 0x30, 0x41, 0xa0, 3, 2, 1, 5, 0xa1, 14, 0x1b, 12];
    inner.extend(REALM.as_bytes());
    inner.extend([
        0xa2, 19, 0x30, 17, 0xa0, 3, 2, 1, 2, 0xa1, 10, 0x30, 8, 0x1b, 6,
    ]);
    inner.extend(b"krbtgt");
    inner.extend([0xa3, 21, 0x30, 19, 0xa0, 3, 2, 1, 18, 0xa2, 12, 4, 10]);
    inner.extend([0; 10]);
    inner[1] = u8::try_from(inner.len() - 2).unwrap();
    inner[3] = inner[1] - 2;
    counted(&mut out, &inner);
    counted(&mut out, b"");
    scene.context.credentials_from_bytes(&out).unwrap()
}

#[test]
fn a_made_up_ticket_is_sent_but_answered_by_nobody() {
    let scene = Scene::new();
    let tgt = ticket(&scene, ["krbtgt", REALM]);
    assert!(tgt.is_tgt());
    let mut asked = 0;
    let mut exchange = |_: &[u8]| -> io::Result<Vec<u8>> {
        asked += 1;
        Err(io::ErrorKind::ConnectionRefused.into())
    };
    let result = scene.context.ticket(&tgt, "host/ws1", &mut exchange);
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
    let result = scene.context.renew(&tgt, &mut exchange);
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
    let changepw = ticket(&scene, ["kadmin", "changepw"]);
    let result = scene
        .context
        .change_password(&changepw, &Secret::new(b"new"), &mut exchange);
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
    assert_eq!(asked, 3);
    let mut none = |_: &[u8]| -> io::Result<Vec<u8>> { panic!("sent") };
    for new in [&b""[..], b"a\0b", b"\xff"] {
        assert!(
            scene
                .context
                .change_password(&changepw, &Secret::new(new), &mut none)
                .is_err()
        );
    }
}

#[test]
fn a_panic_in_a_renewal_passes_through() {
    let scene = Scene::new();
    let tgt = ticket(&scene, ["krbtgt", REALM]);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scene
            .context
            .renew(&tgt, &mut |_| panic!("from the closure"))
    }));
    assert!(result.is_err());
    let again = scene
        .context
        .renew(&tgt, &mut |_| Err(io::ErrorKind::TimedOut.into()));
    assert!(matches!(again, Err(Error::Transport(_))));
}

/// Shapes that reach further into the library than noise does: the right outer tags.
/// What a change whose answer is worth nothing has to be called: neither made, nor refused, nor
/// never asked for.
fn is_not_known(result: &Result<Changed, Error>) -> bool {
    matches!(result, Err(Error::Kdc(_) | Error::Reply(_)))
}

/// Whoever is on the way swallows the true answer, and sends one of his own.
#[test]
fn a_result_that_is_not_sealed_says_nothing() {
    let scene = Scene::new();
    let changepw = ticket(&scene, ["kadmin", "changepw"]);
    for result in [&[0, 0][..], &[0, 3], &[0, 4], b"\0\x05No.", &[], &[4]] {
        let error = forged_error(60, result);
        let framed = [
            &u16::try_from(error.len() + 6).unwrap().to_be_bytes()[..],
            &[0, 1, 0, 0],
            &error,
        ]
        .concat();
        for reply in [error, framed] {
            let mut answer = |_: &[u8]| Ok(reply.clone());
            let said = scene
                .context
                .change_password(&changepw, &Secret::new(b"new"), &mut answer);
            assert!(is_not_known(&said), "{result:?}: {said:?}");
        }
    }
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 1..400);
    (
        prop_oneof![Just(0x7eu8), Just(0x6b), Just(0x6d), any::<u8>()],
        noise,
    )
        .prop_map(|(tag, noise)| {
            let mut out = vec![tag, 0x82];
            out.extend(u16::try_from(noise.len()).unwrap().to_be_bytes());
            out.extend(noise);
            out
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garbage_gives_an_error(reply in reply()) {
        let scene = Scene::new();
        let result = logon(&scene, &mut |_| Ok(reply.clone()));
        prop_assert!(matches!(result, Err(Error::Reply(_) | Error::Kdc(_) | Error::Library { .. })), "{result:?}");
    }

    #[test]
    fn garbage_gives_no_ticket_and_no_change(reply in reply(), framed in any::<bool>(), split in 0u16..40) {
        let scene = Scene::new();
        let tgt = ticket(&scene, ["krbtgt", REALM]);
        let mut answer = |_: &[u8]| Ok(reply.clone());
        prop_assert!(scene.context.ticket(&tgt, "host/ws1", &mut answer).is_err());
        prop_assert!(scene.context.renew(&tgt, &mut answer).is_err());
        let changepw = ticket(&scene, ["kadmin", "changepw"]);
        let new = Secret::new(b"new");
        let mut answer = |_: &[u8]| {
            let mut out = Vec::new();
            if framed {
                out.extend(u16::try_from(reply.len() + 6).unwrap().to_be_bytes());
                out.extend([0, 1]);
                out.extend(split.to_be_bytes());
            }
            out.extend(&reply);
            Ok(out)
        };
        let result = scene.context.change_password(&changepw, &new, &mut answer);
        prop_assert!(is_not_known(&result), "{result:?}");
        let result = scene.context.set_password(&changepw, Some("WS1$"), &new, &mut answer);
        prop_assert!(is_not_known(&result), "{result:?}");
    }

    #[test]
    fn garbage_is_no_credentials(bytes in proptest::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let scene = Scene::new();
        let mut bytes = bytes;
        if magic && bytes.len() > 2 {
            bytes[..2].copy_from_slice(&[5, 4]);
        }
        let _ = scene.context.credentials_from_bytes(&bytes);
    }
}
