//! Starts the server, and serves until it is told to stop.

use anyhow::Context as _;
use gatewit_host::{Config, Gatewit, config};
use tokio::{net::TcpListener, signal::unix, task::JoinHandle};

/// Has the components folder looked at whenever somebody says `SIGHUP`, as they do where a watch does not reach.
fn reload_when_told(gatewit: Gatewit) -> std::io::Result<JoinHandle<()>> {
    let mut told = unix::signal(unix::SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        while told.recv().await.is_some() {
            gatewit.reload().await;
        }
    }))
}

pub(super) async fn serve(config: Config) -> anyhow::Result<()> {
    let config::Server { host, port, .. } = &config.server;
    let address = format!("{host}:{port}");
    let listener = TcpListener::bind((host.as_str(), *port)).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}; HOST and PORT say where"))?;
    let gatewit = Gatewit::start(config).await?;
    if let Some(admin) = gatewit.first_admin() {
        let password = admin.password.as_ref().map_or("from ADMIN_PASSWORD", |password| password.expose());
        super::output::tell(&format!("administrator: {}  password: {password}", admin.email));
    }
    // Before it is told: whoever waits for that may say the next moment that it is to stop.
    let mut terminated = unix::signal(unix::SignalKind::terminate())?;
    let mut interrupted = unix::signal(unix::SignalKind::interrupt())?;
    let reloading = reload_when_told(gatewit.clone())?;
    super::output::tell(&format!("gatewit serves on http://{}", listener.local_addr()?));
    let stop = async move {
        tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
    };
    gatewit.serve(listener, stop).await;
    reloading.abort();
    Ok(())
}
