//! What the SDK decides, without a browser.
//!
//! Invariant: pure. Time and chance are parameters, nothing here waits, stores or sends; [`machine::State::step`] says what
//! is to be done, and `web` does it. So what eight tabs do in an hour can be tested in a moment, natively.

pub mod code;
pub mod machine;
pub mod session;
pub mod verdict;
