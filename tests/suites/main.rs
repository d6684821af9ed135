//! All tests that need a server or the source tree, in one binary: each further one would be linked again.
//!
//! `cargo test --release -p e2e --test suites -- [part of a name]…`

mod crash;
mod disk;
mod embedding;
mod faults;
mod guests;
mod passwords;
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
    let tests = [
        tidy::tests(),
        world::tests(),
        wire::tests(),
        second_factor::tests(),
        sessions::tests(),
        passwords::tests(),
        faults::tests(),
        starts::tests(),
        still::tests(),
        disk::tests(),
        crash::tests(),
        sdk::tests(),
        embedding::tests(),
    ];
    let tests = tests.into_iter().flatten().collect();
    e2e::runner::run(tests, &filters)
}
