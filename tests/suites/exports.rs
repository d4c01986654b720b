//! The two libraries that are loaded into other people's programs: what they export, what they
//! need, how large they are.

use crate::{Case, plain};
use domlogon_tests::program::everything;
use domlogon_tests::{Failure, Program, Result, ensure, ensure_equal};
use std::fs;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        plain("exports/pam module", |_| library(&PAM)),
        plain("exports/nss plugin", |_| library(&NSS)),
    ]
}

struct Library {
    file: &'static str,
    exports: &'static [&'static str],
    needed: &'static [&'static str],
    must_need: &'static [&'static str],
    must_not_import: &'static [&'static str],
    most_bytes: u64,
}

const PAM: Library = Library {
    file: "libpam_domlogon.so",
    exports: &[
        "pam_sm_acct_mgmt",
        "pam_sm_authenticate",
        "pam_sm_chauthtok",
        "pam_sm_close_session",
        "pam_sm_open_session",
        "pam_sm_setcred",
    ],
    needed: &["libpam.so.0", "libc.so.6", "libgcc_s.so.1", "ld-linux"],
    // A libpam that is missing at build time gets linked in whole, silently.
    must_need: &["libpam.so.0"],
    must_not_import: &[],
    most_bytes: 800 * 1024,
};

const NSS: Library = Library {
    file: "libnss_domlogon.so",
    exports: &[
        "_nss_domlogon_endgrent",
        "_nss_domlogon_endpwent",
        "_nss_domlogon_getgrent_r",
        "_nss_domlogon_getgrgid_r",
        "_nss_domlogon_getgrnam_r",
        "_nss_domlogon_getpwent_r",
        "_nss_domlogon_getpwnam_r",
        "_nss_domlogon_getpwuid_r",
        "_nss_domlogon_initgroups_dyn",
        "_nss_domlogon_setgrent",
        "_nss_domlogon_setpwent",
    ],
    // Not libgcc_s: nothing unwinds in it.
    needed: &["libc.so.6"],
    must_need: &["libc.so.6"],
    // What its panic handler would call: no code that leads there is left in it.
    must_not_import: &["abort"],
    most_bytes: 64 * 1024,
};

/// Where a file lies that was built.
pub(crate) fn built(file: &str) -> String {
    let folder = std::env::var("DOMLOGON_BUILT").unwrap_or_else(|_| "target/release".to_owned());
    format!("{folder}/{file}")
}

/// None of the names is one that a library takes from another.
pub(crate) fn imports_none_of(path: &str, names: &[&str]) -> Result<()> {
    let imports = Program::new("nm")
        .args(&["-D", "--undefined-only", "--format=posix", path])
        .run(b"")?;
    for line in everything(&imports).lines() {
        let name = line.split([' ', '@']).next().unwrap_or_default();
        ensure(
            !names.contains(&name),
            format!("what {path} imports"),
            format!("none of {names:?}"),
            name,
        )?;
    }
    Ok(())
}

fn library(library: &Library) -> Result<()> {
    let path = built(library.file);
    let symbols = Program::new("nm")
        .args(&["-D", "--defined-only", "--format=posix", &path])
        .run(b"")?;
    let symbols = everything(&symbols);
    let mut names: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.split([' ', '@']).next())
        .collect();
    names.sort_unstable();
    ensure_equal(format!("exports of {path}"), names, library.exports)?;

    let dynamic = Program::new("readelf").args(&["-d", &path]).run(b"")?;
    let dynamic = everything(&dynamic);
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    for name in &needed {
        ensure(
            library.needed.iter().any(|known| name.starts_with(known)),
            format!("a library that {path} needs"),
            format!("one of {:?}", library.needed),
            *name,
        )?;
    }
    for name in library.must_need {
        ensure(
            needed.contains(name),
            format!("libraries that {path} needs"),
            *name,
            format!("{needed:?}"),
        )?;
    }
    imports_none_of(&path, library.must_not_import)?;
    let bytes = fs::metadata(&path)
        .map_err(Failure::harness("look at a library"))?
        .len();
    println!(
        "        {}: {bytes} bytes, needs {}",
        library.file,
        needed.join(" ")
    );
    // A debug build (of the suites, hence of the rest) has no size to speak of.
    ensure(
        cfg!(debug_assertions) || bytes <= library.most_bytes,
        format!("the size of {path}"),
        format!("at most {} bytes", library.most_bytes),
        bytes.to_string(),
    )
}
