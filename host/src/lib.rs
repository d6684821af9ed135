//! host
mod http;
pub mod config;
mod secret;
pub use secret::Secret;
