//! The system calls that domlogond makes, each group with its reason. Seccomp looks at every
//! call of every thread.
//!
//! A call that is not in the list does not exist: it fails with ENOSYS, as on a kernel that
//! does not have it. Libraries know that answer, and fall back to an older call. A few calls
//! are made by no library in good faith. Whoever makes one of these has taken the process
//! over, and it is killed: what it would answer from then on is not to be believed.

use nix::libc::*;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// As on a kernel that does not have the call.
const ABSENT: SeccompAction = SeccompAction::Errno(ENOSYS.unsigned_abs());

/// The allocator, and the stacks of threads. Memory that could be executed is not to be had:
/// see [`forms`].
const MEMORY: &[i64] = &[SYS_brk, SYS_madvise, SYS_mremap, SYS_munmap];

/// Threads, their locks, and how they wait. To start one: see [`forms`].
const THREADS: &[i64] = &[
    SYS_clock_nanosleep,
    SYS_exit,
    SYS_futex,
    SYS_gettid,
    SYS_membarrier,
    SYS_nanosleep,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_sigaltstack,
];

/// Signals that this process takes, and how it ends. To send one: see [`forms`].
const SIGNALS: &[i64] = &[
    SYS_exit_group,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
];

/// Of the clock and of chance: mostly these are answered without the kernel.
const CLOCK_AND_CHANCE: &[i64] = &[
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_getrandom,
    SYS_gettimeofday,
];

/// Who this process is, and on what host. The host may get another name.
const IDENTITY: &[i64] = &[
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getpid,
    SYS_getresgid,
    SYS_getresuid,
    SYS_getuid,
    SYS_sysinfo,
    SYS_uname,
];

/// Files and folders; which of them is for Landlock to say. SQLite locks its files with
/// fcntl(2), and run by root it gives them to the owner of the database.
const FILES: &[i64] = &[
    SYS_close,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fallocate,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fcntl,
    SYS_fdatasync,
    SYS_flock,
    SYS_fstat,
    SYS_fstatfs,
    SYS_fsync,
    SYS_ftruncate,
    SYS_getcwd,
    SYS_getdents64,
    SYS_lseek,
    SYS_mkdirat,
    SYS_newfstatat,
    SYS_openat,
    SYS_pread64,
    SYS_pwrite64,
    SYS_read,
    SYS_readlinkat,
    SYS_readv,
    SYS_renameat,
    SYS_renameat2,
    SYS_statx,
    SYS_unlinkat,
    SYS_write,
    SYS_writev,
];

/// The older forms of these, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const OLDER: &[i64] = &[
    SYS_access,
    SYS_chmod,
    SYS_lstat,
    SYS_mkdir,
    SYS_open,
    SYS_poll,
    SYS_readlink,
    SYS_rename,
    SYS_stat,
    SYS_time,
    SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[i64] = &[];

/// inotify(7): rights.toml, and the names of the host.
const WATCHING: &[i64] = &[
    SYS_inotify_add_watch,
    SYS_inotify_init1,
    SYS_inotify_rm_watch,
];

/// What is done with sockets, once they are there. To make one: see [`forms`].
const SOCKETS: &[i64] = &[
    SYS_accept4,
    SYS_bind,
    SYS_connect,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_listen,
    SYS_ppoll,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shutdown,
];

const ALWAYS: &[&[i64]] = &[
    MEMORY,
    THREADS,
    SIGNALS,
    CLOCK_AND_CHANCE,
    IDENTITY,
    FILES,
    OLDER,
    WATCHING,
    SOCKETS,
];

/// To become another program, to reach into another process or into the kernel, or to see
/// another tree of files.
const NEVER: &[i64] = &[
    SYS_bpf,
    SYS_chroot,
    SYS_delete_module,
    SYS_execve,
    SYS_execveat,
    SYS_finit_module,
    SYS_fsmount,
    SYS_fsopen,
    SYS_init_module,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_mount,
    SYS_move_mount,
    SYS_open_tree,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_pivot_root,
    SYS_process_madvise,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_setns,
    SYS_umount2,
    SYS_unshare,
    SYS_userfaultfd,
];

/// Of the flags of clone(2), what a thread shares with the others of its process; and those
/// that say no more than where its number is put.
const OF_A_THREAD: c_int =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
const OF_A_NUMBER: c_int =
    CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;

