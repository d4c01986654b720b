//! Rules about the source that a compiler does not check.

use crate::{Case, plain};
use domlogon_tests::{Failure, Result, World, ensure};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        plain("files/unsafe", unsafe_only_where_named),
        plain("files/modules deny panics", modules_deny_panics),
        plain("files/past vulnerabilities", past_vulnerabilities),
    ]
}

/// The only places with unsafe code: the borders to C.
const UNSAFE: &[&str] = &[
    "src/pam/src/entry.rs",
    "src/pam/src/handle.rs",
    "src/nss/src/entry.rs",
    "src/nss/src/buffer.rs",
    "src/nss/src/shared.rs",
    "src/nss/src/system.rs",
    "src/trial/src/border.rs",
    "src/krb5/src/raw.rs",
    "src/heap/src/lib.rs",
];

/// Crates that hold such a file and so cannot forbid unsafe code as a whole.
const BORDERS: &[&str] = &["src/pam", "src/nss", "src/trial", "src/krb5", "src/heap"];

fn root() -> PathBuf {
    std::env::var_os("DOMLOGON_ROOT").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let what = format!("list {}", folder.display());
    for entry in fs::read_dir(folder).map_err(Failure::harness(&what))? {
        let path = entry.map_err(Failure::harness(&what))?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Failure::harness(format!("read {}", path.display())))
}

fn unsafe_only_where_named(_: &mut World) -> Result<()> {
    let root = root();
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(&root.join(folder), &mut files)?;
    }
    ensure(
        files.len() > 20,
        "Rust files found",
        "all",
        format!("{files:?}"),
    )?;
    for path in files {
        let name = path
            .strip_prefix(&root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        let text = read(&path)?;
        let is_root = name.ends_with("src/lib.rs")
            || name.ends_with("src/main.rs")
            || name == "tests/suites/main.rs"
            || name == "tests/demo/main.rs"
            || name.starts_with("tests/tools/");
        if is_root && !BORDERS.iter().any(|border| name.starts_with(border)) {
            ensure(
                text.contains("#![forbid(unsafe_code)]"),
                &*name,
                "#![forbid(unsafe_code)]",
                "absent",
            )?;
        }
        // Also the modules below such a file: its tests are callers from the C side.
        let border = UNSAFE.iter().any(|file| {
            name == *file || name.starts_with(&format!("{}/", file.trim_end_matches(".rs")))
        });
        if border {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            // Quoted, as in this file, it is a word and not code.
            let code: String = line.split('"').step_by(2).collect();
            let word = code
                .split("//")
                .next()
                .unwrap_or_default()
                .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                .any(|word| word == "unsafe");
            ensure(
                !word,
                format!("{name}:{}", number + 1),
                "no unsafe code outside the named files",
                line,
            )?;
        }
    }
    Ok(())
}

fn modules_deny_panics(_: &mut World) -> Result<()> {
    for krate in ["src/pam", "src/nss", "src/names", "src/protocol"] {
        let text = read(&root().join(krate).join("src/lib.rs"))?;
        for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
            ensure(
                text.contains(&format!("clippy::{lint}")),
                format!("{krate}/src/lib.rs"),
                format!("deny(clippy::{lint})"),
                "absent",
            )?;
        }
    }
    Ok(())
}

/// The page names cases and files that rule something out: they have to be there.
fn past_vulnerabilities(_: &mut World) -> Result<()> {
    let root = root();
    let page = read(&root.join("tests/past-vulnerabilities.md"))?;
    let cases = crate::all();
    let is_case = |name: &str| cases.iter().any(|case| case.name == name);
    let named: Vec<&str> = page
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains('/'))
        .collect();
    ensure(
        named.len() > 30,
        "cases on the page",
        "some dozens",
        named.len().to_string(),
    )?;
    for name in named {
        ensure(
            is_case(name),
            "tests/past-vulnerabilities.md",
            "the name of a case",
            name,
        )?;
    }
    for file in page.split('`').skip(1).step_by(2) {
        let place = match file.split_once('/') {
            Some(("src", _)) => root.join(file),
            Some(("suites", _)) => root.join("tests").join(file),
            _ => continue,
        };
        ensure(
            place.exists(),
            "tests/past-vulnerabilities.md",
            "a file that is there",
            file,
        )?;
    }
    Ok(())
}
