//! Gatewit inside of an axum application, beside a route of the application's own.
//!
//! ```console
//! $ PORT=8055 cargo run --release -p gatewit-host --example axum
//! serves on http://127.0.0.1:8055
//! ```
//!
//! Whatever the application has no route for is Gatewit's: `/auth/…`, `/users/me`, `/server/…`, and the answer for paths
//! that nobody knows. Its own routes know who is asking (`/hello`), and may want somebody (`/account`). Settings are read as the
//! `gatewit` binary reads them.

use std::{io::Write, net::SocketAddr};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request},
    middleware,
    routing::get,
};
use gatewit_host::{Config, Gatewit, Person};
use tokio::net::TcpListener;

/// That of the server by itself: requests make many small blocks that live shortly. The C library's does, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, _warnings) = Config::load()?;
    gatewit_host::log::init(&config.log);
    let listener = TcpListener::bind((config.server.host.as_str(), config.server.port)).await?;
    let gatewit = Gatewit::start(config).await?;

    let application = Router::new()
        .route("/hello", get(hello).layer(gatewit.layer()))
        .route("/account", get(account).layer(gatewit.layer().required()))
        .fallback_service(gatewit.service())
        .layer(middleware::map_request(tell_peer));

    let mut out = std::io::stdout();
    if let Some(admin) = gatewit.first_admin() {
        let password = admin.password.as_ref().map_or("from ADMIN_PASSWORD", |password| password.expose());
        writeln!(out, "administrator: {}  password: {password}", admin.email)?;
    }
    writeln!(out, "serves on http://{}", listener.local_addr()?)?;
    axum::serve(listener, application.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    gatewit.close().await;
    Ok(())
}

/// Anybody may come here.
async fn hello(person: Option<Extension<Person>>) -> String {
    let name = person.and_then(|Extension(person)| person.user);
    format!("Hello, {}", name.as_deref().unwrap_or("whoever you are"))
}

/// Only people who are signed in come here.
async fn account(Extension(person): Extension<Person>) -> String {
    format!("You are {}", person.user.unwrap_or_default())
}

/// Hands the address of the client on: Gatewit takes it from the request, wherever an application has it from.
async fn tell_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(peer);
    request
}
