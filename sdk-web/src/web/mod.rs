//! What is done in the browser: the only place that names `web_sys`.
//!
//! Nothing here waits: futures would be a third of the module. What has to be awaited is handed to JavaScript (`npm/client.js`),
//! which comes back with a call. Everything also runs where there is no page (a worker, Node), without what is not there.

mod channel;
pub mod client;
mod convert;
mod lock;
#[cfg(all(target_arch = "wasm32", not(test)))]
mod runtime;
mod storage;
mod surroundings;
mod tab;
#[cfg(all(target_arch = "wasm32", test))]
mod tests;
