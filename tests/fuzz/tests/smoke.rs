//! Each target with the inputs that are kept, and with those changed a little: a second or so.
//!
//! Each run changes them otherwise, and prints the number that says how: with
//! `DOMLOGON_FUZZ_SEED=NUMBER` it is the same again.
#![forbid(unsafe_code)]

use domlogon_fuzz::{TARGETS, Target, clean_up, strays};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

/// Longer than any one input may take on a machine that is busy with much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most changes of one input.
const MOST_CHANGES: u64 = 6;

#[test]
fn every_target_holds() {
    let seed = seed();
    println!("DOMLOGON_FUZZ_SEED={seed}");
    let now = Arc::new(Now::default());
    now.watch(seed);
    let failed: Vec<String> = TARGETS
        .iter()
        .filter_map(|target| smoke(target, seed, &now).err())
        .collect();
    now.end();
    clean_up();
    assert!(
        failed.is_empty(),
        "with seed {seed}:\n{}",
        failed.join("\n")
    );
}

#[test]
fn every_folder_of_inputs_has_its_target() {
    assert_eq!(strays(), Vec::<PathBuf>::new());
}

fn seed() -> u64 {
    let given = std::env::var("DOMLOGON_FUZZ_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs() ^ u64::from(now.subsec_nanos()))
    })
}

/// The first input that does not hold, if there is one.
fn smoke(target: &Target, seed: u64, now: &Now) -> Result<(), String> {
    let kept = target.inputs().unwrap();
    assert!(
        !kept.is_empty(),
        "{} has nothing to begin with",
        target.name
    );
    for input in &kept {
        run(target, input, now)?;
    }
    let mut random = Random(seed | 1);
    for _ in 0..target.smoke {
        let mut input = random.one_of(&kept).cloned().unwrap_or_default();
        for _ in 0..=random.below(MOST_CHANGES) {
            change(&mut input, target, &kept, &mut random);
        }
        input.truncate(target.longest);
        run(target, &input, now)?;
    }
    Ok(())
}

fn run(target: &Target, input: &[u8], now: &Now) -> Result<(), String> {
    now.begin(target.name, input);
    // The message of the panic itself is printed as it happens.
    catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        .map_err(|_| format!("{}: {}", target.name, shown(input)))
}

fn shown(input: &[u8]) -> String {
    let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{:?}\nin hex: {hex}", String::from_utf8_lossy(input))
}

/// One small change.
fn change(input: &mut Vec<u8>, target: &Target, kept: &[Vec<u8>], random: &mut Random) {
    const ODD: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, b'\n', b'"', b'['];
    let at = random.place(input.len());
    let end = at + random.place(input.len() - at).min(64);
    match random.below(9) {
        0 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = random.next() as u8),
        2 => {
            let odd = random.one_of(&ODD).copied().unwrap_or(0);
            input.insert(at, odd);
        }
        3 => drop(input.drain(at..end)),
        4 => {
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        5 => {
            let word = random.one_of(target.words).copied().unwrap_or("0");
            input.splice(at..at, word.bytes());
        }
        6 => {
            let word = random.one_of(target.words).copied().unwrap_or("0");
            let over = (at + word.len()).min(input.len());
            input.splice(at..over, word.bytes());
        }
        7 => input.truncate(at),
        _ => {
            let other = random.one_of(kept).cloned().unwrap_or_default();
            let from = random.place(other.len());
            input.splice(at.., other[from..].iter().copied());
        }
    }
}

/// Numbers that look random, and are the same for one seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A place in so many bytes, or behind the last.
    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64 + 1)).unwrap_or(0)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let index = self.below(all.len() as u64);
        all.get(usize::try_from(index).ok()?)
    }
}

/// What runs now, for whoever has to say what it was that never came to its end.
#[derive(Default)]
struct Now {
    begun: AtomicU64,
    input: Mutex<(&'static str, Vec<u8>)>,
}

impl Now {
    fn begin(&self, target: &'static str, input: &[u8]) {
        let mut now = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 = target;
        input.clone_into(&mut now.1);
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun.store(u64::MAX, Ordering::Relaxed);
    }

    /// Ends the process with the input that it hangs at.
    fn watch(self: &Arc<Self>, seed: u64) {
        let now = Arc::clone(self);
        thread::spawn(move || {
            loop {
                let before = now.begun.load(Ordering::Relaxed);
                thread::sleep(PATIENCE);
                match now.begun.load(Ordering::Relaxed) {
                    u64::MAX => return,
                    same if same == before => {
                        let input = now.input.lock().unwrap_or_else(PoisonError::into_inner);
                        eprintln!("a hang, with seed {seed}: {} {}", input.0, shown(&input.1));
                        std::process::abort();
                    }
                    _ => {}
                }
            }
        });
    }
}
