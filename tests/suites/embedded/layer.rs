//! The layer before a program's own routes.

use std::convert::Infallible;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use gatewit_host::{Credentials, Gatewit, Layer, Person};
use http::{Request, Response};
use http_body_util::Full;
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::{ADMIN, Inside, admin, client, start};

/// Asks a route that answers with the id of who asks: status and body.
async fn ask(layer: Layer, request: http::request::Builder) -> anyhow::Result<(u16, String)> {
    let route = tower::service_fn(async |request: Request<()>| {
        let person = request.extensions().get::<Person>();
        let told = person.map_or("nobody", |person| person.user.as_deref().unwrap_or_default()).to_owned();
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(told))))
    });
    let answer = layer.layer(route).call(request.uri("/own").body(())?).await?;
    let status = answer.status().as_u16();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await?.to_bytes();
    Ok((status, String::from_utf8(body.into())?))
}

/// A request with a token.
fn bearing(token: &str) -> http::request::Builder {
    Request::builder().header("Authorization", format!("Bearer {token}"))
}

async fn tokens(gatewit: &Gatewit) -> anyhow::Result<(String, String, String)> {
    let access = gatewit.login(&admin(), &client()).await?.access_token;
    let session = gatewit.login(&Credentials { one_token: true, ..admin() }, &client()).await?.access_token;
    let person = gatewit.verify(&access, &client()).await?;
    Ok((access, session, person.user.context(ADMIN.0)?))
}

pub(crate) async fn a_route_of_the_program_knows_who_asks() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let (access, session, id) = tokens(&gatewit).await?;
    ensure!(ask(gatewit.layer(), Request::builder()).await? == (200, "nobody".to_owned()));
    ensure!(ask(gatewit.layer(), bearing(&access)).await? == (200, id.clone()));
    let cookie = Request::builder().header("Cookie", format!("directus_session_token={session}"));
    ensure!(ask(gatewit.layer(), cookie).await? == (200, id.clone()));

    let (status, told) = ask(gatewit.layer(), bearing(&format!("{access}x"))).await?;
    ensure!(status == 403 && told.contains("INVALID_TOKEN"), "{status} {told}");
    let (status, told) = ask(gatewit.layer(), bearing("nobody's")).await?;
    ensure!(status == 401 && told.contains("INVALID_CREDENTIALS"), "{status} {told}");

    // Whatever stood in the extensions before is nobody we know.
    let planted = gatewit.verify(&access, &client()).await?;
    ensure!(ask(gatewit.layer(), Request::builder().extension(planted)).await? == (200, "nobody".to_owned()));
    gatewit.close().await;
    let (status, told) = ask(gatewit.layer(), bearing(&access)).await?;
    ensure!(status == 503 && told.contains("SERVICE_UNAVAILABLE"), "{status} {told}");
    Ok(())
}

pub(crate) async fn a_layer_may_want_somebody() -> anyhow::Result<()> {
    let Inside { gatewit, data: _data } = start(&[]).await?;
    let (access, _, id) = tokens(&gatewit).await?;
    for layer in [gatewit.layer().required(), gatewit.layer().administrators()] {
        let (status, told) = ask(layer.clone(), Request::builder()).await?;
        ensure!(status == 401 && told.contains("INVALID_CREDENTIALS"), "{status} {told}");
        ensure!(ask(layer, bearing(&access)).await? == (200, id.clone()));
    }
    Ok(())
}
