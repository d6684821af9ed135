//! A private certificate authority for one test, made with `openssl`: certificates for servers on this machine, and for
//! clients.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

use crate::needs;

/// The authority and what it has certified; all of it goes with the value.
pub struct Authority {
    openssl: PathBuf,
    folder: TempDir,
}

impl Authority {
    /// Makes one, with a certificate for a server at `localhost` and 127.0.0.1, and one for a client.
    pub fn new() -> anyhow::Result<Self> {
        let authority = Self { openssl: needs::program("openssl")?, folder: tempfile::tempdir()? };
        authority.certify("authority", "basicConstraints = critical, CA:TRUE", false)?;
        let names = "basicConstraints = critical, CA:FALSE\nsubjectAltName = DNS:localhost, IP:127.0.0.1";
        authority.certify("server", names, true)?;
        authority.certify("client", "basicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth", true)?;
        Ok(authority)
    }

    /// Certifies a server at another address of this machine.
    pub fn certify_at(&self, name: &str, address: &str) -> anyhow::Result<()> {
        self.certify(name, &format!("basicConstraints = critical, CA:FALSE\nsubjectAltName = IP:{address}"), true)
    }

    /// The file of a certificate: `authority`, `server` or `client`.
    #[must_use]
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("pem")
    }

    /// The file of its key.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("key")
    }

    fn certify(&self, name: &str, extensions: &str, is_signed: bool) -> anyhow::Result<()> {
        let request = self.folder.path().join(name).with_extension("request");
        let subject = format!("[subject]\nCN = the {name} of a test\n[extensions]\n{extensions}\n");
        std::fs::write(
            &request,
            format!("[req]\ndistinguished_name = subject\nx509_extensions = extensions\nprompt = no\n{subject}"),
        )?;
        let mut command = Command::new(&self.openssl);
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2", "-config"]).arg(&request);
        command.arg("-keyout").arg(self.key(name)).arg("-out").arg(self.certificate(name));
        if is_signed {
            command.arg("-CA").arg(self.certificate("authority")).arg("-CAkey").arg(self.key("authority"));
        }
        let output = command.output()?;
        ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// A server at `localhost`. `asks`: clients have to show a certificate of this authority.
    pub fn server(&self, asks: bool) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(read(&self.certificate("authority"))?)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(self.key("server")).ok().context("no key")?;
        Ok(builder.with_single_cert(vec![read(&self.certificate("server"))?], key)?)
    }
}

fn read(file: &Path) -> anyhow::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(file).ok().with_context(|| format!("no certificate in {}", file.display()))
}
