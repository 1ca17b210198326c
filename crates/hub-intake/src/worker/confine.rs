//! The fence around a worker: limits of memory, CPU time and open files; no file system, no network, no
//! other process. Each part that a kernel lacks is left out and reported, never a reason to stop:
//! reading in a process of its own still keeps a crash away from the hub.

use serde::{Deserialize, Serialize};

/// One part of the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fence {
    /// What the worker may allocate.
    Memory,
    /// The CPU time it may use.
    CpuTime,
    /// Files it may have open; it leaves no core dump, and writes no file but those it unpacks into.
    Files,
    /// Landlock: it can't open, connect to or signal anything.
    Landlock,
    /// seccomp: it can't even ask for what reading a file does not need.
    SystemCalls,
}

impl Fence {
    /// Every part.
    pub const ALL: [Self; 5] =
        [Self::Memory, Self::CpuTime, Self::Files, Self::Landlock, Self::SystemCalls];

    /// The word in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::CpuTime => "cpu_time",
            Self::Files => "files",
            Self::Landlock => "landlock",
            Self::SystemCalls => "system_calls",
        }
    }
}

/// Which parts of the fence stand around a worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    standing: Vec<Fence>,
}

impl Confinement {
    /// Whether this part stands.
    pub fn has(&self, fence: Fence) -> bool {
        self.standing.contains(&fence)
    }

    /// The parts that this system does not offer.
    pub fn missing(&self) -> impl Iterator<Item = Fence> {
        Fence::ALL.into_iter().filter(|fence| !self.has(*fence))
    }
}

/// Puts up every part of the fence that this system offers around this process, for good. It may write
/// as many bytes as are said into each of the files that it has open besides, and into no other.
pub(crate) fn fence_in(
    memory_bytes: u64,
    cpu_seconds: u64,
    scratch_files: u64,
    scratch_bytes: u64,
) -> Confinement {
    let built = system::build(memory_bytes, cpu_seconds, scratch_files, scratch_bytes);
    Confinement { standing: Fence::ALL.into_iter().filter(|fence| built.contains(fence)).collect() }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Fence;

    pub(crate) fn build(_memory: u64, _cpu: u64, _files: u64, _bytes: u64) -> Vec<Fence> {
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod system {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
        RulesetStatus, Scope,
    };
    use rlimit::Resource;

    use super::Fence;
    use crate::worker::confine::system_calls;

    /// Files that may be open: the three that it starts with, and copies of the file it reads.
    const OPEN_FILES: u64 = 32;

    /// Address space beyond the memory that may be allocated: the program itself, libraries, and what
    /// allocators reserve without using it.
    const ADDRESS_SPACE_BESIDE: u64 = 4 << 30;

    /// Seconds from the signal at the limit of CPU time to the one that can't be missed.
    const CPU_GRACE_S: u64 = 5;

    pub(crate) fn build(
        memory_bytes: u64,
        cpu_seconds: u64,
        scratch_files: u64,
        scratch_bytes: u64,
    ) -> Vec<Fence> {
        // Where memory runs out all the same, the worker is to go before anything else does.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        let limit = |resource: Resource, soft, hard| resource.set(soft, hard).is_ok();
        let address_space = memory_bytes.saturating_add(ADDRESS_SPACE_BESIDE);
        let memory = limit(Resource::DATA, memory_bytes, memory_bytes)
            && limit(Resource::AS, address_space, address_space);
        let cpu_time = limit(Resource::CPU, cpu_seconds, cpu_seconds.saturating_add(CPU_GRACE_S));
        // Each may be open twice: as it is and as its reader has it.
        let open_files = OPEN_FILES + 2 * scratch_files;
        let files = limit(Resource::NOFILE, open_files, open_files)
            && limit(Resource::CORE, 0, 0)
            && limit(Resource::FSIZE, scratch_bytes, scratch_bytes);
        [
            (Fence::Memory, memory),
            (Fence::CpuTime, cpu_time),
            (Fence::Files, files),
            (Fence::Landlock, landlock()),
            (Fence::SystemCalls, system_calls::filter()),
        ]
        .into_iter()
        .filter_map(|(fence, stands)| stands.then_some(fence))
        .collect()
    }

    /// No rule allows anything, so everything that this kernel's Landlock handles is refused.
    fn landlock() -> bool {
        let restricted = || {
            Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(ABI::V5))?
                .handle_access(AccessNet::from_all(ABI::V5))?
                .scope(Scope::from_all(ABI::V6))?
                .create()?
                .restrict_self()
        };
        restricted().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }
}

#[cfg(target_os = "linux")]
mod system_calls;
