//! The system calls that reading an open file takes. All others are refused with an error, as if there
//! were no right to them, so that what asks for one without need (a library that looks for a
//! setting) goes on without it.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// Allowed whatever their arguments.
const PLAIN: &[libc::c_long] = &[
    // The file and the socket, which are open already.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads and their waiting. The other filter answers clone3, so that clone is used.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals of its own.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Clocks and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
];

/// Fences the calling thread, and every one that it starts, in. Answers whether that was done.
pub(crate) fn filter() -> bool {
    build().is_some_and(|filters| filters.iter().all(|filter| apply_filter(filter).is_ok()))
}

fn build() -> Option<[BpfProgram; 2]> {
    let arch = std::env::consts::ARCH.try_into().ok()?;
    // clone3 hides its flags from a filter. Where it seems not to exist, clone is used in its place.
    let no_clone3 = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        arch,
    );
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        PLAIN.iter().map(|call| (*call, Vec::new())).collect();
    let own = u64::from(std::process::id());
    let executable = libc::PROT_EXEC.unsigned_abs().into();
    let thread = libc::CLONE_THREAD.unsigned_abs().into();
    rules.extend([
        // A thread of this process, never another process.
        (libc::SYS_clone, vec![when(&[masked(0, thread, thread)])?]),
        // Memory that is never run as code.
        (libc::SYS_mmap, vec![when(&[masked(2, executable, 0)])?]),
        (libc::SYS_mprotect, vec![when(&[masked(2, executable, 0)])?]),
        // Its own end, as `abort` brings it about.
        (libc::SYS_tgkill, vec![when(&[equal(0, own)])?]),
        // A thread's name, and that of a piece of memory.
        (
            libc::SYS_prctl,
            vec![
                when(&[equal(0, libc::PR_SET_NAME.unsigned_abs().into())])?,
                when(&[equal(0, libc::PR_SET_VMA.unsigned_abs().into())])?,
            ],
        ),
        // Its limits are read and not changed.
        (libc::SYS_prlimit64, vec![when(&[equal(0, 0), wide(2, 0)])?]),
    ]);
    let allowed = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        SeccompAction::Allow,
        arch,
    );
    Some([no_clone3.ok()?.try_into().ok()?, allowed.ok()?.try_into().ok()?])
}

type Condition = (u8, SeccompCmpArgLen, SeccompCmpOp, u64);

fn equal(argument: u8, value: u64) -> Condition {
    (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn wide(argument: u8, value: u64) -> Condition {
    (argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Condition {
    (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

fn when(conditions: &[Condition]) -> Option<SeccompRule> {
    let conditions = conditions.iter().cloned().map(|(argument, length, operator, value)| {
        SeccompCondition::new(argument, length, operator, value).ok()
    });
    SeccompRule::new(conditions.collect::<Option<Vec<_>>>()?).ok()
}
