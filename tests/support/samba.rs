//! A real Active Directory for one test: Samba's domain controller, of Debian's packages, on an address of loopback of its own.
//!
//! Its programs and modules look for each other at absolute paths, so they are unpacked into the cache and laid over `/usr` in a
//! mount namespace of the child; nothing is installed, and nobody else sees it. That takes root, and a Debian whose packages
//! fit each other. Deliberately absent: Kerberos, DNS, file shares, a second controller.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::needs::{self, Skip};

/// What is unpacked: Samba, and what a small system does not have of what it needs.
const DEBIAN: [&str; 23] = [
    "samba",
    "samba-ad-dc",
    "samba-ad-provision",
    "samba-common",
    "samba-common-bin",
    "samba-dsdb-modules",
    "samba-libs",
    "samba-vfs-modules",
    "winbind",
    "tdb-tools",
    "python3-samba",
    "python3-ldb",
    "python3-talloc",
    "python3-tdb",
    "python3-dnspython",
    "libldb2",
    "liblmdb0",
    "libpopt0",
    "libtalloc2",
    "libtdb1",
    "libtevent0",
    "libwbclient0",
    "libgpgme11",
];

/// Making a domain takes a quarter of a minute of a processor, which others use as well.
const PATIENCE: Duration = Duration::from_mins(4);

/// The entry that all others are below.
pub const DOMAIN: &str = "DC=ad,DC=example,DC=com";
/// The account that searches, by its principal name, with its password.
pub const SERVICE: (&str, &str) = ("directus@ad.example.com", "directus-pw");

/// A running controller.
pub struct Samba {
    /// Where it listens, at ports 389 and 636.
    pub address: String,
    /// Who has certified it.
    pub authority: Authority,
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    folder: TempDir,
}

impl Drop for Samba {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this process may mount.
fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// An address of loopback that no other process of this test machine has: they differ by their number.
fn own_address() -> String {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.83.{high}.{low}")
}

impl Samba {
    /// Makes a domain and starts its controller.
    pub async fn start() -> anyhow::Result<Self> {
        ensure!(is_root(), Skip("an Active Directory of Samba takes root, to mount its files".into()));
        let unshare = needs::program("unshare")?;
        let root = needs::debian_root("samba", &DEBIAN)?;
        ensure!(
            Path::new("/usr/bin/python3").exists() && root.join("usr/sbin/samba").exists(),
            Skip("there is no Samba of Debian here".into())
        );
        let (address, authority, folder) = (own_address(), Authority::new()?, tempfile::tempdir()?);
        authority.certify_at("controller", &address)?;
        let script = format!(
            "mount -t overlay overlay -o lowerdir='{}':/usr /usr && exec /usr/bin/python3 -W ignore '{}'",
            root.join("usr").display(),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("support/samba.py").display()
        );
        let mut command = Command::new(unshare);
        command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", &script]);
        command.env("FOLDER", folder.path()).env("ADDRESS", &address).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("KEY", authority.key("controller")).env("CERTIFICATE", authority.certificate("controller"));
        command.env("AUTHORITY", authority.certificate("authority"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("errors"))?);
        let mut child = command.spawn().context("starting Samba")?;
        let input = child.stdin.take().context("no standard input")?;
        let lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let answers = follow(lines);
        let mut samba = Self { address, authority, child, input, answers, folder };
        if let Err(error) = samba.answered("ready").await {
            let why = std::fs::read_to_string(samba.folder.path().join("errors")).unwrap_or_default();
            let why = why.lines().last().unwrap_or_default().to_owned();
            return Err(Skip(format!("Samba of Debian does not run here: {error}: {why}")).into());
        }
        Ok(samba)
    }

    async fn answered(&mut self, expected: &str) -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            match self.answers.try_recv() {
                Ok(line) => {
                    ensure!(line == expected, "it says {line}");
                    return Ok(());
                }
                Err(std::sync::mpsc::TryRecvError::Disconnected) => anyhow::bail!("it has ended"),
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
            }
            ensure!(std::time::Instant::now() < deadline, "it does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sets an attribute of somebody in `CN=Users`.
    pub async fn set(&mut self, name: &str, attribute: &str, value: &str) -> anyhow::Result<()> {
        let ldif = format!(
            "dn: CN={name},CN=Users,{DOMAIN}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n"
        );
        writeln!(self.input, "{}", serde_json::Value::from(ldif))?;
        self.input.flush()?;
        self.answered("done").await
    }
}

fn follow(lines: Lines<BufReader<ChildStdout>>) -> Receiver<String> {
    let (told, answers) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    answers
}
