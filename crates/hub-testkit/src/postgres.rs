//! A real PostgreSQL cluster in a temporary folder. It is reached by a Unix socket in that folder, so
//! that no port is taken, and it ends with the test, even where the test is killed.

use std::{
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

const SUPERUSER: &str = "mochiyori";
const PROGRAMS: [&str; 4] = ["initdb", "pg_ctl", "postgres", "psql"];

/// The oldest version whose `initdb` can be told to sort as people do; servers in use often sort so,
/// and the hub must not depend on it.
const OLDEST: u32 = 15;

/// Runs when the test's end of its input closes: by `Drop`, or because the test is no more.
const GUARD: &str = r#"read -r _; "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf "$2""#;

/// A running cluster. Dropping it stops it and removes its files.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: TempDir,
    user: Option<User>,
    guard: Child,
    databases: AtomicU32,
}

/// Whom the cluster runs as where the tests run as root, which PostgreSQL refuses.
#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl PostgresServer {
    /// Makes and starts a cluster; where PostgreSQL is not installed the caller returns early, and the
    /// test's output says so.
    pub fn start() -> Option<Self> {
        let Some(programs) = find_programs() else {
            eprintln!("skipped: PostgreSQL's programs {PROGRAMS:?} are not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("mcy-pg-").tempdir().expect("a folder");
        let user = user_for(folder.path());
        let guard = user
            .command("sh", folder.path())
            .args(["-c", GUARD, "guard"])
            .args([&programs, folder.path()])
            // Whoever ends the test's process group must not end the guard with it.
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let server = Self { programs, folder, user, guard, databases: AtomicU32::new(0) };
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale-provider=icu",
                "--icu-locale=en-US",
            ],
            &["--username", SUPERUSER, "-D", &server.path("data")],
        );
        server.resume();
        Some(server)
    }

    /// A new, empty database; its url, as `mochiyori serve` takes it too.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name}"));
        let folder = self.socket_folder().replace('/', "%2F");
        format!("postgres://{SUPERUSER}@localhost/{name}?host={folder}")
    }

    /// Runs a statement as the cluster's superuser, outside any test's database.
    pub fn sql(&self, statement: &str) {
        self.run(
            "psql",
            &["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname=postgres"],
            &["--host", &self.socket_folder(), "--username", SUPERUSER, "--command", statement],
        );
    }

    /// Stops the server at once, as when its machine goes away. Its databases stay.
    pub fn pause(&self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"], &["-D", &self.path("data")]);
    }

    /// Starts a server that was paused.
    pub fn resume(&self) {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=200 \
             -c fsync=off -c synchronous_commit=off -c full_page_writes=off",
            self.folder.path().display()
        );
        let (data, log) = (self.path("data"), self.path("log"));
        self.run("pg_ctl", &["-w", "start"], &["-D", &data, "-l", &log, "-o", &options]);
    }

    fn socket_folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, program: &str, flags: &[&str], arguments: &[&str]) {
        // A server that pg_ctl starts keeps its output, so that goes to a file rather than a pipe.
        let output = self.folder.path().join(format!("{program}.output"));
        let file = fs::File::create(&output).expect("an output file");
        let status = self
            .user
            .command(self.programs.join(program), self.folder.path())
            .args(flags)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .status()
            .expect("the program runs");
        if !status.success() {
            let mut said = fs::read_to_string(output).unwrap_or_default();
            if let Ok(mut log) = fs::File::open(self.path("log")) {
                log.read_to_string(&mut said).expect("the server's log is text");
            }
            panic!("{program} failed: {status}\n{said}");
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

trait RunAs {
    fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command;
}

impl RunAs for Option<User> {
    fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(user) = self {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

/// None where the tests run as an ordinary user; otherwise another user, who is given the folder.
fn user_for(folder: &Path) -> Option<User> {
    if fs::metadata(folder).expect("the folder is there").uid() != 0 {
        return None;
    }
    let user = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some(User { uid: id_of(name, "-u")?, gid: id_of(name, "-g")? }));
    let user = user.expect("a user other than root to run PostgreSQL as");
    chown(folder, Some(user.uid), Some(user.gid)).expect("root may give a folder away");
    Some(user)
}

fn id_of(name: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The folder that has every program: of an installation of the operating system, newest first, or one
/// that is searched for commands.
fn find_programs() -> Option<PathBuf> {
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            (version >= OLDEST).then(|| (version, entry.path().join("bin")))
        })
        .collect();
    installed.sort();
    let searched = std::env::var_os("PATH").unwrap_or_default();
    installed
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(std::env::split_paths(&searched))
        .find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()))
}
