//! In front of an application: the reverse proxy beside nginx, to the same application in the same run, and what proxies ask.
//!
//! The application is an nginx as well, one worker that says one word: nothing is quicker, so the proxies are what is measured.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use e2e::front_proxy::FrontProxy;
use e2e::needs::Skip;

use crate::Pace;
use crate::bare_proxy::BareProxy;
use crate::load::{self, Exchange, Load};
use crate::process::{self, Served};
use crate::seeded::{CHEAP, CONNECTIONS, Seeded, USER, latency, rate, same};
use crate::table::Table;

/// What nginx is not to do under load: give up connections.
const KEPT: &str = "keepalive_requests 1000000000;\nkeepalive_timeout 1h;";

impl Served for FrontProxy {
    fn address(&self) -> SocketAddr {
        FrontProxy::address(self)
    }

    fn id(&self) -> u32 {
        FrontProxy::id(self)
    }

    fn log(&self) -> String {
        FrontProxy::log(self)
    }

    /// That of its workers, too.
    fn processor_time(&self) -> anyhow::Result<Duration> {
        let id = FrontProxy::id(self);
        let workers = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let own = process::processor_time(&format!("/proc/{id}/stat"))?;
        workers
            .split_whitespace()
            .try_fold(own, |sum, worker| Ok(sum + process::processor_time(&format!("/proc/{worker}/stat"))?))
    }
}

/// A request whose answer has no body.
struct Asked(Vec<u8>);

impl Exchange for Asked {
    fn request(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn answer(&mut self, body: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(body.is_empty(), "{}", String::from_utf8_lossy(body));
        Ok(())
    }
}

pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    forward_auth(pace, table)?;
    match proxy(pace, table) {
        Err(error) if error.is::<Skip>() => {
            table.add("reverse proxy beside nginx", format!("absent: {error}"), None, "");
            Ok(())
        }
        measured => measured,
    }
}

fn forward_auth(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let seeded = Seeded::start(&CHEAP)?;
    let grant = seeded.sign_in(USER)?;
    let token = grant["access_token"].as_str().context("no access_token")?;
    let request = load::get_request("/gatewit/forward-auth", Some(token));
    let one = |_| Box::new(Asked(request.clone())) as Box<dyn Exchange>;
    let load = seeded.send((0..CONNECTIONS).map(one).collect(), pace.load)?;
    let target = Some(("≥ 10000/s", load.rate() >= 10_000.0));
    table.add("GET /gatewit/forward-auth, 64 connections", rate(&load), target, latency(&load));
    Ok(())
}

/// Requests for the word, on so many connections.
fn words(served: &impl Served, connections: usize, token: Option<&str>, pace: Pace) -> anyhow::Result<Load> {
    load::run(served, same(&load::get_request("/word", token), "a word", connections), pace.load)
}

fn proxy(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let site = "listen 127.0.0.1:{port} backlog=1024;\nlocation / { default_type text/plain; return 200 'a word'; }";
    let application = FrontProxy::nginx(&format!("{KEPT}\nserver {{ {site} }}"))?;
    let nginx = FrontProxy::nginx_with(
        "auto",
        &format!(
            "{KEPT}\nupstream application {{ server {}; keepalive 128; keepalive_requests 1000000000; }}\n\
             server {{ listen 127.0.0.1:{{port}} backlog=1024; location / {{ proxy_pass http://application; \
             proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; \
             proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }} }}",
            application.address()
        ),
    )?;
    let url = format!("http://{}", application.address());
    let seeded = Seeded::start(&[&CHEAP[..], &[("GATEWIT_UPSTREAM", url.as_str())]].concat())?;
    let gatewit = &seeded.server;

    let bare = BareProxy::start(application.address())?;
    let (mut ours, mut theirs, mut least) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2 {
        theirs.push(words(&nginx, CONNECTIONS, None, pace)?);
        ours.push(words(gatewit, CONNECTIONS, None, pace)?);
        least.push(words(&bare, CONNECTIONS, None, pace)?);
    }
    drop(bare);
    let sum = |loads: &[Load]| loads.iter().map(Load::rate).sum::<f64>();
    let share = sum(&ours) / sum(&theirs);
    let both = |loads: &[Load]| loads.iter().map(rate).collect::<Vec<_>>().join("; ");
    table.add(
        "reverse proxy, 64 connections: share of nginx's requests",
        format!("{share:.2}: {}", both(&ours)),
        Some(("≥ 0.8", share >= 0.8)),
        format!("nginx, as many workers as cores, in turns: {}", both(&theirs)),
    );
    let rates = least.iter().map(|load| format!("{:.0}/s", load.rate())).collect::<Vec<_>>().join("; ");
    table.add(
        "hyper on both sides and nothing between, 64 connections: share of nginx's requests",
        format!("{:.2}: {rates}", sum(&least) / sum(&theirs)),
        None,
        "in turns with the above; each client has its own connection to the application",
    );
    let grant = seeded.sign_in(USER)?;
    let token = grant["access_token"].as_str().context("no access_token")?;
    let known = words(gatewit, CONNECTIONS, Some(token), pace)?;
    table.add("reverse proxy, 64 connections, somebody who is signed in", rate(&known), None, latency(&known));
    let direct = words(&application, 1, None, pace)?.quantile(0.5);
    let through = words(gatewit, 1, None, pace)?.quantile(0.5);
    let beside = words(&nginx, 1, None, pace)?.quantile(0.5);
    let added = through - direct;
    table.add(
        "reverse proxy, one connection: median that it adds",
        format!("{added:.3} ms"),
        Some(("< 0.2 ms", added < 0.2)),
        format!("without: {direct:.3} ms; nginx adds {:.3} ms", beside - direct),
    );
    Ok(())
}
