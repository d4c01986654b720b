//! Password hashing: argon2id, one hash for an account's current password and all of
//! its history together, and no more hashes at a time than there are processors.
//!
//! # One salt for each account
//! The current verifier and the history entries of an account share one salt, made with
//! the account and kept for its life. So one hash of a new password is compared with all
//! of them, and a wrong password is compared with the two before the current one for
//! nothing. Accounts still have different salts, so equal passwords of two people look
//! different and a guess is tried on one account at a time. What is given up: whoever
//! steals the file tries one guess on the current and on the old passwords of one
//! account at once, and sees whether one of its passwords came back. The history rule
//! itself forbids the latter, and an old password is worth little.
//!
//! A password that was taken over from another system is compared in that system's way until
//! the first good logon, or the first change, which puts our hash of it in its place. As long
//! as it is there the history does not know it, and the rule of the two passwords before the
//! current one has nothing to look at.
//!
//! Each entry carries its parameters (PHC string). Where they differ, because the cost
//! was raised meanwhile, there is one hash for each group of equal parameters.

use crate::error::{Fault, Result};
use crate::foreign::Foreign;
use crate::slots::Slots;
use argon2::password_hash::{Output, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use domlogon_protocol::{Secret, Verdict};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes; they are computed one after the other.
    pub lanes: u32,
}

impl Cost {
    /// The cost of every hash made by the daemon: 19 MiB and two passes, the floor that
    /// OWASP recommends for argon2id. A password hashed at another cost is hashed again
    /// at its next good logon.
    pub const STANDARD: Self = Self {
        memory: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
}

/// How long one request waits for its turns to hash, all together. Less than the patience of a
/// PAM module, so that the person is told that the daemon is busy and not that it is dead.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of a hash.
const LENGTH: usize = 32;

/// Makes hashes, a few at a time.
pub(crate) struct Hasher {
    cost: Cost,
    slots: Slots,
    /// For hashes of other systems that take more memory than usual: they come out of a file, and
    /// as many as there are processors would take all of it.
    dear: Slots,
    stand_in: Salt,
}

/// The salt of one account, in the spelling of a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Salt(SaltString);

/// A stored password: its hash and how it was made.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    phc: String,
    recipe: Recipe,
    output: Output,
}

/// What the password of an account is compared with.
pub(crate) enum Current {
    /// A hash of our own.
    Own(Verifier),
    /// One of another system, and the salt of the hash that will take its place.
    Foreign(Foreign, Salt),
}

/// All that decides, with the password, what the hash is.
#[derive(Clone, PartialEq, Eq)]
struct Recipe {
    cost: Cost,
    salt: Salt,
}

/// One password that is compared with several verifiers: hashed once for each recipe.
pub(crate) struct Trial<'a> {
    hasher: &'a Hasher,
    password: &'a Secret,
    /// When its request has waited long enough.
    deadline: Instant,
    made: Vec<(Recipe, Zeroizing<[u8; LENGTH]>)>,
}

impl Hasher {
    pub(crate) fn new(cost: Cost) -> Result<Self> {
        Ok(Self {
            cost,
            slots: Slots::for_processors(),
            dear: Slots::new(1),
            stand_in: Salt::random()?,
        })
    }

    /// Begins to compare `password`.
    pub(crate) fn trial<'a>(&'a self, password: &'a Secret) -> Trial<'a> {
        self.trial_by(password, self.deadline())
    }

    /// The same for a request that has begun before.
    pub(crate) fn trial_by<'a>(&'a self, password: &'a Secret, deadline: Instant) -> Trial<'a> {
        Trial {
            hasher: self,
            password,
            deadline,
            made: Vec::new(),
        }
    }

