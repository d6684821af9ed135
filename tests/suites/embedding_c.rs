//! Gatewit in C: the header and the shared library, as `cargo just c` lays them out, in a program of checks and in the example.
//!
//! Both are compiled with the sanitizers of addresses and of undefined behaviour: what is used after it was freed, or never
//! freed, ends them with an error. Without a C compiler the suite is skipped by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use e2e::client::Request;
use e2e::needs::{self, Skip};
use e2e::runner::{Part, Test};
use e2e::server::{self, TestServer};
use e2e::{calls, examples};

use crate::embedding_node;

/// The web server of the example, as Debian has it: what it is compiled with, and what it runs with.
const WEB_SERVER: [&str; 2] = ["libmicrohttpd-dev", "libmicrohttpd12"];

const STRICT: [&str; 8] = [
    "-std=c11",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-pthread",
];

/// The engine catches traps of components by signals of its own, and its slots are memory that is reserved and never used.
const SANITIZER: &str = "handle_segv=0:handle_sigill=0:handle_sigfpe=0:allow_user_segv_handler=1:detect_leaks=1";

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::in_parts("embedding_c", the_library_does_what_it_says),
        Test::in_parts("embedding_c::example", people_sign_in_through_a_program_in_c),
    ]
}

async fn the_library_does_what_it_says() -> anyhow::Result<Vec<Part>> {
    let (library, folder) = (library()?, tempfile::tempdir()?);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/embedding_c/checks.c");
    let program = compiled(&library, &[source], &[], folder.path())?;
    let mut checks = Command::new(program);
    checks.arg(folder.path()).env("CODE_CACHE", folder.path().join("code"));
    environment(&mut checks, &[library.join("lib")])?;
    let output = checks.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = output.spawn().context("running the checks")?;
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let part = |line: &str| {
        let (outcome, rest) = line.split_once(' ')?;
        let (name, why) = rest.split_once(": ").unwrap_or((rest, "it does not hold"));
        let failure = (outcome != "ok").then(|| why.to_owned());
        Some(Part { name: name.to_owned(), failure })
    };
    let mut parts: Vec<_> = told.lines().filter_map(part).collect();
    let failure = (!output.status.success()).then(|| format!("{}: {errors}", output.status));
    parts.push(Part { name: "nothing is used after its end, or left behind".to_owned(), failure });
    Ok(parts)
}

async fn people_sign_in_through_a_program_in_c() -> anyhow::Result<Vec<Part>> {
    let library = library()?;
    let web = needs::debian_root("microhttpd", &WEB_SERVER)?.join("usr");
    let (folder, example) = (tempfile::tempdir()?, examples::root().join("examples/embedding/c"));
    let system = web.join("lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let include = format!("-I{}", web.join("include").display());
    let place = format!("-L{}", system.display());
    let sources = ["main.c", "server.c"].map(|name| example.join(name));
    let program = compiled(&library, &sources, &[&include, &place, "-lmicrohttpd"], folder.path())?;
    let mut command = Command::new(program);
    embedding_node::settings(&mut command, folder.path())?;
    environment(&mut command, &[library.join("lib"), system])?;
    let server = TestServer::run(command, Arc::new(folder)).await?;
    server::seed(&server::database(&server.data.path().join("data"))?).await?;
    own_routes(&server).await?;
    embedding_node::client_signs_in(&server, "C").await
}

/// What is the program's stays the program's, and knows who asks.
async fn own_routes(server: &TestServer) -> anyhow::Result<()> {
    let mut client = server.client();
    let own = client.send(&Request::new("GET", "/")).await?;
    ensure!((own.status, own.text().as_str()) == (200, "Hello from the application"), "{own:?}");
    let nobody = client.send(&Request::new("GET", "/whoami")).await?;
    ensure!(nobody.status == 401 && nobody.json()?["code"] == "INVALID_CREDENTIALS", "{nobody:?}");
    let signed_in = calls::sign_in(&mut client, ("user@example.com", "User-password1")).await?;
    let who = Request::new("GET", "/whoami").header("Authorization", &format!("Bearer {}", signed_in.access));
    let who = client.send(&who).await?;
    ensure!(who.status == 200 && who.json()?["user"] == "850106de-8796-48c0-90f0-bb78f04dfc8a", "{who:?}");
    Ok(())
}

/// A program of these sources with the library.
fn compiled(library: &Path, sources: &[PathBuf], more: &[&str], folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join("program");
    let mut compiler = Command::new(needs::program("cc")?);
    compiler.args(STRICT).arg(format!("-I{}", library.join("include").display())).args(sources);
    compiler.arg(format!("-L{}", library.join("lib").display())).arg("-lgatewit").args(more).arg("-o").arg(&program);
    let output = compiler.output()?;
    ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}

fn environment(command: &mut Command, libraries: &[PathBuf]) -> anyhow::Result<()> {
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?).env("ASAN_OPTIONS", SANITIZER);
    Ok(())
}

/// The library as `cargo just c` lays it out.
fn library() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("GATEWIT_C_LIBRARY").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("c"));
    let folder = named.or_else(beside).context("no path of this test binary")?;
    if folder.join("lib/libgatewit.so").is_file() {
        return Ok(folder);
    }
    Err(Skip(format!("{} is missing: lay it out with `cargo just c`", folder.display())).into())
}
