//! Encryption on the way to providers: whom to trust, and who we are.
//!
//! rustls with *ring*, as everywhere else. Deliberately absent: a way to trust everybody.

use crate::config;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// The certificates of authorities that all providers' certificates are held against.
pub(crate) struct Trust(RootCertStore);

/// What a provider sets differently, as PEM.
#[derive(Default)]
pub(crate) struct OwnTls {
    /// Authorities that are trusted besides.
    pub(crate) authorities: Option<Pem>,
    /// Who we are to this provider.
    pub(crate) certificate: Option<Pem>,
    pub(crate) key: Option<Pem>,
}

/// Text, and how the person wrote the name of its setting.
pub(crate) struct Pem {
    pub(crate) written: String,
    pub(crate) text: String,
}

impl Trust {
    /// The system's authorities, or those of `SSL_CERT_FILE` in their place; and those of `NODE_EXTRA_CA_CERTS`.
    ///
    /// # Errors
    /// A file cannot be read or holds no certificate. The text names the variable.
    pub(crate) fn load(settings: &config::Outbound) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &settings.certificates {
            add_file(&mut roots, "SSL_CERT_FILE", file)?;
        } else {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                tracing::warn!("the system has no certificates of authorities; SSL_CERT_FILE may name some");
            }
        }
        if let Some(file) = &settings.extra_certificates {
            add_file(&mut roots, "NODE_EXTRA_CA_CERTS", file)?;
        }
        Ok(Self(roots))
    }
}

/// Has libraries that bring no cryptography of their own use *ring*, as everything here does. One that a program has chosen
/// already stays.
pub(crate) fn install_provider() {
    // An error means that there is one.
    let _ = ring::default_provider().install_default();
}

/// The certificates of [`Trust`], for clients that keep them in a form of their own. What cannot be used is left out of those of
/// the system, which holds kinds that are not known here.
///
/// # Errors
/// A file cannot be read or holds no certificate. The text names the variable.
pub(crate) fn authorities(settings: &config::Outbound) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = match &settings.certificates {
        Some(file) => of_file("SSL_CERT_FILE", file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    if let Some(file) = &settings.extra_certificates {
        found.extend(of_file("NODE_EXTRA_CA_CERTS", file)?);
    }
    let mut usable = RootCertStore::empty();
    found.retain(|certificate| usable.add(certificate.clone()).is_ok());
    Ok(found)
}

fn of_file(variable: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{variable}: cannot read {}: {error}", file.display()))?;
    certificates(&Pem { written: variable.to_owned(), text })
}

fn add_file(roots: &mut RootCertStore, variable: &str, file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{variable}: cannot read {}: {error}", file.display()))?;
    add(roots, &Pem { written: variable.to_owned(), text })
}

fn add(roots: &mut RootCertStore, pem: &Pem) -> Result<(), String> {
    for certificate in certificates(pem)? {
        // What is there beside a good one may be of a kind that is not known here.
        if let Err(error) = roots.add(certificate) {
            return Err(format!("{}: holds a certificate that cannot be used: {error}", pem.written));
        }
    }
    Ok(())
}

fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.text.as_bytes()).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| format!("{}: holds no certificate in PEM", pem.written))
}

/// What connections of one provider are encrypted with.
pub(crate) fn client(trust: &Trust, own: &OwnTls) -> Result<ClientConfig, String> {
    let mut roots = trust.0.clone();
    if let Some(pem) = &own.authorities {
        add(&mut roots, pem)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let config = match (&own.certificate, &own.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let private = PrivateKeyDer::from_pem_slice(key.text.as_bytes());
            let private = private.map_err(|_| format!("{}: holds no private key in PEM", key.written))?;
            let refused = |error| format!("{}: does not go with its key: {error}", certificate.written);
            builder.with_client_auth_cert(certificates(certificate)?, private).map_err(refused)?
        }
        (Some(one), None) | (None, Some(one)) => {
            return Err(format!("{}: a client certificate needs both a certificate and a key", one.written));
        }
    };
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(settings: &config::Outbound) -> String {
        Trust::load(settings).err().unwrap_or_default()
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let missing = config::Outbound { extra_certificates: Some("/none".into()), ..config::Outbound::default() };
        assert!(told(&missing).starts_with("NODE_EXTRA_CA_CERTS: cannot read /none: "), "{}", told(&missing));
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = config::Outbound { certificates: Some(file.path().to_owned()), ..config::Outbound::default() };
        assert_eq!(told(&empty), "SSL_CERT_FILE: holds no certificate in PEM");
    }

    #[test]
    fn half_of_a_client_certificate_is_refused() {
        let trust = Trust(RootCertStore::empty());
        let pem = || Pem { written: "AUTH_A_CLIENT_HTTP_CERT_FILE".into(), text: "hush".into() };
        let half = OwnTls { certificate: Some(pem()), ..OwnTls::default() };
        assert!(client(&trust, &half).unwrap_err().contains("needs both"));
        let garbage = OwnTls { certificate: Some(pem()), key: Some(pem()), ..OwnTls::default() };
        let told = client(&trust, &garbage).unwrap_err();
        assert!(told.starts_with("AUTH_A_CLIENT_HTTP_CERT_FILE: holds no") && !told.contains("hush"), "{told}");
    }
}