    /// When a request that begins now has waited long enough.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + PATIENCE
    }

    /// Whether a good logon replaces it: it was made at another cost than new ones are, or
    /// by another system.
    pub(crate) fn is_outdated(&self, current: &Current) -> bool {
        match current {
            Current::Own(verifier) => verifier.recipe.cost != self.cost,
            Current::Foreign(..) => true,
        }
    }

    fn recipe(&self, salt: &Salt) -> Recipe {
        Recipe {
            cost: self.cost,
            salt: salt.clone(),
        }
    }

    fn hash(
        &self,
        password: &Secret,
        recipe: &Recipe,
        deadline: Instant,
    ) -> Result<Zeroizing<[u8; LENGTH]>> {
        let params = recipe.cost.params().map_err(|_| Fault::DAMAGED)?;
        let mut salt = [0; 64];
        let salt = recipe
            .salt
            .0
            .decode_b64(&mut salt)
            .map_err(|_| Fault::DAMAGED)?;
        let blocks = params.block_count();
        let mut hash = Zeroizing::new([0; LENGTH]);
        let _slot = self.slots.take(deadline)?;
        let mut memory = Vec::new();
        // Without memory for it this one logon is put off, and the daemon goes on.
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| Fault::Store(Verdict::Busy))?;
        memory.resize(blocks, Block::default());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.expose(), salt, &mut *hash, &mut memory[..])
            .map_err(|_| Fault::Store(Verdict::InternalError))?;
        Ok(hash)
    }

    #[cfg(test)]
    pub(crate) fn hashes_made(&self) -> usize {
        self.slots.taken()
    }
}

impl Trial<'_> {
    /// Begins to compare another password for the same request.
    pub(crate) fn with<'b>(&self, password: &'b Secret) -> Trial<'b>
    where
        Self: 'b,
    {
        self.hasher.trial_by(password, self.deadline)
    }

    /// When the request has waited long enough for its turn to write, too.
    pub(crate) fn deadline(&self) -> Instant {
        /// For a hash that was begun at the last moment.
        const MORE: Duration = Duration::from_secs(1);
        self.deadline + MORE
    }

    /// Spends the time of a comparison where there is nothing to compare with.
    pub(crate) fn spend(&mut self) -> Result<()> {
        let recipe = self.hasher.recipe(&self.hasher.stand_in);
        self.hash(&recipe).map(drop)
    }

    /// Whether the password is the one behind `verifier`. The time does not tell how much
    /// of the hash is equal.
    pub(crate) fn matches(&mut self, verifier: &Verifier) -> Result<bool> {
        let hash = self.hash(&verifier.recipe)?;
        let output = Output::new(&hash[..]).map_err(|_| Fault::DAMAGED)?;
        // `Output` compares in constant time.
        Ok(output == verifier.output)
    }

    /// Whether the password is the one behind a hash of another system.
    pub(crate) fn is_behind(&self, foreign: &Foreign) -> Result<bool> {
        // Whoever waits for this one takes no processor from others.
        let _dear = match foreign.takes_much_memory() {
            true => Some(self.hasher.dear.take(self.deadline)?),
            false => None,
        };
        let _slot = self.hasher.slots.take(self.deadline)?;
        foreign.matches(self.password)
    }

    /// Whether the password is the one of an account.
    ///
    /// One of another system costs its own hash, and ours beside it whatever comes of the
    /// comparison: a right password needs ours to be replaced, and a wrong one shall take
    /// as long as any other (see `decoys`).
    pub(crate) fn opens(&mut self, current: &Current) -> Result<bool> {
        match current {
            Current::Own(verifier) => self.matches(verifier),
            Current::Foreign(foreign, salt) => {
                let recipe = self.hasher.recipe(salt);
                self.hash(&recipe)?;
                self.is_behind(foreign)
            }
        }
    }

    /// Whether the password is behind any of `verifiers`.
    pub(crate) fn matches_any(&mut self, verifiers: &[Verifier]) -> Result<bool> {
        verifiers.iter().try_fold(
            false,
            |found, verifier| Ok(self.matches(verifier)? || found),
        )
    }

    /// The verifier to store for the password.
    pub(crate) fn verifier(&mut self, salt: &Salt) -> Result<Verifier> {
        let recipe = self.hasher.recipe(salt);
        let hash = self.hash(&recipe)?;
        let output = Output::new(&hash[..]).map_err(|_| Fault::DAMAGED)?;
        Ok(Verifier::new(recipe, output))
    }

    fn hash(&mut self, recipe: &Recipe) -> Result<Zeroizing<[u8; LENGTH]>> {
        if let Some((_, hash)) = self.made.iter().find(|(made, _)| made == recipe) {
            return Ok(hash.clone());
        }
        let hash = self.hasher.hash(self.password, recipe, self.deadline)?;
        self.made.push((recipe.clone(), hash.clone()));
        Ok(hash)
    }
}

