//! The native part of the npm package `gatewit-node`: a server, its requests and its calls as promises.
//!
//! What people call is `npm/index.js`, which makes errors and types of what comes from here; the server is in the shared
//! library of `../shared`, which lies beside this file in the package. Invariant: nothing here waits on the thread of the event
//! loop. Absent: Node's streams and everything that only JavaScript can know.

#[expect(unsafe_code, reason = "the other side of a C ABI, and generated glue of N-API")]
#[expect(
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    reason = "JavaScript calls, and hands over copies"
)]
pub mod glue;
