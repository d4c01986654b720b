//! Becoming the person, for good.

use crate::error::Error;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Uid, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid, setuid,
};

/// Whose tickets they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl Person {
    /// Gives up every right but the person's own, and looks whether that is so.
    ///
    /// Nothing of the person's may be touched before. Somebody who runs this for himself goes on as he is.
    pub(crate) fn enter(self) -> Result<(), Error> {
        umask(Mode::from_bits_truncate(0o077));
        // Session keys are in this process's memory: no core file.
        setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(Error::Become)?;
        if self.uid.is_root() {
            return Err(Error::Root);
        }
        if !Uid::effective().is_root() {
            return if self.is_entered()? {
                Ok(())
            } else {
                Err(Error::NotRoot)
            };
        }
        setgroups(&[]).map_err(Error::Become)?;
        setresgid(self.gid, self.gid, self.gid).map_err(Error::Become)?;
        setresuid(self.uid, self.uid, self.uid).map_err(Error::Become)?;
        let alone = getgroups().map_err(Error::Become)?.is_empty();
        if !alone || !self.is_entered()? || setuid(Uid::from_raw(0)).is_ok() {
            return Err(Error::NotOnly);
        }
        Ok(())
    }

    fn is_entered(self) -> Result<bool, Error> {
        let uids = getresuid().map_err(Error::Become)?;
        let gids = getresgid().map_err(Error::Become)?;
        let uid = [uids.real, uids.effective, uids.saved]
            .iter()
            .all(|&uid| uid == self.uid);
        let gid = [gids.real, gids.effective, gids.saved]
            .iter()
            .all(|&gid| gid == self.gid);
        Ok(uid && gid)
    }
}