impl Salt {
    /// A new one, of 128 random bits.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Fault::Store(Verdict::InternalError))?;
        SaltString::encode_b64(&bytes)
            .map(Self)
            .map_err(|_| Fault::Store(Verdict::InternalError))
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        SaltString::from_b64(text)
            .map(Self)
            .map_err(|_| Fault::DAMAGED)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Verifier {
    /// Reads what [`Verifier::as_str`] wrote.
    pub(crate) fn parse(phc: &str) -> Result<Self> {
        // Above this a damaged entry would stop the daemon instead of one logon.
        const MOST: Cost = Cost {
            memory: 1024 * 1024,
            passes: 100,
            lanes: 16,
        };
        let hash = PasswordHash::new(phc).map_err(|_| Fault::DAMAGED)?;
        let params = Params::try_from(&hash).map_err(|_| Fault::DAMAGED)?;
        let cost = Cost {
            memory: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
        };
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(Fault::DAMAGED);
        };
        let known = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && output.len() == LENGTH
            && cost.memory <= MOST.memory
            && cost.passes <= MOST.passes
            && cost.lanes <= MOST.lanes;
        if !known {
            return Err(Fault::DAMAGED);
        }
        let salt = Salt::parse(salt.as_str())?;
        Ok(Self {
            phc: phc.to_owned(),
            recipe: Recipe { cost, salt },
            output,
        })
    }

    /// The PHC string to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.phc
    }

    fn new(recipe: Recipe, output: Output) -> Self {
        let Cost {
            memory,
            passes,
            lanes,
        } = recipe.cost;
        let phc = format!(
            "${}$v={}$m={memory},t={passes},p={lanes}${}${output}",
            Algorithm::Argon2id.ident(),
            u32::from(Version::V0x13),
            recipe.salt.as_str(),
        );
        Self {
            phc,
            recipe,
            output,
        }
    }
}

