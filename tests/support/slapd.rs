//! A real directory for one test: `slapd` of Debian, unpacked without being installed.
//!
//! Its tree has people and groups of every kind that sign-in depends on; see [`TREE`]. Overlays: `memberof`, `ppolicy`.
//! Invariant: it listens on loopback addresses and a socket of its folder only, and ends with the value.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::{needs, oidc::free_port};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);

/// What else the program needs and small systems lack.
const LIBRARIES: [&str; 2] = ["libltdl7", "libwrap0"];

/// The root of the tree.
pub const ROOT: &str = "dc=ldap,dc=example,dc=com";

/// The account that searches, and its password.
pub const SERVICE: (&str, &str) = ("cn=service,dc=ldap,dc=example,dc=com", "service-pw");

/// A running directory.
pub struct Slapd {
    /// Its port without encryption (or with `StartTLS`), on 127.0.0.1.
    pub port: u16,
    /// Its port with TLS.
    pub secure_port: u16,
    /// Its Unix socket.
    pub socket: PathBuf,
    tools: Tools,
    child: Option<Child>,
    folder: TempDir,
}

/// The unpacked package.
struct Tools {
    slapd: PathBuf,
    /// Where its modules and schemas are.
    root: PathBuf,
    libraries: Vec<PathBuf>,
}

impl Tools {
    fn find() -> anyhow::Result<Self> {
        let slapd = needs::debian("slapd", "slapd")?;
        // Installed it is /usr/sbin/slapd, unpacked the same below a folder.
        let root = slapd.ancestors().nth(3).map(Path::to_path_buf).unwrap_or_default();
        let mut libraries = Vec::new();
        if root != Path::new("/") {
            let mut roots = vec![root.clone()];
            for library in LIBRARIES {
                roots.push(needs::unpacked(library)?);
            }
            let place = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
            libraries.extend(roots.iter().map(|root| root.join(&place)));
        }
        Ok(Self { slapd, root, libraries })
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.slapd);
        command.env("LD_LIBRARY_PATH", std::env::join_paths(&self.libraries)?);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }
}

/// How a directory is set up.
#[derive(Default)]
pub struct Options<'a> {
    /// Encryption, with the certificates of this authority.
    pub authority: Option<&'a Authority>,
    /// Clients have to show a certificate of the authority.
    pub asks: bool,
    /// Lines of the configuration before the database.
    pub global: &'a str,
    /// Entries besides those of the tree.
    pub entries: &'a str,
    /// The root of another tree than [`ROOT`]; [`Options::entries`] are all there is in it.
    pub root: Option<&'a str>,
}

impl Slapd {
    /// Starts one with the tree.
    pub async fn start(options: &Options<'_>) -> anyhow::Result<Self> {
        let (tools, folder) = (Tools::find()?, tempfile::tempdir()?);
        let (port, secure_port) = (free_port()?, free_port()?);
        let socket = folder.path().join("ldapi");
        let mut directory = Self { port, secure_port, socket, tools, child: None, folder };
        std::fs::create_dir(directory.folder.path().join("data"))?;
        std::fs::write(directory.path("slapd.conf"), directory.configuration(options))?;
        let tree = if options.root.is_some() { options.entries.to_owned() } else { [TREE, options.entries].join("\n") };
        directory.load(&tree)?;
        directory.run(options.authority.is_some()).await?;
        Ok(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self, options: &Options<'_>) -> String {
        let root = self.tools.root.to_string_lossy().trim_end_matches('/').to_owned();
        let here = self.folder.path().display();
        let mut text =
            format!("modulepath {root}/usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\nmoduleload ppolicy\n");
        for schema in ["core", "cosine", "inetorgperson", "nis"] {
            let _ = writeln!(text, "include {root}/etc/ldap/schema/{schema}.schema");
        }
        text.push_str(SCHEMA);
        if let Some(authority) = options.authority {
            let file = |path: PathBuf| path.display().to_string();
            let _ = writeln!(
                text,
                "TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\nTLSVerifyClient {}",
                file(authority.certificate("authority")),
                file(authority.certificate("server")),
                file(authority.key("server")),
                if options.asks { "demand" } else { "never" },
            );
        }
        text.push_str(options.global);
        let suffix = options.root.unwrap_or(ROOT);
        let _ = writeln!(
            text,
            "\ndatabase mdb\nmaxsize 67108864\nsuffix \"{suffix}\"\nrootdn \"cn=root,{suffix}\"\nrootpw root-pw\ndirectory {here}/data\n\
             index objectClass,cn,uid,member,memberUid eq\ndbnosync\n\
             access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by anonymous auth\n\
             overlay memberof\nmemberof-refint TRUE\noverlay ppolicy\nppolicy_default \"cn=policy,{suffix}\"",
        );
        text
    }

    fn load(&self, ldif: &str) -> anyhow::Result<()> {
        let file = self.path("tree.ldif");
        std::fs::write(&file, ldif)?;
        let mut command = self.tools.command()?;
        command.args(["-Tadd", "-q", "-f"]).arg(self.path("slapd.conf")).arg("-l").arg(&file);
        let output = command.output().context("running slapd -Tadd")?;
        ensure!(output.status.success(), "slapadd: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn run(&mut self, is_encrypted: bool) -> anyhow::Result<()> {
        let socket = self.socket.display().to_string().replace('/', "%2F");
        let mut addresses = format!("ldap://127.0.0.1:{}/ ldapi://{socket}/", self.port);
        if is_encrypted {
            let _ = write!(addresses, " ldaps://127.0.0.1:{}/", self.secure_port);
        }
        let mut command = self.tools.command()?;
        command.stderr(Stdio::null());
        command.arg("-f").arg(self.path("slapd.conf")).arg("-h").arg(addresses).args(["-d", "0"]);
        self.child = Some(command.spawn().context("starting slapd")?);
        let deadline = Instant::now() + START;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || Instant::now() > deadline {
                bail!("slapd does not listen");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Stops it; the tree stays.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, where it was.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop();
        self.run(false).await
    }

    /// Changes the tree as its root: LDIF with `changetype`, while it is stopped for a moment.
    pub async fn change(&mut self, dn: &str, attribute: &str, value: Option<&str>) -> anyhow::Result<()> {
        let mut lines = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n");
        if let Some(value) = value {
            let _ = writeln!(lines, "{attribute}: {value}");
        }
        self.stop();
        let file = self.path("change.ldif");
        std::fs::write(&file, lines)?;
        let mut command = self.tools.command()?;
        command.args(["-Tmodify", "-f"]).arg(self.path("slapd.conf")).arg("-l").arg(&file);
        let output = command.output().context("running slapd -Tmodify")?;
        ensure!(output.status.success(), "slapmodify: {}", String::from_utf8_lossy(&output.stderr));
        self.run(false).await
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Attributes of Active Directory that the tests need.
const SCHEMA: &str = "
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'adUser' AUXILIARY MAY ( userAccountControl $ sAMAccountName ) )
";

/// The tree: people in `ou=people`, groups in `ou=groups`.
pub const TREE: &str = include_str!("../fixtures/ldap/tree.ldif");
