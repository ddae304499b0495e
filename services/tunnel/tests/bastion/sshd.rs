//! A real OpenSSH server as a child process on loopback, with keys and configuration of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// An address on loopback that was free a moment ago.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Keys and configuration of a bastion that can be started and stopped.
pub struct Bastion {
    dir: TempDir,
    pub address: SocketAddr,
    running: Option<Child>,
}

impl Bastion {
    /// A bastion that is not running yet, with `extra` lines of sshd_config(5).
    pub fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = free_address();
        for kind in ["ed25519", "ecdsa"] {
            keygen(kind, &dir.path().join(format!("host-{kind}")));
        }
        fs::create_dir(dir.path().join("credential")).unwrap();
        keygen("ed25519", &dir.path().join("credential/private-key"));
        fs::copy(
            dir.path().join("credential/private-key.pub"),
            dir.path().join("authorized_keys"),
        )
        .unwrap();
        let config = format!(
            "ListenAddress {address}\nHostKey {0}/host-ed25519\nHostKey {0}/host-ecdsa\n\
             AuthorizedKeysFile {0}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel DEBUG1\n\
             {extra}\n",
            dir.path().display()
        );
        fs::write(dir.path().join("sshd_config"), config).unwrap();
        Self {
            dir,
            address,
            running: None,
        }
    }

    /// Starts the server and returns when it listens.
    pub fn start(&mut self) {
        if is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let sshd = Command::new("/usr/sbin/sshd")
            .arg("-D")
            .arg("-f")
            .arg(self.dir.path().join("sshd_config"))
            .arg("-E")
            .arg(self.dir.path().join("log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("these tests need sshd: apt-get install openssh-server");
        self.running = Some(sshd);
        let started = std::time::Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            let log = self.log();
            assert!(
                started.elapsed().as_secs() < 10,
                "sshd does not start:\n{log}"
            );
            std::thread::yield_now();
        }
    }

    /// Stops the server and every session it serves.
    pub fn stop(&mut self) {
        if let Some(mut sshd) = self.running.take() {
            kill_tree(sshd.id());
            sshd.wait().unwrap();
        }
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Folder with the private key that may log in.
    pub fn credential(&self) -> PathBuf {
        self.dir.path().join("credential")
    }

    /// A folder with a fresh key of `kind`, which may not log in.
    pub fn other_credential(&self, kind: &str) -> PathBuf {
        let folder = self.dir.path().join(format!("other-{kind}"));
        fs::create_dir(&folder).unwrap();
        keygen(kind, &folder.join("private-key"));
        folder
    }

    /// A known_hosts line with the server's key of `kind`.
    pub fn known_host(&self, kind: &str) -> String {
        let public = self.dir.path().join(format!("host-{kind}.pub"));
        let key = fs::read_to_string(public).unwrap();
        format!("[{}]:{} {key}", self.address.ip(), self.address.port())
    }
}

impl Drop for Bastion {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The user the tests run as, who is also the one who logs in.
pub fn user() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    user() == "root"
}

fn keygen(kind: &str, path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "", "-t", kind, "-f"])
        .arg(path)
        .status()
        .expect("these tests need ssh-keygen: apt-get install openssh-client");
    assert!(made.success());
}

/// Children first: the server does not take its sessions with it.
fn kill_tree(pid: u32) {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        kill_tree(child.parse().unwrap());
    }
    let _may_be_gone = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}