/// The calls whose arguments matter, in each form in which they are allowed. `process` is
/// this one.
fn forms(process: u32, network: bool) -> Result<Vec<(i64, Vec<SeccompCondition>)>, BackendError> {
    let mut forms = vec![
        // No code that was not there at the start.
        (SYS_mmap, vec![without(2, PROT_EXEC)?]),
        (SYS_mprotect, vec![without(2, PROT_EXEC)?]),
        // A thread, not a process. clone3(2) shows its flags to nobody: without it libc takes
        // this one.
        (SYS_clone, vec![flags(0, OF_A_THREAD, OF_A_NUMBER)?]),
        // abort(3).
        (SYS_tgkill, vec![number(0, process.into())?]),
        // The size of the stack is read, and no limit is set.
        (SYS_prlimit64, vec![number(0, 0)?, nothing(2)?]),
        // The name of a thread.
        (SYS_prctl, vec![number(0, constant(PR_SET_NAME))?]),
        (SYS_ioctl, vec![number(1, FIONBIO)?]),
        (SYS_ioctl, vec![number(1, FIOCLEX)?]),
        // The log, systemd, who asks, and bells between threads.
        (SYS_socket, vec![number(0, constant(AF_UNIX))?]),
        (SYS_socketpair, vec![number(0, constant(AF_UNIX))?]),
    ];
    if network {
        forms.extend(of_network()?);
    }
    Ok(forms)
}

/// Domain controllers and name servers.
fn of_network() -> Result<Vec<(i64, Vec<SeccompCondition>)>, BackendError> {
    // What may stand beside the kind of a socket.
    let beside = SOCK_CLOEXEC | SOCK_NONBLOCK;
    let mut forms = Vec::new();
    for family in [AF_INET, AF_INET6] {
        for (kind, protocol) in [(SOCK_STREAM, IPPROTO_TCP), (SOCK_DGRAM, IPPROTO_UDP)] {
            for protocol in [0, protocol] {
                let conditions = vec![
                    number(0, constant(family))?,
                    masked(1, Dword, !constant(beside), constant(kind))?,
                    number(2, constant(protocol))?,
                ];
                forms.push((SYS_socket, conditions));
            }
        }
    }
    Ok(forms)
}

/// Constants of the kernel are never negative.
const fn constant(value: c_int) -> u64 {
    value.unsigned_abs() as u64
}

/// An argument of 32 bits is this; the kernel does not look at what is beside them.
fn number(index: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, Dword, Eq, value)
}

/// An argument is no address.
fn nothing(index: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, Qword, Eq, 0)
}

/// An argument lacks these bits.
fn without(index: u8, bits: c_int) -> Result<SeccompCondition, BackendError> {
    masked(index, Qword, constant(bits), 0)
}

/// An argument has all of `all`, and besides at most `some`.
fn flags(index: u8, all: c_int, some: c_int) -> Result<SeccompCondition, BackendError> {
    masked(index, Qword, !constant(some), constant(all))
}

fn masked(
    index: u8,
    length: seccompiler::SeccompCmpArgLen,
    mask: u64,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, length, MaskedEq(mask), value)
}

/// The filter that knows the list.
pub(super) fn list(network: bool) -> Result<BpfProgram, BackendError> {
    compile(rules(network)?, ABSENT, SeccompAction::Allow)
}

/// One that forbids nothing, and has the kernel write down what the list lacks.
pub(super) fn recorder(network: bool) -> Result<BpfProgram, BackendError> {
    let mut rules = rules(network)?;
    // Libc does without it, so the list does not lack it.
    rules.insert(SYS_clone3, Vec::new());
    compile(rules, SeccompAction::Log, SeccompAction::Allow)
}

fn rules(network: bool) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS
        .iter()
        .flat_map(|group| group.iter())
        .map(|call| (*call, Vec::new()))
        .collect();
    for (call, conditions) in forms(std::process::id(), network)? {
        rules
            .entry(call)
            .or_default()
            .push(SeccompRule::new(conditions)?);
    }
    Ok(rules)
}

/// The filter that knows what kills.
pub(super) fn deadly() -> Result<BpfProgram, BackendError> {
    let rules = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    compile(rules, SeccompAction::Allow, SeccompAction::KillProcess)
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    listed: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, otherwise, listed, here)?.try_into()
}

#[cfg(test)]
mod tests;
