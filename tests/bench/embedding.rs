//! The server inside of other programs: what a request costs there, beside the same request at the server by itself, in turns,
//! and whether their memory stays what it is over a million requests.
//!
//! The programs are the examples, which the tests sign in to, and for Node and Python a handler and nothing else. Where they are not in
//! Rust they answer a request themselves, too, in Node and Python with as many headers: what language and library take for that is their
//! own and nobody's fault.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use e2e::{examples, needs};

use crate::Pace;
use crate::load::{self, Load, Span};
use crate::process::{self, Served as _};
use crate::seeded::{CHEAP, Seeded, USER, megabytes, rate, sign_ins};
use crate::table::Table;

/// Most that a request may cost in a Rust program, and in others, as a multiple of what it costs the server by itself.
const IN_RUST: f64 = 1.10;
const ELSEWHERE: f64 = 1.25;

/// What the programs in Node and Python answer by themselves.
const BARE: (&str, &str) = ("/bare", "\"id\":\"");

/// Turns of a program and the server by itself: the machine may change its speed between two of them.
const TURNS: u32 = 3;

/// Requests after which a program has all the memory that it is going to need, and those over which it keeps to that.
const SETTLED: usize = 100_000;
const CALLS: usize = 1_000_000;

/// Most bytes by which the memory may have grown over them.
const GROWTH: u64 = 8 << 20;

/// A program with a server in it.
struct Program {
    name: &'static str,
    /// What starts it, or why there is none.
    command: anyhow::Result<Command>,
    /// Most that a request may cost.
    most: f64,
    /// What it answers by itself: a path, and what is in the answer.
    bare: Option<(&'static str, &'static str)>,
}

fn programs() -> anyhow::Result<Vec<Program>> {
    let folder = process::folder()?.join("examples");
    let rust = |name| Program { name, command: Ok(Command::new(folder.join(name))), most: IN_RUST, bare: None };
    let elsewhere = |name, command, bare| Program { name, command, most: ELSEWHERE, bare };
    Ok(vec![
        rust("axum"),
        rust("hyper"),
        elsewhere("a program in C", in_c(), Some(("/", "Hello"))),
        elsewhere("a program in Node", in_node(), Some(BARE)),
        elsewhere("a program in Python", in_python(), Some(BARE)),
    ])
}

/// What is asked of both, from the least work to the most.
struct Work {
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    run: fn(&Seeded, Pace) -> anyhow::Result<Load>,
}

const WORKS: [Work; 3] = [
    Work { name: "GET /users/me", settings: &CHEAP, run: |seeded, pace| seeded.me(pace, USER) },
    Work { name: "POST /auth/refresh", settings: &CHEAP, run: Seeded::refresh },
    Work {
        name: "POST /auth/login, default cost,",
        settings: &[],
        run: |seeded, pace| seeded.send(sign_ins(), pace.load),
    },
];

pub(crate) fn measure(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    let Span { warm_up, measured } = pace.load;
    let pace = Pace { load: Span { warm_up: warm_up / TURNS, measured: measured / TURNS }, ..pace };
    for work in WORKS {
        let alone = Seeded::start(work.settings)?;
        for program in programs()? {
            let what = format!(
                "{} in {}: processor time of a request, as a multiple of the server's by itself",
                work.name, program.name
            );
            match program.command {
                Ok(command) => {
                    let inside = Seeded::inside(command, work.settings)?;
                    let turns = in_turns(pace, &work, (&inside, program.bare), &alone)?;
                    let most = format!("≤ {:.2}", program.most);
                    let ratio = turns.ratio();
                    table.add(&what, format!("{ratio:.2}"), Some((&most, ratio <= program.most)), turns.beside());
                }
                Err(missing) => table.add(&what, format!("absent: {missing:#}"), None, ""),
            }
        }
    }
    Ok(())
}

