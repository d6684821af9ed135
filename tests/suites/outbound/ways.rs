//! Ways to a provider: proxies, private authorities, certificates of ours.

use anyhow::{Context as _, ensure};
use e2e::authority::Authority;
use e2e::forward_proxy::ForwardProxy;
use e2e::oidc::free_port;
use e2e::upstream::{Manner, Upstream};

use super::{fetched, with_fetcher};

/// Credentials of a proxy, as a URL writes them and as they are.
const CREDENTIALS: (&str, &str) = ("gate:s3cret", "s3cret");

async fn plain() -> anyhow::Result<Upstream> {
    Upstream::start(|_| Manner::Body("hello".into())).await
}

pub(super) async fn a_proxy_is_used_and_the_hosts_without_are_not() -> anyhow::Result<()> {
    let (proxy, upstream) = (ForwardProxy::start(None).await?, plain().await?);
    let (address, url) = (format!("127.0.0.1:{}", proxy.port), upstream.url("/x"));
    for name in ["HTTP_PROXY", "http_proxy", "GLOBAL_AGENT_HTTP_PROXY", "AUTH_FETCHER_CLIENT_HTTP_PROXY"] {
        let before = proxy.log().matches("GET http://").count();
        let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &url), (name, &address)]).await?;
        let outcomes = fetched(&server, &[&url]).await?;
        ensure!(outcomes[0].starts_with("200 with 5 bytes"), "{name}: {outcomes:?}");
        proxy.logged("GET http://", before + 1).await.context(name)?;
    }
    for name in ["NO_PROXY", "no_proxy", "GLOBAL_AGENT_NO_PROXY", "AUTH_FETCHER_CLIENT_HTTP_NO_PROXY"] {
        let before = proxy.log().matches("GET http://").count();
        let env =
            [("AUTH_FETCHER_SERVICE_URL", url.as_str()), ("HTTP_PROXY", &address), (name, "10.0.0.0/8,127.0.0.1")];
        let (server, _folder) = with_fetcher(&env).await?;
        ensure!(fetched(&server, &[&url]).await?[0].starts_with("200 with 5 bytes"), "{name}");
        ensure!(proxy.log().matches("GET http://").count() == before, "{name}:\n{}", proxy.log());
    }
    Ok(())
}

pub(super) async fn a_tunnel_leads_through_a_proxy() -> anyhow::Result<()> {
    let (proxy, authority) = (ForwardProxy::start(None).await?, Authority::new()?);
    let upstream = Upstream::start_tls(authority.server(false)?, |_| Manner::Body("hello".into())).await?;
    let url = format!("https://localhost:{}/x", upstream.port);
    let (address, file) = (format!("http://127.0.0.1:{}", proxy.port), authority.certificate("authority"));
    let env = [
        ("AUTH_FETCHER_SERVICE_URL", url.as_str()),
        ("HTTPS_PROXY", &address),
        ("NODE_EXTRA_CA_CERTS", &file.display().to_string()),
    ];
    let (server, _folder) = with_fetcher(&env).await?;
    let outcomes = fetched(&server, &[&url, "https://169.254.169.254/", "https://metadata.google.internal/"]).await?;
    ensure!(outcomes[0].starts_with("200 with 5 bytes"), "{outcomes:?}\n{}", server.log());
    ensure!(outcomes[1..].iter().all(|outcome| outcome.starts_with("failed: this server may not")), "{outcomes:?}");
    proxy.logged(&format!("CONNECT localhost:{}", upstream.port), 1).await?;
    let log = proxy.log();
    ensure!(!log.contains("169.254") && !log.contains("metadata"), "{log}");
    Ok(())
}

pub(super) async fn a_proxy_that_is_away_or_wants_credentials_is_told_apart() -> anyhow::Result<()> {
    let (upstream, proxy) = (plain().await?, ForwardProxy::start(Some(("gate", CREDENTIALS.1))).await?);
    let authority = Authority::new()?;
    let encrypted = Upstream::start_tls(authority.server(false)?, |_| Manner::Body("hello".into())).await?;
    let (url, secure) = (upstream.url("/x"), format!("https://localhost:{}/x", encrypted.port));
    let file = authority.certificate("authority").display().to_string();
    let base = [
        ("AUTH_FETCHER_SERVICE_URL", url.as_str()),
        ("AUTH_FETCHER_OTHER_URL", &secure),
        ("AUTH_FETCHER_CLIENT_HTTP_CA_FILE", &file),
    ];
    let away = format!("127.0.0.1:{}", free_port()?);
    let nameless = format!("127.0.0.1:{}", proxy.port);
    let named = format!("http://{}@127.0.0.1:{}", CREDENTIALS.0, proxy.port);
    for (address, expected) in [
        (&away, ["failed: it cannot be reached (the connection was refused)"; 2]),
        (&nameless, ["407 with", "failed: it cannot be reached (the proxy's settings"]),
        (&named, ["200 with 5 bytes", "200 with 5 bytes"]),
    ] {
        let (server, _folder) =
            with_fetcher(&[&base[..], &[("AUTH_FETCHER_CLIENT_HTTP_PROXY", address)]].concat()).await?;
        let outcomes = fetched(&server, &[&url, &secure]).await?;
        for (outcome, expected) in outcomes.iter().zip(expected) {
            ensure!(outcome.starts_with(expected), "{address}: {outcomes:?}\n{}", server.log());
        }
        ensure!(!server.log().contains(CREDENTIALS.1), "{}", server.log());
    }
    Ok(())
}

