//! libFuzzer before one of the targets: the one that `DOMLOGON_FUZZ` names.
//!
//! With `DOMLOGON_FUZZ_UNPACK=FOLDER` its inputs are written there, and with
//! `DOMLOGON_FUZZ_PACK=FOLDER` those that are there are kept; nothing else happens then.
#![forbid(unsafe_code)]
#![no_main]

use domlogon_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use std::env;
use std::path::Path;
use std::sync::OnceLock;

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(bytes);
    }
});

fn begin() {
    let name = env::var("DOMLOGON_FUZZ").unwrap_or_default();
    let Some(target) = domlogon_fuzz::target(&name) else {
        // The script asks for the names with none.
        TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.longest));
        std::process::exit(0);
    };
    let moved = match (env::var_os("DOMLOGON_FUZZ_UNPACK"), env::var_os("DOMLOGON_FUZZ_PACK")) {
        (Some(folder), _) => target.unpack(Path::new(&folder)),
        (None, Some(folder)) => target.pack(Path::new(&folder)),
        (None, None) => {
            let _ = TARGET.set(target);
            return;
        }
    };
    if let Err(error) = moved {
        eprintln!("{name}: {error}");
        std::process::exit(1);
    }
    std::process::exit(0);
}
