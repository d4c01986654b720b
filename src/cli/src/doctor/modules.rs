//! Which modules and plugins are installed.

use super::host::Host;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Where the dynamic loader looks without being told.
const LIBRARIES: [&str; 5] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/// The folders with PAM modules and with shared libraries.
#[derive(Debug)]
pub(crate) struct Modules {
    security: Vec<String>,
    libraries: Vec<String>,
    /// What was found of each module: the stacks are played many times.
    found: RefCell<BTreeMap<String, Vec<String>>>,
}

impl Modules {
    pub(crate) fn find(host: &Host) -> Self {
        let mut folders: Vec<String> = Vec::new();
        for base in LIBRARIES {
            // /lib is a link to usr/lib since both were made one.
            if host.link(base).is_some() {
                continue;
            }
            folders.push(base.to_owned());
            for name in host.list(base) {
                // Multiarch: x86_64-linux-gnu and its like.
                if name.contains("-linux-") || name.contains("-gnu") {
                    folders.push(format!("{base}/{name}"));
                }
            }
        }
        let security = folders
            .iter()
            .map(|folder| format!("{folder}/security"))
            // Without it nobody logs on at all: this is how a folder of modules is known.
            .filter(|folder| host.exists(&format!("{folder}/pam_permit.so")))
            .collect();
        folders.extend(configured(host, "/etc/ld.so.conf", 0));
        Self {
            security,
            libraries: folders,
            found: RefCell::default(),
        }
    }

    /// Whether there is a folder of PAM modules in this tree at all.
    pub(crate) fn are_known(&self) -> bool {
        !self.security.is_empty()
    }

    /// The files of a module as a line of PAM names it; none where it is not installed.
    pub(crate) fn files(&self, host: &Host, module: &str) -> Vec<String> {
        if let Some(found) = self.found.borrow().get(module) {
            return found.clone();
        }
        let found = self.search(host, module);
        self.found
            .borrow_mut()
            .insert(module.to_owned(), found.clone());
        found
    }

    fn search(&self, host: &Host, module: &str) -> Vec<String> {
        let candidates: Vec<String> = if module.starts_with('/') {
            // `$ISA` stands for a folder that depends on the program.
            let isa = ["", "lib64", "lib"].iter();
            isa.map(|isa| module.replace("$ISA", isa)).collect()
        } else {
            let inside = |folder: &String| format!("{folder}/{module}");
            self.security.iter().map(inside).collect()
        };
        let mut found: Vec<String> = candidates
            .into_iter()
            .filter(|path| host.stat(path).is_some_and(|found| found.is_file()))
            .collect();
        found.dedup();
        found
    }

    /// The files of an NSS plugin.
    pub(crate) fn plugin(&self, host: &Host, service: &str) -> Vec<String> {
        let name = format!("libnss_{service}.so.2");
        self.libraries
            .iter()
            .map(|folder| format!("{folder}/{name}"))
            .filter(|path| host.exists(path))
            .collect()
    }

    /// The folders whose files every program loads.
    pub(crate) fn folders(&self) -> &[String] {
        &self.security
    }
}

fn configured(host: &Host, path: &str, depth: u32) -> Vec<String> {
    let mut folders = Vec::new();
    let Some(text) = host.read(path).filter(|_| depth < 8) else {
        return folders;
    };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(pattern) = line.strip_prefix("include").map(str::trim) {
            let whole = if pattern.starts_with('/') {
                pattern.to_owned()
            } else {
                format!("/etc/{pattern}")
            };
            for file in host.glob(&whole) {
                folders.extend(configured(host, &file, depth + 1));
            }
        } else if line.starts_with('/') {
            folders.push(line.trim_end_matches('/').to_owned());
        }
    }
    folders
}
