//! A worker's process as its parent holds it: started, waited for within bounds, and killed when it is
//! let go.

use std::{
    fs::File,
    io::{self, Read, Seek},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Watch, WorkerConfig};

/// How often a parent that waits looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// How much of what a worker says of its end is read, in bytes.
const LAST_WORDS: u64 = 8 << 10;

/// A worker at work. Dropping it kills it.
pub(crate) struct Worker {
    child: Child,
}

/// How a worker came to its end without an answer.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// The beginning of what it wrote to its standard error. It may quote the file.
    pub(crate) last_words: String,
}

impl End {
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl Worker {
    /// Starts a worker on a file.
    pub(crate) fn start(
        config: &WorkerConfig,
        file: Option<File>,
    ) -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(&config.program)
            .args(&config.args)
            .env_clear()
            // What an allocator keeps beyond need would count as used: the C library's pool for each
            // thread, and the arena that mimalloc takes whole and does not give back.
            .env("MALLOC_ARENA_MAX", "2")
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            .stdin(file.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()?;
        Ok((Self { child }, ours))
    }

    /// Ends the worker, where it has not ended by itself, and says how it ended.
    pub(crate) fn end(mut self) -> io::Result<End> {
        // A worker that closed its socket is about to exit by itself; its own status tells more than ours.
        let deadline = Instant::now() + GLANCE * 5;
        let mut status = self.child.try_wait()?;
        while status.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
            status = self.child.try_wait()?;
        }
        let status = match status {
            Some(status) => status,
            None => {
                self.child.kill()?;
                self.child.wait()?
            }
        };
        let mut last_words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            stderr.take(LAST_WORDS).read_to_end(&mut last_words)?;
        }
        Ok(End { status, last_words: String::from_utf8_lossy(&last_words).into_owned() })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why a parent stopped listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It waited as long as it may.
    Waited,
    /// It was asked to stop.
    Stopped,
}

/// The parent's end of the socket: reading gives up after the time that may be waited in all, and when
/// the parent is to stop.
pub(crate) struct Line<'a> {
    socket: UnixStream,
    /// The file that the worker reads: its position, which both share, shows how far it is.
    file: Option<File>,
    watch: &'a Watch,
    stop: Arc<AtomicBool>,
    left: Duration,
    pub(crate) given_up: Option<Given>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(
        socket: UnixStream,
        file: Option<File>,
        watch: &'a Watch,
        stop: &Arc<AtomicBool>,
        wait_time: Duration,
    ) -> io::Result<Self> {
        socket.set_read_timeout(Some(GLANCE))?;
        // A worker that reads nothing must not hold the parent while it asks.
        socket.set_write_timeout(Some(wait_time.max(GLANCE)))?;
        Ok(Self { socket, file, watch, stop: Arc::clone(stop), left: wait_time, given_up: None })
    }

    pub(crate) fn socket(&mut self) -> &mut UnixStream {
        &mut self.socket
    }

    fn give_up(&mut self, given: Given) -> io::Error {
        self.given_up = Some(given);
        io::Error::other("the worker is not waited for any longer")
    }
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.give_up(Given::Stopped));
            }
            let start = Instant::now();
            let read = self.socket.read(buffer);
            if let Some(position) = self.file.as_mut().and_then(|file| file.stream_position().ok())
            {
                self.watch.set_bytes(position);
            }
            self.left = self.left.saturating_sub(start.elapsed());
            match read {
                Err(error) if is_pause(&error) => {
                    if self.left.is_zero() {
                        return Err(self.give_up(Given::Waited));
                    }
                }
                read => return read,
            }
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
