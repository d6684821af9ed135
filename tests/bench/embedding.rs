//! The server inside of other programs: what a request costs there, beside the same request at the server by itself.
//!
//! The programs are the examples, which the tests sign in to, and for Node a handler and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use e2e::{examples, needs};

use crate::Pace;
use crate::load::Load;
use crate::process::{self, Served as _};
use crate::seeded::{CHEAP, Seeded, USER, megabytes, rate};
use crate::table::Table;

/// Most that a request may cost in a Rust program, and in others, as a multiple of what it costs the server by itself.
const IN_RUST: f64 = 1.10;
const ELSEWHERE: f64 = 1.25;

/// Most bytes by which the memory of a program may have grown between the first run and the last.
const GROWTH: u64 = 8 << 20;

pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let alone = Seeded::start(&CHEAP)?.me(pace, USER)?;
    for name in ["axum", "hyper"] {
        let program = Command::new(process::folder()?.join("examples").join(name));
        inside(pace, table, name, Ok(program), &alone, IN_RUST)?;
    }
    inside(pace, table, "a program in C", in_c(), &alone, ELSEWHERE)?;
    inside(pace, table, "a program in Node", in_node(), &alone, ELSEWHERE)
}

/// What a request costs in a program, and whether its memory stays what it is.
fn inside(
    pace: Pace,
    table: &mut Table,
    name: &str,
    program: anyhow::Result<Command>,
    alone: &Load,
    most: f64,
) -> anyhow::Result<()> {
    let program = match program {
        Ok(program) => program,
        Err(missing) => {
            table.add(&format!("GET /users/me in {name}"), format!("absent: {missing:#}"), None, "");
            return Ok(());
        }
    };
    let seeded = Seeded::inside(program, &CHEAP)?;
    let load = seeded.me(pace, USER)?;
    let ratio = cost(&load) / cost(alone);
    table.add(
        &format!("GET /users/me in {name}: processor time of a request, as a multiple of the server's by itself"),
        format!("{ratio:.2}"),
        Some((&format!("≤ {most:.2}"), ratio <= most)),
        format!("{}; by itself {}", rate(&load), rate(alone)),
    );
    let first = seeded.server.resident()?;
    for _ in 0..3 {
        seeded.me(pace, USER)?;
    }
    let grown = seeded.server.resident()?.saturating_sub(first);
    table.add(
        &format!("resident memory in {name}, grown over three more runs"),
        megabytes(grown),
        Some(("< 8 MB", grown < GROWTH)),
        format!("{} requests each", load.answers),
    );
    Ok(())
}

/// Processor time of a request.
fn cost(load: &Load) -> f64 {
    load.server_cores / load.rate()
}

/// The example in C, compiled as a program is that people are to use.
fn in_c() -> anyhow::Result<Command> {
    let (library, beside) = (built("c")?, process::folder()?);
    let web = needs::debian_root("microhttpd", &["libmicrohttpd-dev", "libmicrohttpd12"])?.join("usr");
    let system = web.join("lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let (program, example) = (beside.join("bench-in-c"), examples::root().join("examples/embedding/c"));
    let mut compiler = Command::new(needs::program("cc")?);
    compiler.args(["-std=c11", "-O2", "-pthread"]).args(["main.c", "server.c"].map(|name| example.join(name)));
    compiler.arg("-I").arg(library.join("include")).arg("-I").arg(web.join("include"));
    compiler.arg("-L").arg(library.join("lib")).arg("-L").arg(&system).args(["-lgatewit", "-lmicrohttpd", "-o"]);
    let output = compiler.arg(&program).output()?;
    ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", std::env::join_paths([library.join("lib"), system])?);
    Ok(command)
}

/// A handler of `node:http` and nothing else.
fn in_node() -> anyhow::Result<Command> {
    let mut command = Command::new(needs::program("node")?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/embedding.mjs"));
    command.env("PACKAGE", built("node")?.join("index.js"));
    Ok(command)
}

/// What a recipe has laid out in the target folder.
fn built(name: &str) -> anyhow::Result<PathBuf> {
    let folder = process::folder()?.parent().context("no target folder")?.join(name);
    ensure!(folder.is_dir(), "{} is missing: `cargo just {name}` lays it out", folder.display());
    Ok(folder)
}
