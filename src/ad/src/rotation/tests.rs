use super::*;
use crate::machine::MachineError;
use domlogon_protocol::Sid;
use std::fs;

const NOW: Timestamp = Timestamp(1_700_000_000);

fn machine() -> Machine {
    Machine {
        account: "PC1$".to_owned(),
        realm: "CORP.EXAMPLE".to_owned(),
        host: "pc1.corp.example".to_owned(),
        domain_sid: Sid::domain(1, 2, 3),
        current: Key {
            password: Secret::new(b"now"),
            kvno: 3,
            set_at: NOW,
        },
        previous: None,
        pending: None,
    }
}

#[test]
fn nothing_is_to_be_told_to_the_directory_before_the_keytab_has_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let profile = state.join("krb5.conf");
    fs::write(&profile, "[libdefaults]\nkdc_timesync = 0\n").unwrap();
    let context = Context::new(&profile).unwrap();
    let before = machine();
    before.store(state).unwrap();
    before.write_keytab(&context, state).unwrap();
    let keytab = || fs::read(Machine::keytab(state)).unwrap();
    let old = keytab();

    // The file can be written, and the keytab cannot.
    let blocked = Machine::keytab(state).with_extension("keytab.new");
    fs::create_dir_all(blocked.join("x")).unwrap();
    for attempt in 1..=3 {
        let prepared = prepare(&context, &mut Machine::load(state).unwrap(), state, NOW);
        let error = prepared.expect_err(&format!("attempt {attempt}"));
        assert!(matches!(error, RotationError::Machine(_)), "{error}");
        assert_eq!(keytab(), old);
    }

    // It goes on with the password that was written down.
    let kept = Machine::load(state).unwrap().pending.unwrap().password;
    fs::remove_dir_all(&blocked).unwrap();
    let mut gone_on = Machine::load(state).unwrap();
    let told = prepare(&context, &mut gone_on, state, NOW).unwrap();
    assert_eq!(told.expose(), kept.expose());
    // Two passwords have twice the keys of one.
    assert_eq!(keytab().len() - 2, 2 * (old.len() - 2));
}

#[test]
fn a_change_that_was_made_is_not_said_to_have_failed() {
    let error = || {
        let full = io::ErrorKind::StorageFull.into();
        MachineError::File("/var/lib/domlogon/machine.json".into(), full)
    };
    let before = RotationError::from(error()).to_string();
    let after = RotationError::from(error()).afterwards().to_string();
    let why = error().to_string();
    assert_eq!(
        before,
        format!("the password of this host was not changed: {why}")
    );
    assert_eq!(
        after,
        format!(
            "the password of this host was changed, but not all that follows is done, and it is \
             tried again: {why}"
        )
    );
}
