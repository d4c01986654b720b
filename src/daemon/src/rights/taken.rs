//! What was taken last, and where it came from.

use super::kept::{Kept, Lists, Unusable};
use super::source::Source;
use domlogon_protocol::Timestamp;
use domlogon_protocol::rights::{Loaded, Problem, ProblemKind};
use domlogon_rules::Rights;
use std::sync::Arc;

/// The last lists that were taken.
pub(super) struct Last {
    /// `None` if there are none: nobody has any right.
    pub(super) lists: Option<Lists>,
    /// Where they come from.
    pub(super) origin: Origin,
    /// Their version.
    pub(super) version: u64,
    /// What was found when the file was last looked at, whether or not it was taken.
    pub(super) seen: Found,
}

/// What lies where the file should be.
pub(super) type Found = Result<Option<Arc<Source>>, ProblemKind>;

/// Where the last lists come from.
#[derive(PartialEq, Eq)]
pub(super) enum Origin {
    /// None were taken since the start.
    Nothing,
    /// None since the start, but those kept from before, which came from a file or not;
    /// `true` also where that cannot be told.
    Before { from_file: bool },
    /// There is no file, and was none.
    NoFile,
    /// This file.
    File(Arc<Source>),
}

/// A file that can be taken.
pub(super) struct Good {
    /// The file, or that there is none.
    pub(super) origin: Origin,
    /// What it means.
    pub(super) lists: Lists,
    /// What is odd about it.
    pub(super) warnings: Vec<Problem>,
}

impl Origin {
    /// Whether there is a file.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// What is in force when this was taken.
    pub(super) const fn loaded(&self) -> Loaded {
        match self {
            Self::File(_) => Loaded::File,
            _ => Loaded::Default,
        }
    }
}

impl Last {
    /// What there is to begin with, and since when.
    pub(super) fn before(
        kept: Result<Option<Kept>, Unusable>,
        now: Timestamp,
    ) -> (Self, Timestamp) {
        let nothing = |origin| Self {
            lists: None,
            origin,
            version: 0,
            seen: Ok(None),
        };
        match kept {
            Ok(Some(kept)) => {
                let last = Self {
                    lists: Some(kept.lists),
                    origin: Origin::Before {
                        from_file: kept.from_file,
                    },
                    version: kept.version,
                    seen: Ok(None),
                };
                (last, kept.taken_at)
            }
            Ok(None) => (nothing(Origin::Nothing), now),
            // There was something. If it was a file, and that is gone too, the built-in
            // holders could let in who was kept out.
            Err(_) => (nothing(Origin::Before { from_file: true }), now),
        }
    }

    /// The rights that they give.
    pub(super) fn rights(&self) -> Rights {
        match &self.lists {
            Some(lists) => lists.rights(self.version),
            None => Rights::none(self.version),
        }
    }

    /// What is in force while the file is not taken.
    pub(super) const fn loaded_before(&self) -> Loaded {
        match self.lists {
            Some(_) => Loaded::LastGood,
            None => Loaded::Nothing,
        }
    }

    /// Whether there was a file, so that it is missed when it is gone.
    pub(super) const fn is_from_file(&self) -> bool {
        match self.origin {
            Origin::Nothing | Origin::NoFile => false,
            Origin::Before { from_file } => from_file,
            Origin::File(_) => true,
        }
    }

    /// Whether there was a file that said something, or may have, so that it is missed when
    /// an empty one is in its place.
    pub(super) fn is_missed(&self) -> bool {
        self.is_from_file() && self.lists != Some(Lists::default())
    }

    /// Whether these lists came of the same file with the same meaning.
    pub(super) fn is(&self, good: &Good) -> bool {
        self.origin == good.origin && self.lists.as_ref() == Some(&good.lists)
    }
}
