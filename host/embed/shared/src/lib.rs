//! What Gatewit's packages for other languages have in common, as one shared library: a server on threads of its own,
//! requests as plain parts, and typed calls in JSON.
//!
//! The package of a language (`../node`) is a small crate that loads this library, by way of `../packaged`, and is built without
//! it: what its bindings ask of crates in common would otherwise decide over wasmtime's features. Invariants: nothing waits on
//! the caller's thread, no panic leaves, and what is begun is told its end exactly once. Absent: every language, and what the
//! operations do (`gatewit_host`). The C interface for people is another one: this one is between files of one version.

#[expect(unsafe_code, reason = "a C ABI")]
mod abi;
mod calls;
mod letters;
mod problem;
mod request;
mod server;
mod under_way;
mod variables;
