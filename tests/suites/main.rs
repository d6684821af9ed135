//! All tests that need a server or the source tree, in one binary: each further one would be linked again.
//!
//! `cargo test --release -p e2e --test suites -- [part of a name]…`

mod accounts;
mod adoption;
mod crash;
mod directus;
mod disk;
mod drivers;
mod embedding;
mod faults;
mod graphql;
mod guests;
mod hostile;
mod mail;
mod passwords;
mod postgres;
mod rules;
mod sdk;
mod second_factor;
mod sessions;
mod starts;
mod still;
mod tidy;
mod wire;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // A target folder may be shared between checkouts: say whose server the results are about.
    match e2e::server::binary() {
        Ok(path) => println!("server  {}", path.display()),
        Err(error) => println!("server  {error:#}"),
    }
    // Minutes of compiling, the first time: not beside tests that look at the clock. Where it fails, tests say why.
    if filters.is_empty() || filters.iter().any(|filter| filter.contains("directus")) {
        e2e::directus::install();
    }
    let tests = [
        tidy::tests(),
        world::tests(),
        drivers::tests(),
        rules::tests(),
        wire::tests(),
        accounts::tests(),
        second_factor::tests(),
        sessions::tests(),
        passwords::tests(),
        faults::tests(),
        hostile::tests(),
        graphql::tests(),
        starts::tests(),
        still::tests(),
        disk::tests(),
        postgres::tests(),
        directus::tests(),
        adoption::tests(),
        crash::tests(),
        mail::tests(),
        sdk::tests(),
        embedding::tests(),
    ];
    let tests = tests.into_iter().flatten().collect();
    e2e::runner::run(tests, &filters)
}
