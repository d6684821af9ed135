//! The native part of the Python package `gatewit`: a server, its requests and its calls, which end in a call of a function.
//!
//! What people call is in `gatewit/`, which makes futures, coroutines and exceptions of what comes from here; the server is in
//! the shared library of `../shared`, which lies beside this file in the wheel. Invariant: nothing here waits with the lock of
//! the interpreter held; the server's threads take it for as long as it takes to tell the end of a call, and not for answers
//! ([`replies`]). Absent: event loops, and everything that only Python can know.

#[expect(unsafe_code, reason = "the other side of a C ABI, and generated glue of Python")]
pub mod glue;
mod replies;
