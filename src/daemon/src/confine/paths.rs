//! The files and folders that domlogond needs, each with its reason, and the ports of a
//! domain controller. Landlock looks at what is opened, made, renamed and removed from here
//! on; nothing may be executed.
//!
//! What is not there when the daemon starts cannot be allowed, so whole folders are, where
//! files come and go.

use super::Needs;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
    path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// The newest kernel interface with which the tests have been run. A right that a later one
/// adds is not taken away before somebody has seen what that does.
const KNOWN: ABI = ABI::V7;

/// Looking into a folder, and reading what is in it.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// All that is done with files in a folder of our own.
const OWN: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile
});

/// Where the sockets are made, too.
const WITH_SOCKETS: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | MakeSock
});

/// Whatever the configuration says: the names of the host, the rights, and where libraries
/// look for what concerns them; what distributions bring, such as time zones and that to which
/// links in /etc lead; chance, where the kernel has no call for it; and how many processors
/// there are, and are there for the control group of this process.
const ALWAYS: [&str; 6] = [
    "/etc",
    "/usr",
    "/dev/urandom",
    "/sys/devices/system/cpu",
    "/proc/self",
    "/sys/fs/cgroup",
];

/// With a directory: a resolv.conf is a link to here, made when the network is up; and the
/// numbers of network interfaces, for name servers with an address on one link.
const WITH_DIRECTORY: [&str; 2] = ["/run", "/sys/devices"];

/// Where a controller answers, and a name server if need be.
const PORTS: [u16; 5] = [53, 88, 389, 464, 636];

/// Takes everything else away, from this thread and those that it starts. Says by what.
///
/// # Errors
/// Why nothing was taken away.
pub(super) fn restrict(needed: &Needs<'_>) -> Result<String, String> {
    let status = apply(needed).map_err(|error| error.to_string())?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => {
            Ok(format!("Landlock (version {effective_abi})"))
        }
        LandlockStatus::NotEnabled => {
            Err("Landlock is off in this kernel (see its parameter lsm=)".to_owned())
        }
        LandlockStatus::NotImplemented => {
            Err("this kernel has no Landlock, or a filter of system calls hides it".to_owned())
        }
    }
}

fn apply(needed: &Needs<'_>) -> Result<RestrictionStatus, RulesetError> {
    let read = needed.read();
    let own = around(&needed.config.database);
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(scopes())?
        .create()?
        .add_rules(path_beneath_rules(read, READ))?
        .add_rules(path_beneath_rules(own, OWN))?
        .add_rules(path_beneath_rules([needed.run], WITH_SOCKETS))?;
    if needed.network() {
        for port in PORTS {
            ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
    }
    ruleset.restrict_self()
}

/// No signal and no abstract socket of another program is reached, unless systemd is: it may
/// listen at such a one.
fn scopes() -> BitFlags<Scope> {
    let notify = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    if notify.as_encoded_bytes().starts_with(b"@") {
        Scope::Signal.into()
    } else {
        Scope::from_all(KNOWN)
    }
}

impl Needs<'_> {
    fn read(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = ALWAYS.map(PathBuf::from).to_vec();
        paths.extend(around(self.file));
        paths.extend(around(self.rights));
        if let Some(directory) = &self.config.directory {
            paths.extend(WITH_DIRECTORY.map(PathBuf::from));
            paths.extend(directory.ca.iter().flat_map(|ca| around(ca)));
        }
        paths
    }
}

/// The folder of a file, in which another one may take its place; and if it is a link, that
/// of what it leads to.
fn around(file: &Path) -> impl Iterator<Item = PathBuf> {
    let led_to = std::fs::canonicalize(file).ok();
    [std::path::absolute(file).ok(), led_to]
        .into_iter()
        .flatten()
        .filter_map(|path| path.parent().map(Path::to_owned))
}