impl Cost {
    fn params(self) -> argon2::Result<Params> {
        Params::new(self.memory, self.passes, self.lanes, Some(LENGTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 16,
        passes: 1,
        lanes: 1,
    };
    const DEARER: Cost = Cost {
        memory: 24,
        passes: 1,
        lanes: 1,
    };

    #[test]
    fn a_verifier_is_a_phc_string_that_others_can_check() {
        use argon2::PasswordVerifier;
        let hasher = Hasher::new(CHEAP).unwrap();
        let password = Secret::new("Ärger-x".as_bytes());
        let verifier = hasher
            .trial(&password)
            .verifier(&Salt::random().unwrap())
            .unwrap();
        assert!(
            verifier
                .as_str()
                .starts_with("$argon2id$v=19$m=16,t=1,p=1$")
        );
        let hash = PasswordHash::new(verifier.as_str()).unwrap();
        let argon2 = Argon2::default();
        assert!(argon2.verify_password(password.expose(), &hash).is_ok());
        assert!(argon2.verify_password(b"other", &hash).is_err());
        assert!(Verifier::parse(verifier.as_str()).unwrap() == verifier);
    }

    #[test]
    fn one_hash_for_all_entries_of_one_recipe() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let salt = Salt::random().unwrap();
        let entries: Vec<Verifier> = (0..5u8)
            .map(|n| {
                let password = Secret::new(&[b'a' + n; 8]);
                hasher.trial(&password).verifier(&salt).unwrap()
            })
            .collect();
        let before = hasher.hashes_made();
        let third = Secret::new(b"cccccccc");
        let mut trial = hasher.trial(&third);
        assert!(trial.matches_any(&entries).unwrap());
        assert!(!trial.matches(&entries[0]).unwrap());
        trial.verifier(&salt).unwrap();
        assert_eq!(hasher.hashes_made() - before, 1);
    }

    #[test]
    fn another_cost_is_another_hash() {
        let (old, new) = (Hasher::new(CHEAP).unwrap(), Hasher::new(DEARER).unwrap());
        let salt = Salt::random().unwrap();
        let password = Secret::new(b"Passw0rd");
        let verifier = old.trial(&password).verifier(&salt).unwrap();
        let current = Current::Own(verifier);
        assert!(new.is_outdated(&current));
        let mut trial = new.trial(&password);
        assert!(trial.opens(&current).unwrap());
        let newer = Current::Own(trial.verifier(&salt).unwrap());
        assert!(!new.is_outdated(&newer));
        assert_eq!(new.hashes_made(), 2);
    }

    /// yescrypt with 256 MiB.
    const DEAR: &str = "$y$jDT$abcdefgh$blwbUlUuBe8Y3HhJSe87T4FtszMmsvzCfRxOZlbiVmB";

    #[test]
    fn one_dear_hash_of_another_system_at_a_time() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let soon = || Instant::now() + Duration::from_millis(20);
        let password = Secret::new(b"x");
        let is_busy = |text: &str| {
            let foreign = Foreign::parse(text).unwrap();
            let compared = hasher.trial_by(&password, soon()).is_behind(&foreign);
            matches!(compared, Err(Fault::Store(Verdict::Busy)))
        };
        let sha = format!("$5$rounds=200000$abcdefgh${}", "/".repeat(43));
        let first = hasher.dear.take(soon()).unwrap();
        assert!(is_busy(DEAR));
        // Those that take long and no memory go on, and a place of theirs is not held by who waits.
        assert!(!is_busy(&sha));
        assert_eq!(hasher.slots.taken(), 1);
        drop(first);
        assert!(!is_busy(DEAR));
    }

    /// Runs itself with less memory than the hash takes.
    #[test]
    fn without_memory_for_a_hash_of_another_system_the_process_goes_on() {
        const IS_CHILD: &str = "DOMLOGON_TEST_WITHOUT_MEMORY";
        if std::env::var_os(IS_CHILD).is_some() {
            let hasher = Hasher::new(CHEAP).unwrap();
            let compared = hasher
                .trial(&Secret::new(b"x"))
                .is_behind(&Foreign::parse(DEAR).unwrap());
            assert!(matches!(compared, Err(Fault::Store(Verdict::Busy))));
            return;
        }
        let name = "without_memory_for_a_hash_of_another_system_the_process_goes_on";
        let ended = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 260000; exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(format!("hash::tests::{name}"))
            .env(IS_CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(
            ended.status.success() && said.contains("1 passed"),
            "{ended:?}"
        );
    }

    #[test]
    fn what_we_never_wrote_is_damage() {
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        for phc in [
            "",
            "x",
            "$1$abc$def",
            "$argon2i$v=19$m=16,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &format!("$argon2id$v=19$m=16,t=1,p=1${salt}"),
            &format!(
                "$argon2id$v=19$m=4294967295,t=1,p=1${salt}$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            ),
            &format!("$argon2id$v=19$m=16,t=1,p=1${salt}$AAAAAAAAAAAAAAAA"),
        ] {
            assert!(Verifier::parse(phc).is_err(), "{phc}");
        }
    }
}
