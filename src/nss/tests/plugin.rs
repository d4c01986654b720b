//! The plugin as a file: what it exports, what it needs, and its size.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::Command;

/// The plugin of the build that this test belongs to.
fn plugin() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let built = test.parent().and_then(|deps| deps.parent());
    let plugin = built.expect("target/…/deps").join("libnss_domlogon.so");
    assert!(plugin.exists(), "{} is not built", plugin.display());
    plugin
}

fn lines(program: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).arg(plugin()).output();
    let output = output.expect("binutils, which the linker is part of");
    assert!(output.status.success(), "{program}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn only_the_functions_for_glibc_are_exported() {
    let mut exported: Vec<String> = lines("nm", &["-D", "--defined-only", "--format=posix"])
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    exported.sort_unstable();
    let wanted = [
        "endgrent",
        "endpwent",
        "getgrent_r",
        "getgrgid_r",
        "getgrnam_r",
        "getpwent_r",
        "getpwnam_r",
        "getpwuid_r",
        "initgroups_dyn",
        "setgrent",
        "setpwent",
    ];
    assert_eq!(exported, wanted.map(|name| format!("_nss_domlogon_{name}")));
}

#[test]
fn little_is_needed_and_it_stays_loaded() {
    let dynamic = lines("readelf", &["-dW"]);
    let named = |tag: &str| -> Vec<String> {
        let tagged = dynamic.iter().filter(|line| line.contains(tag));
        let names = tagged.filter_map(|line| line.split(['[', ']']).nth(1));
        names.map(str::to_owned).collect()
    };
    for library in named("(NEEDED)") {
        // The loader is part of every process already.
        let known = ["libc.so.6", "libgcc_s.so.1"].contains(&library.as_str())
            || library.starts_with("ld-linux");
        assert!(known, "{library}");
    }
    assert_eq!(named("(SONAME)"), ["libnss_domlogon.so.2"]);
    let flags = dynamic.iter().find(|line| line.contains("(FLAGS_1)"));
    let flags = flags.expect("flags");
    assert!(
        flags.contains("NODELETE") && flags.contains("NOW"),
        "{flags}"
    );
}
