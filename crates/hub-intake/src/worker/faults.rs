//! Faults on purpose, for the tests of what a fault does: a file named `fault-<what>…` calls for one
//! where the parent's environment asks for it. In debug builds only.

use std::{
    fs::File,
    io::{self, Write},
    net::TcpStream,
    time::Duration,
};

use super::{
    frame::{Head, Kind},
    request::Request,
};
use crate::FormatHint;

/// The variable by which a test allows faults.
const ALLOWED: &str = "MOCHIYORI_TEST_FAULTS";

/// Passes the tests' wish on, in a file's hint, to a worker that has no environment.
pub(crate) fn marked(hint: &FormatHint) -> bool {
    std::env::var_os(ALLOWED).is_some()
        && hint.file_name.as_deref().is_some_and(|name| name.starts_with("fault-"))
}

/// Does what the file's name calls for. What is refused by the fence is reported by going on.
pub(crate) fn carry_out(request: &Request, parent: &mut File) -> io::Result<()> {
    let name = request.hint.file_name.as_deref().filter(|_| request.faults).unwrap_or_default();
    let fault = name.strip_prefix("fault-").and_then(|rest| rest.split(['-', '.']).next());
    match fault {
        Some("panic") => std::panic::panic_any("on purpose"),
        Some("abort") => std::process::abort(),
        Some("hang") => loop {
            std::thread::sleep(Duration::from_secs(3_600));
        },
        Some("spin") => loop {
            std::hint::spin_loop();
        },
        Some("allocate") => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            loop {
                held.push(vec![1; 16 << 20]);
            }
        }
        // What the fence refuses ends well here; what it lets through is a fault that a test sees.
        Some("connect") => expect_refused(TcpStream::connect(("127.0.0.1", 9)).err()),
        Some("open") => expect_refused(File::open("/etc/passwd").err()),
        Some("start") => {
            expect_refused(std::process::Command::new("/bin/sh").arg("-c").arg(":").spawn().err())
        }
        Some("lie") => {
            Head { kind: Kind::Batch, number: 1, bytes: 100 << 20 }.write(parent)?;
            parent.write_all(&[0xFF; 4_096])
        }
        Some("leave") => std::process::exit(0),
        _ => Ok(()),
    }
}

fn expect_refused(error: Option<io::Error>) -> io::Result<()> {
    let refused = error.is_some_and(|e| e.kind() == io::ErrorKind::PermissionDenied);
    assert!(refused, "the fence let it through");
    Ok(())
}
