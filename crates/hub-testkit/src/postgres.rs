//! A real PostgreSQL cluster in a temporary folder. It is reached by a Unix socket in that folder, so
//! that no port is taken, or over TCP where a test is about the network. It ends with the test, even
//! where the test is killed.

mod certificates;

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
const USUAL_PORT: u16 = 5432;
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
    network: Network,
}

/// How a cluster is reached beside its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    None,
    /// On this port of 127.0.0.1, without encryption.
    Plain(u16),
    /// On this port of 127.0.0.1, with encryption only.
    Tls(u16),
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
        Self::start_with(Network::None)
    }

    /// As [`Self::start`], reached over TCP and without encryption.
    pub fn start_on_tcp() -> Option<Self> {
        Self::start_with(Network::Plain(free_port()))
    }

    /// As [`Self::start`], reached over TCP, where it takes encrypted connections only. Its certificate
    /// names `localhost` and is signed by an authority of its own.
    pub fn start_on_tls() -> Option<Self> {
        if !certificates::can_be_made() {
            eprintln!("skipped: openssl is not installed");
            return None;
        }
        Self::start_with(Network::Tls(free_port()))
    }

    fn start_with(network: Network) -> Option<Self> {
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
        let server = Self { programs, folder, user, guard, databases: AtomicU32::new(0), network };
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
        if let Network::Tls(_) = network {
            certificates::make(server.folder.path(), |arguments| {
                server.run_program(Path::new("openssl"), &[], arguments);
            });
            let who = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
            fs::write(server.path("data/pg_hba.conf"), who).expect("the folder can be written");
        }
        server.resume();
        Some(server)
    }

    /// As [`Self::database`], by the network: the host as the url names it, and its parameters.
    pub fn database_over_network(&self, host: &str, parameters: &str) -> String {
        assert_ne!(self.network, Network::None, "this cluster was started without a port");
        let (port, name) = (self.port(), self.create_database());
        format!("postgres://{SUPERUSER}@{host}:{port}/{name}?{parameters}")
    }

    /// The certificate of the authority that signed the server's.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join(certificates::AUTHORITY)
    }

    /// A new, empty database; its url, as `mochiyori serve` takes it too.
    pub fn database(&self) -> String {
        let name = self.create_database();
        let folder = self.socket_folder().replace('/', "%2F");
        format!("postgres://{SUPERUSER}@localhost:{}/{name}?host={folder}", self.port())
    }

    fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs a statement as the cluster's superuser, outside any test's database.
    pub fn sql(&self, statement: &str) {
        self.run(
            "psql",
            &["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname=postgres"],
            &[
                "--host",
                &self.socket_folder(),
                "--port",
                &self.port().to_string(),
                "--username",
                SUPERUSER,
                "--command",
                statement,
            ],
        );
    }

    /// Stops the server at once, as when its machine goes away. Its databases stay.
    pub fn pause(&self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"], &["-D", &self.path("data")]);
    }

    /// Starts a server that was paused.
    pub fn resume(&self) {
        let network = match self.network {
            Network::None => "-c listen_addresses=''".to_owned(),
            Network::Plain(port) => format!("-c listen_addresses=127.0.0.1 -c port={port}"),
            Network::Tls(port) => format!(
                "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file='{}' \
                 -c ssl_key_file='{}'",
                self.path(certificates::SERVER),
                self.path(certificates::SERVER_KEY),
            ),
        };
        let options = format!(
            "{network} -c unix_socket_directories='{}' -c max_connections=200 -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off",
            self.folder.path().display()
        );
        let (data, log) = (self.path("data"), self.path("log"));
        self.run("pg_ctl", &["-w", "start"], &["-D", &data, "-l", &log, "-o", &options]);
    }

    /// It is part of the socket's name too.
    fn port(&self) -> u16 {
        match self.network {
            Network::None => USUAL_PORT,
            Network::Plain(port) | Network::Tls(port) => port,
        }
    }

    fn socket_folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, program: &str, flags: &[&str], arguments: &[&str]) {
        self.run_program(&self.programs.join(program), flags, arguments);
    }

    fn run_program(&self, program: &Path, flags: &[&str], arguments: &[&str]) {
        // A server that pg_ctl starts keeps its output, so that goes to a file rather than a pipe.
        let name = program.file_name().unwrap_or_default().display();
        let output = self.folder.path().join(format!("{name}.output"));
        let file = fs::File::create(&output).expect("an output file");
        let status = self
            .user
            .command(program, self.folder.path())
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
            panic!("{name} failed: {status}\n{said}");
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

/// A port that nothing listens on at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
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
