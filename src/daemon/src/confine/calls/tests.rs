use super::*;

/// What the kernel finds in a filter, for one call.
fn answer(program: &BpfProgram, call: i64, arguments: [u64; 6]) -> u32 {
    const LOAD: u16 = 0x20;
    const AND: u16 = 0x54;
    const JUMP: u16 = 0x05;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let mut data = Vec::new();
    data.extend((call as u32).to_ne_bytes());
    data.extend(ARCHITECTURE.to_ne_bytes());
    data.extend([0; 8]);
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let (mut at, mut value) = (0, 0);
    loop {
        let step = &program[at];
        let operand = step.k as usize;
        at += 1;
        match step.code {
            LOAD => value = u32::from_ne_bytes(data[operand..operand + 4].try_into().unwrap()),
            AND => value &= step.k,
            JUMP => at += operand,
            IF_EQUAL if value == step.k => at += usize::from(step.jt),
            IF_EQUAL => at += usize::from(step.jf),
            RETURN => return step.k,
            other => panic!("{other:#x} is not known here"),
        }
    }
}

/// As in linux/audit.h.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else {
    0xc000_00b7
};

fn arguments(given: &[i64]) -> [u64; 6] {
    let mut all = [0; 6];
    for (argument, given) in all.iter_mut().zip(given) {
        *argument = *given as u64;
    }
    all
}

fn allows(network: bool, call: i64, given: &[i64]) -> bool {
    let list = list(network).unwrap();
    let answer = answer(&list, call, arguments(given));
    assert!(
        [u32::from(SeccompAction::Allow), u32::from(ABSENT)].contains(&answer),
        "{answer:#x}"
    );
    answer == u32::from(SeccompAction::Allow)
}

fn ints<const N: usize>(given: [c_int; N]) -> [i64; N] {
    given.map(i64::from)
}

#[test]
fn a_call_is_in_the_list_or_does_not_exist() {
    for network in [false, true] {
        assert!(allows(network, SYS_read, &[3, 0x1000, 10]));
        for call in [SYS_clone3, SYS_memfd_create, SYS_io_uring_setup, SYS_keyctl] {
            assert!(!allows(network, call, &[]), "{call}");
        }
        for call in [
            SYS_kill,
            SYS_setuid,
            SYS_symlinkat,
            SYS_mknodat,
            SYS_seccomp,
        ] {
            assert!(!allows(network, call, &[]), "{call}");
        }
        assert!(!allows(network, 100_000, &[]), "of a later kernel");
    }
}

#[test]
fn what_the_list_lacks_is_written_down() {
    let recorder = recorder(false).unwrap();
    for (call, action) in [
        (SYS_read, SeccompAction::Allow),
        (SYS_clone3, SeccompAction::Allow),
        (SYS_execve, SeccompAction::Log),
        (SYS_mmap, SeccompAction::Allow),
    ] {
        assert_eq!(answer(&recorder, call, [0; 6]), u32::from(action), "{call}");
    }
    let executable = arguments(&ints([0, 4096, PROT_EXEC]));
    let answer = answer(&recorder, SYS_mmap, executable);
    assert_eq!(answer, u32::from(SeccompAction::Log));
}

#[test]
fn no_code_comes_in() {
    for call in [SYS_mmap, SYS_mprotect] {
        for (protection, is_allowed) in [
            (PROT_NONE, true),
            (PROT_READ | PROT_WRITE, true),
            (PROT_READ | PROT_EXEC, false),
            (PROT_EXEC, false),
        ] {
            let given = ints([0, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS]);
            assert_eq!(
                allows(true, call, &given),
                is_allowed,
                "{call} {protection}"
            );
        }
    }
}

#[test]
fn a_thread_is_no_process() {
    // As glibc has it [nptl/pthread_create.c].
    let thread = CLONE_VM
        | CLONE_FS
        | CLONE_FILES
        | CLONE_SYSVSEM
        | CLONE_SIGHAND
        | CLONE_THREAD
        | CLONE_SETTLS
        | CLONE_PARENT_SETTID
        | CLONE_CHILD_CLEARTID;
    assert!(allows(false, SYS_clone, &ints([thread])));
    for other in [
        SIGCHLD,
        CLONE_VM | CLONE_VFORK | SIGCHLD,
        thread & !CLONE_THREAD,
        thread | CLONE_NEWNET,
        thread | CLONE_PTRACE,
    ] {
        assert!(!allows(true, SYS_clone, &ints([other])), "{other:#x}");
    }
}

