//! An authority and a server's certificate signed by it, made anew for a test by the `openssl` program.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// The authority's certificate.
pub(super) const AUTHORITY: &str = "authority.pem";
/// The server's certificate; it names `localhost` and nothing else.
pub(super) const SERVER: &str = "server.pem";
/// The server's key.
pub(super) const SERVER_KEY: &str = "server.key";

/// Whether the program is there.
pub(super) fn can_be_made() -> bool {
    let mut command = Command::new("openssl");
    command.arg("version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Makes the files in `folder`; `openssl` runs the program in it, as whom the server runs as.
pub(super) fn make(folder: &Path, openssl: impl Fn(&[&str])) {
    const KEY: [&str; 7] =
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let request = |more: &[&str]| {
        let mut arguments = vec!["req", "-x509"];
        arguments.extend(KEY);
        arguments.extend(more);
        openssl(&arguments);
    };
    request(&[
        "-subj",
        "/CN=authority of a test",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-keyout",
        "authority.key",
        "-out",
        AUTHORITY,
    ]);
    request(&[
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        AUTHORITY,
        "-CAkey",
        "authority.key",
        "-keyout",
        SERVER_KEY,
        "-out",
        SERVER,
    ]);
    for file in [AUTHORITY, SERVER, SERVER_KEY] {
        assert!(fs::exists(folder.join(file)).is_ok_and(|made| made), "{file} was made");
    }
}
