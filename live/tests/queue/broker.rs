//! A RabbitMQ of a test's own, on free ports of 127.0.0.1, gone when it is dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::ca::Ca;

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

pub(crate) struct Broker {
    folder: TempDir,
    /// Erlang's names, and the broker while it runs.
    names: Child,
    names_port: u16,
    server: Option<Child>,
    port: u16,
    /// Where it speaks TLS.
    tls_port: u16,
}

impl Broker {
    /// Its certificate is signed by `ca`. `None`, and a word about it, where RabbitMQ is not
    /// installed.
    pub(crate) fn start(ca: &Ca) -> Option<Self> {
        if !Path::new(SERVER).exists() {
            println!("RabbitMQ is not installed: Pulse is not tested against a broker here");
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let (names_port, port, tls_port) = (free_port(), free_port(), free_port());
        let identity = ca.signs(folder.path(), "127.0.0.1");
        let settings = format!(
            "listeners.ssl.1 = 127.0.0.1:{tls_port}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n",
            identity.certificate.display(),
            identity.key.display(),
        );
        fs::write(folder.path().join("rabbitmq.conf"), settings).expect("it is written");
        let names = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &names_port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("epmd starts");
        let mut broker = Self { folder, names, names_port, server: None, port, tls_port };
        broker.up();
        Some(broker)
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("amqps://guest:guest@127.0.0.1:{}", self.tls_port)
    }

    /// It is there, where it was, and knows nothing of before.
    pub(crate) fn up(&mut self) {
        let home = self.folder.path().join("home");
        // What it knew is gone with its folder, if it had one.
        let _ = fs::remove_dir_all(&home);
        fs::create_dir(&home).expect("a folder in it");
        let distribution = free_port().to_string();
        let server = Command::new(SERVER)
            .env("HOME", &home)
            .env("RABBITMQ_MNESIA_BASE", home.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", home.join("log"))
            .env("RABBITMQ_PID_FILE", home.join("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("plugins"))
            .env("RABBITMQ_CONFIG_FILE", self.folder.path().join("rabbitmq.conf"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", home.join("config"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_NODENAME", format!("test{}@localhost", self.port))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", distribution)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.names_port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("it starts");
        self.server = Some(server);
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("no answer from RabbitMQ");
    }

    /// It is gone, without a word.
    pub(crate) fn down(&mut self) {
        if let Some(mut server) = self.server.take() {
            // The program is a script that starts the broker: both are meant.
            let _ = kill_process_group(Pid::from_child(&server), Signal::KILL);
            let _ = server.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.down();
        let _ = self.names.kill();
        let _ = self.names.wait();
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a free port").port()
}
