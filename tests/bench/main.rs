//! `cargo just bench`: what the server does on this machine, beside its targets and beside what the machine could do.
//!
//! `bench [--quick] [part of a measurement's name]…`; `--quick` takes two seconds for each measurement. `GATEWIT_BIN`
//! names another server than the one beside this program. A missed target is marked in the table and is no failure: the
//! figures of a busy machine say nothing. What cannot be measured at all is one; what is not installed here (a Directus, a
//! PostgreSQL) is told as absent.

mod bare_proxy;
mod beside;
mod ceiling;
mod embedding;
mod front;
mod ldap;
mod load;
mod process;
mod saml;
mod sandbox;
mod seeded;
mod serving;
mod single_sign_on;
mod swap;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use load::Span;
use table::Table;

/// How long measurements take.
#[derive(Clone, Copy)]
struct Pace {
    /// A run under load.
    load: Span,
    /// Turns of sign-ins and of plain hashing, and how long each is.
    turns: u32,
    turn: Duration,
    /// Calls of a sandbox.
    calls: usize,
}

impl Pace {
    const FULL: Self = Self {
        load: Span { warm_up: Duration::from_secs(2), measured: Duration::from_secs(10) },
        turns: 4,
        turn: Duration::from_secs(5),
        calls: 20_000,
    };
    const QUICK: Self = Self {
        load: Span { warm_up: Duration::from_millis(500), measured: Duration::from_secs(2) },
        turns: 1,
        turn: Duration::from_secs(2),
        calls: 2_000,
    };
}

/// One measurement: its name for the command line, and what adds its figures to the table.
type Measurement = (&'static str, fn(Pace, &mut Table) -> anyhow::Result<()>);

const MEASUREMENTS: [Measurement; 17] = [
    ("sandbox", sandbox::measure),
    ("start", serving::start),
    ("me", serving::me),
    ("log", serving::log),
    ("refresh", serving::refresh),
    ("login", serving::login),
    ("single-sign-on", single_sign_on::measure),
    ("ldap", ldap::measure),
    ("saml", saml::measure),
    ("swap", swap::measure),
    ("publish", swap::publish),
    ("hostile", swap::hostile),
    ("front", front::measure),
    ("postgres", serving::postgres),
    ("embedding", embedding::measure),
    ("soak", embedding::soak),
    ("beside", beside::measure),
];

/// What takes longer than all others together.
const ONLY_IF_ASKED: [&str; 1] = ["soak"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pace = if arguments.iter().any(|argument| argument == "--quick") { Pace::QUICK } else { Pace::FULL };
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let (mut table, mut failed) = (Table::default(), false);
    for (name, measure) in MEASUREMENTS {
        let asked = filters.iter().any(|filter| name.contains(filter.as_str()));
        if asked || (filters.is_empty() && !ONLY_IF_ASKED.contains(&name)) {
            eprintln!("measuring: {name}");
            if let Err(error) = measure(pace, &mut table) {
                eprintln!("{name} could not be measured: {error:#}");
                failed = true;
            }
        }
    }
    println!("{table}");
    println!(
        "Load generator: this program's own, HTTP/1.1 with keep-alive from one thread on the same {} cores; \
         one request at a time on each connection.",
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    );
    println!("Targets missed: {}", table.missed());
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