/// Runs of a program, of the server by itself, and of what the program answers without a server.
#[derive(Default)]
struct Turns {
    inside: Vec<Load>,
    alone: Vec<Load>,
    bare: Vec<Load>,
}

fn in_turns(
    pace: Pace,
    work: &Work,
    (inside, bare): (&Seeded, Option<(&str, &'static str)>),
    alone: &Seeded,
) -> anyhow::Result<Turns> {
    let mut turns = Turns::default();
    for _ in 0..TURNS {
        turns.inside.push((work.run)(inside, pace)?);
        turns.alone.push((work.run)(alone, pace)?);
        if let Some((path, expected)) = bare {
            turns.bare.push(inside.repeat(pace, &load::get_request(path, None), expected)?);
        }
    }
    Ok(turns)
}

impl Turns {
    fn ratio(&self) -> f64 {
        cost(&self.inside) / cost(&self.alone)
    }

    fn beside(&self) -> String {
        let rates = |loads: &[Load]| loads.last().map(rate).unwrap_or_default();
        let rates = format!("{}; by itself {}", rates(&self.inside), rates(&self.alone));
        if self.bare.is_empty() {
            return rates;
        }
        let least = 1.0 + cost(&self.bare) / cost(&self.alone);
        format!("{rates}; with what the program takes to answer anything: {least:.2}")
    }
}

/// Processor time of a request.
fn cost(loads: &[Load]) -> f64 {
    loads.iter().map(|load| load.server_cores / load.rate()).sum()
}

/// Whether memory stays what it is. Takes five minutes, so it is done when it is asked for.
pub(crate) fn soak(pace: Pace, table: &mut Table) -> anyhow::Result<()> {
    for program in programs()? {
        let what =
            format!("resident memory in {}, grown over {CALLS} requests after the first {SETTLED}", program.name);
        match program.command {
            Ok(command) => {
                let seeded = Seeded::inside(command, &CHEAP)?;
                let mut calls = send(pace, &seeded, SETTLED)?;
                let first = seeded.server.resident()?;
                calls += send(pace, &seeded, CALLS / 2)?;
                let middle = seeded.server.resident()?;
                calls += send(pace, &seeded, CALLS / 2)?;
                let last = seeded.server.resident()?;
                let grown = last.saturating_sub(first);
                let (before, late) = (megabytes(first), megabytes(last.saturating_sub(middle)));
                let beside = format!("{before} before; {late} of it in the second half; {calls} requests");
                table.add(&what, megabytes(grown), Some(("< 8 MB", grown < GROWTH)), beside);
            }
            Err(missing) => table.add(&what, format!("absent: {missing:#}"), None, ""),
        }
    }
    Ok(())
}

/// Sends at least so many requests; how many they were.
fn send(pace: Pace, seeded: &Seeded, count: usize) -> anyhow::Result<usize> {
    let mut sent = 0;
    while sent < count {
        sent += seeded.me(pace, USER)?.answers;
    }
    Ok(sent)
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

/// An ASGI application under uvicorn, with the wheel in a folder beside this program.
fn in_python() -> anyhow::Result<Command> {
    let python = needs::program("python3")?;
    let wanted = std::fs::read_to_string(examples::root().join("examples/embedding/fastapi/requirements.txt"))?;
    let framework = needs::python("python-embedding", &wanted.lines().collect::<Vec<_>>())?;
    let site = process::folder()?.join("bench-in-python");
    needs::install_wheel(&built("python")?, &site)?;
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/embedding.py"));
    command.env("PYTHONPATH", std::env::join_paths([site, framework])?);
    Ok(command)
}

/// What a recipe has laid out in the target folder.
fn built(name: &str) -> anyhow::Result<PathBuf> {
    let folder = process::folder()?.parent().context("no target folder")?.join(name);
    ensure!(folder.is_dir(), "{} is missing: `cargo just {name}` lays it out", folder.display());
    Ok(folder)
}
