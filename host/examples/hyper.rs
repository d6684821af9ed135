//! Gatewit inside of a program on plain hyper, beside a route of the program's own.
//!
//! ```console
//! $ PORT=8055 cargo run --release -p gatewit-host --example hyper
//! serves on http://127.0.0.1:8055
//! ```
//!
//! `/whoami` asks by a typed call whose token it is, without HTTP; everything else is Gatewit's.

use std::{convert::Infallible, io::Write, net::SocketAddr};

use gatewit_host::{Body, Client, Config, Gatewit};
use hyper::{Request, Response, body::Incoming, header::AUTHORIZATION, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower_service::Service as _;

/// That of the server by itself: requests make many small blocks that live shortly. The C library's does, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, _warnings) = Config::load()?;
    gatewit_host::log::init(&config.log);
    let listener = TcpListener::bind((config.server.host.as_str(), config.server.port)).await?;
    let gatewit = Gatewit::start(config).await?;
    writeln!(std::io::stdout(), "serves on http://{}", listener.local_addr()?)?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                let gatewit = gatewit.clone();
                let service = service_fn(move |request| answer(gatewit.clone(), request, peer));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                gatewit.close().await;
                return Ok(());
            }
        }
    }
}

async fn answer(
    gatewit: Gatewit,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/whoami" {
        let client = Client { address: Some(peer.ip()), ..Client::default() };
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let told = match gatewit.verify(token, &client).await {
            Ok(person) => format!("You are {}", person.user.unwrap_or_default()),
            Err(refused) => refused.to_string(),
        };
        return Ok(Response::new(Body::whole(told.into())));
    }
    // Where the client is, is for whoever has the connection to say.
    request.extensions_mut().insert(peer);
    gatewit.service().call(request).await
}
