//! A PostgreSQL server of a test's own, on a free port of 127.0.0.1, gone when it is dropped.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use postgres::{Client, Config, NoTls};
use tempfile::TempDir;

const USER: &str = "secret-keeper";

pub(crate) struct Server {
    folder: TempDir,
    child: Child,
    port: u16,
}

/// Where it is, and whom it lets in.
#[derive(Default)]
pub(crate) struct Place<'a> {
    /// Its certificate and key: over the network it serves only who speaks TLS.
    pub(crate) identity: Option<(&'a Path, &'a Path)>,
    /// A network namespace, and its addresses there.
    pub(crate) beyond: Option<(&'a str, &'a str)>,
}

impl Server {
    /// `None`, and a word about it, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_at(&Place::default())
    }

    /// The same, somewhere else or for others.
    pub(crate) fn start_at(place: &Place<'_>) -> Option<Self> {
        let Some(bin) = programs() else {
            println!("PostgreSQL is not installed: its store is not tested here");
            return None;
        };
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder in it");
        let password = folder.path().join("password");
        fs::write(&password, "secret").expect("it is written");
        own(folder.path());
        own(&data);
        let initdb = program(&bin.join("initdb"))
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--username"])
            .args([Path::new(USER), Path::new("--pwfile"), &password, Path::new("--pgdata"), &data])
            .stdout(Stdio::null())
            .status();
        assert!(initdb.is_ok_and(|status| status.success()), "initdb");
        if let Some(identity) = place.identity {
            encrypt(&data, identity);
        }
        let (mut start, addresses) = match place.beyond {
            None => (program(&bin.join("postgres")), "127.0.0.1"),
            Some((namespace, addresses)) => {
                fs::write(
                    data.join("pg_hba.conf"),
                    "local all all trust\nhost all all all scram-sha-256\n",
                )
                .expect("it is written");
                let mut within = Command::new("ip");
                let inner = program(&bin.join("postgres"));
                within.args(["netns", "exec", namespace]).arg(inner.get_program());
                within.args(inner.get_args());
                (within, addresses)
            }
        };
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let child = start
            .args(["-h", addresses, "-F", "-p", &port.to_string(), "-k"])
            .args([folder.path(), Path::new("-D"), &data])
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let server = Self { folder, child, port };
        for _ in 0..600 {
            if server.client("postgres").is_ok() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("no answer from PostgreSQL in {}", server.folder.path().display());
    }

    pub(crate) fn url(&self, database: &str) -> String {
        Self::url_at("127.0.0.1", self.port(), database)
    }

    /// The same, by way of another address and port.
    pub(crate) fn url_at(address: &str, port: u16, database: &str) -> String {
        format!("postgres://{USER}:secret@{address}:{port}/{database}")
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Makes a database; gives its address.
    pub(crate) fn database(&self, name: &str) -> String {
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    pub(crate) fn run(&self, database: &str, statement: &str) {
        let mut client = self.client(database).expect("it connects");
        client.batch_execute(statement).expect("it is done");
    }

    /// By its socket, whatever it asks of who comes over the network.
    pub(crate) fn client(&self, database: &str) -> Result<Client, postgres::Error> {
        let mut config = Config::new();
        config.host_path(self.folder.path()).port(self.port).user(USER).dbname(database);
        config.connect(NoTls)
    }

    /// Ends a connection from the server's side.
    pub(crate) fn cut_off(&self, backend: i32) {
        self.run("postgres", &format!("SELECT pg_terminate_backend({backend}, 5000)"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the server's programs are; the newest, where there are several.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut versions: Vec<PathBuf> = installed.filter_map(|it| Some(it.ok()?.path())).collect();
    versions.sort();
    Some(versions.pop()?.join("bin")).filter(|bin| bin.join("postgres").exists())
}

fn encrypt(data: &Path, (certificate, key): (&Path, &Path)) {
    for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
        let to = data.join(name);
        fs::copy(from, &to).expect("it is copied");
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("for nobody else");
        own(&to);
    }
    let lets_in = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), lets_in).expect("it is written");
    let settings = data.join("postgresql.conf");
    let text = fs::read_to_string(&settings).expect("it is there");
    fs::write(settings, text + "\nssl = on\n").expect("it is written");
}

/// PostgreSQL refuses to run as root: then it runs as `nobody`.
fn program(path: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(path);
    command
}

fn own(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").arg("nobody:nogroup").arg(folder).status();
        assert!(owned.is_ok_and(|status| status.success()), "chown");
    }
}
