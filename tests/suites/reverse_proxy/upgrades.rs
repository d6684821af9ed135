//! Connections that go on with another protocol.

use anyhow::ensure;
use e2e::application::Wire;
use e2e::calls::{USER, sign_in};

use super::in_front;

const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n";

pub(super) async fn a_connection_goes_on_with_another_protocol() -> anyhow::Result<()> {
    let (application, mut server) = in_front(&[]).await?;
    let token = sign_in(&mut server.client(), USER).await?.access;
    let text = format!("GET /switch HTTP/1.1\r\nHost: a\r\n{UPGRADE}Authorization: Bearer {token}\r\n\r\n");
    let mut wire = Wire::say(server.address, &text).await?;
    let head = wire.head().await?.to_ascii_lowercase();
    ensure!(head.starts_with("http/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    ensure!(head.contains("connection: upgrade") && !head.contains("keep-alive"), "{head}");
    let asked = application.last()?;
    ensure!(asked.contains("Upgrade: websocket") && asked.contains("Connection: upgrade"), "{asked}");
    ensure!(asked.contains("Sec-Websocket-Key: x") && asked.contains("X-Gatewit-User: "), "{asked}");
    ensure!(wire.line().await? == "welcome");
    for word in ["one", "two"] {
        wire.go_on(&format!("{word}\n")).await?;
        ensure!(wire.line().await? == word);
    }
    wire.go_on("bye\n").await?;
    ensure!(wire.rest().await?.is_empty(), "more came");
    // What does not want to switch says so.
    let text = "GET /switch HTTP/1.1\r\nHost: a\r\n\r\n";
    ensure!(Wire::say(server.address, text).await?.head().await?.starts_with("HTTP/1.1 426"));
    // A server that stops does not wait for those that are open.
    let text = format!("GET /switch HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n");
    let mut open = Wire::say(server.address, &text).await?;
    ensure!(open.head().await?.starts_with("HTTP/1.1 101") && open.line().await? == "welcome");
    server.terminate()?;
    ensure!(server.ended().await?.success(), "{}", server.log());
    ensure!(open.rest().await?.is_empty());
    Ok(())
}

pub(super) async fn http_is_no_other_protocol() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    for protocol in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0"] {
        let text = format!(
            "GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\n\
             HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
        );
        let head = Wire::say(server.address, &text).await?.head().await?;
        ensure!(head.starts_with("HTTP/1.1 426"), "{protocol}: {head}");
        ensure!(!application.last()?.contains("Upgrade") && !application.last()?.contains("Settings"), "{protocol}");
    }
    Ok(())
}

pub(super) async fn silence_ends_an_upgraded_connection() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[("GATEWIT_UPSTREAM_UPGRADED_TIMEOUT", "300ms")]).await?;
    let text = format!("GET /switch HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n");
    let mut wire = Wire::say(server.address, &text).await?;
    ensure!(wire.head().await?.starts_with("HTTP/1.1 101") && wire.line().await? == "welcome");
    ensure!(wire.rest().await?.is_empty(), "nobody said anything");
    Ok(())
}
