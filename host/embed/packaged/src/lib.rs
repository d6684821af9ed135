//! The shared library of `../shared` as the packages for Node and Python have it: with the server's own allocator, as requests
//! make many small blocks that live shortly, and the C library spends a tenth of a request on them.
//!
//! Programs in C get the library without it, because tools that look for leaks see only what the C library hands out, and a
//! context of theirs that is on its way would look lost.

// What it exports is exported here.
use gatewit_embedded as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