pub(super) async fn a_proxy_may_speak_tls() -> anyhow::Result<()> {
    let (upstream, proxy, authority) = (plain().await?, ForwardProxy::start(None).await?, Authority::new()?);
    let encrypted = Upstream::start_tls(authority.server(false)?, |_| Manner::Body("hello".into())).await?;
    let (url, secure) = (upstream.url("/x"), format!("https://localhost:{}/x", encrypted.port));
    let port = proxy.behind_tls(authority.server(false)?).await?;
    let file = authority.certificate("authority").display().to_string();
    let address = format!("https://localhost:{port}");
    let env = [
        ("AUTH_FETCHER_SERVICE_URL", url.as_str()),
        ("AUTH_FETCHER_OTHER_URL", &secure),
        ("NODE_EXTRA_CA_CERTS", &file),
        ("AUTH_FETCHER_CLIENT_HTTP_PROXY", &address),
    ];
    let (server, _folder) = with_fetcher(&env).await?;
    let outcomes = fetched(&server, &[&url, &secure]).await?;
    ensure!(outcomes.iter().all(|outcome| outcome.starts_with("200 with 5 bytes")), "{outcomes:?}\n{}", server.log());
    proxy.logged("GET http://", 1).await?;
    proxy.logged("CONNECT localhost", 1).await
}

pub(super) async fn certificates_of_a_private_authority_are_believed_where_it_is_set() -> anyhow::Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let upstream = Upstream::start_tls(authority.server(false)?, |_| Manner::Body("hello".into())).await?;
    let url = format!("https://127.0.0.1:{}/x", upstream.port);
    let (ours, theirs) = (authority.certificate("authority"), stranger.certificate("authority"));
    let (ours, theirs) = (ours.display().to_string(), theirs.display().to_string());
    let trusted = "200 with 5 bytes";
    let untrusted = "failed: it cannot be reached (its certificate is not trusted)";
    for (name, file, expected) in [
        ("NODE_EXTRA_CA_CERTS", &ours, trusted),
        ("SSL_CERT_FILE", &ours, trusted),
        ("AUTH_FETCHER_CLIENT_HTTP_CA_FILE", &ours, trusted),
        ("NODE_EXTRA_CA_CERTS", &theirs, untrusted),
        ("AUTH_FETCHER_NOTE", &theirs, untrusted),
    ] {
        let (server, _folder) = with_fetcher(&[("AUTH_FETCHER_SERVICE_URL", &url), (name, file)]).await?;
        let outcomes = fetched(&server, &[&url]).await?;
        ensure!(outcomes[0].starts_with(expected), "{name}: {outcomes:?}\n{}", server.log());
    }
    Ok(())
}

pub(super) async fn a_client_certificate_is_shown() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let upstream = Upstream::start_tls(authority.server(true)?, |_| Manner::Body("hello".into())).await?;
    let url = format!("https://localhost:{}/x", upstream.port);
    let text = |path: std::path::PathBuf| path.display().to_string();
    let (ca, certificate, key) = (
        text(authority.certificate("authority")),
        text(authority.certificate("client")),
        text(authority.key("client")),
    );
    let base = [("AUTH_FETCHER_SERVICE_URL", url.as_str()), ("AUTH_FETCHER_CLIENT_HTTP_CA_FILE", &ca)];
    let (server, _folder) = with_fetcher(&base).await?;
    let outcomes = fetched(&server, &[&url]).await?;
    ensure!(outcomes[0].starts_with("failed: "), "without one: {outcomes:?}");
    let own =
        [("AUTH_FETCHER_CLIENT_HTTP_CERT_FILE", certificate.as_str()), ("AUTH_FETCHER_CLIENT_HTTP_KEY_FILE", &key)];
    let (server, _folder) = with_fetcher(&[&base[..], &own].concat()).await?;
    let outcomes = fetched(&server, &[&url]).await?;
    ensure!(outcomes[0].starts_with("200 with 5 bytes"), "{outcomes:?}\n{}", server.log());
    Ok(())
}