#[test]
fn the_network_is_for_a_directory() {
    let stream = SOCK_STREAM | SOCK_CLOEXEC;
    let datagram = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    for given in [ints([AF_UNIX, stream, 0]), ints([AF_UNIX, datagram, 0])] {
        assert!(allows(false, SYS_socket, &given));
        assert!(allows(true, SYS_socket, &given));
    }
    for family in [AF_INET, AF_INET6] {
        for (kind, protocol) in [
            (stream, 0),
            (stream, IPPROTO_TCP),
            (datagram, 0),
            (datagram, IPPROTO_UDP),
        ] {
            let given = ints([family, kind, protocol]);
            assert!(!allows(false, SYS_socket, &given), "{given:?}");
            assert!(allows(true, SYS_socket, &given), "{given:?}");
        }
        for (kind, protocol) in [
            (SOCK_RAW, IPPROTO_ICMP),
            (datagram, IPPROTO_ICMP),
            (stream, IPPROTO_SCTP),
            (SOCK_SEQPACKET, 0),
        ] {
            let given = ints([family, kind, protocol]);
            assert!(!allows(true, SYS_socket, &given), "{given:?}");
        }
    }
    for family in [AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG] {
        assert!(!allows(true, SYS_socket, &ints([family, stream, 0])));
        assert!(!allows(true, SYS_socketpair, &ints([family, stream, 0])));
    }
    assert!(allows(false, SYS_socketpair, &ints([AF_UNIX, stream, 0])));
}

#[test]
fn it_signals_itself_and_sets_nothing() {
    let us = i64::from(std::process::id());
    assert!(allows(false, SYS_tgkill, &[us, us, 6]));
    assert!(!allows(false, SYS_tgkill, &[us + 1, us + 1, 6]));
    let limit = RLIMIT_STACK as i64;
    assert!(allows(false, SYS_prlimit64, &[0, limit, 0, 0x1000]));
    assert!(!allows(false, SYS_prlimit64, &[0, limit, 0x1000, 0]));
    assert!(!allows(false, SYS_prlimit64, &[us, limit, 0, 0x1000]));
    assert!(!allows(false, SYS_prlimit64, &[0, limit, 1 << 32, 0]));
    assert!(allows(false, SYS_prctl, &ints([PR_SET_NAME])));
    for option in [PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_MM, PR_SET_PTRACER] {
        assert!(!allows(false, SYS_prctl, &ints([option])), "{option}");
    }
    assert!(allows(false, SYS_ioctl, &[3, FIONBIO as i64]));
    assert!(!allows(false, SYS_ioctl, &[0, TIOCSTI as i64]));
}

#[test]
fn what_no_library_does_kills() {
    let deadly = deadly().unwrap();
    for call in [SYS_execve, SYS_ptrace, SYS_process_vm_readv, SYS_mount] {
        let answer = answer(&deadly, call, [0; 6]);
        assert_eq!(answer, u32::from(SeccompAction::KillProcess));
    }
    for call in ALWAYS.iter().flat_map(|group| group.iter()) {
        assert!(!NEVER.contains(call), "{call}");
        let answer = answer(&deadly, *call, [0; 6]);
        assert_eq!(answer, u32::from(SeccompAction::Allow));
    }
}

#[test]
fn no_call_is_in_two_groups() {
    let mut calls: Vec<i64> = ALWAYS.concat();
    calls.extend(NEVER);
    let mut once: Vec<i64> = forms(1, true).unwrap().iter().map(|form| form.0).collect();
    once.sort_unstable();
    once.dedup();
    calls.extend(once);
    calls.sort_unstable();
    let count = calls.len();
    calls.dedup();
    assert_eq!(calls.len(), count);
}
