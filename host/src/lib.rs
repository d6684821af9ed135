//! host
pub mod config;
mod secret;

pub use secret::Secret;
