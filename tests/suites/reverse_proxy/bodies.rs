//! Bodies on their way: framings, sizes, permissions, and those that break off.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::application::Wire;
use e2e::client::Request;

use super::{get, in_front};

/// Bytes of a large body: more than any machine would want to hold.
const LARGE: usize = 1 << 30;

/// Bytes by which the server may grow under it.
const GROWTH: u64 = 24 << 20;

pub(super) async fn bodies_come_through_in_every_framing() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let mut client = server.client();
    let text = "some text ".repeat(100_000);
    let mirrored = client.send(&Request::new("POST", "/mirror").file("text/plain", text.as_bytes())).await?;
    ensure!(mirrored.status == 200 && mirrored.text() == text, "{} bytes of {}", mirrored.body.len(), text.len());
    ensure!(application.last()?.contains(&format!("Content-Length: {}", text.len())), "{}", application.last()?);
    let chunks = client.send(&get("/chunks")).await?;
    ensure!(chunks.text() == "one,two" && chunks.header("transfer-encoding") == Some("chunked"), "{chunks:?}");
    for method in ["POST", "GET"] {
        let chunked = format!(
            "{method} /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n3\r\n st\r\n0\r\n\r\n"
        );
        let mut wire = Wire::say(server.address, &chunked).await?;
        ensure!(wire.head().await?.starts_with("HTTP/1.1 200"), "{method}");
        let head = application.last()?;
        ensure!(head.contains("Transfer-Encoding: chunked") && !head.contains("Content-Length"), "{head}");
        wire.skip("four st".len()).await?;
    }
    // Those who speak HTTP/1.0 know no pieces.
    let rest = Wire::say(server.address, "GET /chunks HTTP/1.0\r\nHost: a\r\n\r\n").await?.rest().await?;
    ensure!(rest.ends_with("\r\n\r\none,two") && !rest.to_ascii_lowercase().contains("transfer-encoding"), "{rest}");
    // Pieces go on as they come: the first is there before the last is sent.
    let mut wire =
        Wire::say(server.address, "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nfour").await?;
    while application.last()?.contains("/chunks") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    wire.go_on("more").await?;
    ensure!(wire.head().await?.starts_with("HTTP/1.1 200"));
    wire.skip("fourmore".len()).await
}

pub(super) async fn a_body_is_asked_for_only_if_the_application_wants_it() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    let expect =
        |path: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let mut wire = Wire::say(server.address, &expect("/permission")).await?;
    ensure!(wire.head().await?.starts_with("HTTP/1.1 100"));
    ensure!(application.last()?.contains("Expect: 100-continue"), "{}", application.last()?);
    wire.go_on("four").await?;
    ensure!(wire.head().await?.starts_with("HTTP/1.1 200"));
    let mut wire = Wire::say(server.address, &expect("/no-permission")).await?;
    let answer = wire.head().await?;
    ensure!(answer.starts_with("HTTP/1.1 413"), "the body was asked for: {answer}");
    Ok(())
}

pub(super) async fn what_breaks_off_breaks_off_for_the_client() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[("GATEWIT_UPSTREAM_READ_TIMEOUT", "300ms")]).await?;
    for path in ["/short", "/bad-chunk", "/cut-chunk", "/stalls"] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = Wire::say(server.address, &text).await?.rest().await?;
        // What had not left yet when it broke off may be missing, too.
        let begins = answer.is_empty() || answer.starts_with("HTTP/1.1 200");
        ensure!(begins && (path != "/stalls" || answer.ends_with("half")), "{path}: {answer}");
        ensure!(
            !answer.ends_with("0\r\n\r\n") && !answer.contains("Content-Length: 4\r\n"),
            "{path} looks whole: {answer}"
        );
    }
    server.logged("an answer of the application broke off").await?;
    Ok(())
}

/// Resident memory of a process.
fn resident(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

pub(super) async fn large_bodies_take_no_memory() -> anyhow::Result<()> {
    let (_application, server) = in_front(&[]).await?;
    server.client().send(&get("/x")).await?;
    let before = resident(server.id())?;
    let mut wire = Wire::say(server.address, &format!("GET /large?bytes={LARGE} HTTP/1.1\r\nHost: a\r\n\r\n")).await?;
    ensure!(wire.head().await?.contains(&format!("Content-Length: {LARGE}")));
    // Nobody reads for a while, and nothing piles up.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (stalled, mut most) = (resident(server.id())?, 0);
    for _ in 0..8 {
        wire.skip(LARGE / 8).await?;
        most = most.max(resident(server.id())?);
    }
    ensure!(stalled.max(most) < before + GROWTH, "download: {before}, then {stalled} and {most}");

    let head = format!("POST /swallow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {LARGE}\r\n\r\n");
    let mut wire = Wire::say(server.address, &head).await?;
    let piece = "x".repeat(LARGE / 1024);
    for turn in 0..1024 {
        wire.go_on(&piece).await?;
        if turn % 128 == 0 {
            most = most.max(resident(server.id())?);
        }
    }
    ensure!(wire.head().await?.starts_with("HTTP/1.1 200") && wire.line().await? == LARGE.to_string());
    ensure!(most < before + GROWTH, "upload: {before}, then {most}");
    Ok(())
}

pub(super) async fn a_client_that_leaves_ends_its_request() -> anyhow::Result<()> {
    let (application, server) = in_front(&[]).await?;
    for _ in 0..20 {
        let before = application.seen().heads.len();
        let wire = Wire::say(server.address, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await?;
        while application.seen().heads.len() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(wire);
    }
    // None of their connections is held, or used for anybody else.
    let sockets = || -> anyhow::Result<usize> {
        let mut found = 0;
        for entry in std::fs::read_dir(format!("/proc/{}/fd", server.id()))? {
            let target = std::fs::read_link(entry?.path()).unwrap_or_default();
            found += usize::from(target.to_string_lossy().starts_with("socket:"));
        }
        Ok(found)
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while sockets()? > 8 {
        ensure!(std::time::Instant::now() < deadline, "{} sockets are open", sockets()?);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ensure!(server.client().send(&get("/x")).await?.status == 200);
    Ok(())
}
