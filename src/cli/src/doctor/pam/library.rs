//! The PAM files of a host, and the stacks that they make together.

use super::{Directive, Fault, Kind, Line, Rule, parse};
use crate::doctor::host::Host;
use std::collections::{BTreeMap, BTreeSet};

/// Where the administrator's files are.
pub(crate) const FOLDER: &str = "/etc/pam.d";

/// Where a distribution may keep those that nobody has changed.
pub(crate) const VENDOR: &str = "/usr/lib/pam.d";

/// The service of those that have no file, and of the kinds that a file has no line of.
const OTHER: &str = "other";

/// Includes in includes, as libpam bounds them.
const DEEPEST: usize = 32;

/// More lines than this in one stack are a ring, or no stack.
const LONGEST: usize = 2000;

/// Files that libpam never reads: what editors and packages leave behind.
const LEFT_BEHIND: [&str; 11] = [
    "~", ".bak", ".orig", ".old", ".pam-old", ".pam-new", ".rpmnew", ".rpmsave", ".rpmorig",
    ".swp", ".tmp",
];

/// Services that others include, and that are services all the same.
const BOTH: [&str; 4] = ["login", "sshd", "su", "sudo"];

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) lines: Vec<Line>,
    /// The first line that ends in a carriage return.
    pub(crate) carriage: Option<usize>,
}

/// All files.
#[derive(Debug, Default)]
pub(crate) struct Library {
    files: BTreeMap<String, File>,
    /// Those that another file includes: parts, no services.
    parts: BTreeSet<String>,
}

/// A step of a stack, with its place.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) item: Item,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Module(Rule),
    Substack(Vec<Step>),
    /// libpam refuses everybody here.
    Broken,
}

impl Step {
    pub(crate) fn rule(&self) -> Option<&Rule> {
        match &self.item {
            Item::Module(rule) => Some(rule),
            Item::Substack(_) | Item::Broken => None,
        }
    }

    /// Whether this is a line of that module.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.rule().is_some_and(|rule| rule.name() == name)
    }
}

/// All steps, those of substacks too, in their order.
pub(crate) fn flat(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        match &step.item {
            Item::Substack(inner) => all.extend(flat(inner)),
            Item::Module(_) | Item::Broken => all.push(step),
        }
    }
    all
}

impl Library {
    pub(crate) fn read(host: &Host) -> Self {
        let mut library = Self::default();
        for folder in [FOLDER, VENDOR] {
            for name in host.list(folder) {
                let skip = LEFT_BEHIND.iter().any(|end| name.ends_with(end))
                    || name.contains(".dpkg-")
                    || name.starts_with('.')
                    || library.files.contains_key(&name);
                let path = format!("{folder}/{name}");
                if skip || host.stat(&path).is_some_and(|found| found.is_dir()) {
                    continue;
                }
                if let Some(text) = host.read(&path) {
                    library.add(&name, path, &text);
                }
            }
        }
        // Files in other places that are included by their whole path.
        let mut wanted = library.absolute();
        while let Some(path) = wanted.pop() {
            if library.files.contains_key(&path) {
                continue;
            }
            if let Some(text) = host.read(&path) {
                library.add(&path.clone(), path, &text);
                wanted.extend(library.absolute());
                wanted.retain(|path| !library.files.contains_key(path));
            }
        }
        library.parts = library.targets().map(|(_, name)| name.clone()).collect();
        library
    }

    pub(crate) fn add(&mut self, name: &str, path: String, text: &str) {
        let (lines, carriage) = parse(text);
        let file = File {
            path,
            lines,
            carriage,
        };
        self.files.insert(name.to_owned(), file);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// The services: the files that no other one includes.
    pub(crate) fn services(&self) -> Vec<&str> {
        let is_part =
            |name: &str| name == OTHER || name.starts_with("common-") || name.contains('/');
        self.files
            .keys()
            .map(String::as_str)
            .filter(|name| !self.parts.contains(*name) || BOTH.contains(name))
            .filter(|name| !is_part(name))
            .collect()
    }

    /// Includes of files that are not there: file, line, target.
    pub(crate) fn dangling(&self) -> Vec<(&str, usize, &str)> {
        self.targets_with_place()
            .filter(|(_, _, target)| !self.files.contains_key(*target))
            .collect()
    }

    /// Lines that libpam cannot read.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (&str, usize, &Fault)> {
        self.files.values().flat_map(|file| {
            file.lines.iter().filter_map(|line| match &line.directive {
                Directive::Broken { fault, .. } => Some((file.path.as_str(), line.number, fault)),
                _ => None,
            })
        })
    }

    /// What libpam would run for this service.
    pub(crate) fn stack(&self, service: &str, kind: Kind) -> Vec<Step> {
        let mut left = LONGEST;
        let own = self.steps(service, kind, 0, &mut left);
        if own.is_empty() && service != OTHER {
            return self.steps(OTHER, kind, 0, &mut left);
        }
        own
    }

    fn steps(&self, name: &str, kind: Kind, depth: usize, left: &mut usize) -> Vec<Step> {
        let Some(file) = self.files.get(name) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        for line in &file.lines {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let is_ours = |of: Option<Kind>| of.is_none_or(|of| of == kind);
            let mut push = |item| {
                steps.push(Step {
                    file: file.path.clone(),
                    line: line.number,
                    item,
                });
            };
            match &line.directive {
                Directive::Module(rule) if rule.kind == kind => push(Item::Module(rule.clone())),
                Directive::Broken { kind: of, .. } if is_ours(*of) => push(Item::Broken),
                Directive::Include { kind: of, file } if is_ours(*of) => {
                    if depth >= DEEPEST || !self.files.contains_key(file) {
                        push(Item::Broken);
                    } else {
                        steps.extend(self.steps(file, kind, depth + 1, left));
                    }
                }
                Directive::Substack { kind: of, file } if *of == kind => {
                    if depth >= DEEPEST || !self.files.contains_key(file) {
                        push(Item::Broken);
                    } else {
                        let inner = self.steps(file, kind, depth + 1, left);
                        push(Item::Substack(inner));
                    }
                }
                _ => {}
            }
        }
        steps
    }

    fn targets_with_place(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.files.values().flat_map(|file| {
            file.lines.iter().filter_map(|line| match &line.directive {
                Directive::Include { file: target, .. }
                | Directive::Substack { file: target, .. } => {
                    Some((file.path.as_str(), line.number, target.as_str()))
                }
                _ => None,
            })
        })
    }

    fn targets(&self) -> impl Iterator<Item = (usize, &String)> {
        self.files.values().flat_map(|file| {
            file.lines.iter().filter_map(|line| match &line.directive {
                Directive::Include { file, .. } | Directive::Substack { file, .. } => {
                    Some((line.number, file))
                }
                _ => None,
            })
        })
    }

    fn absolute(&self) -> Vec<String> {
        let targets = self.targets().map(|(_, target)| target);
        let absolute = targets
            .filter(|target| target.starts_with('/') && !self.files.contains_key(target.as_str()));
        absolute.cloned().collect()
    }
}
