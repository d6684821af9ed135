//! The browser SDK of Gatewit: sign-in, refresh and single sign-on for web apps, as the npm package `gatewit`.
//!
//! | where | what |
//! |---|---|
//! | [`core`](crate::core) | what is decided: pure, tested natively |
//! | `web` | what is done: the only place that names `web_sys` |
//! | `npm/` | what apps import: loads the module, holds calls until it is there, and the types |
//!
//! Invariants: a session ends only when the server or the person ends it; tokens go to the server and to origins that the
//! app names, and nowhere else. In the browser it does without the standard library, whose printing of panics would be a
//! third of the module. Absent: pages, and everything of the server's administration (`fetch` reaches it).
#![cfg_attr(all(target_arch = "wasm32", not(test)), no_std)]

extern crate alloc;

pub mod core;
pub mod web;
