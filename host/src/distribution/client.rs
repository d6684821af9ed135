//! Fetches components from registries and puts them there.
//!
//! By `oci-client`, which knows the protocol and its tokens; proxies and authorities are those of the way to providers.

use super::{
    Failure, Name,
    artifact::{self, Artifact},
    credentials, digest,
};
use crate::{capability::network::tls, config, registry::COMPONENT_BYTES_MAX};
use oci_client::{
    Client, RegistryOperation,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::{IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE},
    secrets::RegistryAuth,
};
use rustls::pki_types::CertificateDer;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

/// What we call ourselves.
const USER_AGENT: &str = concat!("gatewit/", env!("CARGO_PKG_VERSION"));

/// A component that was fetched.
#[derive(Debug)]
pub(crate) struct Pulled {
    /// What it is, by its digest, whatever it was asked for by.
    pub(crate) name: Name,
    pub(crate) wasm: Vec<u8>,
    /// As minisign writes it.
    pub(crate) signature: Option<String>,
}

/// A component that was put into a registry.
#[derive(Debug)]
pub struct Pushed {
    /// Its name by its digest.
    pub name: Name,
}

/// Fetches a component.
///
/// # Errors
/// Why there is none, or none that may be believed.
pub(crate) async fn pull(settings: &config::Oci, outbound: &config::Outbound, name: &Name) -> Result<Pulled, Failure> {
    let (client, auth) = (client(settings, outbound)?, credentials::find(settings, name)?);
    within(settings, name, fetch(&client, &auth, name)).await
}

async fn fetch(client: &Client, auth: &RegistryAuth, name: &Name) -> Result<Pulled, Failure> {
    let failed = |error| Failure::of(error, name);
    let accepted = [OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE];
    let (manifest, _) = client.pull_manifest_raw(&name.0, auth, &accepted).await.map_err(failed)?;
    let found = digest(&manifest);
    if let Some(expected) = name.digest().filter(|expected| *expected != found) {
        return Err(Failure::Digest { expected: expected.to_owned() });
    }
    let Artifact { layer, signature } = artifact::read(&manifest)?;
    let mut wasm = Bounded::default();
    client.pull_blob(&name.0, &layer, &mut wasm).await.map_err(failed)?;
    if digest(&wasm.0) != layer.digest {
        return Err(Failure::Digest { expected: layer.digest });
    }
    Ok(Pulled { name: name.pinned(&found), wasm: wasm.0, signature })
}

/// Puts a component into a registry, with its signature if it has one.
///
/// # Errors
/// Why it is not there.
pub async fn push(
    config: &config::Config,
    name: &Name,
    wasm: Vec<u8>,
    signature: Option<&str>,
) -> Result<Pushed, Failure> {
    if wasm.len() > COMPONENT_BYTES_MAX {
        return Err(Failure::TooLarge(COMPONENT_BYTES_MAX));
    }
    let settings = &config.oci;
    let (client, auth) = (client(settings, &config.outbound)?, credentials::find(settings, name)?);
    within(settings, name, send(&client, &auth, name, wasm, signature)).await
}

async fn send(
    client: &Client,
    auth: &RegistryAuth,
    name: &Name,
    wasm: Vec<u8>,
    signature: Option<&str>,
) -> Result<Pushed, Failure> {
    let failed = |error| Failure::of(error, name);
    let parts = artifact::make(&wasm, signature);
    let pinned = name.pinned(&digest(&parts.manifest));
    client.auth(&name.0, auth, RegistryOperation::Push).await.map_err(failed)?;
    client.push_blob(&name.0, wasm, &parts.layer_digest).await.map_err(failed)?;
    client.push_blob(&name.0, parts.config, &parts.config_digest).await.map_err(failed)?;
    // Under its tag, or where none is said under its digest alone.
    let place = if name.0.tag().is_some() { name } else { &pinned };
    let kind = http::HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE);
    client.push_manifest_raw(&place.0, parts.manifest, kind).await.map_err(failed)?;
    Ok(Pushed { name: pinned })
}

async fn within<T>(
    settings: &config::Oci,
    name: &Name,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let overdue = |_| Failure::Overdue { registry: name.registry().to_owned(), timeout: settings.timeout };
    tokio::time::timeout(settings.timeout, work).await.map_err(overdue)?
}

fn client(settings: &config::Oci, outbound: &config::Outbound) -> Result<Client, Failure> {
    tls::install_provider();
    let authorities = tls::authorities(outbound).map_err(Failure::Setting)?;
    let known = |der: &CertificateDer<'_>| Certificate { encoding: CertificateEncoding::Der, data: der.to_vec() };
    let config = ClientConfig {
        protocol: ClientProtocol::HttpsExcept(settings.plain_http.clone()),
        tls_certs_only: authorities.iter().map(known).collect(),
        platform_resolver: None,
        read_timeout: Some(outbound.read_timeout),
        connect_timeout: Some(outbound.connect_timeout),
        user_agent: USER_AGENT,
        https_proxy: outbound.https_proxy.as_ref().map(|url| url.expose().clone()),
        http_proxy: outbound.http_proxy.as_ref().map(|url| url.expose().clone()),
        no_proxy: Some(outbound.no_proxy.join(",")),
        ..ClientConfig::default()
    };
    let unusable = |error: OciDistributionError| Failure::Setting(format!("the way to registries: {error}"));
    Client::try_from(config).map_err(unusable)
}

/// Takes what a component may have, and not a byte more.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.0.len() + bytes.len() > COMPONENT_BYTES_MAX {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
