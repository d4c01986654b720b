//! What is kept of inputs: one file for each target, of parts with their length before them,
//! and a file for each regression.

use crate::Target;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most bytes of one part; and of all of one target.
const LONGEST: usize = 4096;
const MOST: usize = 16 * 1024;

/// The folder of this crate's own files.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folders and files of inputs whose name is no target's.
#[must_use]
pub fn strays() -> Vec<PathBuf> {
    let all = ["corpus", "regressions"].map(|kind| listed(&root().join(kind)));
    let known = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| crate::target(name).is_some())
    };
    all.into_iter()
        .flatten()
        .filter(|path| !known(path))
        .collect()
}

impl Target {
    /// All inputs to begin with: those of the code, those of a bug, and what a fuzzer found.
    ///
    /// # Errors
    /// The system's; `InvalidData` for a file that is cut.
    pub fn inputs(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut all = (self.seeds)();
        for file in listed(&root().join("regressions").join(self.name)) {
            all.push(fs::read(file)?);
        }
        let kept = root().join("corpus").join(self.name);
        if kept.exists() {
            let bytes = fs::read(kept)?;
            all.extend(parts(&bytes).ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(all)
    }

    /// Writes the inputs into a folder, each a file, and beside it a dictionary for libFuzzer.
    ///
    /// # Errors
    /// The system's.
    pub fn unpack(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (index, input) in self.inputs()?.iter().enumerate() {
            fs::write(folder.join(format!("kept-{index}")), input)?;
        }
        let quoted = |word: &&str| {
            let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
            format!("\"{bytes}\"\n")
        };
        let words: String = self.words.iter().map(quoted).collect();
        fs::write(folder.with_extension("dict"), words)
    }

    /// Keeps of the inputs in a folder as many as there is room for, short ones first.
    ///
    /// # Errors
    /// The system's.
    pub fn pack(&self, folder: &Path) -> io::Result<()> {
        let seeds = (self.seeds)();
        let mut inputs = Vec::new();
        for file in listed(folder) {
            let input = fs::read(file)?;
            if input.len() <= LONGEST && !seeds.contains(&input) {
                inputs.push(input);
            }
        }
        inputs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        let mut packed = Vec::new();
        for input in inputs {
            let length = u16::try_from(input.len()).unwrap_or(u16::MAX);
            if packed.len() + input.len() + 2 <= MOST {
                packed.extend(length.to_le_bytes());
                packed.extend(input);
            }
        }
        fs::create_dir_all(root().join("corpus"))?;
        fs::write(root().join("corpus").join(self.name), packed)
    }
}

fn parts(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (part, behind) = behind.split_at_checked(u16::from_le_bytes(*length).into())?;
        parts.push(part.to_vec());
        rest = behind;
    }
    rest.is_empty().then_some(parts)
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
