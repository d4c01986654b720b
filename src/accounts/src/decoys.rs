//! What a wrong password costs as long as there are hashes of other systems.
//!
//! An account with an imported hash is compared in the other system's way, which takes its
//! time. It must not tell such an account from others, or from none: so a wrong password is
//! compared once in each way that any account still has, and what comes of it is not looked
//! at. A right password is not held up.

use crate::database::Database;
use crate::error::Result;
use crate::foreign::Foreign;
use crate::hash::{Current, Trial};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Ways that are looked at; one import brings one or two.
const MOST: usize = 3;

/// Ways are lost one account at a time, and nothing is wrong when one is missed no sooner.
const AGE: Duration = Duration::from_secs(600);

/// One hash for each way, since when they are known.
#[derive(Default)]
pub(crate) struct Decoys(Mutex<Option<(Instant, Arc<[Foreign]>)>>);

impl Decoys {
    /// There are new hashes.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Database {
    /// Spends the time of all ways but that of `compared`, which has been spent.
    pub(crate) fn spend_on_decoys(
        &self,
        trial: &Trial<'_>,
        compared: Option<&Current>,
    ) -> Result<()> {
        let own = match compared {
            Some(Current::Foreign(foreign, _)) => Some(foreign.way()),
            Some(Current::Own(_)) | None => None,
        };
        for decoy in &*self.decoys()? {
            if own != Some(decoy.way()) {
                // Damage of another account's hash is not this one's affair.
                let _ = trial.is_behind(decoy);
            }
        }
        Ok(())
    }

    fn decoys(&self) -> Result<Arc<[Foreign]>> {
        let mut known = self.decoys.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, decoys)) = &*known {
            if since.elapsed() < AGE {
                return Ok(Arc::clone(decoys));
            }
        }
        let decoys: Arc<[Foreign]> = self.store.list(ways)?.into();
        *known = Some((Instant::now(), Arc::clone(&decoys)));
        Ok(decoys)
    }
}

/// A hash for each way that is usual, of those that most accounts have.
fn ways(connection: &Connection) -> Result<Vec<Foreign>> {
    let mut statement =
        connection.prepare_cached("SELECT verifier FROM users WHERE verifier GLOB '$[56y]$*'")?;
    let mut rows = statement.query([])?;
    let mut found: HashMap<String, (usize, Foreign)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let Some(foreign) = Foreign::parse(&text).ok().filter(Foreign::is_usual) else {
            continue;
        };
        let known = found.entry(foreign.way().to_owned());
        known.or_insert((0, foreign)).0 += 1;
    }
    let mut ways: Vec<(usize, Foreign)> = found.into_values().collect();
    ways.sort_by(|one, other| other.0.cmp(&one.0).then(other.1.way().cmp(one.1.way())));
    Ok(ways.into_iter().take(MOST).map(|(_, way)| way).collect())
}
