//! Our structures against the installed header, by the C compiler.

use super::ffi::*;
use core::mem::{offset_of, size_of};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// One line for each fact: a C expression, and our number for it.
type Facts = Vec<(String, usize)>;

macro_rules! layout {
    ($facts:ident, $rust:ident = $c:literal, $($field:ident: $c_field:literal),+) => {
        $facts.push((format!("sizeof({})", $c), size_of::<$rust>()));
        $($facts.push((
            format!("offsetof({}, {})", $c, $c_field),
            offset_of!($rust, $field),
        ));)+
    };
}

fn facts() -> Facts {
    let mut facts = Facts::new();
    layout!(facts, RawData = "krb5_data", magic: "magic", length: "length", data: "data");
    layout!(facts, RawPrincipal = "krb5_principal_data", realm: "realm", data: "data", length: "length", kind: "type");
    layout!(facts, RawKey = "krb5_keyblock", enctype: "enctype", length: "length", contents: "contents");
    layout!(facts, RawTimes = "krb5_ticket_times", authtime: "authtime", starttime: "starttime", endtime: "endtime", renew_till: "renew_till");
    layout!(
        facts, RawCreds = "krb5_creds", magic: "magic", client: "client", server: "server", keyblock: "keyblock",
        times: "times", is_skey: "is_skey", ticket_flags: "ticket_flags", addresses: "addresses", ticket: "ticket",
        second_ticket: "second_ticket", authdata: "authdata"
    );
    layout!(
        facts, RawError = "krb5_error", ctime: "ctime", cusec: "cusec", susec: "susec", stime: "stime", error: "error",
        client: "client", server: "server", text: "text", e_data: "e_data"
    );
    layout!(facts, RawAddress = "krb5_address", addrtype: "addrtype", length: "length", contents: "contents");
    for (name, ours) in [
        ("KRB5_INIT_CREDS_STEP_FLAG_CONTINUE", STEP_CONTINUE as usize),
        ("KRB5_TKT_CREDS_STEP_FLAG_CONTINUE", STEP_CONTINUE as usize),
        ("KRB5_GC_NO_STORE", GC_NO_STORE.unsigned_abs() as usize),
        ("KRB5_FAST_REQUIRED", FAST_REQUIRED.unsigned_abs() as usize),
        ("AP_OPTS_USE_SUBKEY", USE_SUBKEY.unsigned_abs() as usize),
        (
            "KRB5_AUTH_CONTEXT_DO_SEQUENCE",
            DO_SEQUENCE.unsigned_abs() as usize,
        ),
        ("ADDRTYPE_INET", ADDRESS_INET.unsigned_abs() as usize),
        ("sizeof(krb5_error_code)", size_of::<i32>()),
        ("sizeof(krb5_boolean)", size_of::<libc::c_uint>()),
        ("sizeof(krb5_cc_cursor)", size_of::<*mut u8>()),
    ] {
        facts.push((name.to_owned(), ours));
    }
    facts
}

#[test]
fn structures_are_those_of_the_header() {
    let header = Path::new("/usr/include/krb5.h");
    if !header.exists() || Command::new("cc").arg("--version").output().is_err() {
        eprintln!("SKIPPED: this needs a C compiler (cc) and the header krb5.h (libkrb5-dev)");
        return;
    }
    let facts = facts();
    let mut source = String::from(
        "#include <krb5.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{\n",
    );
    for (expression, _) in &facts {
        writeln!(source, "    printf(\"%zu\\n\", (size_t)({expression}));").unwrap();
    }
    source.push_str("    return 0;\n}\n");
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&file, source).unwrap();
    assert!(
        Command::new("cc")
            .arg("-o")
            .args([&program, &file])
            .status()
            .unwrap()
            .success()
    );
    let output = Command::new(&program).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<usize> = output.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(theirs.len(), facts.len());
    for ((expression, ours), theirs) in facts.iter().zip(theirs) {
        assert_eq!(*ours, theirs, "{expression}");
    }
}

#[cfg(target_pointer_width = "64")]
#[test]
fn sizes_as_tried() {
    assert_eq!(
        (
            size_of::<RawCreds>(),
            size_of::<RawError>(),
            size_of::<RawData>()
        ),
        (120, 72, 16)
    );
}
